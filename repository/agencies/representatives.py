"""Who holds an agency's posts: its head, its representatives, its ALPR administrator (policy G-16).

They may or may not have accounts. A post has one holder at a time; who held it before stays on
record. Everything runs in the caller's transaction.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, insert, or_, select, update

from repository.accounts.user import fold_login
from repository.agencies.errors import AgencyError, require_line
from repository.store.tables.accounts import users
from repository.store.tables.agreements import representatives

_PHONE = re.compile(r"\+?[0-9(][0-9 ().-]{5,28}[0-9](?: ?x ?[0-9]{1,6})?")
_EMAIL = re.compile(r"[^\s@<>\x00-\x1f]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,186})\.[A-Za-z]{2,63}")
_EARLIEST = date(1970, 1, 1)


class Post(StrEnum):
    """A post that every agency fills."""

    HEAD = "head"
    REPRESENTATIVE = "representative"
    BACKUP_REPRESENTATIVE = "backup_representative"
    TECHNICAL_REPRESENTATIVE = "technical_representative"
    ALPR_ADMINISTRATOR = "alpr_administrator"


WORDS = {
    Post.HEAD: "agency head",
    Post.REPRESENTATIVE: "CJIS representative",
    Post.BACKUP_REPRESENTATIVE: "backup CJIS representative",
    Post.TECHNICAL_REPRESENTATIVE: "CJIS technical representative",
    Post.ALPR_ADMINISTRATOR: "ALPR administrator",
}
SIGNED_ANEW = frozenset(Post) - {Post.ALPR_ADMINISTRATOR}
"""Posts with whose holder the agreement changes (user agreement, section 4.0)."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is to hold a post; ``login`` where they have an account in their agency."""

    name: str
    title: str
    phone: str
    email: str
    login: str | None = None


@dataclass(frozen=True, slots=True)
class Holder:
    """Who held a post ``from_on``, and until before ``until_on``."""

    post: Post
    name: str
    title: str
    phone: str
    email: str
    user_id: UUID | None
    from_on: date
    until_on: date | None


@dataclass(frozen=True, slots=True)
class Named:
    """A post that was filled, and whether another held it before."""

    holder: Holder
    changed: bool


def name(
    connection: Connection,
    agency_id: int,
    post: Post,
    person: Person,
    from_on: date,
    *,
    by: str,
    now: datetime,
) -> Named:
    """Have that person hold the post from that day on.

    Naming the one who holds it already changes how they are reached.

    Raises:
        AgencyError: if a field is not in form, the day is before the present holder's first, or the
            backup representative were the representative.
    """
    told = _checked(connection, agency_id, person)
    _require_day(from_on)
    held = _history(connection, agency_id, post)
    present = held[-1] if held and held[-1].until_on is None else None
    if held and from_on < (held[-1].until_on or held[-1].from_on):
        raise AgencyError(f"{WORDS[post]} from {from_on}: somebody held the post at that time")
    _require_two_people(connection, agency_id, post, told["name"])
    if present is not None:
        _end(connection, agency_id, post, from_on)
    holder_now = Holder(post=post, from_on=from_on, until_on=None, **told)
    connection.execute(
        insert(representatives).values(
            agency_id=agency_id,
            post=post.value,
            from_on=from_on,
            **told,
            recorded_by_name=by,
            recorded_at=now,
        )
    )
    changed = bool(held) and not (present and same_person(present.name, holder_now.name))
    return Named(holder_now, changed)


def vacate(connection: Connection, agency_id: int, post: Post, on: date) -> Holder:
    """Have nobody hold the post from that day on; gives who held it.

    Raises:
        AgencyError: if nobody does, or the day is before their first.
    """
    _require_day(on)
    held = _history(connection, agency_id, post)
    if not held or held[-1].until_on is not None:
        raise AgencyError(f"{WORDS[post]}: nobody holds the post")
    if on < held[-1].from_on:
        raise AgencyError(f"{WORDS[post]} until {on}: {held[-1].name} came later")
    _end(connection, agency_id, post, on)
    return held[-1]


def holder(connection: Connection, agency_id: int, post: Post, on: date) -> Holder | None:
    """Who held the post on that day."""
    found = [
        each
        for each in _history(connection, agency_id, post)
        if each.from_on <= on and (each.until_on is None or on < each.until_on)
    ]
    return found[-1] if found else None


def holders(connection: Connection, agency_id: int, *, former_too: bool = False) -> list[Holder]:
    """Who holds the agency's posts, in the order of the posts; who held them too if asked for."""
    return [
        each
        for post in Post
        for each in _history(connection, agency_id, post)
        if former_too or each.until_on is None
    ]


def vacant(connection: Connection, agency_id: int, on: date) -> list[Post]:
    """The posts that nobody holds on that day."""
    return [post for post in Post if holder(connection, agency_id, post, on) is None]


def same_person(one: str, other: str) -> bool:
    """Whether two names are one, whatever their capitals and blanks."""
    return " ".join(one.split()).casefold() == " ".join(other.split()).casefold()


def _history(connection: Connection, agency_id: int, post: Post) -> list[Holder]:
    table = representatives.c
    query = (
        select(
            table.name, table.title, table.phone, table.email,
            table.user_id, table.from_on, table.until_on,
        )
        .where(table.agency_id == agency_id, table.post == post.value)
        .where(or_(table.until_on.is_(None), table.until_on > table.from_on))
        .order_by(table.from_on, table.id)
    )  # fmt: skip
    return [Holder(post=post, **row) for row in connection.execute(query).mappings()]


def _end(connection: Connection, agency_id: int, post: Post, on: date) -> None:
    connection.execute(
        update(representatives)
        .where(
            representatives.c.agency_id == agency_id,
            representatives.c.post == post.value,
            representatives.c.until_on.is_(None),
        )
        .values(until_on=on)
    )


def _checked(connection: Connection, agency_id: int, person: Person) -> dict[str, Any]:
    phone, email = person.phone.strip(), person.email.strip()
    if not _PHONE.fullmatch(phone):
        raise AgencyError("phone: expected a number such as 978-555-0100, or +1 978 555 0100 x12")
    if len(email) > 254 or not _EMAIL.fullmatch(email):
        raise AgencyError("e-mail: expected an address such as jdoe@salem.example")
    user_id = None
    if person.login is not None:
        user_id = connection.scalar(
            select(users.c.id).where(
                users.c.login == fold_login(person.login), users.c.agency_id == agency_id
            )
        )
        if user_id is None:
            raise AgencyError(f"login {person.login!r}: no user of that agency")
    return {
        "name": require_line("name", person.name),
        "title": require_line("title", person.title),
        "phone": phone,
        "email": email,
        "user_id": user_id,
    }


def _require_day(day: date) -> None:
    if day < _EARLIEST:
        raise AgencyError(f"{day}: too long ago")


def _require_two_people(connection: Connection, agency_id: int, post: Post, name: str) -> None:
    other = {
        Post.REPRESENTATIVE: Post.BACKUP_REPRESENTATIVE,
        Post.BACKUP_REPRESENTATIVE: Post.REPRESENTATIVE,
    }.get(post)
    if other is None:
        return
    present = [each for each in _history(connection, agency_id, other) if each.until_on is None]
    if present and same_person(present[-1].name, name):
        raise AgencyError(
            f"{WORDS[post]}: {name} is the {WORDS[other]}; the backup must be another person"
        )
