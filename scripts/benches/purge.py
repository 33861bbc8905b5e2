"""How long the purge of a whole day takes, beside a plain DELETE of the same rows.

A PostgreSQL of its own (or `--dsn`, the address of an empty database) is filled with the reads of
one day by twenty units, each with a record of 800 bytes and a picture's facts, one in a hundred
with a hit, and some of them held; picture files play no part. Then, one after the other:

- `purge_s` is the purge as the repository does it: plan, counts, digest over all ids, certificate
  on the ledger, held rows moved aside, partitions replaced, dictionary cleaned. `day_s` is the
  part until the day is gone; after it, ingest goes on. `wal_mb` and `freed_mb` are what it wrote
  to the log and the disk it gave back.
- The day is filled again the same way, and `delete_s`, `delete_wal_mb` and `delete_freed_mb` are
  those of a `DELETE` of the same rows from the same tables, with a VACUUM after it in `vacuum_s`,
  which is counted in its log and its disk. It leaves no certificate, and the dictionary as it was.
"""

from __future__ import annotations

import json
import secrets
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Connection, Engine, delete, insert, text

from benches._postgresql import postgresql
from demo_site.processes import DemoError
from repository.retention import purge
from repository.retention.duties import Duties
from repository.retention.holds import is_held
from repository.retention.purge import Confirmation
from repository.retention.purge_rows import hit_is_held
from repository.retention.rules import shipped_rule
from repository.store import migrate
from repository.store.engine import open_engine
from repository.store.partitions import ensure_days
from repository.store.pictures import PictureStore
from repository.store.pictures_place import FolderOfPictures
from repository.store.tables.fleet import agencies, units
from repository.store.tables.reads import hits, pictures, reads
from repository.store.tables.retention import holds

EXAMPLE = "Example: scripts/bench purge --rows 200000 --json"
DAY = datetime(2025, 3, 1, tzinfo=UTC)
NOW = DAY + timedelta(days=367)
UNITS = 20
_MIB = 2**20

Figures = dict[str, Any]

_FILL = (
    """
    INSERT INTO reads (unit_id, captured_at, read_id, agency_id, seq, batch_first_seq, camera,
                       plate, plate_folded, confidence, has_hits, record, received_at)
    SELECT number % :units + 1, at, gen_random_uuid(), 1, number, number, 'front', plate, plate,
           0.97, number % 100 = 0, decode(repeat(md5(number::text), 50), 'hex'), at
    FROM (SELECT number, :start + number * interval '86399 s' / :rows AS at,
                 upper(substr(md5((number * 7 % (:rows * 6 / 10 + 1))::text), 1, 7)) AS plate
          FROM generate_series(1, :rows) number) made
    """,
    """
    INSERT INTO pictures (unit_id, captured_at, read_id, sha256, seq, kind, size_bytes, width_px,
                          height_px)
    SELECT unit_id, captured_at, read_id, encode(sha256(read_id::text::bytea), 'hex'), seq,
           'plate', 6000, 200, 60 FROM reads
    """,
    """
    INSERT INTO hits (unit_id, captured_at, hit_id, agency_id, seq, read_id, camera, plate,
                      list_name, kind, priority, rang, record, received_at)
    SELECT unit_id, captured_at, gen_random_uuid(), 1, seq, read_id, camera, plate, 'stolen',
           'stolen_vehicle', 1, true, record, received_at FROM reads WHERE has_hits
    """,
    "INSERT INTO plates SELECT DISTINCT plate FROM reads ON CONFLICT DO NOTHING",
    """
    INSERT INTO hold_reads (hold_id, unit_id, captured_at, read_id)
    SELECT 1, unit_id, captured_at, read_id FROM reads ORDER BY md5(seq::text) LIMIT :held
    """,
)


@click.command(epilog=EXAMPLE, help=f"\b\n{__doc__}")
@click.option("--rows", type=click.IntRange(1000), default=2_000_000, show_default=True)
@click.option("--held", type=click.IntRange(0), help="A thousandth of the rows unless set.")
@click.option("--dsn", help="Address of an empty PostgreSQL database.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def main(rows: int, held: int | None, dsn: str | None, as_json: bool) -> None:
    """Measure what the options ask for and print the figures."""
    kept = rows // 1000 if held is None else held
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-purge-")))
        try:
            engine = open_engine(dsn or stack.enter_context(postgresql()))
            stack.callback(engine.dispose)
            report = {"rows": rows, "held": kept, **measure(engine, folder, rows, kept)}
        except DemoError as error:
            raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps(report))
        return
    for name, value in report.items():
        click.echo(f"{name:<18} {value}")


