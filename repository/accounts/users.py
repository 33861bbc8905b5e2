"""Users in the database: find, add and change them. Runs in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import (
    Connection,
    Row,
    Select,
    bindparam,
    delete,
    func,
    insert,
    select,
    text,
    update,
)

from repository.accounts import roles
from repository.accounts.roles import Role
from repository.accounts.user import User
from repository.store.tables.accounts import sign_in_failures, users
from repository.store.tables.fleet import agencies
from repository.store.tables.sessions import sessions
from repository.store.tables.signing_in import old_passwords

_SECRET = (users.c.password_hash,)
_SECRET_NAMES = {column.name for column in _SECRET}
_SHOWN = tuple(column for column in users.columns if column.name not in _SECRET_NAMES)
_SELECT: Select[tuple[object, ...]] = select(
    *_SHOWN, agencies.c.name.label("agency"), agencies.c.access.label("agency_access")
).join(agencies, agencies.c.id == users.c.agency_id)
_SELECT_SECRET = _SELECT.add_columns(*_SECRET)
_A = TypeVar("_A", bound="Account")

# Run with every request, so built once.
_BEARER = select(sessions.c.user_id).where(sessions.c.token_digest == bindparam("token_digest"))
_LOCK = _SELECT.where(users.c.id == bindparam("user_id")).with_for_update(of=users)
_LOCK_BEARER = _SELECT.where(users.c.id == _BEARER.scalar_subquery()).with_for_update(of=users)
_LOCK_SECRET = _SELECT_SECRET.where(users.c.id == bindparam("user_id")).with_for_update(of=users)
_ACCESS = select(agencies.c.access).where(agencies.c.id == bindparam("agency_id"))


@dataclass(frozen=True, slots=True)
class Account:
    """A user, and whether their account is in order."""

    user: User
    disabled_at: datetime | None
    locked_at: datetime | None
    agency_access: str | None
    disabled_why: str | None
    last_used_at: datetime | None

    @property
    def open(self) -> bool:
        """Whether its person may come in."""
        return self.disabled_at is None and self.locked_at is None and self.agency_access is None


@dataclass(frozen=True, slots=True)
class SecretAccount(Account):
    """An account with what this room alone may see; others' database roles cannot read it."""

    password_hash: str


def find(connection: Connection, login: str) -> SecretAccount | None:
    """The account with that login."""
    row = connection.execute(_SELECT_SECRET.where(users.c.login == login)).one_or_none()
    return None if row is None else _secret_account(row)


def lock(connection: Connection, user_id: UUID) -> Account | None:
    """The account with that id, not to be changed by others until the transaction ends."""
    row = connection.execute(_LOCK, {"user_id": user_id}).one_or_none()
    return None if row is None else _as_it_is(connection, _account(row))


def lock_bearer(connection: Connection, token_digest: bytes) -> Account | None:
    """The account whose session has a token of that digest, locked or ended as it may be."""
    row = connection.execute(_LOCK_BEARER, {"token_digest": token_digest}).one_or_none()
    return None if row is None else _as_it_is(connection, _account(row))


def lock_secret(connection: Connection, user_id: UUID) -> SecretAccount | None:
    """The same with its secrets."""
    row = connection.execute(_LOCK_SECRET, {"user_id": user_id}).one_or_none()
    return None if row is None else _as_it_is(connection, _secret_account(row))


def _as_it_is(connection: Connection, account: _A) -> _A:
    # Asked anew: whoever ends an agency's access had this lock, and the row read above is older.
    access = connection.scalar(_ACCESS, {"agency_id": account.user.agency_id})
    return replace(account, agency_access=access)


def lock_agency(connection: Connection, agency_id: int) -> None:
    """Let nobody of the agency come in or act until the transaction ends."""
    query = select(users.c.id).where(users.c.agency_id == agency_id).order_by(users.c.id)
    connection.execute(query.with_for_update()).all()


def everyone(connection: Connection, agency_id: int | None = None) -> Iterator[Account]:
    """All accounts, or those of an agency, by agency and login."""
    query = _SELECT.order_by(agencies.c.name, users.c.login)
    if agency_id is not None:
        query = query.where(users.c.agency_id == agency_id)
    for row in connection.execute(query).all():
        yield _account(row)


