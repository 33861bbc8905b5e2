"""One login in two places at about the same time (policy C-3c): seen, told, and deciding nothing.

Two places are two addresses, an IPv6 network counting as one, or two patrol vehicles. Two sessions
used from them within minutes of each other are flagged. So is one session whose address changes,
since its token may have been copied; a vehicle's changes as it drives, so there it is flagged when
the address changes back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, bindparam, insert, select, update

from repository.accounts.sessions import Held, Kind
from repository.accounts.throttle import site
from repository.accounts.user import User
from repository.ledger import log
from repository.ledger.entry import Entry
from repository.store.tables.accounts import users
from repository.store.tables.fleet import agencies, units
from repository.store.tables.sessions import sessions, shared_uses
from repository.units.findings import raise_finding

FINDING = "account used in two places"
MAX_LISTED = 1000

# Run with every request, so built once.
_OTHER_SESSIONS = (
    select(sessions.c.last_origin, units.c.name.label("unit"), sessions.c.unit_id)
    .outerjoin(units, units.c.id == sessions.c.unit_id)
    .where(
        sessions.c.user_id == bindparam("user_id"),
        sessions.c.id != bindparam("session_id"),
        sessions.c.last_used_at > bindparam("since"),
    )
    .order_by(sessions.c.last_used_at.desc(), sessions.c.id)
)


@dataclass(frozen=True, slots=True)
class SharedUse:
    """One login used from two places from ``first_at`` to ``last_at``; ``told_at`` its person."""

    login: str
    name: str
    agency: str
    one_origin: str
    other_origin: str
    first_at: datetime
    last_at: datetime
    told_at: datetime | None

    @property
    def notice(self) -> str:
        """What its person is told."""
        return (
            f"your account was used from {self.one_origin} and from {self.other_origin} at about "
            f"the same time on {self.last_at:%Y-%m-%d at %H:%M} UTC: if that was not you, change "
            "your password and tell your ALPR administrator"
        )


def look(
    connection: Connection,
    user: User,
    held: Held,
    origin: str,
    within: timedelta,
    now: datetime,
) -> None:
    """Flag what this use of a session shows, the session given as it was before."""
    here = _place(connection, held, origin)
    for other in _elsewhere(connection, held, origin, within, now):
        _flag(connection, user, (_said(other.last_origin, other.unit), here), within, now)
    if site(origin) != site(held.last_origin) and _is_copy(held, origin, within, now):
        _flag(connection, user, (_place(connection, held, held.last_origin), here), within, now)


def untold(connection: Connection, user_id: UUID, now: datetime) -> Sequence[SharedUse]:
    """What the person has not been told yet, and is told now."""
    found = _list(connection, shared_uses.c.user_id == user_id, shared_uses.c.told_at.is_(None))
    if found:
        connection.execute(
            update(shared_uses)
            .where(shared_uses.c.user_id == user_id, shared_uses.c.told_at.is_(None))
            .values(told_at=now)
        )
    return found


def of_agency(connection: Connection, agency_id: int | None) -> Sequence[SharedUse]:
    """The newest of an agency's people, or of everybody's."""
    return _list(connection, *(() if agency_id is None else (users.c.agency_id == agency_id,)))


def _elsewhere(
    connection: Connection, held: Held, origin: str, within: timedelta, now: datetime
) -> Sequence[Row[Any, Any, Any]]:
    """The same person's other sessions that were used just now and not here."""
    values = {"user_id": held.user_id, "session_id": held.id, "since": now - within}
    return [
        row
        for row in connection.execute(_OTHER_SESSIONS, values)
        if site(row.last_origin) != site(origin)
        or (held.unit_id is not None and row.unit_id not in (None, held.unit_id))
    ]


def _is_copy(held: Held, origin: str, within: timedelta, now: datetime) -> bool:
    if held.kind is not Kind.VEHICLE:
        return now - held.last_used_at < within
    if held.earlier_origin is None or held.moved_at is None:
        return False
    return site(origin) == site(held.earlier_origin) and now - held.moved_at < within


def _flag(
    connection: Connection, user: User, places: tuple[str, str], within: timedelta, now: datetime
) -> None:
    one, other = sorted(places)
    standing = connection.execute(
        select(shared_uses.c.id).where(
            shared_uses.c.user_id == user.id,
            shared_uses.c.one_origin == one,
            shared_uses.c.other_origin == other,
            shared_uses.c.last_at > now - within,
            shared_uses.c.told_at.is_(None),
        )
    ).first()
    if standing is not None:
        connection.execute(
            update(shared_uses).where(shared_uses.c.id == standing.id).values(last_at=now)
        )
        return
    connection.execute(
        insert(shared_uses).values(
            user_id=user.id, one_origin=one, other_origin=other, first_at=now, last_at=now
        )
    )
    detail = (
        f"{user.login} of {user.agency} was used at about the same time from {one} and from "
        f"{other}: ask its person; 'alpr-repository sessions shared' lists all"
    )
    raise_finding(connection, FINDING, None, detail, now, subject=user.login)
    request = {"one": one, "other": other}
    log.append(connection, Entry("accounts.shared_use", user.actor, now, other, request))


def _list(connection: Connection, *conditions: ColumnElement[bool]) -> Sequence[SharedUse]:
    query = (
        select(
            users.c.login,
            users.c.name,
            agencies.c.name.label("agency"),
            shared_uses.c.one_origin,
            shared_uses.c.other_origin,
            shared_uses.c.first_at,
            shared_uses.c.last_at,
            shared_uses.c.told_at,
        )
        .join(users, users.c.id == shared_uses.c.user_id)
        .join(agencies, agencies.c.id == users.c.agency_id)
        .where(*conditions)
        .order_by(shared_uses.c.last_at.desc(), shared_uses.c.id.desc())
        .limit(MAX_LISTED)
    )
    return [SharedUse(**row) for row in connection.execute(query).mappings()]


def _place(connection: Connection, held: Held, origin: str) -> str:
    if held.unit_id is None:
        return _said(origin, None)
    return _said(origin, connection.scalar(select(units.c.name).where(units.c.id == held.unit_id)))


def _said(origin: str, unit: str | None) -> str:
    return origin if unit is None else f"{origin} in {unit}"
