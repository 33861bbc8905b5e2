"""Measure the ledger: durable entries a second, and proofs out of a large one.

What is measured, over SQLite and over a PostgreSQL of its own (or that of `--dsn`):

- `entries_per_s`: entries appended one a transaction, each durable before the next begins, the
  slower of the two databases; `entries_per_s_sqlite` and `entries_per_s_postgresql` are each one's,
  as the ledger stands after it was filled.
- `commits_per_s_sqlite`, `commits_per_s_postgresql`: the peer, a bare INSERT of a row as large and
  its COMMIT, through the same driver on the same disk; `fsyncs_per_s_*`: a write of as many bytes
  to a file and its fsync. All take turns, so that a busy disk meets them alike.
- `grouped_per_s_*`: entries a second where each transaction appends ten.
- `proof_p50_ms`, `proof_p95_ms`: proving an entry under the newest checkpoint and checking the
  proof against its root, in a transaction of its own, the slower of the two databases;
  `consistency_p95_ms` the same for the growth from an older size. Entries and sizes are random.
- `verify_entries_per_s_*`: how fast `ledger verify` reads; left out where there are more entries
  than `--verify`, since it reads them all.

The ledger is filled with rows and tiles written in bulk, not through `log.append`: small entries,
each with its true body, leaf, root and place in the tree, so that `ledger verify` finds it whole.
"""

from __future__ import annotations

import json
import os
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from typing import Any

import click
import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Engine, insert, text, update

from benches._postgresql import postgresql
from edge.contract import merkle
from repository.ledger import checkpoints, entry, log, proofs, tiles
from repository.ledger.checkpoints import Checkpoint
from repository.ledger.entry import JSON, Actor, Entry
from repository.ledger.service import Ledger
from repository.store.engine import open_engine, reading
from repository.store.migrate import upgrade
from repository.store.tables.ledger import ledger_checkpoints, ledger_state

EXAMPLE = "Example: scripts/bench ledger --entries 1000000 --json"
ORIGIN = "bench.example/ledger"
ACTOR = Actor("u-1", "jdoe", "Jane Doe", "northfield-pd")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ROWS_AT_ONCE = 5_000
ROUNDS = 5
GROUP = 10

Figures = dict[str, Any]


@click.command(epilog=EXAMPLE, help="\b\n" + (__doc__ or "").replace("\n\n", "\n\n\b\n"))
@click.option("--entries", type=click.IntRange(1000), default=10_000_000, show_default=True)
@click.option("--appends", type=click.IntRange(50), default=2000, show_default=True)
@click.option("--proofs", "proven", type=click.IntRange(20), default=2000, show_default=True)
@click.option("--verify", "verified", type=click.IntRange(0), default=1_000_000, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), help="Where to work.")
@click.option("--dsn", help="Address of an empty PostgreSQL database.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def main(
    entries: int,
    appends: int,
    proven: int,
    verified: int,
    seed: int,
    folder: Path | None,
    dsn: str | None,
    as_json: bool,
) -> None:
    """Fill both databases, measure one after the other, and print the figures."""
    figures: Figures = {"entries": entries}
    with ExitStack() as stack:
        working = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=folder)))
        address = dsn or stack.enter_context(postgresql())
        engines = {
            "sqlite": open_engine(f"sqlite:///{working / 'ledger.sqlite'}"),
            "postgresql": open_engine(address),
        }
        key = Ed25519PrivateKey.generate()
        started = time.monotonic()
        fill(list(engines.values()), entries, seed, key)
        figures["fill_s"] = round(time.monotonic() - started, 1)
        _say(f"both filled with {entries} entries in {figures['fill_s']} s")
        for kind, engine in engines.items():
            figures |= measure(
                engine, kind, key, entries <= verified, appends, proven, seed, working
            )
            engine.dispose()
    kinds = ("sqlite", "postgresql")
    figures["entries_per_s"] = min(figures[f"entries_per_s_{kind}"] for kind in kinds)
    for name in ("proof_p50_ms", "proof_p95_ms", "consistency_p95_ms"):
        figures[name] = max(figures[f"{name}_{kind}"] for kind in kinds)
    if as_json:
        click.echo(json.dumps(figures))
        return
    for name, value in figures.items():
        click.echo(f"{name:<32} {value}")