def measure(engine: Engine, folder: Path, rows: int, held: int) -> Figures:
    """The figures of a purge of a day, and of a DELETE of it."""
    migrate.upgrade(engine)
    with engine.begin() as connection:
        _enrol(connection)
    fill(engine, rows, held)
    _say("purging")
    place = FolderOfPictures(folder, secrets.token_bytes)
    store = PictureStore(place, lambda: bytes(32), secrets.token_bytes)
    until_day_gone: list[float] = []

    def run() -> None:
        started = time.perf_counter()
        purge.run(
            engine,
            store,
            lambda connection: Duties.load(connection, shipped_rule("massachusetts"), shipped_rule),
            now=NOW,
            confirmed=Confirmation(NOW.date(), rows - held),
            progress=lambda _: until_day_gone.append(time.perf_counter() - started),
        )

    cost = measured(engine, run)
    _require(engine, held)
    figures: Figures = {
        "purge_s": cost.seconds,
        "day_s": round(until_day_gone[-1], 2),
        "wal_mb": cost.wal_mb,
        "freed_mb": cost.freed_mb,
    }
    fill(engine, rows, held)
    _say("deleting")
    plain = measured(engine, lambda: _delete(engine))
    vacuum = measured(engine, lambda: _administer(engine, "VACUUM reads, pictures, hits"))
    _require(engine, held)
    return figures | {
        "delete_s": plain.seconds,
        "delete_wal_mb": round(plain.wal_mb + vacuum.wal_mb, 1),
        "delete_freed_mb": round(plain.freed_mb + vacuum.freed_mb, 1),
        "vacuum_s": vacuum.seconds,
    }


def fill(engine: Engine, rows: int, held: int) -> None:
    """Empty the tables and make a day of reads, and a hold on some of them."""
    _say(f"filling a day with {rows} reads")
    with engine.begin() as connection:
        connection.execute(text("TRUNCATE reads, pictures, hits, plates, hold_reads"))
        ensure_days(connection, [DAY.date()])
        values = {"rows": rows, "held": held, "start": DAY, "units": UNITS}
        for statement in _FILL:
            wanted = {name: value for name, value in values.items() if f":{name}" in statement}
            connection.execute(text(statement), wanted)
    _administer(engine, "VACUUM ANALYZE")


@dataclass(frozen=True, slots=True)
class Cost:
    """What something took: seconds, log written and disk given back, in MiB."""

    seconds: float
    wal_mb: float
    freed_mb: float


def measured(engine: Engine, work: Callable[[], object]) -> Cost:
    """Do it from a checkpoint on; the log's whole pages that a checkpoint asks for count in."""
    _administer(engine, "CHECKPOINT")
    log, size = _log_and_size(engine)
    started = time.perf_counter()
    work()
    seconds = time.perf_counter() - started
    _administer(engine, "CHECKPOINT")
    log_after, size_after = _log_and_size(engine)
    return Cost(
        round(seconds, 2), round((log_after - log) / _MIB, 1), round((size - size_after) / _MIB, 1)
    )


def _delete(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(delete(hits).where(~hit_is_held()))
        connection.execute(delete(pictures).where(~is_held(pictures)))
        connection.execute(delete(reads).where(~is_held(reads)))


def _log_and_size(engine: Engine) -> tuple[int, int]:
    query = "SELECT pg_current_wal_lsn() - '0/0'::pg_lsn, pg_database_size(current_database())"
    with engine.begin() as connection:
        row = connection.execute(text(query)).one()
    return int(row[0]), int(row[1])


def _administer(engine: Engine, statement: str) -> None:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(statement))


def _require(engine: Engine, held: int) -> None:
    with engine.begin() as connection:
        left = connection.scalar(text("SELECT count(*) FROM reads"))
    if left != held:
        raise click.ClickException(f"{left} reads are left, {held} are held")


def _enrol(connection: Connection) -> None:
    made = {"id": 1, "name": "bench-pd", "title": "Bench", "created_at": DAY}
    connection.execute(insert(agencies).values(**made))
    rows = [
        {
            "id": number, "agency_id": 1, "name": f"car-{number}", "key_id": f"{number:016x}",
            "public_key": bytes(32), "created_at": DAY,
        }
        for number in range(1, UNITS + 1)
    ]  # fmt: skip
    connection.execute(insert(units), rows)
    hold = {
        "id": 1, "agency_id": 1, "case_number": "24-1", "kind": "arrest", "reason": "bench",
        "placed_by": "u-1", "placed_by_name": "Bench", "placed_at": NOW, "scope": "reads",
    }  # fmt: skip
    connection.execute(insert(holds).values(**hold))


def _say(what: str) -> None:
    sys.stderr.write(what + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main(prog_name="scripts/bench purge")
