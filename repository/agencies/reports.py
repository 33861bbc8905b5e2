"""Errors that people find in another agency's reads: reported to the owner, and answered (G-11).

Everything runs in the caller's transaction. A report's words may name a plate and go with the read;
who reported, and that and how it was answered, stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

from sqlalchemy import Connection, insert, or_, select, update

from repository.accounts.user import User
from repository.agencies.errors import AgencyError
from repository.agencies.own import SeenRead
from repository.store.tables.agency_data import error_reports
from repository.store.tables.fleet import agencies
from repository.units.findings import raise_finding, settle_finding

Answer: TypeAlias = Literal["corrected", "disposed", "rejected"]

_FINDING = "error_unanswered"


@dataclass(frozen=True, slots=True)
class Report:
    """A report and its answer; its words are None once the read is gone."""

    id: int
    owner: str
    reporter_agency: str
    read_id: UUID
    reported_by_name: str
    reported_at: datetime
    due_at: datetime
    error: str | None
    answer: Answer | None
    answer_text: str | None
    answered_by_name: str | None
    answered_at: datetime | None


def add(
    connection: Connection,
    read: SeenRead,
    error: str,
    *,
    user: User,
    now: datetime,
    due_at: datetime,
) -> int:
    """Report an error to the read's owner; gives the report's number."""
    number: int = connection.execute(
        insert(error_reports)
        .values(
            agency_id=read.agency_id,
            **read.key,
            reporter_agency_id=user.agency_id,
            reported_by=str(user.id),
            reported_by_name=user.name,
            reported_at=now,
            due_at=due_at,
            error=error,
        )
        .returning(error_reports.c.id)
    ).scalar_one()
    return number


def read_of(connection: Connection, number: int, user: User) -> UUID:
    """The read of an unanswered report to the user's agency.

    Raises:
        AgencyError: if there is no such report, or it is answered.
    """
    found: UUID | None = connection.scalar(
        select(error_reports.c.read_id).where(
            error_reports.c.id == number,
            error_reports.c.agency_id == user.agency_id,
            error_reports.c.answered_at.is_(None),
        )
    )
    if found is None:
        raise AgencyError(f"report {number}: not one to agency {user.agency}, or answered already")
    return found


def answer(
    connection: Connection, number: int, how: Answer, text: str, *, user: User, now: datetime
) -> None:
    """Answer a report that `read_of` found in the same transaction."""
    connection.execute(
        update(error_reports)
        .where(error_reports.c.id == number)
        .values(
            answer=how,
            # What was said of a read that is disposed of goes with it.
            answer_text=None if how == "disposed" else text,
            answered_by=str(user.id),
            answered_by_name=user.name,
            answered_at=now,
        )
    )
    settle_finding(connection, _FINDING, None, "answered", now, subject=_subject(number))


def list_all(connection: Connection, user: User, *, answered_too: bool) -> list[Report]:
    """Reports that the user's agency received or made, the oldest first."""
    owners, reporters = agencies.alias("owners"), agencies.alias("reporters")
    query = (
        select(
            error_reports.c.id,
            owners.c.name.label("owner"),
            reporters.c.name.label("reporter_agency"),
            error_reports.c.read_id,
            error_reports.c.reported_by_name,
            error_reports.c.reported_at,
            error_reports.c.due_at,
            error_reports.c.error,
            error_reports.c.answer,
            error_reports.c.answer_text,
            error_reports.c.answered_by_name,
            error_reports.c.answered_at,
        )
        .join(owners, owners.c.id == error_reports.c.agency_id)
        .join(reporters, reporters.c.id == error_reports.c.reporter_agency_id)
        .where(
            or_(
                error_reports.c.agency_id == user.agency_id,
                error_reports.c.reporter_agency_id == user.agency_id,
            )
        )
        .order_by(error_reports.c.id)
    )
    if not answered_too:
        query = query.where(error_reports.c.answered_at.is_(None))
    return [Report(**row) for row in connection.execute(query).mappings()]


def find_overdue(connection: Connection, now: datetime) -> Sequence[int]:
    """Raise a finding for each report that is unanswered past its time; gives their numbers."""
    query = (
        select(error_reports.c.id, error_reports.c.due_at, agencies.c.name)
        .join(agencies, agencies.c.id == error_reports.c.agency_id)
        .where(error_reports.c.answered_at.is_(None), error_reports.c.due_at < now)
        .order_by(error_reports.c.id)
    )
    overdue = connection.execute(query).all()
    for row in overdue:
        raise_finding(
            connection,
            _FINDING,
            None,
            f"report {row.id} to agency {row.name} was to be answered by {row.due_at:%Y-%m-%d}",
            now,
            subject=_subject(row.id),
        )
    return [row.id for row in overdue]


def _subject(number: int) -> str:
    return f"report {number}"
