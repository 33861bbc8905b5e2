"""Measure searches over a year of reads in PostgreSQL, by the repository's own search.

What is measured, each question in a transaction of its own over one connection that stays, after a
warm-up, with 100 results at most:

- `exact_*_ms`: a whole plate, a fifth of them never seen; `exact_custom_*_ms`: the same planned
  anew for each question; `folded_*`: with what is easily taken for it; `second_guess_*`: with the
  reads of which it was the second guess.
- `partial_*`: three adjacent characters, anywhere, no window; `partial_window_*`: two within a day.
- `place_*`: 250 m around a place, within an hour; `place_year_*`: the same within a year;
  `polygon_*`: a quarter of a square kilometre, within a day.
- `page_*`: the tenth page, of ten reads, of all that a month has.
- `together_*`: which plates were seen with one twice or more in a month, within 200 m and a minute.
- `peer_exact_*_ms`: the exact question asked plainly of one table without partitions that holds the
  same reads without their records, with the same index.
- `fill_rows_per_s`: COPY into the partitions with all their indexes.

Reads are invented: 372 days, a quarter as many plates as reads, some far more frequent than
others, half of the reads at 200 fixed sites. A record has a second guess of every character and
is filled up to `--record-bytes`; a real one has some 1,500. Without `--dsn` a
cluster of the bench's own is used, with 512 MB of shared buffers.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import click
from sqlalchemy import Connection, Engine, insert, text

from benches._postgresql import postgresql
from demo_site.processes import DemoError
from edge.contract.plates import load_confusables
from repository.retention.duties import Duties
from repository.retention.rules import shipped_rule
from repository.search import together
from repository.search.criteria import Criteria
from repository.search.pattern import PlatePattern
from repository.search.place import Circle, Point, Polygon
from repository.search.run import Sight, run
from repository.search.together import TogetherCriteria
from repository.store import extensions, migrate
from repository.store.bounded import BoundedReader
from repository.store.engine import open_engine, reading
from repository.store.partitions import ensure_days
from repository.store.tables.fleet import agencies, units

EXAMPLE = "Example: scripts/bench search --rows 10000000 --json"
DAYS = 372
UNITS = 50
SITES = 200
LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"
LAST = datetime(2026, 3, 1, tzinfo=UTC)
FOLD = load_confusables().fold
DUTIES = Duties(default=shipped_rule("massachusetts"), agency_ids=(1,), own={})
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
_COLUMNS = (
    "unit_id, captured_at, read_id, agency_id, seq, batch_first_seq, camera, plate, plate_folded, "
    "state, confidence, latitude_deg, longitude_deg, site, has_hits, record, received_at"
)

Figures = dict[str, Any]


@click.command(epilog=EXAMPLE, help="\b\n" + (__doc__ or "").replace("\n\n", "\n\n\b\n"))
@click.option("--rows", type=click.IntRange(DAYS), default=1_000_000, show_default=True)
@click.option("--questions", type=click.IntRange(20), default=200, show_default=True)
@click.option("--record-bytes", type=click.IntRange(400), default=600, show_default=True)
@click.option("--dsn", help="An empty PostgreSQL database to use instead of a cluster of its own.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def main(
    rows: int, questions: int, record_bytes: int, dsn: str | None, seed: int, as_json: bool
) -> None:
    """Fill a database, ask it, and print the figures."""
    figures: Figures = {"rows": rows, "partitions": DAYS, "record_bytes": record_bytes}
    with ExitStack() as stack:
        try:
            address = dsn or stack.enter_context(
                postgresql("shared_buffers=512MB max_wal_size=2GB wal_level=minimal "
                           "max_wal_senders=0")
            )  # fmt: skip
        except DemoError as error:
            raise click.ClickException(str(error)) from error
        engine = open_engine(address)
        stack.callback(engine.dispose)
        invented = Invented(rows, seed, record_bytes)
        figures |= fill(engine, invented)
        figures |= ask(engine, invented, questions)
    print(json.dumps(figures) if as_json else _table(figures))


@dataclass
class Invented:
    """Reads that nobody took, the same for the same seed."""

    rows: int
    seed: int
    record_bytes: int

    def __post_init__(self) -> None:
        """Draw the plates and the sites."""
        self.rng = random.Random(self.seed)  # noqa: S311 - invented plates
        self.plates = [self._plate() for _ in range(max(1000, self.rows // 4))]
        self.sites = [self._place() for _ in range(SITES)]

    def day(self, number: int) -> list[str]:
        """The lines for COPY of one day, in order of time; the days share the rows evenly."""
        count = self.rows // DAYS + (number < self.rows % DAYS)
        start = LAST - (DAYS - number) * DAY
        moments = sorted(self.rng.random() for _ in range(count))
        return [self._line(start + part * DAY, seq) for seq, part in enumerate(moments)]

    def plate(self) -> str:
        """One that was read, the frequent ones more often."""
        return self.plates[int(len(self.plates) * self.rng.random() ** 2)]

    def place(self) -> tuple[float, float]:
        """One that something was seen at."""
        return self.rng.choice(self.sites) if self.rng.random() < 0.5 else self._place()

    def _line(self, captured_at: datetime, seq: int) -> str:
        rng = self.rng
        plate = self.plate()
        latitude, longitude = self.place()
        read_id = UUID(int=(int(captured_at.timestamp() * 1000) << 80) | rng.getrandbits(76))
        hits = "t" if rng.random() < 0.001 else "f"
        record = self._record(plate).hex()
        at = captured_at.isoformat()
        return (
            f"{rng.randrange(UNITS) + 1}\t{at}\t{read_id}\t1\t{seq}\t1\tfront\t{plate}\t"
            f"{FOLD(plate)}\tMA\t0.97\t{latitude}\t{longitude}\t\\N\t{hits}\t"
            f"\\\\x{record}\t{at}\n"
        )

    def _record(self, plate: str) -> bytes:
        rng = self.rng
        characters = [
            {"alternatives": [[char, 0.96], [rng.choice(LETTERS), 0.03]]} for char in plate
        ]
        engine = {"software": "bench", "models": [{"name": "reader", "sha256": "0" * 64}]}
        record = json.dumps({"characters": characters, "engine": engine, "rest": ""}).encode()
        rest = rng.randbytes(max(0, self.record_bytes - len(record)) // 2).hex().encode()
        return record[:-2] + rest + record[-2:]

    def _plate(self) -> str:
        letters = self.rng.choices(LETTERS, k=3)
        digits = self.rng.choices("0123456789", k=self.rng.choice((3, 4)))
        parts = [*letters, *digits] if self.rng.random() < 0.7 else [*digits, *letters]
        return "".join(parts)

    def _place(self) -> tuple[float, float]:
        return round(self.rng.uniform(42.2, 42.6), 6), round(self.rng.uniform(-71.3, -70.8), 6)


def fill(engine: Engine, invented: Invented) -> Figures:
    """Make the schema, a year of reads, their dictionary, and the peer's table."""
    migrate.upgrade(engine)
    started = time.perf_counter()
    with engine.begin() as connection:
        _add_fleet(connection)
        ensure_days(connection, [(LAST - number * DAY).date() for number in range(1, DAYS + 1)])
    copying_s = 0.0
    for number in range(DAYS):
        lines = invented.day(number)
        with engine.begin() as connection:
            copying_s += _timed(lambda: _copy(connection, lines))  # noqa: B023 - called at once
        _say(f"filled {number + 1} of {DAYS} days", end="\r")
    _say("\nremembering plates, copying the peer's table")
    statements = (
        "INSERT INTO plates (plate) SELECT DISTINCT plate FROM reads ON CONFLICT DO NOTHING",
        "CREATE UNLOGGED TABLE peer AS SELECT unit_id, captured_at, read_id, agency_id, camera, "
        "plate, state, confidence, latitude_deg, longitude_deg, site, has_hits FROM reads",
        "CREATE INDEX ON peer (plate, captured_at)",
    )
    for statement in statements:
        with engine.begin() as connection:
            connection.execute(text(statement))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    with reading(engine) as connection:
        size = connection.scalar(text("SELECT pg_database_size(current_database())")) or 0
        trigrams = extensions.is_ready(connection, extensions.PLATE_TRIGRAMS)
        postgis = extensions.is_ready(connection, extensions.READ_PLACES)
    return {
        "trigrams": trigrams,
        "postgis": postgis,
        "plates": len(set(invented.plates)),
        "fill_s": round(time.perf_counter() - started, 1),
        "fill_rows_per_s": round(invented.rows / copying_s),
        "disk_mb": round(size / 2**20),
    }