def measure(
    engine: Engine,
    kind: str,
    key: Ed25519PrivateKey,
    verified: bool,
    appends: int,
    proven: int,
    seed: int,
    folder: Path,
) -> Figures:
    """One database's figures."""
    figures = prove(engine, proven, seed)
    _say(f"{kind}: proof p95 {figures['proof_p95_ms']} ms")
    figures |= append(engine, kind, appends, folder)
    _say(f"{kind}: {figures['entries_per_s']} entries/s, bare {figures['commits_per_s']}/s")
    if verified:
        started = time.monotonic()
        verdict = Ledger(engine, ORIGIN, key.public_key(), lambda: NOW).verify()
        if not verdict.ok:
            raise click.ClickException(f"the filled ledger is not whole: {verdict.problem}")
        figures["verify_entries_per_s"] = round(verdict.size / (time.monotonic() - started))
    return {f"{name}_{kind}": value for name, value in figures.items()}


def fill(engines: Sequence[Engine], entries: int, seed: int, key: Ed25519PrivateKey) -> None:
    """Write rows, tiles, state and one checkpoint over all, in bulk, into each alike."""
    for engine in engines:
        upgrade(engine)
    tree, builder = merkle.Frontier(), tiles.Builder()
    salts = random.Random(seed)  # noqa: S311 - a bench's salts are to be the same again
    for first in range(0, entries, ROWS_AT_ONCE):
        rows, made = [], list[tiles.Tile]()
        for index in range(first, min(first + ROWS_AT_ONCE, entries)):
            body = _body(index, salts)
            leaf = entry.leaf(body)
            hashed = merkle.leaf_hash(leaf)
            tree = tree.append(hashed)
            made += builder.add(hashed)
            rows.append((index, body, leaf, tree.root()))
        for engine in engines:
            with engine.begin() as connection:
                _write(connection, rows)
                tiles.store(connection, made)
        if first and first % 500_000 == 0:
            _say(f"{first} entries written")
    frontier = b"".join(tree.hashes)
    note = checkpoints.sign(Checkpoint(ORIGIN, entries, tree.root()), key)
    for engine in engines:
        with engine.begin() as connection:
            tiles.store(connection, builder.growing())
            connection.execute(update(ledger_state).values(size=entries, frontier=frontier))
            connection.execute(
                insert(ledger_checkpoints).values(
                    size=entries, root=tree.root(), frontier=frontier, note=note, issued_at=NOW
                )
            )
        if engine.dialect.name == "postgresql":
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("VACUUM ANALYZE ledger_entries, ledger_tiles"))
                connection.execute(text("CHECKPOINT"))


def _write(connection: Connection, rows: Sequence[tuple[int, bytes, bytes, bytes]]) -> None:
    """Rows as `log.append` writes them, past what SQLAlchemy does for each."""
    same = ("search.run", ACTOR.user_id, ACTOR.agency)
    columns = "entry_index, action, user_id, agency, at, body, leaf, root"
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        at = f"{NOW:%Y-%m-%d %H:%M:%S.%f}"
        driver.executemany(
            f"INSERT INTO ledger_entries ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            [(index, *same, at, *rest) for index, *rest in rows],
        )
        return
    statement = f"COPY ledger_entries ({columns}) FROM STDIN (FORMAT BINARY)"
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(["int8", "varchar", "varchar", "varchar", "timestamptz", *["bytea"] * 3])
        for index, *rest in rows:
            copy.write_row((index, *same, NOW, *rest))


def prove(engine: Engine, proven: int, seed: int) -> Figures:
    """Proofs of random entries and from random sizes."""
    chance = random.Random(seed)  # noqa: S311 - as above
    with reading(engine) as connection:
        note = checkpoints.latest(connection) or ""
        size = log.state(connection).size
        signed = Checkpoint(ORIGIN, size, log.state(connection).root())
    single, growth = [], []
    for _ in range(proven):
        index, old = chance.randrange(size), chance.randrange(1, size + 1)
        started = time.perf_counter()
        with reading(engine) as connection:
            proofs.inclusion(connection, index, note, signed)
        middle = time.perf_counter()
        with reading(engine) as connection:
            proofs.consistency(connection, old, note, signed)
        single.append((middle - started) * 1000)
        growth.append((time.perf_counter() - middle) * 1000)
    return {
        "proof_p50_ms": round(quantiles(single, n=20)[9], 2),
        "proof_p95_ms": round(quantiles(single, n=20)[18], 2),
        "consistency_p95_ms": round(quantiles(growth, n=20)[18], 2),
    }


