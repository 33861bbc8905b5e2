"""Sessions in the database: a bearer's token, kept as its SHA-256, and how long it is good for.

Locks are taken in one order, here and in the whole room: the user's row, then their sessions, then
the ledger. Whoever changes a session locks its user first.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, delete, insert, or_, select, update

from repository.store.tables.accounts import sessions, users

IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=12)


def start(
    connection: Connection,
    user_id: UUID,
    now: datetime,
    mint: Callable[[], str] = secrets.token_urlsafe,
) -> str:
    """A new token for the user, whose row is locked; sessions that have ended are swept away."""
    token = mint()
    # Others' sessions: those that somebody works on are passed over, not waited for.
    ended = (
        select(sessions.c.token_digest)
        .where(or_(sessions.c.last_used_at <= now - IDLE, sessions.c.created_at <= now - ABSOLUTE))
        .with_for_update(skip_locked=True)
    )
    connection.execute(delete(sessions).where(sessions.c.token_digest.in_(ended)))
    connection.execute(
        insert(sessions).values(
            token_digest=_digest(token), user_id=user_id, created_at=now, last_used_at=now
        )
    )
    return token


def holder(connection: Connection, token: str) -> UUID | None:
    """Whose session the token opens or opened; it locks nothing.

    The token is looked up by its digest, so that the time this takes says nothing about it.
    """
    user_id: UUID | None = connection.scalar(
        select(sessions.c.user_id).where(sessions.c.token_digest == _digest(token))
    )
    return user_id


def use(connection: Connection, token: str, now: datetime) -> bool:
    """Use the session that the token opens, its user's row locked; false if it has ended."""
    row = connection.execute(
        select(sessions).where(sessions.c.token_digest == _digest(token)).with_for_update()
    ).one_or_none()
    if row is None or now - row.last_used_at >= IDLE or now - row.created_at >= ABSOLUTE:
        return False
    connection.execute(
        update(sessions)
        .where(sessions.c.token_digest == row.token_digest)
        .values(last_used_at=max(now, row.last_used_at))
    )
    return True


def end_all(connection: Connection, user_id: UUID) -> None:
    """End every session of the user, whose row is locked."""
    connection.execute(delete(sessions).where(sessions.c.user_id == user_id))


def end_of_agency(connection: Connection, agency_id: int) -> None:
    """End every session of the agency's people, whose rows are locked."""
    people = select(users.c.id).where(users.c.agency_id == agency_id)
    connection.execute(delete(sessions).where(sessions.c.user_id.in_(people)))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