def ask(engine: Engine, invented: Invented, questions: int) -> Figures:
    """Ask every kind of question that often."""
    rng = invented.rng
    year = LAST - 365 * DAY, LAST

    def moment() -> datetime:
        return LAST - rng.random() * 360 * DAY - DAY

    def exact(*, folded: bool = False) -> Criteria:
        never = rng.random() < 0.2
        return Criteria.of("0" + invented.plate() if never else invented.plate(), folded=folded)

    def part(length: int, start: datetime | None = None) -> Criteria:
        plate = invented.plate()
        at = rng.randrange(len(plate) - length + 1)
        window = (start, start + DAY) if start else (None, None)
        return Criteria.of(f"*{plate[at : at + length]}*", *window)

    def near(start: datetime, end: datetime) -> Criteria:
        return Criteria.of(None, start, end, place=Circle(Point(*invented.place()), 250.0))

    def square(start: datetime) -> Criteria:
        north, east = invented.place()
        half_north, half_east = 0.00225, 0.00304
        corners = ((-1, -1), (-1, 1), (1, 1), (1, -1))
        return Criteria.of(
            None,
            start,
            start + DAY,
            place=Polygon(
                tuple(Point(north + half_north * n, east + half_east * e) for n, e in corners)
            ),
        )

    kinds: dict[str, Callable[[], Criteria]] = {
        "exact": exact,
        "exact_custom": exact,
        "folded": lambda: exact(folded=True),
        "second_guess": lambda: Criteria.of(invented.plate(), second_guesses=True),
        "partial": lambda: part(3),
        "partial_window": lambda: part(2, moment()),
        "place": lambda: (lambda at: near(at, at + HOUR))(moment()),
        "place_year": lambda: near(*year),
        "polygon": lambda: square(moment()),
    }
    figures: Figures = {}
    for kind, draw in kinds.items():
        times = [_ask(engine, draw(), custom=kind == "exact_custom") for _ in range(questions + 10)]
        figures |= _summary(kind, times[10:])
        _say(f"{kind}: p50 {figures[f'{kind}_p50_ms']} ms, p95 {figures[f'{kind}_p95_ms']} ms")
    figures |= _summary("page", list(_pages(engine, moment, questions // 10)))
    often = [_together(engine, invented.plate(), moment()) for _ in range(questions // 10)]
    figures |= _summary("together", often)
    figures |= _summary("peer_exact", [_ask_peer(engine, exact()) for _ in range(questions)][10:])
    return figures


def _ask(engine: Engine, criteria: Criteria, *, custom: bool = False) -> float:
    with reading(engine) as connection:
        started = time.perf_counter()
        reader = BoundedReader(connection, 600.0)
        if custom:
            connection.exec_driver_sql("SET LOCAL plan_cache_mode = force_custom_plan")
        _search(reader, criteria)
        return time.perf_counter() - started


def _pages(engine: Engine, moment: Callable[[], datetime], number: int) -> Iterator[float]:
    for _ in range(number):
        at = moment()
        criteria = Criteria.of(None, at, at + 31 * DAY, limit=10)
        for page in range(10):
            with reading(engine) as connection:
                started = time.perf_counter()
                found = _search(BoundedReader(connection, 600.0), criteria)
                if page == 9:
                    yield time.perf_counter() - started
            criteria = Criteria.of(None, at, at + 31 * DAY, limit=10, after=found.next)


def _together(engine: Engine, plate: str, start: datetime) -> float:
    criteria = TogetherCriteria.of(
        PlatePattern(plate), start, start + 31 * DAY, distance_m=200.0, within_s=60.0, times=2
    )
    with reading(engine) as connection:
        started = time.perf_counter()
        reader = BoundedReader(connection, 600.0)
        together.find(reader, criteria, sight=Sight(1, DUTIES, LAST), fold=FOLD)
        return time.perf_counter() - started


def _search(reader: BoundedReader, criteria: Criteria) -> Any:
    return run(reader, criteria, sight=Sight(1, DUTIES, LAST), fold=FOLD, least_likely=0.001)


def _ask_peer(engine: Engine, criteria: Criteria) -> float:
    query = text(
        "SELECT peer.*, units.name, agencies.name, agencies.title, agencies.ori FROM peer "
        "JOIN units ON units.id = peer.unit_id JOIN agencies ON agencies.id = peer.agency_id "
        "WHERE plate = :plate ORDER BY captured_at DESC, read_id DESC LIMIT 101"
    )
    plate = criteria.pattern.text if criteria.pattern else ""
    with reading(engine) as connection:
        return _timed(lambda: connection.execute(query, {"plate": plate}).all())


def _add_fleet(connection: Connection) -> None:
    connection.execute(
        insert(agencies).values(id=1, name="bench-pd", title="Bench Police", created_at=LAST)
    )
    connection.execute(
        insert(units),
        [
            {
                "id": number,
                "agency_id": 1,
                "name": f"car-{number}",
                "key_id": f"{number:016x}",
                "public_key": bytes(32),
                "created_at": LAST,
            }
            for number in range(1, UNITS + 1)
        ],
    )


def _copy(connection: Connection, lines: list[str]) -> None:
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY reads ({_COLUMNS}) FROM STDIN") as copy:
        for start in range(0, len(lines), 1000):
            copy.write("".join(lines[start : start + 1000]))


def _summary(kind: str, times_s: list[float]) -> Figures:
    cuts = statistics.quantiles(times_s, n=20, method="inclusive")
    return {
        f"{kind}_p50_ms": round(statistics.median(times_s) * 1000, 2),
        f"{kind}_p95_ms": round(cuts[18] * 1000, 2),
    }


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _table(figures: Figures) -> str:
    return "\n".join(f"{name:<24} {value}" for name, value in figures.items())


def _say(words: str, end: str = "\n") -> None:
    print(words, file=sys.stderr, end=end, flush=True)


if __name__ == "__main__":
    main(prog_name="scripts/bench search")
