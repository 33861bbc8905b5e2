"""Rows that should be gone: for `verify`, asked in other words than the purge asks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    Subquery,
    Table,
    and_,
    distinct,
    func,
    or_,
    select,
)

from repository.retention.duties import Bound, Duties
from repository.store.tables.agency_data import error_reports, read_corrections, withdrawn_reads
from repository.store.tables.cases import case_search_reads
from repository.store.tables.fleet import units
from repository.store.tables.plates import plates
from repository.store.tables.reads import (
    hits,
    picture_keys,
    pictures,
    quarantine,
    reads,
    unit_records,
)
from repository.store.tables.retention import (
    doomed_pictures,
    doomed_plates,
    hold_reads,
    holds,
)

LIMIT = 1000
"""How many of one kind are named."""

_NAMES_A_PLATE = ("verification", "disposition", "manual_entry")


@dataclass(frozen=True, slots=True)
class Left:
    """Something that should be gone, or should be there: of which kind, and its id, no plate."""

    kind: str
    name: str


def held_reads(at: datetime) -> Subquery:
    """Unit, capture and id of every read that a hold keeps at that moment."""
    return (
        select(hold_reads.c.unit_id, hold_reads.c.captured_at, hold_reads.c.read_id)
        .join(holds, holds.c.id == hold_reads.c.hold_id)
        .where(
            holds.c.released_at.is_(None),
            hold_reads.c.lapsed_at.is_(None),
            or_(holds.c.ends_at.is_(None), holds.c.ends_at > at),
        )
        .distinct()
        .subquery()
    )


def leftovers(
    connection: Connection, duties: Duties, bounds: tuple[Bound, ...], at: datetime
) -> Iterator[Left]:
    """Everything in the database that was past its time at that moment, and is not held."""
    for query in expired_reads(bounds, at):
        yield from _named(connection, "read", query)
    for query in _expired_hits(bounds, at):
        yield from _named(connection, "hit", query)
    for query in _expired_unit_records(bounds, at):
        yield from _named(connection, "unit_record", query)
    yield from _named(connection, "picture_row", _without_read(pictures, pictures.c.sha256))
    yield from _quarantine(connection, duties, bounds, at)
    yield from _keys(connection, bounds, at)
    yield from _words(connection)
    for query in (select(doomed_pictures.c.sha256), select(doomed_plates.c.id)):
        yield from _named(connection, "doomed", query)
    for table in (read_corrections, withdrawn_reads):
        yield from _named(connection, "said_of_read", _without_read(table, table.c.read_id))
    said = or_(error_reports.c.error.is_not(None), error_reports.c.answer_text.is_not(None))
    query = _without_read(error_reports, error_reports.c.id).where(said)
    yield from _named(connection, "said_of_read", query)
    shown = _without_read(case_search_reads, case_search_reads.c.read_id)
    query = shown.where(case_search_reads.c.facts.is_not(None))
    yield from _named(connection, "shown_in_case", query)


def expired_reads(bounds: tuple[Bound, ...], at: datetime) -> Iterator[Select[Any]]:
    """Ids of reads past their time that no hold keeps at that moment."""
    held = held_reads(at)
    same = and_(
        held.c.unit_id == reads.c.unit_id,
        held.c.captured_at == reads.c.captured_at,
        held.c.read_id == reads.c.read_id,
    )
    for hit in (False, True):
        for before, agency_ids in _grouped(each for each in bounds if each.hit == hit):
            yield (
                select(reads.c.read_id)
                .outerjoin(held, same)
                .where(
                    held.c.read_id.is_(None),
                    reads.c.captured_at < before,
                    reads.c.agency_id.in_(agency_ids),
                    reads.c.has_hits == hit,
                )
            )


def _expired_hits(bounds: tuple[Bound, ...], at: datetime) -> Iterator[Select[Any]]:
    held = held_reads(at)
    same = and_(held.c.unit_id == hits.c.unit_id, held.c.read_id == hits.c.read_id)
    for before, agency_ids in _grouped(each for each in bounds if each.hit):
        yield (
            select(hits.c.hit_id)
            .outerjoin(held, same)
            .where(
                held.c.read_id.is_(None),
                hits.c.captured_at < before,
                hits.c.agency_id.in_(agency_ids),
            )
        )


def _expired_unit_records(bounds: tuple[Bound, ...], at: datetime) -> Iterator[Select[Any]]:
    held = held_reads(at)
    kept = (
        select(hits.c.unit_id, hits.c.hit_id)
        .join(held, and_(held.c.unit_id == hits.c.unit_id, held.c.read_id == hits.c.read_id))
        .distinct()
        .subquery()
    )
    same = and_(kept.c.unit_id == unit_records.c.unit_id, kept.c.hit_id == unit_records.c.hit_id)
    for before, agency_ids in _grouped(each for each in bounds if each.hit):
        yield (
            select(unit_records.c.record_id)
            .outerjoin(kept, same)
            .where(
                kept.c.hit_id.is_(None),
                unit_records.c.type.in_(_NAMES_A_PLATE),
                unit_records.c.captured_at < before,
                unit_records.c.agency_id.in_(agency_ids),
            )
        )


def _quarantine(
    connection: Connection, duties: Duties, bounds: tuple[Bound, ...], at: datetime
) -> Iterator[Left]:
    shortest: dict[int, datetime] = {}
    for each in bounds:
        shortest[each.agency_id] = max(
            each.expired_before, shortest.get(each.agency_id, each.expired_before)
        )
    default = max(duties.default.expired_before(at, hit=hit) for hit in (False, True))
    columns = quarantine.c
    query = select(
        columns.id, columns.received_at, columns.captured_at, units.c.agency_id
    ).outerjoin(units, units.c.id == columns.unit_id)
    newest = max([default, *shortest.values()])
    old = or_(columns.received_at < newest, columns.captured_at < newest)
    number = 0
    for row in connection.execute(query.where(old).order_by(columns.id)):
        before = shortest.get(row.agency_id, newest)
        if min(row.received_at, row.captured_at or row.received_at) < before:
            number += 1
            if number <= LIMIT:
                yield Left("quarantine", str(row.id))


def _keys(connection: Connection, bounds: tuple[Bound, ...], at: datetime) -> Iterator[Left]:
    """Keys of days of which nothing but what is held may be left, made before that moment."""
    past = min((each.expired_before for each in bounds), default=at).astimezone(UTC).date()
    query = select(picture_keys.c.day).where(
        picture_keys.c.day < past, picture_keys.c.created_at < at
    )
    for day in sorted(connection.scalars(query)):
        yield Left("picture_key", day.isoformat())


def _words(connection: Connection) -> Iterator[Left]:
    """Words of the dictionary that nothing has any more: how many, since a word is a plate."""
    used = select(reads.c.plate).union(select(hits.c.plate)).subquery()
    query = (
        select(func.count(distinct(plates.c.plate)))
        .select_from(plates.outerjoin(used, used.c.plate == plates.c.plate))
        .where(used.c.plate.is_(None))
    )
    number = connection.scalar(query) or 0
    if number:
        yield Left("dictionary", f"{number} words")


def _without_read(table: Table, name: Any) -> Select[Any]:
    """Names of rows that speak of a read that is not there."""
    same = and_(
        reads.c.unit_id == table.c.unit_id,
        reads.c.captured_at == table.c.captured_at,
        reads.c.read_id == table.c.read_id,
    )
    return select(name).select_from(table.outerjoin(reads, same)).where(reads.c.read_id.is_(None))


def _named(connection: Connection, kind: str, query: Select[Any]) -> Iterator[Left]:
    for name in connection.scalars(query.limit(LIMIT)).all():
        yield Left(kind, str(name))


def _grouped(bounds: Iterable[Bound]) -> list[tuple[datetime, list[int]]]:
    found: dict[datetime, list[int]] = defaultdict(list)
    for each in bounds:
        found[each.expired_before].append(each.agency_id)
    return sorted(found.items())
