"""Imported entries that were taken out of a list here, in the caller's transaction.

A withdrawal outlasts imports while the source goes on naming the entry, and is lifted by the first
import without it: an id that comes back later is news.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from repository.accounts.user import User
from repository.hotlists.errors import EntryRefusedError
from repository.store.tables.hotlists import hotlist_withdrawals

_row = hotlist_withdrawals.c


def standing(connection: Connection, hotlist_id: int) -> frozenset[str]:
    """The ids of a list's entries that are withdrawn."""
    query = select(_row.entry).where(_row.hotlist_id == hotlist_id, _row.lifted_at.is_(None))
    return frozenset(connection.scalars(query))


def add(
    connection: Connection, hotlist_id: int, entry: str, reason: str, user: User, now: datetime
) -> None:
    """Withdraw an entry.

    Raises:
        EntryRefusedError: if it is withdrawn already.
    """
    if entry in standing(connection, hotlist_id):
        raise EntryRefusedError(f"entry {entry}: is withdrawn already")
    connection.execute(
        insert(hotlist_withdrawals).values(
            hotlist_id=hotlist_id,
            entry=entry,
            reason=reason,
            withdrawn_by=user.id,
            withdrawn_by_name=user.name,
            withdrawn_at=now,
        )
    )


def lift(
    connection: Connection, hotlist_id: int, gone: Callable[[str], bool], now: datetime
) -> None:
    """Lift the withdrawals of those entries of which ``gone`` says that no import has them."""
    for entry in filter(gone, standing(connection, hotlist_id)):
        connection.execute(
            update(hotlist_withdrawals)
            .where(_row.hotlist_id == hotlist_id, _row.entry == entry, _row.lifted_at.is_(None))
            .values(lifted_at=now)
        )
