"""Entries of the ledger as audits read them: a page at a time, each compared with its digest."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from repository.audits.errors import AuditError
from repository.ledger import entry as entries
from repository.ledger.entry import Recorded
from repository.store.tables.ledger import ledger_entries

ROWS_AT_ONCE = 1000
_CURSOR = re.compile(r"([0-9]{1,16})-([0-9]{1,18})")
_LAST = datetime(9999, 12, 31, tzinfo=UTC)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Which:
    """Which entries: those from ``start`` until before ``end`` at which the others agree.

    ``agencies`` are short names; the empty one stands for those of no agency. ``actions`` empty
    means all, and so do None for a person's id and for ``before``, an index.
    """

    agencies: Sequence[str]
    start: datetime
    end: datetime
    user_id: str | None = None
    actions: Sequence[str] = ()
    before: int | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """The same for a query."""
        columns = ledger_entries.c
        found = [columns.agency.in_(self.agencies), columns.at >= self.start, columns.at < self.end]
        if self.user_id is not None:
            found.append(columns.user_id == self.user_id)
        if self.actions:
            found.append(columns.action.in_(self.actions))
        if self.before is not None:
            found.append(columns.entry_index < self.before)
        return found


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ends: the moment and index of its last entry."""

    at: datetime
    index: int

    def __str__(self) -> str:
        """As it is written for whoever asks for the next page."""
        return f"{(self.at - _EPOCH) // _HUNDREDTH}-{self.index}"

    @classmethod
    def of(cls, text: str) -> Place:
        """The place that was written.

        Raises:
            AuditError: if it is none.
        """
        written = _CURSOR.fullmatch(text)
        if written is None:
            raise AuditError("after: expected the 'next' of the page before")
        hundredths = int(written[1])
        if hundredths > (_LAST - _EPOCH) // _HUNDREDTH:
            raise AuditError("after: expected the 'next' of the page before")
        return cls(_EPOCH + hundredths * _HUNDREDTH, int(written[2]))


_HUNDREDTH = (datetime(1970, 1, 1, 0, 0, 0, 10_000, tzinfo=UTC)) - _EPOCH


def page(
    connection: Connection, which: Which, after: Place | None = None, limit: int = ROWS_AT_ONCE
) -> list[Recorded]:
    """At most ``limit`` entries in order of their time, then index.

    Raises:
        AuditError: if one is not what its digest says.
    """
    columns = ledger_entries.c
    query = select(columns.entry_index, columns.body, columns.leaf).where(*which.conditions())
    if after is not None:
        later = and_(columns.at == after.at, columns.entry_index > after.index)
        query = query.where(columns.at >= after.at, or_(columns.at > after.at, later))
    query = query.order_by(columns.at, columns.entry_index).limit(limit)
    return _checked(connection.execute(query).all())


def these(connection: Connection, indexes: Sequence[int]) -> list[Recorded]:
    """The entries of these indexes, in order.

    Raises:
        AuditError: if one is not what its digest says.
    """
    columns = ledger_entries.c
    query = select(columns.entry_index, columns.body, columns.leaf)
    query = query.where(columns.entry_index.in_(indexes)).order_by(columns.entry_index)
    return _checked(connection.execute(query).all())


def _checked(rows: Iterable[Any]) -> list[Recorded]:
    found = []
    for row in rows:
        if entries.leaf(row.body) != row.leaf:
            raise AuditError(
                f"entry {row.entry_index} of the ledger is not what was recorded; "
                "run 'alpr-repository ledger verify'"
            )
        found.append(entries.read(row.body))
    return found


def place_of(recorded: Recorded) -> Place:
    """Where a page ends that ends with this entry."""
    return Place(entries.to_hundredths(recorded.entry.at), recorded.index)


def every(connection: Connection, which: Which) -> Iterator[Recorded]:
    """All of them, agency after agency and of each in order of time, read in pages.

    One agency at a time is what the index on agency and time gives without sorting.

    Raises:
        AuditError: if one is not what its digest says.
    """
    for agency in which.agencies:
        of_agency, after = replace(which, agencies=(agency,)), None
        while found := page(connection, of_agency, after):
            yield from found
            after = place_of(found[-1])


def counts(connection: Connection, which: Which) -> list[tuple[str, str, int]]:
    """How many entries each person left, by person's id and action."""
    columns = ledger_entries.c
    query = (
        select(columns.user_id, columns.action, func.count())
        .where(*which.conditions())
        .group_by(columns.user_id, columns.action)
        .order_by(columns.user_id, columns.action)
    )
    return [tuple(row) for row in connection.execute(query).all()]
