"""Run a search in the database. Nothing here checks who asks: `service` does.

A whole plate leads to its reads by an index, and so do all the plates of the dictionary that a
part fits. Where neither leads to few, the window is gone through from its newest end in growing
steps until the page is full, so that what is common is found soon and what is rare in the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, Table, and_, false, or_, select, true

from repository.agencies.own import is_withdrawn
from repository.retention.duties import Duties
from repository.retention.holds import is_held
from repository.search.criteria import Criteria
from repository.search.cursor import Cursor
from repository.search.errors import SearchRefusedError
from repository.search.pattern import ENOUGH_ADJACENT, Fold, How, PlatePattern
from repository.search.place import Circle, Place
from repository.search.result import FoundRead
from repository.store import geography
from repository.store.bounded import BoundedReader
from repository.store.plates import fits, plates_that_fit
from repository.store.rows import among
from repository.store.tables.agency_data import read_corrections as corrections
from repository.store.tables.fleet import agencies, units
from repository.store.tables.reads import reads
from repository.store.windows import of_any_unit

MAX_PLATES = 5_000
_EVER = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
_FIRST_STEP_BY_INDEX = timedelta(days=40)
_FIRST_STEP = timedelta(hours=1)
_GROWTH = 6
_COLUMNS = (
    reads.c.read_id,
    reads.c.plate,
    reads.c.state,
    reads.c.confidence,
    reads.c.captured_at,
    reads.c.latitude_deg,
    reads.c.longitude_deg,
    reads.c.site,
    reads.c.has_hits,
    reads.c.camera,
    reads.c.unit_id,
    reads.c.agency_id,
)


@dataclass(frozen=True, slots=True)
class Found:
    """A page of reads, and where the next one begins if there is one."""

    reads: tuple[FoundRead, ...]
    next: Cursor | None


def run(
    reader: BoundedReader,
    criteria: Criteria,
    *,
    agency_id: int,
    fold: Fold,
    duties: Duties,
    now: datetime,
) -> Found:
    """The newest reads that fit, up to the limit, as people of that agency may see them.

    ``fold`` is the confusable folding with which reads were stored. A read that has expired under
    its agency's rule, purged yet or not, is shown only if a hold keeps it; one that its agency has
    withdrawn, to that agency alone. A read whose plate or state its agency has corrected is found
    by what the machine read and by what it really was.

    Raises:
        SearchRefusedError: if the agency or unit that is named is not known.
        TooLongError: if the reader's time is up.
    """
    conditions = [*_of(reader, criteria)]
    plate, first_step = _plate(reader, criteria.pattern, fold)
    ways = [select(*_COLUMNS).where(plate, *_state(reads, criteria), *conditions)]
    if reader.rows(select(corrections.c.unit_id).limit(1)):
        corrected = _corrected_plate(reader, criteria.pattern, fold)
        ways.append(
            select(*_COLUMNS)
            .join(corrections, _same_read(corrections, reads))
            .where(corrected, *_state(corrections, criteria), *conditions)
        )

    def visible(candidates: Table) -> ColumnElement[bool]:
        return and_(
            or_(~duties.has_expired(candidates, now), is_held(candidates)),
            or_(~is_withdrawn(candidates), candidates.c.agency_id == agency_id),
        )

    wanted = criteria.limit + 1
    rows: list[Row[Any]] = []
    for start, end in _steps(criteria, first_step, now):
        step: dict[tuple[datetime, UUID, int], Row[Any]] = {}
        for way in ways:
            window = way.where(reads.c.captured_at >= start, reads.c.captured_at < end)
            for row in reader.rows(_show(window, visible).limit(wanted - len(rows))):
                step[row.captured_at, row.read_id, row.unit_id] = row
        rows += [step[key] for key in sorted(step, reverse=True)]
        if len(rows) >= wanted:
            break
    shown = tuple(_found(row, criteria.pattern, fold) for row in rows[: criteria.limit])
    if len(rows) < wanted:
        return Found(shown, None)
    last = shown[-1]
    return Found(shown, Cursor(last.captured_at, last.read_id, last.unit_id))


def _of(reader: BoundedReader, criteria: Criteria) -> Iterator[ColumnElement[bool]]:
    """What a read must meet beside its plate, its state and the window."""
    if criteria.agency is not None:
        named = reader.rows(select(agencies.c.id).where(agencies.c.name == criteria.agency))
        if not named:
            raise SearchRefusedError("agency: none of that name is known")
        yield reads.c.agency_id == named[0].id
    if criteria.unit is not None:
        known = select(units.c.id).where(units.c.name == criteria.unit)
        if criteria.agency is not None:
            of_agency = agencies.c.name == criteria.agency
            known = known.join(agencies, agencies.c.id == units.c.agency_id).where(of_agency)
        if not reader.rows(known):
            raise SearchRefusedError("unit: none of that name is known")
        yield reads.c.unit_id.in_(known)
    if criteria.camera is not None:
        yield reads.c.camera == criteria.camera
    if criteria.hits_only:
        yield reads.c.has_hits
    if criteria.place is not None:
        yield from _within(reader, criteria.place)
    if criteria.after is not None:
        yield _after(criteria.after)


def _plate(
    reader: BoundedReader, pattern: PlatePattern | None, fold: Fold
) -> tuple[ColumnElement[bool], timedelta | None]:
    """What the plate that was read must meet; and the first step, None for the whole window."""
    if pattern is None:
        return of_any_unit(reader.connection), _FIRST_STEP
    if pattern.whole and pattern.folded:
        return reads.c.plate_folded == fold(pattern.text), None
    if pattern.whole:
        return reads.c.plate == pattern.text, None
    folding = fold if pattern.folded else None
    expressions = pattern.regex(folding), pattern.glob(folding)
    if pattern.adjacent >= ENOUGH_ADJACENT:
        found = plates_that_fit(reader, *expressions, limit=MAX_PLATES + 1)
        if not found:
            return false(), None
        if len(found) <= MAX_PLATES:
            return among(reader.connection, reads.c.plate, found), _FIRST_STEP_BY_INDEX
    by_row = fits(reader.connection, reads.c.plate, *expressions)
    return and_(by_row, of_any_unit(reader.connection)), _FIRST_STEP


def _corrected_plate(
    reader: BoundedReader, pattern: PlatePattern | None, fold: Fold
) -> ColumnElement[bool]:
    if pattern is None:
        return true()
    if pattern.whole and pattern.folded:
        return corrections.c.plate_folded == fold(pattern.text)
    folding = fold if pattern.folded else None
    return fits(
        reader.connection, corrections.c.plate, pattern.regex(folding), pattern.glob(folding)
    )


def _state(table: Table, criteria: Criteria) -> Iterator[ColumnElement[bool]]:
    if criteria.state_or_unknown:
        yield or_(table.c.state == criteria.state, table.c.state.is_(None))
    elif criteria.state is not None:
        yield table.c.state == criteria.state


def _show(found: Select[Any], visible: Callable[[Table], ColumnElement[bool]]) -> Select[Any]:
    """Those of what was found that may be seen, with whose they are, newest first.

    The offset keeps PostgreSQL from asking every partition who may see its rows: setting up that
    question some hundred times takes longer than the whole search.
    """
    inner = found.order_by(*_newest_first(reads)).offset(0).subquery("found")
    candidates = cast("Table", inner)
    return (
        select(
            inner,
            units.c.name.label("unit"),
            agencies.c.name.label("agency"),
            agencies.c.title.label("agency_title"),
            agencies.c.ori.label("agency_ori"),
            corrections.c.plate.label("corrected_plate"),
            corrections.c.state.label("corrected_state"),
        )
        .join(units, units.c.id == inner.c.unit_id)
        .join(agencies, agencies.c.id == inner.c.agency_id)
        .outerjoin(corrections, _same_read(corrections, candidates))
        .where(visible(candidates))
        .order_by(*_newest_first(candidates))
    )


def _newest_first(table: Table) -> tuple[ColumnElement[Any], ...]:
    return table.c.captured_at.desc(), table.c.read_id.desc(), table.c.unit_id.desc()


def _same_read(one: Table, other: Table) -> ColumnElement[bool]:
    return and_(
        one.c.unit_id == other.c.unit_id,
        one.c.captured_at == other.c.captured_at,
        one.c.read_id == other.c.read_id,
    )


def _within(reader: BoundedReader, place: Place) -> Iterator[ColumnElement[bool]]:
    boxes = [(box.south_deg, box.north_deg, box.west_deg, box.east_deg) for box in place.boxes()]
    yield geography.within_bounds(reader.connection, boxes)
    if isinstance(place, Circle):
        centre = place.centre.latitude_deg, place.centre.longitude_deg
        yield geography.within_distance(reader.connection, centre, place.radius_m)
    else:
        yield geography.within_polygon(
            [
                (
                    (one.latitude_deg, one.longitude_deg),
                    (other.latitude_deg, other.longitude_deg),
                )
                for one, other in place.sides()
            ]
        )


def _after(cursor: Cursor) -> ColumnElement[bool]:
    at, read_id, unit_id = reads.c.captured_at, reads.c.read_id, reads.c.unit_id
    return or_(
        at < cursor.captured_at,
        and_(at == cursor.captured_at, read_id < cursor.read_id),
        and_(at == cursor.captured_at, read_id == cursor.read_id, unit_id < cursor.unit_id),
    )


def _steps(
    criteria: Criteria, first: timedelta | None, now: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """The window in growing pieces, newest first; whole if there is no first step."""
    window = criteria.window
    start, end = (window.start, window.end) if window is not None else _EVER
    if criteria.after is not None:
        end = min(end, criteria.after.captured_at + timedelta.resolution)
    if first is None:
        yield start, end
        return
    step = first
    upper, lower = end, min(end, now) - step
    while lower > start:
        yield lower, upper
        step *= _GROWTH
        upper, lower = lower, max(start, lower - min(step, lower - start))
    if start < upper:
        yield start, upper


def _found(row: Row[Any], pattern: PlatePattern | None, fold: Fold) -> FoundRead:
    return FoundRead(
        read_id=row.read_id,
        plate=row.plate,
        how=_how(row, pattern, fold),
        state=row.state,
        confidence=row.confidence,
        captured_at=row.captured_at,
        latitude_deg=row.latitude_deg,
        longitude_deg=row.longitude_deg,
        site=row.site,
        agency=row.agency,
        agency_title=row.agency_title,
        agency_ori=row.agency_ori,
        unit_id=row.unit_id,
        unit=row.unit,
        camera=row.camera,
        on_hotlist=row.has_hits,
        corrected_plate=row.corrected_plate,
        corrected_state=row.corrected_state,
    )


def _how(row: Row[Any], pattern: PlatePattern | None, fold: Fold) -> How | Literal["any"]:
    if pattern is None:
        return "any"
    how = pattern.how(row.plate, fold)
    if how is None and row.corrected_plate is not None:
        how = pattern.how(row.corrected_plate, fold)
    if how is None:
        raise ValueError("the database found a plate that does not fit")
    return how
