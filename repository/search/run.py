"""Run a search in the database. Nothing here checks who asks: `service` does.

A whole plate leads to its reads by an index, and so do all the plates of the dictionary that a
part fits. Where neither leads to few, the window is gone through from its newest end in growing
steps until the page is full, so that what is common is found soon and what is rare in the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Literal, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, Table, and_, or_, select

from repository.agencies.own import is_withdrawn
from repository.retention.duties import Duties
from repository.retention.holds import is_held
from repository.search import conditions
from repository.search.criteria import Criteria
from repository.search.cursor import Cursor
from repository.search.guesses import Told
from repository.search.pattern import Fold, How
from repository.search.result import FoundRead
from repository.store.bounded import BoundedReader
from repository.store.read_records import Key, records_of
from repository.store.tables.agency_data import read_corrections as corrections
from repository.store.tables.fleet import agencies, units
from repository.store.tables.reads import reads

_EVER = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
_GROWTH = 6
_AT_ONCE = 1000
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


@dataclass(frozen=True, slots=True)
class Sight:
    """What people of an agency may see at a moment.

    A read that has expired under its agency's rule, purged yet or not, is shown only if a hold
    keeps it; one that its agency has withdrawn, to that agency alone. ``closed`` names agencies
    whose own rules close their reads to this search: all of them, or those captured before a
    moment.
    """

    agency_id: int
    duties: Duties
    now: datetime
    closed: Mapping[int, datetime | None] = field(default_factory=lambda: MappingProxyType({}))

    def of(self, candidates: Table) -> ColumnElement[bool]:
        """Whether a row of these reads may be seen."""
        return and_(
            or_(~self.duties.has_expired(candidates, self.now), is_held(candidates)),
            or_(~is_withdrawn(candidates), candidates.c.agency_id == self.agency_id),
            *(
                candidates.c.agency_id != agency_id
                if before is None
                else or_(candidates.c.agency_id != agency_id, candidates.c.captured_at >= before)
                for agency_id, before in self.closed.items()
            ),
        )


def run(
    reader: BoundedReader,
    criteria: Criteria,
    *,
    sight: Sight,
    fold: Fold,
    least_likely: float = 0.0,
) -> Found:
    """The newest reads that fit, up to the limit.

    ``fold`` is the confusable folding with which reads were stored. A read whose plate or state
    its agency has corrected is found by what the machine read and by what it really was. A search
    for second guesses finds reads, too, whose reader thought the plate at least ``least_likely``;
    the reads of a page of it are in order of likelihood.

    Raises:
        SearchRefusedError: if the agency or unit that is named is not known.
        TooLongError: if the reader's time is up.
    """
    ways, first_step = _ways(reader, criteria, fold)
    wanted = criteria.limit + 1
    found: list[FoundRead] = []
    for start, end in _steps(criteria, first_step, sight.now):
        last: Cursor | None = None
        while len(found) < wanted:
            at_once = _AT_ONCE if criteria.second_guesses else wanted - len(found)
            step: dict[tuple[datetime, UUID, int], Row[Any]] = {}
            for way in ways:
                window = way.where(reads.c.captured_at >= start, reads.c.captured_at < end)
                if last is not None:
                    window = window.where(conditions.after(last))
                for row in reader.rows(_show(window, sight).limit(at_once)):
                    step[row.captured_at, row.read_id, row.unit_id] = row
            rows = [step[key] for key in sorted(step, reverse=True)[:at_once]]
            found += _told(reader, rows, criteria, fold, least_likely)
            if len(step) < at_once:
                break
            last = Cursor(rows[-1].captured_at, rows[-1].read_id, rows[-1].unit_id)
        if len(found) >= wanted:
            break
    shown = found[: criteria.limit]
    further = None
    if len(found) >= wanted:
        further = Cursor(shown[-1].captured_at, shown[-1].read_id, shown[-1].unit_id)
    if criteria.second_guesses:
        shown.sort(key=lambda read: (read.how == "second_guess", -(read.likelihood or 0.0)))
    return Found(tuple(shown), further)


def comes_to_more_than(
    reader: BoundedReader, criteria: Criteria, limit: int, *, sight: Sight, fold: Fold
) -> bool:
    """Whether more than so many reads fit, counting no further and telling nothing of them.

    Raises:
        SearchRefusedError: if the agency or unit that is named is not known.
        TooLongError: if the reader's time is up.
    """
    ways, first_step = _ways(reader, criteria, fold)
    counted: set[Key] = set()
    for start, end in _steps(criteria, first_step, sight.now):
        for way in ways:
            window = way.where(reads.c.captured_at >= start, reads.c.captured_at < end)
            keys = window.with_only_columns(
                reads.c.unit_id, reads.c.captured_at, reads.c.read_id
            ).limit(limit + 1)
            counted.update((row.unit_id, row.captured_at, row.read_id) for row in reader.rows(keys))
            if len(counted) > limit:
                return True
    return False


def has_lookalikes(reader: BoundedReader, criteria: Criteria, *, sight: Sight, fold: Fold) -> bool:
    """Whether a whole plate that was searched for exactly is easily taken for that of some read.

    Raises:
        The same as `run`.
    """
    pattern = criteria.pattern
    if pattern is None or not pattern.whole or pattern.folded or criteria.after is not None:
        return False
    folded = replace(pattern, folded=True)
    asked = replace(criteria, pattern=folded, second_guesses=False, limit=1)
    return bool(run(reader, asked, sight=sight, fold=fold).reads)


def _ways(
    reader: BoundedReader, criteria: Criteria, fold: Fold
) -> tuple[list[Select[Any]], timedelta | None]:
    beside = [*conditions.beside_plate(reader, criteria)]
    plate = conditions.by_plate(reader, criteria, fold)
    ways = [
        select(*_COLUMNS).where(plate.condition, *conditions.of_state(reads, criteria), *beside)
    ]
    if reader.rows(select(corrections.c.unit_id).limit(1)):
        corrected = conditions.by_corrected_plate(reader, criteria.pattern, fold)
        ways.append(
            select(*_COLUMNS)
            .join(corrections, _same_read(corrections, reads))
            .where(corrected, *conditions.of_state(corrections, criteria), *beside)
        )
    return ways, plate.first_step


def _show(found: Select[Any], sight: Sight) -> Select[Any]:
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
        .where(sight.of(candidates))
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


def _told(
    reader: BoundedReader,
    rows: Sequence[Row[Any]],
    criteria: Criteria,
    fold: Fold,
    least_likely: float,
) -> Iterator[FoundRead]:
    """The rows that fit, with what their records tell of them."""
    records = records_of(reader, [(row.unit_id, row.captured_at, row.read_id) for row in rows])
    for row in rows:
        told = Told.of(records[row.unit_id, row.captured_at, row.read_id])
        how, likelihood = _how(row, told, criteria, fold, least_likely)
        if how is not None:
            yield _found(row, how, told, likelihood, criteria)


def _how(
    row: Row[Any], told: Told, criteria: Criteria, fold: Fold, least_likely: float
) -> tuple[How | Literal["any"] | None, float | None]:
    pattern = criteria.pattern
    if pattern is None:
        return "any", None
    likelihood = told.likelihood(pattern.text) if pattern.whole and told.characters else None
    how = pattern.how(row.plate, fold)
    if how is None and row.corrected_plate is not None:
        how = pattern.how(row.corrected_plate, fold)
    if how is not None:
        return how, likelihood
    if not criteria.second_guesses:
        raise ValueError("the database found a plate that does not fit")
    fits = likelihood is not None and likelihood > 0 and likelihood >= least_likely
    return "second_guess" if fits else None, likelihood


def _found(
    row: Row[Any],
    how: How | Literal["any"],
    told: Told,
    likelihood: float | None,
    criteria: Criteria,
) -> FoundRead:
    guess = None
    if how == "second_guess" and criteria.pattern is not None:
        guess = told.explain(row.plate, criteria.pattern.text)
    return FoundRead(
        read_id=row.read_id,
        plate=row.plate,
        how=how,
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
        engine=told.engine_name,
        likelihood=likelihood,
        guess=guess,
    )
