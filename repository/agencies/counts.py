"""How many reads and hits there were, by agency, month and list kind: numbers alone.

What is there is counted when it is asked for. What goes is counted as it goes, in the transaction
that removes it, so that a month's number stays right after its reads are purged.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Date,
    String,
    Table,
    cast,
    func,
    select,
    text,
    update,
)

from repository.store.rows import insert_new
from repository.store.tables.agency_data import monthly_counts
from repository.store.tables.fleet import agencies
from repository.store.tables.reads import hits, reads

READS = "reads"
"""The kind under which every read counts; the other kinds are those of hot lists."""


@dataclass(frozen=True, slots=True)
class Count:
    """A number of reads (kind ``reads``) or hits of one kind; ``month`` is its first day, UTC."""

    agency: str
    month: date
    kind: str
    number: int


def keep(
    connection: Connection, gone_reads: ColumnElement[bool], gone_hits: ColumnElement[bool]
) -> None:
    """Add what is about to be removed to the months' numbers; the conditions say which it is."""
    for table, condition in ((reads, gone_reads), (hits, gone_hits)):
        for agency_id, month, kind, number in _counted(connection, table, condition):
            row = {"agency_id": agency_id, "month": month, "kind": kind, "number": 0}
            insert_new(connection, monthly_counts, [row])
            connection.execute(
                update(monthly_counts)
                .where(
                    monthly_counts.c.agency_id == agency_id,
                    monthly_counts.c.month == month,
                    monthly_counts.c.kind == kind,
                )
                .values(number=monthly_counts.c.number + number)
            )


def count(connection: Connection, first: date, last: date) -> list[Count]:
    """All numbers that are not zero of the months from ``first`` to ``last``, both included."""
    totals: dict[tuple[int, date, str], int] = {}
    start = datetime(first.year, first.month, 1, tzinfo=UTC)
    after = datetime(last.year + last.month // 12, last.month % 12 + 1, 1, tzinfo=UTC)
    for table in (reads, hits):
        inside = (table.c.captured_at >= start) & (table.c.captured_at < after)
        for agency_id, month, kind, number in _counted(connection, table, inside):
            totals[agency_id, month, kind] = totals.get((agency_id, month, kind), 0) + number
    query = select(monthly_counts).where(
        monthly_counts.c.month >= start.date(), monthly_counts.c.month < after.date()
    )
    for row in connection.execute(query):
        key = (row.agency_id, row.month, row.kind)
        totals[key] = totals.get(key, 0) + row.number
    names = {row.id: row.name for row in connection.execute(select(agencies.c.id, agencies.c.name))}
    return sorted(
        (Count(names[key[0]], key[1], key[2], number) for key, number in totals.items()),
        key=lambda each: (each.month, each.agency, each.kind != READS, each.kind),
    )


def _counted(
    connection: Connection, table: Table, condition: ColumnElement[bool]
) -> Iterable[tuple[int, date, str, int]]:
    month: ColumnElement[Any]
    if connection.dialect.name == "postgresql":
        in_utc = func.timezone(text("'UTC'"), table.c.captured_at)
        month = cast(func.date_trunc(text("'month'"), in_utc), Date)
    else:  # SQLite keeps moments as text in UTC
        month = func.substr(cast(table.c.captured_at, String), 1, 7)
    parts = [table.c.agency_id, month.label("month")]
    parts += [hits.c.kind] if table is hits else []
    query = select(func.count(), *parts).where(condition).group_by(*parts)
    for number, agency_id, first, *kind in connection.execute(query).all():
        yield agency_id, date.fromisoformat(f"{first!s:.7}-01"), kind[0] if kind else READS, number