def take_turn(connection: Connection) -> None:
    """Let nobody else make an account until the transaction ends.

    On SQLite the transaction itself is the turn.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE"))


def exists_any(connection: Connection) -> bool:
    """Whether anybody has an account."""
    return connection.execute(select(users.c.id).limit(1)).one_or_none() is not None


def agency_id(connection: Connection, name: str) -> int | None:
    """The id of the agency with that short name."""
    found: int | None = connection.scalar(select(agencies.c.id).where(agencies.c.name == name))
    return found


def add(
    connection: Connection,
    user: User,
    password_hash: str,
    now: datetime,
    *,
    email: str | None = None,
    phone: str | None = None,
) -> None:
    """Store a new user."""
    connection.execute(
        insert(users).values(
            id=user.id,
            agency_id=user.agency_id,
            login=user.login,
            name=user.name,
            password_hash=password_hash,
            must_change_password=user.must_change_password,
            roles=roles.as_text(user.roles),
            position=user.position,
            email=email,
            phone=phone,
            created_at=now,
        )
    )


def set_password(
    connection: Connection,
    account: SecretAccount,
    password_hash: str,
    *,
    must_change: bool,
    history: int,
) -> None:
    """Replace the password, and remember the ``history`` newest of those before."""
    user_id = account.user.id
    connection.execute(
        insert(old_passwords).values(user_id=user_id, password_hash=account.password_hash)
    )
    newest = (
        select(old_passwords.c.id)
        .where(old_passwords.c.user_id == user_id)
        .order_by(old_passwords.c.id.desc())
        .limit(history)
    )
    connection.execute(
        delete(old_passwords).where(
            old_passwords.c.user_id == user_id, old_passwords.c.id.not_in(newest)
        )
    )
    connection.execute(
        update(users)
        .where(users.c.id == user_id)
        .values(password_hash=password_hash, must_change_password=must_change)
    )


def old_hashes(connection: Connection, user_id: UUID, history: int) -> Sequence[str]:
    """The hashes of the user's ``history`` newest passwords before the one they have."""
    query = select(old_passwords.c.password_hash).where(old_passwords.c.user_id == user_id)
    return connection.scalars(query.order_by(old_passwords.c.id.desc()).limit(history)).all()


def set_roles(connection: Connection, user_id: UUID, given: frozenset[Role], position: str) -> None:
    """Replace the roles and the position of the user, whose row is locked."""
    connection.execute(
        update(users)
        .where(users.c.id == user_id)
        .values(roles=roles.as_text(given), position=position)
    )


def close(connection: Connection, user_id: UUID, why: str, now: datetime) -> None:
    """Close the account."""
    connection.execute(
        update(users).where(users.c.id == user_id).values(disabled_at=now, disabled_why=why)
    )


def reopen(connection: Connection, user: User, *, email: str | None, phone: str | None) -> None:
    """Open the closed account of the user, whose row is locked, with their roles and position."""
    connection.execute(
        update(users)
        .where(users.c.id == user.id)
        .values(
            disabled_at=None,
            disabled_why=None,
            locked_at=None,
            roles=roles.as_text(user.roles),
            position=user.position,
            email=email,
            phone=phone,
        )
    )


def came_in(connection: Connection, user_id: UUID, now: datetime) -> None:
    """Keep when the person last came in: an account that nobody uses is closed."""
    connection.execute(update(users).where(users.c.id == user_id).values(last_used_at=now))


def release(connection: Connection, user_id: UUID) -> None:
    """Take the lock off and forget the failures that led to it."""
    connection.execute(update(users).where(users.c.id == user_id).values(locked_at=None))
    forget_failures(connection, user_id)


def forget_failures(connection: Connection, user_id: UUID) -> None:
    """Start the count of failures anew."""
    connection.execute(delete(sign_in_failures).where(sign_in_failures.c.user_id == user_id))


def count_failure(
    connection: Connection, user_id: UUID, now: datetime, most: int, within: timedelta
) -> bool:
    """Count one failed sign-in; true if it was one too many within that time, and locked it."""
    table = sign_in_failures
    connection.execute(insert(table).values(user_id=user_id, at=now))
    recent = connection.scalar(
        select(func.count()).where(table.c.user_id == user_id, table.c.at > now - within)
    )
    if (recent or 0) < most:
        return False
    connection.execute(update(users).where(users.c.id == user_id).values(locked_at=now))
    return True


def _account(row: Row[tuple[object, ...]]) -> Account:
    return Account(**_facts(row))


def _secret_account(row: Row[tuple[object, ...]]) -> SecretAccount:
    found = row._mapping
    return SecretAccount(
        **_facts(row),
        password_hash=found[users.c.password_hash],
    )


def _facts(row: Row[tuple[object, ...]]) -> dict[str, Any]:
    found = row._mapping
    return {
        "user": User(
            id=found[users.c.id],
            login=found[users.c.login],
            name=found[users.c.name],
            agency_id=found[users.c.agency_id],
            agency=found["agency"],
            must_change_password=found[users.c.must_change_password],
            roles=roles.from_text(found[users.c.roles]),
            position=found[users.c.position],
        ),
        "disabled_at": found[users.c.disabled_at],
        "locked_at": found[users.c.locked_at],
        "agency_access": found["agency_access"],
        "disabled_why": found[users.c.disabled_why],
        "last_used_at": found[users.c.last_used_at],
    }
