"""What a search finds: the same on every database, and what a plain loop over the reads finds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, event, insert, text

from repository.retention.duties import Duties
from repository.retention.rules import shipped_rule
from repository.search import conditions
from repository.search import run as running
from repository.search.criteria import Criteria
from repository.search.cursor import Cursor
from repository.search.errors import SearchRefusedError
from repository.search.place import Circle, Point, Polygon
from repository.search.result import FoundRead
from repository.store import migrate
from repository.store.bounded import BoundedReader, TooLongError
from repository.store.engine import open_engine, reading
from repository.store.partitions import ensure_days
from repository.store.plates import remember
from repository.store.tables.agency_data import read_corrections, withdrawn_reads
from repository.store.tables.fleet import agencies, units
from repository.store.tables.reads import reads
from repository.store.tables.retention import hold_reads, holds
from tests.repository.sightings import FOLD, RULE

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAYS_AGO = (0, 1, 20, 22, 364, 366, 400)
CHARACTERS = "A80B1I"
DUTIES = Duties(default=RULE, agency_ids=(1, 2), own={2: shipped_rule("virginia")})
UNITS = {1: "car-7", 2: "pole-3", 3: "car-7"}
AGENCY_OF = {1: 1, 2: 2, 3: 2}
VIEWER = 1
BY = {"by": "u", "by_name": "U", "at": NOW}
AGENCIES = {1: "salem-pd", 2: "boston-pd"}

pytestmark = pytest.mark.filterwarnings("error")


@dataclass(frozen=True)
class Seen:
    """A read, as the reference knows it."""

    read_id: UUID
    unit_id: int
    captured_at: datetime
    plate: str
    state: str | None
    camera: str
    place: tuple[float, float] | None
    hit: bool
    held: bool
    corrected: tuple[str, str | None] | None = None
    withdrawn: bool = False


moments = st.builds(
    lambda days, hours, tick: (
        NOW - timedelta(days=days) - hours * HOUR + tick * timedelta.resolution
    ),
    st.sampled_from(DAYS_AGO),
    st.integers(0, 3),
    st.integers(-1, 1),
)
plates = st.text(CHARACTERS, min_size=1, max_size=6)
points = st.tuples(
    st.floats(42.4, 42.6).map(lambda degrees: round(degrees, 3)),
    st.floats(-71, -70.8).map(lambda degrees: round(degrees, 3)),
)
sightings = st.lists(
    st.builds(
        Seen,
        read_id=st.integers(1, 12).map(lambda number: UUID(int=number)),
        unit_id=st.sampled_from(sorted(UNITS)),
        captured_at=moments,
        plate=plates,
        state=st.sampled_from(["MA", "NH", None]),
        camera=st.sampled_from(["front", "rear"]),
        place=points | st.none(),
        hit=st.booleans(),
        held=st.sampled_from([False, False, True]),
        corrected=st.none() | st.tuples(plates, st.sampled_from(["MA", "NH", None])),
        withdrawn=st.sampled_from([False, False, True]),
    ),
    min_size=5,
    max_size=25,
    unique_by=lambda seen: (seen.unit_id, seen.read_id),  # an id is unique within its unit
)
places = st.builds(
    Circle, points.map(lambda point: Point(*point)), st.floats(50, 15_000)
) | st.lists(points, min_size=3, max_size=6, unique=True).map(
    lambda corners: Polygon(tuple(Point(*corner) for corner in corners))
)
windows = st.tuples(moments, moments).map(sorted)


seldom = st.sampled_from([False] * 4 + [True])


@st.composite
def criteria(draw: st.DrawFn, seen: list[Seen]) -> Criteria:
    """Around one of the reads mostly, and narrowed by little, so that most find something."""
    target = draw(st.sampled_from(seen))
    spelled = (target.corrected or (target.plate,))[0] if draw(seldom) else target.plate
    wild = draw(st.lists(st.sampled_from("  ?*"), min_size=len(spelled), max_size=len(spelled)))
    marked = "".join(
        char if hide == " " else hide for char, hide in zip(spelled, wild, strict=True)
    )
    whole_or_part = st.sampled_from([None, spelled, marked + "*", "*" + marked])
    plate = draw(whole_or_part | st.text(CHARACTERS + "?**", min_size=1, max_size=6))
    days = draw(st.sampled_from([1, 30, 365]))
    near = NOW - timedelta(days=days), NOW + timedelta(days=1)
    start, end = draw(st.sampled_from([(None, None), near]) | windows)
    place = draw(places) if draw(seldom) else None
    if target.place is not None and draw(seldom):
        place = Circle(Point(*target.place), draw(st.sampled_from([1.0, 5_000.0])))
    try:
        return Criteria.of(
            plate,
            start,
            end,
            folded=plate is not None and draw(st.booleans()),
            place=place,
            state=(state := "MA" if draw(seldom) else None),
            state_or_unknown=state is not None and draw(st.booleans()),
            agency=AGENCIES[AGENCY_OF[target.unit_id]] if draw(seldom) else None,
            unit=UNITS[target.unit_id] if draw(seldom) else None,
            camera="rear" if draw(seldom) else None,
            hits_only=draw(seldom),
            limit=draw(st.sampled_from([1, 2, 3, 100])),
        )
    except SearchRefusedError:
        return Criteria.of(spelled)


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[Seen], list[Criteria]]:
    seen = draw(sightings)
    return seen, draw(st.lists(criteria(seen), min_size=3, max_size=6))


def expected(seen: list[Seen], asked: Criteria) -> list[tuple[datetime, UUID, int]]:
    """Every page at once."""
    found = [
        (each.captured_at, each.read_id, each.unit_id)
        for each in seen
        if fits_either(asked, each)
        and (asked.window is None or asked.window.start <= each.captured_at < asked.window.end)
        and (asked.place is None or (each.place and asked.place.contains(*each.place)))
        and asked.agency in (None, AGENCIES[AGENCY_OF[each.unit_id]])
        and asked.unit in (None, UNITS[each.unit_id])
        and asked.camera in (None, each.camera)
        and (each.hit or not asked.hits_only)
        and (each.held or not expired(each))
        and not (each.withdrawn and AGENCY_OF[each.unit_id] != VIEWER)
    ]
    return sorted(found, reverse=True)


def fits_either(asked: Criteria, seen: Seen) -> bool:
    corrected = seen.corrected is not None and fits(asked, *seen.corrected)
    return corrected or fits(asked, seen.plate, seen.state)


def fits(asked: Criteria, plate: str, state: str | None) -> bool:
    by_plate = asked.pattern is None or asked.pattern.how(plate, FOLD) is not None
    by_state = asked.state in (None, state) or (asked.state_or_unknown and state is None)
    return by_plate and by_state


def expired(seen: Seen) -> bool:
    rule = DUTIES.rule_of(AGENCY_OF[seen.unit_id])
    return rule.expires_at(seen.captured_at, hit=seen.hit) <= NOW


@pytest.fixture(params=["whole", "without_trigrams", "with_postgis"])
def site(request: pytest.FixtureRequest, engine: Engine) -> Engine:
    """Agencies and units without reads, on a database of each kind."""
    if request.param != "whole":
        if engine.dialect.name != "postgresql":
            pytest.skip("SQLite has no extensions")
        with engine.begin() as connection:
            if request.param == "without_trigrams":
                connection.execute(text("DROP EXTENSION IF EXISTS pg_trgm CASCADE"))
            elif not connection.scalar(
                text("SELECT count(*) FROM pg_available_extensions WHERE name = 'postgis'")
            ):
                pytest.skip("PostGIS is not installed: `apt-get install postgresql-15-postgis-3`")
            else:
                connection.execute(text("CREATE EXTENSION postgis"))
        if request.param == "with_postgis":
            migrate.upgrade(engine)
    with engine.begin() as connection:
        fill_fleet(connection)
    return engine


def fill_fleet(connection: Connection) -> None:
    connection.execute(
        insert(agencies),
        [
            {"id": key, "name": name, "title": name, "created_at": NOW}
            for key, name in AGENCIES.items()
        ],
    )
    connection.execute(
        insert(units),
        [
            {
                "id": key,
                "agency_id": AGENCY_OF[key],
                "name": name,
                "key_id": f"{key:016x}",
                "public_key": bytes(32),
                "created_at": NOW,
            }
            for key, name in UNITS.items()
        ],
    )
    days = [
        NOW - timedelta(days=ago) - part * timedelta(days=1) for ago in DAYS_AGO for part in (0, 1)
    ]
    ensure_days(connection, {day.date() for day in days})
    connection.execute(
        insert(holds),
        {
            "id": 1, "agency_id": 1, "case_number": "1", "kind": "arrest", "reason": "test",
            "placed_by": "u", "placed_by_name": "U", "placed_at": NOW,
        },
    )  # fmt: skip


def fill(connection: Connection, seen: list[Seen]) -> None:
    if not seen:
        return
    connection.execute(insert(reads), [row(number, each) for number, each in enumerate(seen)])
    remember(connection, (each.plate for each in seen))
    by = {"agency_id": 1}
    for table, what, rows in (
        (hold_reads, {"hold_id": 1}, [(each, {}) for each in seen if each.held]),
        (
            withdrawn_reads,
            by | {f"withdrawn_{part}": value for part, value in BY.items()},
            [(each, {}) for each in seen if each.withdrawn],
        ),
        (
            read_corrections,
            by | {f"corrected_{part}": value for part, value in BY.items()},
            [
                (each, {"plate": plate, "plate_folded": FOLD(plate), "state": state})
                for each in seen
                for plate, state in ([each.corrected] if each.corrected else [])
            ],
        ),
    ):
        for each, more in rows:
            key = {
                "unit_id": each.unit_id,
                "captured_at": each.captured_at,
                "read_id": each.read_id,
            }
            connection.execute(insert(table).values(**key, **what, **more))


def row(number: int, seen: Seen) -> dict[str, Any]:
    latitude, longitude = seen.place or (None, None)
    return {
        "unit_id": seen.unit_id,
        "captured_at": seen.captured_at,
        "read_id": seen.read_id,
        "agency_id": AGENCY_OF[seen.unit_id],
        "seq": number,
        "batch_first_seq": 1,
        "camera": seen.camera,
        "plate": seen.plate,
        "plate_folded": FOLD(seen.plate),
        "state": seen.state,
        "confidence": 0.9,
        "latitude_deg": latitude,
        "longitude_deg": longitude,
        "has_hits": seen.hit,
        "record": b"{}",
        "received_at": NOW,
    }


def search(connection: Connection, asked: Criteria) -> running.Found:
    reader = BoundedReader(connection, 60.0)
    return running.run(reader, asked, sight=running.Sight(VIEWER, DUTIES, NOW), fold=FOLD)


def every_page(connection: Connection, asked: Criteria) -> Iterator[FoundRead]:
    while True:
        page = search(connection, asked)
        assert len(page.reads) <= asked.limit
        yield from page.reads
        if page.next is None:
            return
        assert len(page.reads) == asked.limit
        asked = replace(asked, after=Cursor.of(str(page.next)))


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(case=cases(), few=st.booleans())
def test_every_database_finds_what_a_plain_loop_finds(
    site: Engine, case: tuple[list[Seen], list[Criteria]], few: bool
) -> None:
    seen, asked = case
    with pytest.MonkeyPatch.context() as patch, site.connect() as connection:
        # With no room for plates of the dictionary, a part of a plate is looked for in the reads.
        patch.setattr(conditions, "MAX_PLATES", 0 if few else 5_000)
        fill(connection, seen)
        for each in asked:
            found = [
                (read.captured_at, read.read_id, read.unit_id)
                for read in every_page(connection, each)
            ]
            assert found == expected(seen, each)
        connection.rollback()


def test_a_page_goes_on_where_the_one_before_ended_whatever_came_between(site: Engine) -> None:
    old = [sighting(number, NOW - number * HOUR) for number in range(1, 6)]
    asked = Criteria.of("A", limit=2)
    with site.connect() as connection:
        fill(connection, old)
        first = search(connection, asked)
        fill(connection, [sighting(9, NOW), sighting(8, NOW - HOUR * 2.5)])
        rest = list(every_page(connection, replace(asked, after=first.next)))
    shown = [read.read_id.int for read in (*first.reads, *rest)]
    assert shown == [1, 2, 8, 3, 4, 5]


def test_reads_of_one_moment_and_even_one_id_are_each_on_one_page(site: Engine) -> None:
    ties = [
        replace(sighting(number, NOW), unit_id=unit) for number in (1, 2) for unit in sorted(UNITS)
    ]
    with site.connect() as connection:
        fill(connection, ties)
        found = [
            (read.read_id.int, read.unit_id)
            for read in every_page(connection, Criteria.of("A", limit=1))
        ]
        connection.rollback()
    assert found == [(2, 3), (2, 2), (2, 1), (1, 3), (1, 2), (1, 1)]


def test_a_read_as_far_north_as_a_corner_is_inside_or_not(site: Engine) -> None:
    """A line to the east from it meets a corner, where two sides end: it crosses one of them."""
    places = {1: (42.5, -70.9), 2: (42.5, -70.99), 3: (42.5, -70.81), 4: (42.45, -70.99)}
    north, east, south, west = (42.55, -70.9), (42.5, -70.85), (42.45, -70.9), (42.5, -70.95)
    diamond = Polygon(tuple(Point(*corner) for corner in (north, east, south, west)))
    with site.connect() as connection:
        fill(
            connection,
            [replace(sighting(number, NOW), place=place) for number, place in places.items()],
        )
        found = search(connection, Criteria.of("A", place=diamond)).reads
        connection.rollback()
    assert [read.read_id.int for read in found] == [1]
    assert [number for number, place in places.items() if diamond.contains(*place)] == [1]


def sighting(number: int, at: datetime) -> Seen:
    return Seen(UUID(int=number), 1, at, "A", "MA", "front", None, hit=False, held=False)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"agency": "lynn-pd"}, "agency: none of that name"),
        ({"unit": "car-8"}, "unit: none of that name"),
        ({"agency": "salem-pd", "unit": "pole-3"}, "unit: none of that name"),
    ],
)
def test_what_names_nobody_is_refused(engine: Engine, asked: dict[str, Any], message: str) -> None:
    with engine.begin() as connection:
        fill_fleet(connection)
        with pytest.raises(SearchRefusedError, match=message):
            search(connection, Criteria.of("A", **asked))


def test_a_search_without_end_is_ended(engine: Engine) -> None:
    """By the database itself, in the middle of a statement; the connection serves on."""
    with engine.begin() as connection:
        fill_fleet(connection)
        fill(connection, [sighting(number, NOW - number * HOUR / 100) for number in range(1, 1000)])
    endless = text(
        "SELECT count(*) FROM reads a, reads b, reads c, reads d WHERE a.seq + b.seq < c.seq"
    )
    with reading(engine) as connection, pytest.raises(TooLongError, match=r"longer than 0\.2 s"):
        BoundedReader(connection, 0.2).rows(endless)  # type: ignore[arg-type]
    with reading(engine) as connection:
        assert len(search(connection, Criteria.of("A")).reads) == 100
        with pytest.raises(TooLongError):
            BoundedReader(connection, 0.0).rows(endless)  # type: ignore[arg-type]


@pytest.mark.parametrize("plate", [None, "A1*"])
def test_sqlite_goes_through_a_window_by_unit_and_not_through_all_reads(
    sqlite_dsn: str, plate: str | None
) -> None:
    engine = open_engine(sqlite_dsn)
    migrate.upgrade(engine)
    seen: list[tuple[str, Any]] = []
    event.listen(
        engine,
        "before_cursor_execute",
        lambda _c, _u, query, values, *_: seen.append((query, values)),
    )
    with engine.connect() as connection:
        search(connection, Criteria.of(plate, NOW - HOUR, NOW))
        query, values = seen[-1]
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", values).all()
    engine.dispose()
    assert next(each.detail for each in plan if "reads USING" in each.detail).startswith(
        "SEARCH reads USING INDEX sqlite_autoindex_reads_1 (unit_id=? AND captured_at>?"
    )
