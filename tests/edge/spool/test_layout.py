"""A filled spool of an older layout opens, and everything in it goes up as it would have."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.contract.batch import verify_batch_root, verify_batch_signature
from edge.contract.records import Hit, Malfunction, Read, decode_record
from edge.spool import layout
from edge.spool.errors import SpoolError
from edge.spool.store import Counts, Spool
from tests.edge.spool.samples import (
    UNIT_KEY,
    by_digest,
    malfunction,
    picture_bytes,
    read_with,
    receipt,
    sha256,
)

OpenSpool = Callable[..., Spool]
LAYOUT_1 = Path(__file__).with_name("layout1") / "spool.sqlite"
"""Written by the first layout's software: a read and its hit, receipted, their picture waiting;
a read and its hit in a sealed batch, with a place; a malfunction in no batch."""

SCHEMA_ON_ONE_PAGE = 13
"""A leaf of a table's tree (SQLite's file format, section 1.6)."""


@pytest.fixture
def old(tmp_path: Path) -> Path:
    (tmp_path / "spool").mkdir(mode=0o700)
    return Path(shutil.copy(LAYOUT_1, tmp_path / "spool"))


def test_a_filled_spool_of_layout_1_is_upgraded_with_everything_in_it(
    old: Path, open_spool: OpenSpool
) -> None:
    for _ in range(2):
        spool = open_spool()
        assert spool.counts() == Counts(5, 2, 0, 3, 1, 2)
        assert spool.place_in("folder") == "7QXZ31.jpg"
        (waiting,) = spool.waiting_pictures(9)
        assert {waiting.sha256: waiting.content} == by_digest(picture_bytes(1))
        spool.close()
    spool = open_spool()
    content = picture_bytes(3)
    spool.add([read_with(content), malfunction], by_digest(content))
    sealed = spool.seal(UNIT_KEY)
    assert sealed is not None
    before, after = spool.unreceipted_batches(9)
    assert after == sealed
    for batch in (before, after):
        verify_batch_signature(batch, UNIT_KEY.public_key())
        verify_batch_root(batch)
    assert after.previous_root == before.root
    records = [decode_record(bytes(raw)) for batch in (before, after) for raw in batch.records]
    assert [type(record) for record in records] == [Read, Hit, Malfunction, Read, Malfunction]
    held = [sha256(picture_bytes(number)) for number in (1, 2, 3)]
    spool.acknowledge(receipt(7, after.root, held=held))
    assert spool.counts() == Counts(7, 7, 0, 0, 0, 0)


def test_an_upgrade_that_breaks_off_leaves_the_old_layout_whole(
    old: Path, open_spool: OpenSpool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        layout, "FROM_LAYOUT_1", (*layout.FROM_LAYOUT_1[:-1], "INSERT INTO records VALUES (1)")
    )
    with pytest.raises(SpoolError, match="cannot be used"):
        open_spool()
    monkeypatch.undo()
    with sqlite3.connect(old) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    connection.close()
    assert open_spool().counts() == Counts(5, 2, 0, 3, 1, 2)


def test_an_upgraded_spool_has_the_tables_of_a_new_one(
    old: Path, open_spool: OpenSpool, tmp_path: Path
) -> None:
    open_spool().close()
    open_spool(folder=tmp_path / "new").close()
    new = tmp_path / "new" / "spool.sqlite"
    assert _columns(old) == _columns(new)
    assert _indexes(old) == _indexes(new)


def test_a_spool_of_before_gets_the_indexes_that_it_has_not(
    open_spool: OpenSpool, tmp_path: Path
) -> None:
    spool = open_spool()
    path = tmp_path / "spool" / "spool.sqlite"
    whole = _indexes(path)
    for index in ("record_keys", "picture_keys"):
        spool._connection.execute(f"DROP INDEX {index}")
    spool.close()
    open_spool().close()
    assert _indexes(path) == whole


def test_the_first_page_of_which_there_is_a_copy_describes_every_table(
    old: Path, open_spool: OpenSpool, tmp_path: Path
) -> None:
    open_spool().close()
    open_spool(folder=tmp_path / "new").close()
    for path in (old, tmp_path / "new" / "spool.sqlite"):
        assert path.read_bytes()[100] == SCHEMA_ON_ONE_PAGE


def _indexes(path: Path) -> set[str]:
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'index'").fetchall()
    connection.close()
    return {name for (name,) in rows}


def _columns(path: Path) -> dict[str, list[tuple[object, ...]]]:
    connection = sqlite3.connect(path)
    tables = connection.execute(
        "SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name"
    ).fetchall()
    columns = {
        name: connection.execute(f"PRAGMA table_xinfo({name})").fetchall() for (name,) in tables
    }
    connection.close()
    return columns
