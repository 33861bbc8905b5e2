"""Holds as they are shown: in lists, and one with everything that was done with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, func, or_, select, true

from repository.retention.holds_request import HoldError
from repository.retention.holds_review import is_overdue
from repository.store.tables.fleet import agencies, units
from repository.store.tables.reads import reads
from repository.store.tables.retention import hold_reads, hold_reviews, holds

_OWNER = agencies.alias("owner")


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold as it stands, or stood until ``released_at``.

    ``reads`` counts the reads that it names, those that have lapsed too.
    """

    id: int
    agency: str
    case_number: str
    kind: str
    reason: str
    scope: str
    plate: str | None
    plate_state: str | None
    unit_id: int | None
    hit_id: UUID | None
    from_at: datetime | None
    until_at: datetime | None
    review_due: date | None
    ends_at: datetime | None
    direction: str | None
    record_period: str | None
    others_until: datetime | None
    disposed_on: date | None
    disposition: str | None
    disposed_by_name: str | None
    placed_by_name: str
    placed_at: datetime
    release_proposed_by_name: str | None
    release_proposed_at: datetime | None
    released_by_name: str | None
    released_at: datetime | None
    release_reason: str | None
    reads: int


@dataclass(frozen=True, slots=True)
class Review:
    """A review after which a hold went on."""

    reviewed_at: datetime
    reviewed_by_name: str
    reason: str
    next_due: date


@dataclass(frozen=True, slots=True)
class HeldRead:
    """A read under a hold; ``agency`` is its owner, and None if the read itself is not there."""

    read_id: UUID
    captured_at: datetime
    agency: str | None
    unit: str
    lapsed_at: datetime | None
    unit_id: int


@dataclass(frozen=True, slots=True)
class Naming:
    """A hold that names a read of that unit, or did; ``owner`` is the unit's agency.

    ``lapsed_at`` is when the hold ceased to keep this one of its reads; None where it did not.
    """

    hold: Hold
    unit_id: int
    owner: str
    lapsed_at: datetime | None
    placed_by: str
    released_by: str | None

    @property
    def ended_at(self) -> datetime | None:
        """When the hold ceased to keep the read; None while it does."""
        return self.lapsed_at or self.hold.released_at


@dataclass(frozen=True, slots=True)
class Filter:
    """Which holds are listed; all that agree with each part that is given."""

    agency: str | None = None
    case_number: str | None = None
    kind: str | None = None
    standing: bool = False
    overdue_at: datetime | None = None

    def parts(self) -> list[ColumnElement[bool]]:
        """The same as conditions on ``holds`` and ``agencies``."""
        found: list[ColumnElement[bool]] = []
        if self.agency is not None:
            found.append(agencies.c.name == self.agency)
        if self.case_number is not None:
            found.append(holds.c.case_number == self.case_number)
        if self.kind is not None:
            found.append(holds.c.kind == self.kind)
        if self.standing:
            found.append(holds.c.released_at.is_(None))
        if self.overdue_at is not None:
            found.append(is_overdue(self.overdue_at))
        return found


def list_holds(connection: Connection, which: Filter) -> list[Hold]:
    """Holds in the order of placing."""
    query = _query().where(*which.parts()).order_by(holds.c.id)
    return [Hold(*tuple(row)) for row in connection.execute(query)]


def naming(connection: Connection, read_id: UUID, start: datetime) -> list[Naming]:
    """Every hold that names or named reads of that id, captured in the millisecond from ``start``.

    Only with its unit is an id unique: reads of two units may have the same.
    """
    query = (
        _query()
        .add_columns(
            hold_reads.c.unit_id,
            _OWNER.c.name,
            hold_reads.c.lapsed_at,
            holds.c.placed_by,
            holds.c.released_by,
        )
        .join(hold_reads, hold_reads.c.hold_id == holds.c.id)
        .join(units, units.c.id == hold_reads.c.unit_id)
        .join(_OWNER, _OWNER.c.id == units.c.agency_id)
        .where(
            # The whole of the index's front, so that one moment of each unit is looked at.
            hold_reads.c.unit_id.in_(select(units.c.id)),
            hold_reads.c.captured_at >= start,
            hold_reads.c.captured_at < start + timedelta(milliseconds=1),
            hold_reads.c.read_id == read_id,
        )
        .order_by(holds.c.id, hold_reads.c.unit_id)
    )
    width = len(Hold.__slots__)
    rows = [tuple(row) for row in connection.execute(query)]
    return [Naming(Hold(*row[:width]), *row[width:]) for row in rows]


def show(
    connection: Connection, hold_id: int, seen: ColumnElement[bool] | None = None
) -> tuple[Hold, list[Review], list[HeldRead]]:
    """One hold with its reviews and reads.

    With ``seen``, of a row of ``reads``, those of its reads that are there alone of which it holds.

    Raises:
        HoldError: if there is none of that number.
    """
    row = connection.execute(_query().where(holds.c.id == hold_id)).one_or_none()
    if row is None:
        raise HoldError(f"hold {hold_id}: there is none of that number")
    reviews = connection.execute(
        select(
            hold_reviews.c.reviewed_at,
            hold_reviews.c.reviewed_by_name,
            hold_reviews.c.reason,
            hold_reviews.c.next_due,
        )
        .where(hold_reviews.c.hold_id == hold_id)
        .order_by(hold_reviews.c.id)
    )
    named = hold_reads
    held = connection.execute(
        select(
            named.c.read_id,
            named.c.captured_at,
            _OWNER.c.name,
            units.c.name,
            named.c.lapsed_at,
            named.c.unit_id,
        )
        .join(units, units.c.id == named.c.unit_id)
        .outerjoin(
            reads,
            (reads.c.unit_id == named.c.unit_id)
            & (reads.c.captured_at == named.c.captured_at)
            & (reads.c.read_id == named.c.read_id),
        )
        .outerjoin(_OWNER, _OWNER.c.id == reads.c.agency_id)
        .where(
            named.c.hold_id == hold_id,
            true() if seen is None else or_(reads.c.read_id.is_(None), seen),
        )
        .order_by(named.c.captured_at, named.c.read_id)
    )
    listed = [HeldRead(*tuple(each)) for each in held]
    there = {each.read_id for each in listed if each.agency is not None}
    return (
        Hold(*tuple(row)),
        [Review(*tuple(each)) for each in reviews],
        # A held hit has a row of its own, at its own moment, besides that of its read.
        [each for each in listed if each.agency is not None or each.read_id not in there],
    )


def _query() -> Select[Any]:
    count = (
        select(func.count(hold_reads.c.read_id.distinct()))
        .where(hold_reads.c.hold_id == holds.c.id)
        .correlate(holds)
        .scalar_subquery()
    )
    columns = [
        agencies.c.name if name == "agency" else count if name == "reads" else holds.c[name]
        for name in Hold.__slots__
    ]
    return select(*columns).join(agencies, agencies.c.id == holds.c.agency_id)
