"""Tiles and the proofs made of them, against the plain functions over all leaves."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import Connection, Engine, delete, insert, select, update

from edge.contract import merkle
from repository.ledger import checkpoints, entry, log, proofs, tiles
from repository.ledger.entry import SYSTEM, Entry
from repository.ledger.errors import LedgerError
from repository.ledger.service import Ledger
from repository.ledger.signing import Signer
from repository.store import migrate
from repository.store.engine import open_engine
from repository.store.tables.ledger import ledger_entries, ledger_state, ledger_tiles

ORIGIN = "alpr.example/ledger"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
NOW = datetime(2026, 3, 1, tzinfo=UTC)
ENTRY = Entry("search.run", SYSTEM, NOW, "test")


def written(first: int, last: int, tree: merkle.Frontier) -> Iterator[dict[str, Any]]:
    """Rows of entries as `log.append` writes them; all of it is checked by `verify`."""
    salts = random.Random(first)
    for index in range(first, last):
        body = entry.body(ENTRY, index, salts.randbytes(16))
        leaf = entry.leaf(body)
        tree = tree.append(merkle.leaf_hash(leaf))
        yield {
            "entry_index": index,
            "action": ENTRY.action,
            "user_id": SYSTEM.user_id,
            "agency": SYSTEM.agency,
            "at": NOW,
            "body": body,
            "leaf": leaf,
            "root": tree.root(),
        }


def fill(connection: Connection, size: int) -> list[bytes]:
    """Entries as if they had been there before there were tiles; all leaf hashes."""
    standing = log.state(connection)
    rows = list(written(standing.size, size, standing))
    for row in rows:
        standing = standing.append(merkle.leaf_hash(row["leaf"]))
    connection.execute(insert(ledger_entries), rows)
    state = {"size": size, "frontier": b"".join(standing.hashes)}
    connection.execute(update(ledger_state).values(state))
    return leaf_hashes(connection)


def leaf_hashes(connection: Connection) -> list[bytes]:
    columns = ledger_entries.c
    leaves = connection.scalars(select(columns.leaf).order_by(columns.entry_index))
    return [merkle.leaf_hash(leaf) for leaf in leaves]


class TileModel(RuleBasedStateMachine):
    """The model is the plain list of leaf hashes; the ledger passes the edges of its tiles."""

    start = 254

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.dsn = f"sqlite:///{Path(self.folder.name) / 'ledger.sqlite'}"
        self.engine = open_engine(self.dsn)
        migrate.upgrade(self.engine)
        with self.engine.begin() as connection:
            self.hashes = fill(connection, self.start)
            tiles.rebuild(connection)

    def _append(self, connection: Connection, count: int) -> None:
        for _ in range(count):
            log.append(connection, ENTRY)

    @rule(count=st.sampled_from([1, 2, 3, 255]))
    def append(self, count: int) -> None:
        with self.engine.begin() as connection:
            self._append(connection, count)
            self.hashes = leaf_hashes(connection)

    @rule(count=st.sampled_from([1, 2, 3, 130]))
    def roll_back(self, count: int) -> None:
        with self.engine.connect() as connection, connection.begin() as transaction:
            self._append(connection, count)
            transaction.rollback()

    @rule(count=st.sampled_from([1, 2, 3]))
    def lose_the_connection(self, count: int) -> None:
        connection = self.engine.connect()
        connection.begin()
        self._append(connection, count)
        connection.invalidate()
        connection.close()
        self.engine.dispose()
        self.engine = open_engine(self.dsn)

    @rule(data=st.data())
    def prove(self, data: st.DataObject) -> None:
        size = data.draw(st.integers(1, len(self.hashes)))
        old = data.draw(st.integers(1, size))
        hashes = self.hashes[:size]
        with self.engine.begin() as connection:
            path = tiles.node_hashes(connection, merkle.inclusion_ranges(old - 1, size))
            assert path == merkle.inclusion_proof(hashes, old - 1)
            growth = proofs.consistency_path(connection, old, size)
            assert growth == merkle.consistency_proof(hashes, old)
            assert proofs.root_at(connection, size) == merkle.root(hashes)

    @precondition(lambda self: len(self.hashes) >= tiles.WIDTH)
    @rule(data=st.data())
    def change_a_tile_and_mend_it(self, data: st.DataObject) -> None:
        ledger = Ledger(self.engine, ORIGIN, KEY.public_key(), lambda: NOW)
        columns = ledger_tiles.c
        with self.engine.begin() as connection:
            there = connection.execute(select(columns.level, columns.tile_index)).all()
            level, index = data.draw(st.sampled_from(sorted(tuple(each) for each in there)))
            which = (columns.level == level) & (columns.tile_index == index)
            changed = bytearray(connection.scalar(select(columns.hashes).where(which)) or b"")
            changed[data.draw(st.integers(0, len(changed) - 1))] ^= data.draw(st.integers(1, 255))
            connection.execute(update(ledger_tiles).where(which).values(hashes=bytes(changed)))
        verdict = ledger.verify()
        assert verdict.problem is not None
        assert verdict.problem.startswith(f"tile {level}/{index} ")
        ledger.mend_tiles(SYSTEM, "test")
        with self.engine.begin() as connection:
            self.hashes = leaf_hashes(connection)

    @invariant()
    def it_is_whole(self) -> None:
        assert Ledger(self.engine, ORIGIN, KEY.public_key(), lambda: NOW).verify().ok

    def teardown(self) -> None:
        self.engine.dispose()
        self.folder.cleanup()


TestTileModel = pytest.mark.policy("C-4c")(TileModel.TestCase)
TestTileModel.settings = settings(max_examples=4, stateful_step_count=6, deadline=None)


def test_three_levels_of_tiles_are_those_of_the_plain_tree() -> None:
    """Without a database, which so many entries would keep busy for long."""
    size = 256 * 256 + 3 * 256 + 7
    hashes = [number.to_bytes(32, "big") for number in range(size)]
    builder = tiles.Builder()
    made = [tile for hashed in hashes for tile in builder.add(hashed)] + builder.growing()
    by_place = {(tile.level, tile.index): tile.hashes for tile in made}
    assert [builder.count(level) for level in range(4)] == [259, 2, 1, 0]
    assert len(by_place) == 262
    assert by_place[0, 258] == b"".join(hashes[258 * 256 : 259 * 256])
    assert by_place[1, 1][32:64] == merkle.root(hashes[257 * 256 : 258 * 256])
    assert by_place[2, 0] == merkle.root(hashes[: 256 * 256])


@pytest.mark.parametrize("size", [0, 255, 256, 600])
def test_the_migration_makes_the_tiles_of_a_filled_ledger(dsn: str, size: int) -> None:
    engine = open_engine(dsn)
    with engine.begin() as connection:
        config = migrate._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0011")
        if size:
            fill(connection, size)
    migrate.upgrade(engine)
    with engine.begin() as connection:
        found = connection.scalar(sa.select(sa.func.count()).select_from(ledger_tiles))
        log.append(connection, ENTRY)
    assert found == (size // 256) + (size >= 256)
    assert Ledger(engine, ORIGIN, KEY.public_key(), lambda: NOW).verify().ok
    engine.dispose()


@pytest.fixture
def ledger(engine: Engine) -> Ledger:
    """767 entries under a checkpoint: the next one fills a tile."""
    built = Ledger(engine, ORIGIN, KEY.public_key(), lambda: NOW)
    with engine.begin() as connection:
        fill(connection, 767)
        tiles.rebuild(connection)
    Signer(built, KEY).sign_checkpoint()
    return built


def tile(level: int, index: int) -> Any:
    return (ledger_tiles.c.level == level) & (ledger_tiles.c.tile_index == index)


@pytest.mark.policy("C-4c")
def test_a_proof_from_a_changed_tile_is_not_shown(ledger: Ledger) -> None:
    ledger.prove_entry(3, SYSTEM, "test")
    with ledger.engine.begin() as connection:
        values = {"hashes": bytes(256 * 32)}
        connection.execute(update(ledger_tiles).where(tile(0, 0)).values(values))
    with pytest.raises(LedgerError, match=r"no proof can be shown: entry 3: .*another root"):
        ledger.prove_entry(3, SYSTEM, "test")
    with pytest.raises(LedgerError, match="no proof can be shown: sizes 3 and 767"):
        ledger.prove_growth(3)
    ledger.prove_entry(300, SYSTEM, "test")


@pytest.mark.policy("C-4c")
def test_a_proof_of_a_changed_entry_is_not_shown(ledger: Ledger) -> None:
    with ledger.engine.begin() as connection:
        columns = ledger_entries.c
        row = connection.execute(select(ledger_entries).where(columns.entry_index == 4)).one()
        for index, body in ((4, b"{}"), (5, row.body)):
            values = {"body": body, "leaf": row.leaf}
            where = columns.entry_index == index
            connection.execute(update(ledger_entries).where(where).values(values))
    for index in (4, 5):
        with pytest.raises(LedgerError, match=f"no proof can be shown: entry {index}"):
            ledger.prove_entry(index, SYSTEM, "test")


@pytest.mark.policy("C-4c")
@pytest.mark.parametrize(
    ("level", "index", "hashes", "problem"),
    [
        (0, 1, None, "tile 0/1 (of the entries from 256): missing"),
        (1, 0, None, "tile 1/0 (of the entries from 0): missing"),
        (1, 0, bytes(32), "tile 1/0 (of the entries from 0): its hashes are not"),
        (0, 2, bytes(32), "tile 0/2: the ledger's tree has none such"),
        (0, -1, bytes(32), "tile 0/-1: the ledger's tree has none such"),
        (3, 0, bytes(32), "tile 3/0: the ledger's tree has none such"),
    ],
    ids=["lost", "lost above", "changed", "early", "below zero", "too high"],
)
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_the_wrong_tile_is_named_and_stops_no_append(
    ledger: Ledger, level: int, index: int, hashes: bytes | None, problem: str
) -> None:
    with ledger.engine.begin() as connection:
        connection.execute(delete(ledger_tiles).where(tile(level, index)))
        if hashes is not None:
            values = {"level": level, "tile_index": index, "hashes": hashes}
            connection.execute(insert(ledger_tiles).values(values))
    found = ledger.verify().problem
    assert found is not None
    assert found.startswith(problem)
    with ledger.engine.begin() as connection:
        log.append(connection, ENTRY)
    ledger.mend_tiles(SYSTEM, "test")
    assert ledger.verify().ok


def test_a_wrong_entry_is_told_before_a_wrong_tile(ledger: Ledger) -> None:
    with ledger.engine.begin() as connection:
        connection.execute(delete(ledger_tiles))
        where = ledger_entries.c.entry_index == 500
        connection.execute(update(ledger_entries).where(where).values(agency="x"))
    assert ledger.verify().first_wrong == 500


def test_progress_is_told(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("repository.ledger.verify._TELL_EVERY", 200)
    with engine.begin() as connection:
        fill(connection, 500)
        tiles.rebuild(connection)
    told: list[int] = []
    assert Ledger(engine, ORIGIN, KEY.public_key(), lambda: NOW).verify(progress=told.append).ok
    assert told == [200, 400]


def test_a_proof_is_checked_under_the_signature_and_not_beside_it(ledger: Ledger) -> None:
    note = ledger.latest_checkpoint()
    assert note is not None
    signed = checkpoints.open_note(note, ORIGIN, KEY.public_key())
    with ledger.engine.begin() as connection:
        wrong = replace(signed, root=bytes(32))
        with pytest.raises(LedgerError, match="no proof"):
            proofs.inclusion(connection, 3, note, wrong)
        with pytest.raises(LedgerError, match="no proof"):
            proofs.consistency(connection, 3, note, wrong)