def append(engine: Engine, kind: str, appends: int, folder: Path) -> Figures:
    """Entries, bare commits and bare fsyncs in turns of the same length."""
    payload = entry.body(_entry(0), 0, bytes(entry.SALT_BYTES)) + bytes(64)
    each = max(10, appends // ROUNDS)
    work: dict[str, Callable[[int], None]] = {
        "entries_per_s": lambda count: _append(engine, count, 1),
        "grouped_per_s": lambda count: _append(engine, count, GROUP),
        "fsyncs_per_s": lambda count: _sync(folder / "synced", payload, count),
    }
    spent = dict.fromkeys((*work, "commits_per_s"), 0.0)
    with ExitStack() as stack:
        commits = stack.enter_context(_bare(engine, kind, folder))
        work["commits_per_s"] = lambda count: _commit(commits, payload, count)
        for _ in range(ROUNDS):
            for name, run in work.items():
                started = time.perf_counter()
                run(each)
                spent[name] += time.perf_counter() - started
    return {name: round(ROUNDS * each / seconds) for name, seconds in spent.items()}


def _append(engine: Engine, count: int, group: int) -> None:
    for first in range(0, count, group):
        with engine.begin() as connection:
            for number in range(first, min(first + group, count)):
                log.append(connection, _entry(number))


def _sync(path: Path, payload: bytes, count: int) -> None:
    with path.open("ab", buffering=0) as file:
        for _ in range(count):
            file.write(payload)
            os.fsync(file.fileno())


class _Bare:
    """A table with an index and nothing else, as durable as the ledger's."""

    def __init__(self, insert_row: Callable[[bytes], None], close: Callable[[], None]) -> None:
        self.insert_row = insert_row
        self._close = close

    def __enter__(self) -> _Bare:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()


def _bare(engine: Engine, kind: str, folder: Path) -> _Bare:
    create = "CREATE TABLE bare (id INTEGER PRIMARY KEY, body {})"
    numbers: Iterator[int] = iter(range(1, sys.maxsize))
    if kind == "sqlite":
        plain = sqlite3.connect(folder / "bare.sqlite", isolation_level=None)
        plain.execute("PRAGMA journal_mode = WAL")
        plain.execute("PRAGMA synchronous = FULL")
        plain.execute(create.format("BLOB"))

        def insert_plain(payload: bytes) -> None:
            plain.execute("BEGIN IMMEDIATE")
            plain.execute("INSERT INTO bare VALUES (?, ?)", (next(numbers), payload))
            plain.execute("COMMIT")

        return _Bare(insert_plain, plain.close)
    address = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    connection = psycopg.connect(address)
    connection.execute(create.format("BYTEA").encode())
    connection.commit()

    def insert_row(payload: bytes) -> None:
        connection.execute(b"INSERT INTO bare VALUES (%s, %s)", (next(numbers), payload))
        connection.commit()

    return _Bare(insert_row, connection.close)


def _commit(bare: _Bare, payload: bytes, count: int) -> None:
    for _ in range(count):
        bare.insert_row(payload)


def _entry(number: int) -> Entry:
    asked: dict[str, JSON] = {"plate": "1ABC23", "purpose": "criminal_investigation", "n": number}
    return Entry("search.run", ACTOR, NOW, "10.0.0.7", asked, count=3)


_FILLED = entry.body(Entry("search.run", ACTOR, NOW, "10.0.0.7"), 0, bytes(entry.SALT_BYTES))
_BEFORE, _AFTER = _FILLED.split(b'"index":0,')
_NO_SALT = bytes(entry.SALT_BYTES).hex().encode()


def _body(index: int, salts: random.Random) -> bytes:
    """The canonical body of that entry, without the cost of encoding it anew each time."""
    salt = salts.randbytes(entry.SALT_BYTES).hex().encode()
    return _BEFORE + b'"index":%d,' % index + _AFTER.replace(_NO_SALT, salt)


def _say(text_: str) -> None:
    print(text_, file=sys.stderr)


if __name__ == "__main__":
    main(prog_name="scripts/bench ledger")
