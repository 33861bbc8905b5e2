"""What a read must meet, as conditions of the database. Nothing here checks who asks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, Table, and_, false, or_, select, true

from repository.search.criteria import Criteria
from repository.search.cursor import Cursor
from repository.search.errors import SearchRefusedError
from repository.search.guesses import near_patterns
from repository.search.pattern import ENOUGH_ADJACENT, Fold, PlatePattern
from repository.search.place import Circle, Place
from repository.store import geography
from repository.store.bounded import BoundedReader
from repository.store.plates import fits, plates_that_fit
from repository.store.rows import among
from repository.store.tables.agency_data import read_corrections as corrections
from repository.store.tables.fleet import agencies, units
from repository.store.tables.reads import reads
from repository.store.windows import of_any_unit

MAX_PLATES = 5_000
_FIRST_STEP_BY_INDEX = timedelta(days=40)
_FIRST_STEP = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class ByPlate:
    """What the plate that was read must meet, and how the window is best gone through.

    ``first_step`` is None for the whole window at once.
    """

    condition: ColumnElement[bool]
    first_step: timedelta | None


def beside_plate(reader: BoundedReader, criteria: Criteria) -> Iterator[ColumnElement[bool]]:
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
        yield after(criteria.after)


def by_plate(reader: BoundedReader, criteria: Criteria, fold: Fold) -> ByPlate:
    """What the plate that was read must meet.

    Raises:
        SearchRefusedError: if too many plates are near the one of a search for second guesses.
    """
    pattern = criteria.pattern
    if pattern is None:
        return ByPlate(of_any_unit(reader.connection), _FIRST_STEP)
    if criteria.second_guesses:
        near = plates_that_fit(reader, near_patterns(pattern.text, fold), limit=MAX_PLATES + 1)
        if len(near) > MAX_PLATES:
            raise SearchRefusedError(
                "second_guesses: too many plates differ from this one by a character; leave it out"
            )
        return ByPlate(among(reader.connection, reads.c.plate, near), _FIRST_STEP_BY_INDEX)
    if pattern.whole and pattern.folded:
        return ByPlate(reads.c.plate_folded == fold(pattern.text), None)
    if pattern.whole:
        return ByPlate(reads.c.plate == pattern.text, None)
    folding = fold if pattern.folded else None
    expressions = pattern.regex(folding), pattern.glob(folding)
    if pattern.adjacent >= ENOUGH_ADJACENT:
        found = plates_that_fit(reader, [expressions], limit=MAX_PLATES + 1)
        if not found:
            return ByPlate(false(), None)
        if len(found) <= MAX_PLATES:
            return ByPlate(among(reader.connection, reads.c.plate, found), _FIRST_STEP_BY_INDEX)
    by_row = fits(reader.connection, reads.c.plate, *expressions)
    return ByPlate(and_(by_row, of_any_unit(reader.connection)), _FIRST_STEP)


def by_corrected_plate(
    reader: BoundedReader, pattern: PlatePattern | None, fold: Fold
) -> ColumnElement[bool]:
    """What the plate that a read's agency says it really was must meet."""
    if pattern is None:
        return true()
    if pattern.whole and pattern.folded:
        return corrections.c.plate_folded == fold(pattern.text)
    folding = fold if pattern.folded else None
    return fits(
        reader.connection, corrections.c.plate, pattern.regex(folding), pattern.glob(folding)
    )


def of_state(table: Table, criteria: Criteria) -> Iterator[ColumnElement[bool]]:
    """What the state in that table must meet."""
    if criteria.state_or_unknown:
        yield or_(table.c.state == criteria.state, table.c.state.is_(None))
    elif criteria.state is not None:
        yield table.c.state == criteria.state


def after(cursor: Cursor) -> ColumnElement[bool]:
    """Whether a read comes after that one, the newest first."""
    at, read_id, unit_id = reads.c.captured_at, reads.c.read_id, reads.c.unit_id
    return or_(
        at < cursor.captured_at,
        and_(at == cursor.captured_at, read_id < cursor.read_id),
        and_(at == cursor.captured_at, read_id == cursor.read_id, unit_id < cursor.unit_id),
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
