"""Which reads a hold reaches, those that are there and those that come later."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Select,
    Table,
    or_,
    select,
    true,
    union,
)

from repository.retention.holds_request import (
    HitTarget,
    HoldError,
    PlateTarget,
    Target,
    UnitTarget,
)
from repository.store.tables.agency_data import read_corrections
from repository.store.tables.fleet import agencies, units
from repository.store.tables.reads import hits, reads
from repository.store.tables.retention import holds

Scope = Literal["reads", "hit", "plate", "unit"]
Row = Mapping[str, Any]
_EPOCH = datetime.fromtimestamp(0, UTC)
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Reach:
    """What a hold reaches, as its row keeps it: all that agree with each part that is not None.

    A hold on single reads (``reads``) reaches nothing but those named when it was placed.
    ``owner_id`` is the agency whose reads alone it reaches.
    """

    scope: Scope
    unit_id: int | None = None
    read_id: UUID | None = None
    hit_id: UUID | None = None
    plate: str | None = None
    plate_state: str | None = None
    from_at: datetime | None = None
    until_at: datetime | None = None
    owner_id: int | None = None

    def columns(self) -> dict[str, Any]:
        """The reach as columns of the hold's row."""
        return asdict(self)

    def covers(self, read: Row) -> bool:
        """Whether a row of ``reads`` is among them."""
        if self.from_at is None or self.until_at is None:
            return False
        return (
            self.from_at <= read["captured_at"] < self.until_at
            and self.unit_id in (None, read["unit_id"])
            and (self.owner_id is None or self.owner_id == read["agency_id"])
            and self.read_id in (None, read["read_id"])
            and self.plate in (None, read["plate"])
            and (self.plate_state is None or read["state"] in (None, self.plate_state))
        )

    def there(self, seen: ColumnElement[bool] | None = None) -> Select[Any] | CompoundSelect[Any]:
        """The keys of the reads that are there; not for a hold on single reads.

        A read whose owner says that its plate is another is reached by either plate. With ``seen``,
        which is of a row of ``reads``, those alone of which it holds.
        """
        shown = true() if seen is None else seen
        own = select(reads.c.unit_id, reads.c.captured_at, reads.c.read_id)
        own = own.where(*self._agrees(reads), shown)
        if self.plate is None:
            return own
        named = read_corrections
        corrected = (
            select(reads.c.unit_id, reads.c.captured_at, reads.c.read_id)
            .join(
                named,
                (named.c.unit_id == reads.c.unit_id)
                & (named.c.captured_at == reads.c.captured_at)
                & (named.c.read_id == reads.c.read_id),
            )
            .where(
                *self._agrees(named),
                reads.c.captured_at.between(self.from_at, self.until_at),
                shown,
            )
        )
        return union(own, corrected)

    def _agrees(self, table: Table) -> list[ColumnElement[bool]]:
        parts: list[ColumnElement[bool]] = [
            table.c.captured_at >= self.from_at,
            table.c.captured_at < self.until_at,
        ]
        if self.unit_id is None:
            of_agency = true() if self.owner_id is None else units.c.agency_id == self.owner_id
            parts.append(table.c.unit_id.in_(select(units.c.id).where(of_agency)))
        else:
            parts.append(table.c.unit_id == self.unit_id)
        if self.read_id is not None:
            parts.append(table.c.read_id == self.read_id)
        if self.plate is not None:
            parts.append(table.c.plate == self.plate)
        if self.plate_state is not None:
            parts.append(or_(table.c.state.is_(None), table.c.state == self.plate_state))
        return parts


def of_target(
    connection: Connection,
    target: Target,
    *,
    owner_id: int | None = None,
    seen: ColumnElement[bool] | None = None,
) -> tuple[Reach, list[dict[str, Any]]]:
    """What a hold on the target reaches, and the rows of ``hold_reads`` for what it names by id.

    With ``owner_id`` it reaches that agency's reads alone; with ``seen``, a read that is named must
    be one of which that holds.

    The rows of a hold on single reads are those reads. That of a hold on a hit stands for the hit,
    with the hit's own moment, so that it is held even while its read has not come.

    Raises:
        HoldError: if a read, hit or unit that is named is not there.
    """
    if isinstance(target, HitTarget):
        reach, rows = _of_hit(connection, target.hit_id, owner_id)
        if seen is not None and not _is_seen(connection, reach, seen):
            raise HoldError(f"hit {target.hit_id}: not in the repository")
        return reach, rows
    if isinstance(target, PlateTarget):
        return Reach(
            "plate",
            plate=target.plate,
            plate_state=target.state,
            from_at=target.start,
            until_at=target.end,
            owner_id=owner_id,
        ), []
    if isinstance(target, UnitTarget):
        unit_id = connection.scalar(
            select(units.c.id)
            .join(agencies, agencies.c.id == units.c.agency_id)
            .where(agencies.c.name == target.agency, units.c.name == target.unit)
        )
        if unit_id is None:
            raise HoldError(f"unit {target.agency}/{target.unit}: not known")
        return Reach("unit", unit_id=unit_id, from_at=target.start, until_at=target.end), []
    parts = [] if seen is None else [seen]
    if owner_id is not None:
        parts.append(reads.c.agency_id == owner_id)
    found = list(find_reads(connection, target, *parts))
    missing = sorted(map(str, set(target) - {row["read_id"] for row in found}))
    if missing:
        raise HoldError(f"reads: not in the repository: {', '.join(missing)}")
    return Reach("reads"), found


