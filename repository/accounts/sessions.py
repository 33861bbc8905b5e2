"""Sessions in the database: a bearer's token, kept as its SHA-256, and how long it is good for.

A session that was left unused locks: its token opens nothing but the unlocking, until the full
sign-in that began it is too long ago and the session ends. A patrol vehicle's may be exempt from
the first and never from the second. With every change of what a session may do its token is
replaced, so that one fixed or seen before is worth nothing after.

Locks are taken in one order, here and in the whole room: the user's row, then their sessions, then
the ledger. Whoever changes a session locks its user first.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from repository.accounts.errors import SessionEndedError, SessionLockedError
from repository.store.tables.accounts import users
from repository.store.tables.sessions import sessions

MAX_PER_PERSON = 20
"""Sessions that one person may have open; another one ends the oldest."""
MAX_ORIGIN = 64

_PROGRAM, _BROWSER = "pws_", "pwb_"
_TOKEN_BYTES = 32

# Run with every request, so built once.
_FIND = (
    select(sessions).where(sessions.c.token_digest == bindparam("token_digest")).with_for_update()
)
_USE = (
    update(sessions)
    .where(sessions.c.id == bindparam("session_id"))
    .values(last_used_at=bindparam("used_at"))
)
_MOVE = _USE.values(
    earlier_origin=bindparam("from_origin"),
    moved_at=bindparam("at"),
    last_origin=bindparam("to_origin"),
)


class Kind(StrEnum):
    """Where a session is used, which tells whether it locks when left alone."""

    DESK = "desk"
    VEHICLE = "vehicle"


@dataclass(frozen=True, slots=True)
class Terms:
    """How long sessions are good: ``idle`` until they lock, ``whole`` in all."""

    idle: timedelta = timedelta(minutes=30)
    whole: timedelta = timedelta(hours=12)
    vehicles_stay_open: bool = True

    def lock_when_left(self, kind: Kind) -> bool:
        """Whether sessions of that kind lock for being unused."""
        return not (self.vehicles_stay_open and kind is Kind.VEHICLE)


@dataclass(frozen=True, slots=True)
class Opening:
    """How a session is opened: from which address, in what, and by whose word.

    ``second_factor`` is whether one was shown, and ``by_provider`` whether it was the agency's own
    provider who knew the person. A browser's token is taken from a cookie alone, a program's from
    the header alone.
    """

    origin: str
    browser: bool = False
    kind: Kind = Kind.DESK
    unit_id: int | None = None
    second_factor: bool = False
    by_provider: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """A session as it stands; the id names it and opens nothing."""

    id: UUID
    user_id: UUID
    kind: Kind
    unit_id: int | None
    second_factor: bool
    by_provider: bool
    origin: str
    last_origin: str
    created_at: datetime
    last_used_at: datetime
    locked_at: datetime | None
    earlier_origin: str | None
    moved_at: datetime | None

    def ended(self, terms: Terms, now: datetime) -> bool:
        """Whether the full sign-in is too long ago."""
        return now - self.created_at >= terms.whole

    def locked(self, terms: Terms, now: datetime) -> bool:
        """Whether it was locked, or left alone for too long."""
        left = terms.lock_when_left(self.kind) and now - self.last_used_at >= terms.idle
        return self.locked_at is not None or left


def is_of_browser(token: str) -> bool:
    """Whether the token is one that comes in a cookie."""
    return token.startswith(_BROWSER)


def start(
    connection: Connection,
    user_id: UUID,
    opening: Opening,
    now: datetime,
    terms: Terms,
) -> str:
    """A new token for the user, whose row is locked; sessions that have ended are swept away."""
    # Others' sessions: those that somebody works on are passed over, not waited for.
    ended = (
        select(sessions.c.id)
        .where(sessions.c.created_at <= now - terms.whole)
        .with_for_update(skip_locked=True)
    )
    connection.execute(delete(sessions).where(sessions.c.id.in_(ended)))
    _make_room(connection, user_id)
    token = mint(opening.browser)
    origin = opening.origin[:MAX_ORIGIN]
    connection.execute(
        insert(sessions).values(
            id=uuid.uuid4(),
            token_digest=digest(token),
            user_id=user_id,
            kind=opening.kind.value,
            unit_id=opening.unit_id,
            second_factor=opening.second_factor,
            by_provider=opening.by_provider,
            origin=origin,
            last_origin=origin,
            created_at=now,
            last_used_at=now,
        )
    )
    return token


def find(connection: Connection, token: str, terms: Terms, now: datetime) -> Held:
    """The session that the token opens, locked or not; its user's row is locked.

    Raises:
        SessionEndedError: if it opens none, or no longer.
    """
    row = connection.execute(_FIND, {"token_digest": digest(token)}).one_or_none()
    held = None if row is None else _held(row)
    if held is None or held.ended(terms, now):
        raise SessionEndedError
    return held


def use(connection: Connection, token: str, origin: str, terms: Terms, now: datetime) -> Held:
    """Use the session that the token opens, its user's row locked; it is given as it was before.

    Raises:
        SessionEndedError: if it opens none, or no longer.
        SessionLockedError: if the session is locked.
    """
    held = find(connection, token, terms, now)
    if held.locked(terms, now):
        raise SessionLockedError
    origin = origin[:MAX_ORIGIN]
    values: dict[str, object] = {"session_id": held.id, "used_at": max(now, held.last_used_at)}
    if origin == held.last_origin:
        connection.execute(_USE, values)
    else:
        values |= {"from_origin": held.last_origin, "at": now, "to_origin": origin}
        connection.execute(_MOVE, values)
    return held


def rotate(connection: Connection, held: Held, token: str, now: datetime) -> str:
    """Open the session anew under another token, which is of the same carrier as the one before."""
    fresh = mint(is_of_browser(token))
    connection.execute(
        update(sessions)
        .where(sessions.c.id == held.id)
        .values(
            token_digest=digest(fresh),
            last_used_at=max(now, held.last_used_at),
            locked_at=None,
        )
    )
    return fresh


def lock(connection: Connection, session_id: UUID, now: datetime) -> None:
    """Lock a session at once, its user's row locked."""
    connection.execute(update(sessions).where(sessions.c.id == session_id).values(locked_at=now))


