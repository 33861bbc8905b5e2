"""Closing an account: everything that its person could still come in by ends with it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, or_, select

from repository.accounts import sessions, users
from repository.store.tables.accounts import users as table

LEFT = "left the agency"
UNUSED = "not used"
NOT_CONFIRMED = "not confirmed in the review of the list"


def close(connection: Connection, user_id: UUID, why: str, now: datetime) -> None:
    """Close the account of a user whose row is locked, with its sessions, in one transaction."""
    users.disable(connection, user_id, why, now)
    sessions.end_all(connection, user_id)


def unused(connection: Connection, before: datetime) -> list[UUID]:
    """Open accounts that nobody came in by since then, nor were made since, in order of their ids.

    An account that is closed is never one of them.
    """
    query = (
        select(table.c.id)
        .where(
            table.c.disabled_at.is_(None),
            table.c.created_at < before,
            or_(table.c.last_used_at.is_(None), table.c.last_used_at < before),
        )
        .order_by(table.c.id)
    )
    return list(connection.scalars(query))
