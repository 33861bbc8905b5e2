"""Bulletins: what users must know of changes in hardware, software, law or policy (C-1c, M-C4).

A bulletin stands before all else until its reader has acknowledged it, for newcomers too, as long
as it is not withdrawn. Everything runs in the caller's transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, exists, literal, or_, select

from repository.accounts.user import User
from repository.store.tables.accounts import users
from repository.store.tables.fleet import agencies
from repository.store.tables.people import bulletin_readings, bulletins


class About(StrEnum):
    """What a bulletin tells of."""

    HARDWARE = "hardware"
    SOFTWARE = "software"
    LAW = "law"
    POLICY = "policy"


@dataclass(frozen=True, slots=True)
class Bulletin:
    """A bulletin; ``agency`` is None where it is for everybody."""

    id: int
    agency: str | None
    about: About
    title: str
    body: str
    published_at: datetime
    published_by_name: str
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class Reader:
    """A person whom a bulletin is for, and when they acknowledged it, if they have."""

    login: str
    name: str
    agency: str
    read_at: datetime | None


def unread(connection: Connection, user: User) -> list[Bulletin]:
    """The bulletins that the user has still to acknowledge, the oldest first."""
    return find(connection, *_unread(literal(user.id), literal(user.agency_id)))


def any_unread(user_id: ColumnElement[UUID], agency_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether there are any, to be asked with other things."""
    return exists().where(*_unread(user_id, agency_id))


def for_agency(agency_id: int | ColumnElement[int]) -> ColumnElement[bool]:
    """Those that are for the agency's people."""
    return or_(bulletins.c.agency_id.is_(None), bulletins.c.agency_id == agency_id)


def find(connection: Connection, *conditions: ColumnElement[bool]) -> list[Bulletin]:
    """The bulletins of which all that holds, in order."""
    columns = (
        bulletins.c.id,
        agencies.c.name.label("agency"),
        bulletins.c.about,
        bulletins.c.title,
        bulletins.c.body,
        bulletins.c.published_at,
        bulletins.c.published_by_name,
        bulletins.c.withdrawn_at,
    )
    query = (
        select(*columns)
        .outerjoin(agencies, agencies.c.id == bulletins.c.agency_id)
        .where(*conditions)
        .order_by(bulletins.c.id)
    )
    rows = connection.execute(query).mappings()
    return [Bulletin(**{**row, "about": About(row["about"])}) for row in rows]


def readers(connection: Connection, bulletin: Bulletin, agency_id: int | None) -> list[Reader]:
    """The people with open accounts whom it is for, of one agency if named, and who read it."""
    reading = bulletin_readings
    query = (
        select(users.c.login, users.c.name, agencies.c.name.label("agency"), reading.c.read_at)
        .join(agencies, agencies.c.id == users.c.agency_id)
        .outerjoin(
            reading, (reading.c.user_id == users.c.id) & (reading.c.bulletin_id == bulletin.id)
        )
        .where(users.c.disabled_at.is_(None))
        .order_by(agencies.c.name, users.c.login)
    )
    if bulletin.agency is not None:
        query = query.where(agencies.c.name == bulletin.agency)
    if agency_id is not None:
        query = query.where(users.c.agency_id == agency_id)
    return [Reader(**row) for row in connection.execute(query).mappings()]


def _unread(
    user_id: ColumnElement[UUID], agency_id: ColumnElement[int]
) -> tuple[ColumnElement[bool], ...]:
    read = exists().where(
        bulletin_readings.c.bulletin_id == bulletins.c.id, bulletin_readings.c.user_id == user_id
    )
    return for_agency(agency_id), bulletins.c.withdrawn_at.is_(None), ~read
