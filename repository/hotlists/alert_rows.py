"""Alerts in the database: hits, what was recorded of them, and the holds on their reads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, exists, or_, select

from edge.contract.records import Disposition, Hit, Read, Verification, decode_record
from repository.hotlists.alert_state import Alert, PlacedHold
from repository.store.tables.fleet import units
from repository.store.tables.reads import hits, reads, unit_records
from repository.store.tables.retention import hold_reads, holds

_AT_ONCE = 200
_Key: TypeAlias = tuple[int, UUID]


def of_agency(
    connection: Connection,
    agency_id: int,
    start: datetime,
    end: datetime,
    *,
    expired_before: datetime,
    list_name: str | None = None,
) -> Generator[Alert]:
    """An agency's alerts from ``start`` until before ``end``, the newest first.

    One from before ``expired_before`` has expired, purged yet or not, and comes only if it is held.
    Who does not take them all closes what is given, while the transaction lasts.
    """
    conditions = [
        hits.c.agency_id == agency_id,
        hits.c.captured_at >= start,
        hits.c.captured_at < end,
        or_(hits.c.captured_at >= expired_before, _held()),
    ]
    if list_name is not None:
        conditions.append(hits.c.list_name == list_name)
    return _alerts(connection, conditions)


def find(
    connection: Connection, agency_id: int, hit_id: UUID, *, expired_before: datetime
) -> list[Alert]:
    """The agency's alerts of that id; an id is unique only with its unit."""
    try:
        start = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=hit_id.int >> 80)
    except OverflowError:  # no id of a hit
        return []
    conditions = [
        hits.c.unit_id.in_(select(units.c.id).where(units.c.agency_id == agency_id)),
        hits.c.agency_id == agency_id,
        hits.c.captured_at >= start,
        hits.c.captured_at < start + timedelta(milliseconds=1),
        hits.c.hit_id == hit_id,
        or_(hits.c.captured_at >= expired_before, _held()),
    ]
    return list(_alerts(connection, conditions))


def _alerts(connection: Connection, conditions: Sequence[ColumnElement[bool]]) -> Generator[Alert]:
    query = (
        select(
            hits.c.unit_id,
            hits.c.captured_at,
            hits.c.hit_id,
            hits.c.read_id,
            hits.c.record,
            hits.c.received_at,
        )
        .where(*conditions)
        .order_by(hits.c.captured_at.desc(), hits.c.unit_id, hits.c.hit_id)
    )
    with connection.execute(query, execution_options={"yield_per": _AT_ONCE}) as rows:
        for some in rows.partitions():
            yield from _with_records(connection, some)


def _with_records(connection: Connection, rows: Sequence[Any]) -> Iterator[Alert]:
    recorded = _records(connection, rows)
    held = _holds(connection, rows)
    final = _reads(connection, rows)
    for row in rows:
        hit = decode_record(bytes(row.record))
        if not isinstance(hit, Hit):
            continue
        said = recorded[row.unit_id, row.hit_id]
        yield Alert(
            hit=hit,
            read=final.get((row.unit_id, row.read_id)),
            received_at=row.received_at,
            verifications=tuple(each for each in said if isinstance(each, Verification)),
            dispositions=tuple(each for each in said if isinstance(each, Disposition)),
            holds=tuple(held[row.unit_id, row.read_id]),
        )


def _records(
    connection: Connection, rows: Sequence[Any]
) -> dict[_Key, list[Verification | Disposition]]:
    found: defaultdict[_Key, list[Verification | Disposition]] = defaultdict(list)
    query = (
        select(unit_records.c.unit_id, unit_records.c.hit_id, unit_records.c.record)
        .where(
            unit_records.c.unit_id.in_({row.unit_id for row in rows}),
            unit_records.c.hit_id.in_({row.hit_id for row in rows}),
        )
        .order_by(unit_records.c.seq)
    )
    for row in connection.execute(query).all():
        record = decode_record(bytes(row.record))
        if isinstance(record, Verification | Disposition):
            found[row.unit_id, row.hit_id].append(record)
    return found


def _reads(connection: Connection, rows: Sequence[Any]) -> dict[_Key, Read]:
    """The reads of these hits, day by day: a read's id says when it was captured."""
    days: defaultdict[date, list[tuple[datetime, Any]]] = defaultdict(list)
    for row in rows:
        try:
            at = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=row.read_id.int >> 80)
        except OverflowError:  # no id of a read
            continue
        days[at.date()].append((at, row))
    found: dict[_Key, Read] = {}
    for of_day in days.values():
        moments = [at for at, _ in of_day]
        query = select(reads.c.unit_id, reads.c.read_id, reads.c.record).where(
            reads.c.unit_id.in_({row.unit_id for _, row in of_day}),
            reads.c.captured_at >= min(moments),
            reads.c.captured_at < max(moments) + timedelta(milliseconds=1),
            reads.c.read_id.in_({row.read_id for _, row in of_day}),
        )
        for unit_id, read_id, raw in connection.execute(query).all():
            record = decode_record(bytes(raw))
            if isinstance(record, Read):
                found[unit_id, read_id] = record
    return found


def _holds(connection: Connection, rows: Sequence[Any]) -> dict[_Key, list[PlacedHold]]:
    found: defaultdict[_Key, list[PlacedHold]] = defaultdict(list)
    query = (
        select(
            hold_reads.c.unit_id,
            hold_reads.c.read_id,
            holds.c.id,
            holds.c.case_number,
            holds.c.kind,
        )
        .join(holds, holds.c.id == hold_reads.c.hold_id)
        .where(
            hold_reads.c.unit_id.in_({row.unit_id for row in rows}),
            hold_reads.c.read_id.in_({row.read_id for row in rows}),
            hold_reads.c.lapsed_at.is_(None),
            holds.c.released_at.is_(None),
        )
        .order_by(holds.c.id)
    )
    for unit_id, read_id, *placed in connection.execute(query).all():
        found[unit_id, read_id].append(PlacedHold(*placed))
    return found


def _held() -> ColumnElement[bool]:
    # By unit and id: a hit may have been captured a moment before its read.
    return exists().where(
        hold_reads.c.unit_id == hits.c.unit_id,
        hold_reads.c.read_id == hits.c.read_id,
        hold_reads.c.lapsed_at.is_(None),
        holds.c.id == hold_reads.c.hold_id,
        holds.c.released_at.is_(None),
    )
