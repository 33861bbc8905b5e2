"""Opening audits: each month and every three years by the clock, and at will by people.

An audit is of a period that is over. Its sample is drawn later (see `drawing`): what it will be
drawn with does not exist yet.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, insert, select, update

from repository.audits import periods
from repository.audits.records import Kind
from repository.audits.settings import AuditSettings
from repository.ledger import log
from repository.ledger.entry import SYSTEM, Actor, Entry
from repository.store.rows import insert_new
from repository.store.tables.audits import audits
from repository.store.tables.fleet import agencies

JOBS = "jobs"
ACTION = "audits.open"


@dataclass(frozen=True, slots=True)
class Opening:
    """An audit to open; ``once_key`` is what there is to be one of, None for any number."""

    kind: Kind
    agency_id: int | None
    agency: str | None
    start: datetime
    end: datetime
    due_at: datetime
    reason: str
    once_key: str | None = None


def open_audit(
    connection: Connection, opening: Opening, by: Actor, origin: str, now: datetime
) -> int | None:
    """Open it, on the ledger; its number, or None where there is one already."""
    row = {
        "kind": opening.kind,
        "agency_id": opening.agency_id,
        "once_key": opening.once_key,
        "period_start": opening.start,
        "period_end": opening.end,
        "reason": opening.reason,
        "opened_by": by.user_id,
        "opened_by_name": by.name,
        "opened_at": now,
        "due_at": opening.due_at,
        "searches": 0,
    }
    if opening.once_key is None:
        number: int = connection.execute(
            insert(audits).values(row).returning(audits.c.id)
        ).scalar_one()
    else:
        of_it = select(audits.c.id).where(audits.c.once_key == opening.once_key)
        if connection.scalar(of_it) is not None:
            return None
        insert_new(connection, audits, [row])
        number = connection.execute(of_it).scalar_one()
    request = {
        "audit": number,
        "kind": opening.kind,
        "agency": opening.agency,
        "from": opening.start.isoformat(),
        "to": opening.end.isoformat(),
        "reason_given": opening.reason,
    }
    index = log.append(connection, Entry(ACTION, by, now, origin, request)).index
    connection.execute(update(audits).where(audits.c.id == number).values(opened_index=index))
    return number


def due(connection: Connection, settings: AuditSettings, now: datetime) -> Iterator[Opening]:
    """The audits that are to be opened by the clock and are not there yet."""
    newest = _newest(connection)
    for row in connection.execute(select(agencies).order_by(agencies.c.id)).all():
        yield from _monthly(row.id, row.name, row.created_at, newest, settings, now)
        each = _triennial(row.id, row.name, row.created_at, newest, settings, now)
        if each is not None:
            yield each


def open_due(connection: Connection, settings: AuditSettings, now: datetime) -> list[int]:
    """Open them; gives their numbers."""
    opened = [
        open_audit(connection, each, SYSTEM, JOBS, now)
        for each in list(due(connection, settings, now))
    ]
    return [number for number in opened if number is not None]


def _newest(connection: Connection) -> dict[tuple[int, str], datetime]:
    columns = audits.c
    query = (
        select(columns.agency_id, columns.kind, func.max(columns.period_end))
        .where(columns.kind.in_(("monthly", "triennial")))
        .group_by(columns.agency_id, columns.kind)
    )
    return {(agency, kind): end for agency, kind, end in connection.execute(query)}


def _monthly(
    agency_id: int,
    agency: str,
    since: datetime,
    newest: dict[tuple[int, str], datetime],
    settings: AuditSettings,
    now: datetime,
) -> Iterator[Opening]:
    """Every month since the newest that was audited; of an agency's first time, the last alone."""
    last = periods.month_before(now)
    start = newest.get((agency_id, "monthly"), last.start)
    for each in periods.months_over(start, now):
        if since < each.end:
            yield Opening(
                "monthly",
                agency_id,
                agency,
                each.start,
                each.end,
                now + timedelta(days=settings.monthly_due_days),
                f"all activity of the agency's users in {each.name}",
                f"monthly {agency_id} {each.name}",
            )


def _triennial(
    agency_id: int,
    agency: str,
    since: datetime,
    newest: dict[tuple[int, str], datetime],
    settings: AuditSettings,
    now: datetime,
) -> Opening | None:
    start = newest.get((agency_id, "triennial"), since)
    due_at = periods.add_years(start, settings.every_years)
    if now < due_at - timedelta(days=settings.notice_days):
        return None
    return Opening(
        "triennial",
        agency_id,
        agency,
        start,
        now,
        due_at,
        f"every agency is audited within {settings.every_years} years",
        f"triennial {agency_id} {start:%Y-%m-%d}",
    )
