"""The yearly review of an agency's list of users (policy G-10b). In the caller's transaction.

The list is set down when the review is opened. The agency's representative says of each person
whether they are to keep their account, and signs; the head signs the same list, by its digest.
Then whoever was not confirmed is closed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from uuid import UUID

import rfc8785
from sqlalchemy import ColumnElement, Connection, func, insert, select, update

from repository.accounts import users
from repository.accounts.roles import as_text
from repository.accounts.user import User
from repository.store.tables.fleet import agencies
from repository.store.tables.people import user_review_lines, user_reviews
from repository.units.findings import raise_finding, settle_finding

EVERY = timedelta(days=365)
REMIND_BEFORE = timedelta(days=30)
DUE = "user_review_due"


@dataclass(frozen=True, slots=True)
class Line:
    """A person on the list, as they were when it was set down."""

    user_id: UUID
    login: str
    name: str
    position: str
    roles: str
    confirmed: bool


@dataclass(frozen=True, slots=True)
class Review:
    """A review; ``digest`` is of the list as its representative signed it."""

    id: int
    agency_id: int
    agency: str
    opened_at: datetime
    opened_by_name: str
    digest: str | None
    representative_id: UUID | None
    representative_name: str | None
    representative_at: datetime | None
    head_name: str | None
    head_at: datetime | None


def digest(lines: Iterable[Line]) -> str:
    """SHA-256, in hexadecimal, of the canonical JSON (RFC 8785) of the list in order."""
    plain = [asdict(each) | {"user_id": str(each.user_id)} for each in lines]
    return hashlib.sha256(rfc8785.dumps(plain)).hexdigest()


def open_review(connection: Connection, agency_id: int, by_name: str, now: datetime) -> int:
    """Set down the agency's open accounts as they are; gives the review's number."""
    number: int = connection.execute(
        insert(user_reviews)
        .values(agency_id=agency_id, opened_at=now, opened_by_name=by_name)
        .returning(user_reviews.c.id)
    ).scalar_one()
    rows = [
        {
            "review_id": number,
            "user_id": each.user.id,
            "login": each.user.login,
            "name": each.user.name,
            "position": each.user.position,
            "roles": as_text(each.user.roles),
            "confirmed": False,
        }
        for each in users.everyone(connection, agency_id)
        if each.disabled_at is None
    ]
    if rows:
        connection.execute(insert(user_review_lines), rows)
    return number


def lines(connection: Connection, number: int) -> list[Line]:
    """The people on the list, by login."""
    table = user_review_lines
    query = select(*(column for column in table.columns if column.name != "review_id"))
    rows = connection.execute(query.where(table.c.review_id == number).order_by(table.c.login))
    return [Line(**row) for row in rows.mappings()]


def confirm(connection: Connection, number: int, user_ids: Collection[UUID]) -> None:
    """Keep who on the list is to stay."""
    table = user_review_lines
    connection.execute(
        update(table)
        .where(table.c.review_id == number)
        .values(confirmed=table.c.user_id.in_(list(user_ids)))
    )


def sign(
    connection: Connection, number: int, who: str, user: User, at: datetime, signed: str
) -> None:
    """Keep a signature; ``who`` is ``representative`` or ``head``."""
    values = {f"{who}_id": user.id, f"{who}_name": user.name, f"{who}_at": at, "digest": signed}
    connection.execute(update(user_reviews).where(user_reviews.c.id == number).values(**values))


def find(connection: Connection, *conditions: ColumnElement[bool]) -> list[Review]:
    """The reviews of which all that holds, in order; their rows stay locked."""
    table = user_reviews
    query = (
        select(
            table.c.id,
            table.c.agency_id,
            agencies.c.name.label("agency"),
            table.c.opened_at,
            table.c.opened_by_name,
            table.c.digest,
            table.c.representative_id,
            table.c.representative_name,
            table.c.representative_at,
            table.c.head_name,
            table.c.head_at,
        )
        .join(agencies, agencies.c.id == table.c.agency_id)
        .where(*conditions)
        .order_by(table.c.id)
        .with_for_update(of=table)
    )
    return [Review(**row) for row in connection.execute(query).mappings()]


def remind(connection: Connection, now: datetime) -> None:
    """Have a finding stand for each agency whose list is to be reviewed, until it is.

    A review is due a year after the last one, or after the agency came in; it is told of 30 days
    before. An agency whose part has ended reviews nothing.
    """
    last = func.max(user_reviews.c.head_at)
    query = (
        select(agencies.c.name, agencies.c.created_at, agencies.c.access, last.label("last"))
        .outerjoin(user_reviews, user_reviews.c.agency_id == agencies.c.id)
        .group_by(agencies.c.id, agencies.c.name, agencies.c.created_at, agencies.c.access)
        .order_by(agencies.c.name)
    )
    for row in connection.execute(query).all():
        due = (row.last or row.created_at) + EVERY
        if row.access == "ended" or due - REMIND_BEFORE > now:
            settle_finding(connection, DUE, None, "reviewed, or not due", now, subject=row.name)
            continue
        raise_finding(
            connection, DUE, None,
            f"the list of {row.name}'s users is to be reviewed by {due:%Y-%m-%d}: "
            "'alpr-repository user-reviews open', then its representative and its head sign",
            now, subject=row.name,
        )  # fmt: skip
