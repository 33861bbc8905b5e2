"""Keeping a person out for now: the account is locked, as after failed sign-ins, and sessions end.

An administrator lets the person in again as they release any locked account.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, update

from repository.accounts import sessions
from repository.store.tables.accounts import users


def suspend(connection: Connection, user_id: UUID, now: datetime) -> None:
    """Lock an account whose row is locked, in one transaction with its sessions."""
    connection.execute(update(users).where(users.c.id == user_id).values(locked_at=now))
    sessions.end_all(connection, user_id)
