"""Training: who may search because they were taught how (policy C-1b, M-C3).

A course is good for a set time from the day on which it was taken; without one that is good, all
that tells of plates stays closed. One that was recorded by mistake is struck. Everything runs in
the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, exists, func, select

from repository import business_days
from repository.accounts.roles import Power, gives
from repository.accounts.roles import from_text as roles_from_text
from repository.store.tables.accounts import users
from repository.store.tables.fleet import agencies
from repository.store.tables.people import trainings
from repository.units.findings import raise_finding, settle_finding

REMIND_BEFORE = timedelta(days=30)
DUE = "training_due"


@dataclass(frozen=True, slots=True)
class Training:
    """A course that a person took, good through the day ``good_until`` in Massachusetts."""

    id: int
    login: str
    name: str
    agency: str
    course: str
    taught_by: str
    taken_on: date
    good_until: date
    recorded_by_name: str
    struck_at: datetime | None
    strike_reason: str | None


def is_trained(user_id: ColumnElement[UUID], day: ColumnElement[date]) -> ColumnElement[bool]:
    """Whether the person's training is good on that day."""
    return exists().where(
        trainings.c.user_id == user_id,
        trainings.c.struck_at.is_(None),
        trainings.c.good_until >= day,
    )


def remind(connection: Connection, now: datetime, of: UUID | None = None) -> None:
    """Have a finding stand for everybody who may search and whose training ends, until it is new.

    It names the person 30 days before the last day, and from then on. With ``of`` it looks at that
    person alone, whose training has just changed.
    """
    today = business_days.day_of(now)
    last = func.max(trainings.c.good_until).filter(trainings.c.struck_at.is_(None))
    query = (
        select(
            users.c.login,
            users.c.roles,
            users.c.disabled_at,
            agencies.c.name.label("agency"),
            last.label("last"),
        )
        .join(agencies, agencies.c.id == users.c.agency_id)
        .outerjoin(trainings, trainings.c.user_id == users.c.id)
        .group_by(users.c.id, users.c.login, users.c.roles, users.c.disabled_at, agencies.c.name)
        .order_by(agencies.c.name, users.c.login)
    )
    if of is not None:
        query = query.where(users.c.id == of)
    for row in connection.execute(query).all():
        subject = f"{row.agency}/{row.login}"
        searches = gives(roles_from_text(row.roles), Power.SEARCH) and row.disabled_at is None
        if not searches or (row.last is not None and row.last - REMIND_BEFORE > today):
            settle_finding(connection, DUE, None, "trained, or no longer due", now, subject=subject)
        elif row.last is None:
            detail = f"{row.login} of {row.agency} was never trained: searches stay closed"
            raise_finding(connection, DUE, None, detail, now, subject=subject)
        else:
            ends = "ended" if row.last < today else "ends"
            detail = f"training of {row.login} of {row.agency} {ends} on {row.last.isoformat()}"
            raise_finding(connection, DUE, None, detail, now, subject=subject)


def find(connection: Connection, conditions: Iterable[ColumnElement[bool]]) -> list[Training]:
    """The courses of which all that holds, in the order in which they were recorded."""
    query = (
        select(
            trainings.c.id,
            users.c.login,
            users.c.name,
            agencies.c.name.label("agency"),
            trainings.c.course,
            trainings.c.taught_by,
            trainings.c.taken_on,
            trainings.c.good_until,
            trainings.c.recorded_by_name,
            trainings.c.struck_at,
            trainings.c.strike_reason,
        )
        .join(users, users.c.id == trainings.c.user_id)
        .join(agencies, agencies.c.id == users.c.agency_id)
        .where(*conditions)
        .order_by(trainings.c.id)
    )
    return [Training(**row) for row in connection.execute(query).mappings()]