def of_hit(hit: Row) -> tuple[Reach, list[dict[str, Any]]]:
    """What a hold on a row of ``hits`` reaches; see :func:`of_target`."""
    window = moment_of(hit["read_id"])
    start, end = (hit["captured_at"],) * 2 if window is None else (window, window + _MILLISECOND)
    reach = Reach(
        "hit",
        unit_id=hit["unit_id"],
        read_id=hit["read_id"],
        hit_id=hit["hit_id"],
        from_at=start,
        until_at=end,
    )
    return reach, [{name: hit[name] for name in ("unit_id", "captured_at", "read_id")}]


def find_reads(
    connection: Connection, read_ids: Iterable[UUID], *which: ColumnElement[bool]
) -> Iterator[dict[str, Any]]:
    """Unit, moment of capture and id of every read that is there under one of these ids.

    An id holds the millisecond of its capture: that and the units lead to its row. Only with its
    unit is an id unique: of two units that have the same, both reads are found.
    """
    for read_id in read_ids:
        start = moment_of(read_id)
        if start is None:  # no id of a read
            continue
        rows = connection.execute(
            select(reads.c.unit_id, reads.c.captured_at, reads.c.read_id).where(
                reads.c.unit_id.in_(select(units.c.id)),
                reads.c.captured_at >= start,
                reads.c.captured_at < start + _MILLISECOND,
                reads.c.read_id == read_id,
                *which,
            )
        )
        yield from (dict(row) for row in rows.mappings())


def moment_of(record_id: UUID) -> datetime | None:
    """The millisecond that a UUIDv7 carries (RFC 9562, section 5.7); None where it is no moment."""
    try:
        return _EPOCH + timedelta(milliseconds=record_id.int >> 80)
    except OverflowError:
        return None


def standing_for(
    first: datetime, last: datetime, unit_ids: Collection[int]
) -> tuple[ColumnElement[bool], ...]:
    """Of a hold: that it may reach what these units captured from one moment to the other."""
    return (
        holds.c.released_at.is_(None),
        holds.c.until_at > first,
        holds.c.from_at <= last,
        or_(holds.c.unit_id.is_(None), holds.c.unit_id.in_(unit_ids)),
    )


def arrived(connection: Connection, rows: Sequence[Row]) -> Iterator[tuple[int, Row]]:
    """Which standing hold reaches which of the rows of ``reads`` that units just brought."""
    names = (
        "scope", "unit_id", "read_id", "plate", "plate_state", "from_at", "until_at", "owner_id",
    )  # fmt: skip
    moments = [row["captured_at"] for row in rows]
    query = select(holds.c.id, *(holds.c[name] for name in names)).where(
        *standing_for(min(moments), max(moments), {row["unit_id"] for row in rows})
    )
    standing = connection.execute(query).all()
    if not standing:
        return
    by_plate: dict[str, list[Row]] = {}
    by_id: dict[UUID, list[Row]] = {}
    for row in rows:
        by_plate.setdefault(row["plate"], []).append(row)
        by_id.setdefault(row["read_id"], []).append(row)
    for hold_id, *values in standing:
        reach = Reach(**dict(zip(names, values, strict=True)))
        if reach.plate is not None:
            near: Sequence[Row] = by_plate.get(reach.plate, ())
        elif reach.read_id is not None:
            near = by_id.get(reach.read_id, ())
        else:
            near = rows
        yield from ((hold_id, row) for row in near if reach.covers(row))


def _is_seen(connection: Connection, reach: Reach, seen: ColumnElement[bool]) -> bool:
    """Whether the hit's read may be seen, or has not come."""
    named = [] if reach.read_id is None else [reach.read_id]
    of_unit = reads.c.unit_id == reach.unit_id
    there = list(find_reads(connection, named, of_unit))
    return not there or bool(list(find_reads(connection, named, of_unit, seen)))


def _of_hit(
    connection: Connection, hit_id: UUID, owner_id: int | None
) -> tuple[Reach, list[dict[str, Any]]]:
    start = moment_of(hit_id)
    of_agency = true() if owner_id is None else units.c.agency_id == owner_id
    query = select(hits.c.unit_id, hits.c.captured_at, hits.c.read_id, hits.c.hit_id)
    found = (
        connection.execute(
            query.where(
                hits.c.unit_id.in_(select(units.c.id).where(of_agency)),
                hits.c.captured_at >= start,
                hits.c.captured_at < start + _MILLISECOND,
                hits.c.hit_id == hit_id,
            )
        )
        .mappings()
        .all()
        if start is not None
        else []
    )
    if len(found) != 1:
        many = "two units have a hit of that id" if found else "not in the repository"
        raise HoldError(f"hit {hit_id}: {many}")
    return of_hit(dict(found[0]))