def of_user(connection: Connection, user_id: UUID, terms: Terms, now: datetime) -> Sequence[Held]:
    """The user's sessions that have not ended, the newest first."""
    query = (
        select(sessions)
        .where(sessions.c.user_id == user_id, sessions.c.created_at > now - terms.whole)
        .order_by(sessions.c.created_at.desc(), sessions.c.id)
    )
    return [_held(row) for row in connection.execute(query).all()]


def end(connection: Connection, user_id: UUID, session_id: UUID) -> bool:
    """End one session of the user, whose row is locked; false if they have none of that id."""
    done = connection.execute(
        delete(sessions).where(sessions.c.user_id == user_id, sessions.c.id == session_id)
    )
    return done.rowcount == 1


def end_all(connection: Connection, user_id: UUID) -> int:
    """End every session of the user, whose row is locked; how many there were."""
    return connection.execute(delete(sessions).where(sessions.c.user_id == user_id)).rowcount


def end_of_agency(connection: Connection, agency_id: int) -> None:
    """End every session of the agency's people, whose rows are locked."""
    people = select(users.c.id).where(users.c.agency_id == agency_id)
    connection.execute(delete(sessions).where(sessions.c.user_id.in_(people)))


def mint(browser: bool, make: Callable[[int], str] = secrets.token_urlsafe) -> str:
    """A token of 256 bits that says who carries it, and nothing else."""
    return (_BROWSER if browser else _PROGRAM) + make(_TOKEN_BYTES)


def digest(token: str) -> bytes:
    """What is kept of a token.

    It is looked up by this, so that the time that takes says nothing about the token.
    """
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _make_room(connection: Connection, user_id: UUID) -> None:
    newest = (
        select(sessions.c.id)
        .where(sessions.c.user_id == user_id)
        .order_by(sessions.c.created_at.desc(), sessions.c.id)
        .limit(MAX_PER_PERSON - 1)
    )
    connection.execute(
        delete(sessions).where(sessions.c.user_id == user_id, sessions.c.id.not_in(newest))
    )


def _held(row: Row[tuple[object, ...]]) -> Held:
    found = row._mapping
    return Held(
        id=found["id"],
        user_id=found["user_id"],
        kind=Kind(found["kind"]),
        unit_id=found["unit_id"],
        second_factor=found["second_factor"],
        by_provider=found["by_provider"],
        origin=found["origin"],
        last_origin=found["last_origin"],
        created_at=found["created_at"],
        last_used_at=found["last_used_at"],
        locked_at=found["locked_at"],
        earlier_origin=found["earlier_origin"],
        moved_at=found["moved_at"],
    )
