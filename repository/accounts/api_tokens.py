"""Tokens of services in the database: what each may do, for whom, until when, kept as SHA-256.

A token is a service's and has a person who answers for it: it opens something only while that
person's account is not closed and their agency takes part. None can search: a search is always a
person's.
"""

from __future__ import annotations

import re
import secrets
import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, insert, select, update

from repository.accounts.errors import AccountError
from repository.accounts.sessions import MAX_ORIGIN, digest
from repository.ledger.entry import Actor
from repository.store.tables.accounts import users
from repository.store.tables.fleet import agencies
from repository.store.tables.sessions import api_tokens
from repository.units.findings import raise_finding, settle_finding

FINDING = "a service's token ends soon"
MAX_LISTED = 1000

_PREFIX = "pws_service_"
_TOKEN_BYTES = 32
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,62}")


class Scope(StrEnum):
    """One kind of thing that a service may do. There is none for searching."""

    HOTLISTS_WRITE = "hotlists:write"
    STATISTICS_READ = "statistics:read"
    LEDGER_READ = "ledger:read"


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A token as an administrator sees it."""

    id: UUID
    name: str
    responsible: str
    responsible_name: str
    agency: str
    scopes: tuple[Scope, ...]
    made_by: str
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    last_origin: str | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Service:
    """A program that showed a token which is good, for the person who answers for it."""

    token_id: UUID
    name: str
    user_id: UUID
    login: str
    person: str
    agency: str
    agency_id: int
    scopes: frozenset[Scope]

    @property
    def actor(self) -> Actor:
        """The service as the ledger names it: its person, by this token."""
        return Actor(
            str(self.user_id), self.login, f"{self.person[:120]}, by token {self.name}", self.agency
        )


def check_name(typed: str) -> str:
    """The name for a new token.

    Raises:
        AccountError: if it is not of the form that names have.
    """
    if not _NAME.fullmatch(typed):
        raise AccountError(
            "name: 2 to 63 of the letters a-z, digits, dot, underscore and hyphen, "
            "beginning with a letter or digit"
        )
    return typed


def parse_scopes(typed: Collection[str]) -> tuple[Scope, ...]:
    """The scopes of these names, each once.

    Raises:
        AccountError: if there is none, or one is not known.
    """
    known = ", ".join(each.value for each in Scope)
    try:
        found = {Scope(each) for each in typed}
    except ValueError:
        raise AccountError(f"scope: expected some of {known}; no token can search") from None
    if not found:
        raise AccountError(f"scope: expected some of {known}")
    return tuple(sorted(found))


def is_of_service(token: str) -> bool:
    """Whether the token is a service's and no session's."""
    return token.startswith(_PREFIX)


def add(
    connection: Connection,
    name: str,
    user_id: UUID,
    scopes: Sequence[Scope],
    made_by: str,
    now: datetime,
    expires_at: datetime,
    make: Callable[[int], str] = secrets.token_urlsafe,
) -> tuple[UUID, str]:
    """A new token's id, and the token itself, for the person whose row is locked.

    Raises:
        AccountError: if the person answers for one of that name that is good.
    """
    standing = select(api_tokens.c.id).where(
        api_tokens.c.user_id == user_id,
        api_tokens.c.name == name,
        api_tokens.c.revoked_at.is_(None),
        api_tokens.c.expires_at > now,
    )
    if connection.execute(standing).first() is not None:
        raise AccountError(f"name {name!r}: there is such a token; revoke it, or name this another")
    token_id, token = uuid.uuid4(), _PREFIX + make(_TOKEN_BYTES)
    connection.execute(
        insert(api_tokens).values(
            id=token_id,
            token_digest=digest(token),
            name=name,
            user_id=user_id,
            scopes=" ".join(scopes),
            made_by=made_by,
            created_at=now,
            expires_at=expires_at,
        )
    )
    return token_id, token


def use(connection: Connection, token: str, origin: str, now: datetime) -> Service | None:
    """The service whose token it is, if the token and all behind it are good."""
    query = (
        select(
            api_tokens.c.id,
            api_tokens.c.name,
            api_tokens.c.scopes,
            users.c.id.label("user_id"),
            users.c.login,
            users.c.name.label("person"),
            users.c.agency_id,
            agencies.c.name.label("agency"),
        )
        .join(users, users.c.id == api_tokens.c.user_id)
        .join(agencies, agencies.c.id == users.c.agency_id)
        .where(
            api_tokens.c.token_digest == digest(token),
            api_tokens.c.revoked_at.is_(None),
            api_tokens.c.expires_at > now,
            users.c.disabled_at.is_(None),
            agencies.c.access.is_(None),
        )
        .with_for_update(of=api_tokens)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    connection.execute(
        update(api_tokens)
        .where(api_tokens.c.id == row.id)
        .values(last_used_at=now, last_origin=origin[:MAX_ORIGIN])
    )
    return Service(
        token_id=row.id,
        name=row.name,
        user_id=row.user_id,
        login=row.login,
        person=row.person,
        agency=row.agency,
        agency_id=row.agency_id,
        scopes=frozenset(Scope(each) for each in row.scopes.split()),
    )


def revoke(connection: Connection, token_id: UUID, now: datetime) -> bool:
    """End a token at once; false if it was revoked before."""
    done = connection.execute(
        update(api_tokens)
        .where(api_tokens.c.id == token_id, api_tokens.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    settle_finding(connection, FINDING, None, "the token was revoked", now, subject=str(token_id))
    return done.rowcount == 1


def find(connection: Connection, token_id: UUID, agency_id: int | None) -> ApiToken | None:
    """The token of that id, if it is of that agency, or of any where none is given."""
    found = _list(connection, api_tokens.c.id == token_id, *_of(agency_id))
    return found[0] if found else None


def of_agency(connection: Connection, agency_id: int | None) -> Sequence[ApiToken]:
    """The tokens of an agency, or of all, the newest first."""
    return _list(connection, *_of(agency_id))


def remind(connection: Connection, before: timedelta, now: datetime) -> None:
    """Raise a finding for each token that ends soon, and close those of tokens that have ended."""
    soon = api_tokens.c.expires_at <= now + before
    for each in _list(connection, api_tokens.c.revoked_at.is_(None), soon):
        if each.expires_at <= now:
            settle_finding(
                connection, FINDING, None, "the token has ended", now, subject=str(each.id)
            )
            continue
        detail = (
            f"the token {each.name} of {each.agency}, for which {each.responsible} answers, ends "
            f"on {each.expires_at:%Y-%m-%d}: make another, or revoke it where it is not needed"
        )
        raise_finding(connection, FINDING, None, detail, now, subject=str(each.id))


def _of(agency_id: int | None) -> tuple[ColumnElement[bool], ...]:
    return () if agency_id is None else (users.c.agency_id == agency_id,)


def _list(connection: Connection, *conditions: ColumnElement[bool]) -> Sequence[ApiToken]:
    query = (
        select(
            api_tokens,
            users.c.login.label("responsible"),
            users.c.name.label("responsible_name"),
            agencies.c.name.label("agency"),
        )
        .join(users, users.c.id == api_tokens.c.user_id)
        .join(agencies, agencies.c.id == users.c.agency_id)
        .where(*conditions)
        .order_by(api_tokens.c.created_at.desc(), api_tokens.c.id)
        .limit(MAX_LISTED)
    )
    return [_token(row) for row in connection.execute(query).all()]


def _token(row: Row[tuple[object, ...]]) -> ApiToken:
    found = row._mapping
    return ApiToken(
        id=found["id"],
        name=found["name"],
        responsible=found["responsible"],
        responsible_name=found["responsible_name"],
        agency=found["agency"],
        scopes=tuple(Scope(each) for each in found["scopes"].split()),
        made_by=found["made_by"],
        created_at=found["created_at"],
        expires_at=found["expires_at"],
        last_used_at=found["last_used_at"],
        last_origin=found["last_origin"],
        revoked_at=found["revoked_at"],
    )
