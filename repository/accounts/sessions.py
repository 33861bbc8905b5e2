"""Sessions in the database: a bearer's token, kept as its SHA-256, and how long it is good for."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, delete, insert, or_, select, update

from repository.store.tables.accounts import sessions

IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=12)


def start(
    connection: Connection,
    user_id: UUID,
    now: datetime,
    mint: Callable[[], str] = secrets.token_urlsafe,
) -> str:
    """A new token for the user; sessions that have ended are swept away."""
    token = mint()
    connection.execute(
        delete(sessions).where(
            or_(sessions.c.last_used_at <= now - IDLE, sessions.c.created_at <= now - ABSOLUTE)
        )
    )
    connection.execute(
        insert(sessions).values(
            token_digest=_digest(token), user_id=user_id, created_at=now, last_used_at=now
        )
    )
    return token


def use(connection: Connection, token: str, now: datetime) -> UUID | None:
    """The user whose session the token opens, used now; None if it opens nothing or no longer.

    The token is looked up by its digest, so that the time this takes says nothing about it.
    """
    row = connection.execute(
        select(sessions).where(sessions.c.token_digest == _digest(token))
    ).one_or_none()
    if row is None or now - row.last_used_at >= IDLE or now - row.created_at >= ABSOLUTE:
        return None
    connection.execute(
        update(sessions)
        .where(sessions.c.token_digest == _digest(token))
        .values(last_used_at=max(now, row.last_used_at))
    )
    user_id: UUID = row.user_id
    return user_id


def end_all(connection: Connection, user_id: UUID) -> None:
    """End every session of the user."""
    connection.execute(delete(sessions).where(sessions.c.user_id == user_id))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
