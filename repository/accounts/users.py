"""Users in the database: find, add and change them. Runs in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    delete,
    func,
    insert,
    select,
    text,
    update,
)

from repository.accounts.user import User
from repository.store.tables.accounts import sign_in_failures, users
from repository.store.tables.fleet import agencies

LOCK_AFTER = 5
LOCK_WINDOW = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Account:
    """A user with what the room alone may see."""

    user: User
    password_hash: str
    previous_hash: str | None
    disabled_at: datetime | None
    locked_at: datetime | None
    agency_access: str | None

    @property
    def open(self) -> bool:
        """Whether its person may come in."""
        return self.disabled_at is None and self.locked_at is None and self.agency_access is None


def find(connection: Connection, login: str) -> Account | None:
    """The account with that login."""
    return _one(connection, users.c.login == login, lock=False)


def lock(connection: Connection, user_id: UUID) -> Account | None:
    """The account with that id, not to be changed by others until the transaction ends."""
    account = _one(connection, users.c.id == user_id, lock=True)
    if account is None:
        return None
    # Asked anew: whoever ends an agency's access had this lock, and the row read above is older.
    access = select(agencies.c.access).where(agencies.c.id == account.user.agency_id)
    return replace(account, agency_access=connection.scalar(access))


def lock_agency(connection: Connection, agency_id: int) -> None:
    """Let nobody of the agency come in or act until the transaction ends."""
    query = select(users.c.id).where(users.c.agency_id == agency_id).order_by(users.c.id)
    connection.execute(query.with_for_update()).all()


def everyone(connection: Connection) -> Iterator[Account]:
    """All accounts by agency and login."""
    for row in connection.execute(_select().order_by(agencies.c.name, users.c.login)).all():
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


def add(connection: Connection, user: User, password_hash: str, now: datetime) -> None:
    """Store a new user."""
    connection.execute(
        insert(users).values(
            id=user.id,
            agency_id=user.agency_id,
            login=user.login,
            name=user.name,
            password_hash=password_hash,
            must_change_password=user.must_change_password,
            created_at=now,
        )
    )


def set_password(
    connection: Connection, account: Account, password_hash: str, *, must_change: bool
) -> None:
    """Replace the password and remember the one before."""
    connection.execute(
        update(users)
        .where(users.c.id == account.user.id)
        .values(
            password_hash=password_hash,
            previous_hash=account.password_hash,
            must_change_password=must_change,
        )
    )


def disable(connection: Connection, user_id: UUID, now: datetime) -> None:
    """Close the account for good."""
    connection.execute(update(users).where(users.c.id == user_id).values(disabled_at=now))


def release(connection: Connection, user_id: UUID) -> None:
    """Take the lock off and forget the failures that led to it."""
    connection.execute(update(users).where(users.c.id == user_id).values(locked_at=None))
    forget_failures(connection, user_id)


def forget_failures(connection: Connection, user_id: UUID) -> None:
    """Start the count of failures anew."""
    connection.execute(delete(sign_in_failures).where(sign_in_failures.c.user_id == user_id))


def count_failure(connection: Connection, user_id: UUID, now: datetime) -> bool:
    """Count one failed sign-in; true if it locked the account."""
    table = sign_in_failures
    connection.execute(insert(table).values(user_id=user_id, at=now))
    recent = connection.scalar(
        select(func.count()).where(table.c.user_id == user_id, table.c.at > now - LOCK_WINDOW)
    )
    if (recent or 0) < LOCK_AFTER:
        return False
    connection.execute(update(users).where(users.c.id == user_id).values(locked_at=now))
    return True


def _select() -> Select[tuple[object, ...]]:
    return select(
        users, agencies.c.name.label("agency"), agencies.c.access.label("agency_access")
    ).join(agencies, agencies.c.id == users.c.agency_id)


def _one(connection: Connection, which: ColumnElement[bool], *, lock: bool) -> Account | None:
    query = _select().where(which)
    row = connection.execute(query.with_for_update(of=users) if lock else query).one_or_none()
    return None if row is None else _account(row)


def _account(row: Row[tuple[object, ...]]) -> Account:
    found = row._mapping
    return Account(
        user=User(
            id=found[users.c.id],
            login=found[users.c.login],
            name=found[users.c.name],
            agency_id=found[users.c.agency_id],
            agency=found["agency"],
            must_change_password=found[users.c.must_change_password],
        ),
        password_hash=found[users.c.password_hash],
        previous_hash=found[users.c.previous_hash],
        disabled_at=found[users.c.disabled_at],
        locked_at=found[users.c.locked_at],
        agency_access=found["agency_access"],
    )
