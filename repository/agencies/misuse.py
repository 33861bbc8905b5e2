"""Misuse: reported, investigated by the agency's head, answered in writing in time (policy G-9).

A report is answered within ten business days with the circumstances, the actions and the
prevention. What is alleged of an agency's head goes to the operator's security officer, and the
agency sees nothing of it. Everything runs in the caller's transaction;
`repository.agencies.misuse_desk` lets people act.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Literal, TypeAlias
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, insert, select, update

from repository import business_days
from repository.accounts.roles import Power, Role, may
from repository.accounts.user import User
from repository.agencies import representatives
from repository.agencies.errors import AgencyError, require_text
from repository.agencies.representatives import Post
from repository.store.tables.accounts import users
from repository.store.tables.agreements import misuse_reports
from repository.store.tables.fleet import agencies
from repository.units.findings import Standing, keep_findings

ANSWER_WITHIN_DAYS = 10
"""Business days for the written report (user agreement, section 9.0)."""
_MAX_WORDS = 10_000

FoundBy: TypeAlias = Literal["person", "audit"]
State: TypeAlias = Literal["open", "answered", "closed"]


@dataclass(frozen=True, slots=True)
class Accused:
    """Whom a report is about, by their account."""

    user_id: UUID
    roles: frozenset[Role]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the investigation determined, in words; prevention only where there was misuse."""

    misused: bool
    circumstances: str
    actions: str
    prevention: str


@dataclass(frozen=True, slots=True)
class Report:
    """A report; to who only made it, what the investigation found is None."""

    id: int
    agency: str
    found_by: FoundBy
    reported_by_name: str
    reported_at: datetime
    against: str | None
    against_user_id: UUID | None
    what: str
    to_operator: bool
    due_on: date
    state: State
    misused: bool | None
    circumstances: str | None
    actions: str | None
    prevention: str | None
    answered_by_name: str | None
    answered_at: datetime | None
    closed_by_name: str | None
    closed_at: datetime | None
    close_reason: str | None


def add(
    connection: Connection,
    agency_id: int,
    what: str,
    *,
    against: Accused | None,
    about_head: bool,
    found_by: FoundBy,
    reporter: tuple[str, str],
    now: datetime,
) -> tuple[int, date]:
    """Record what was alleged; gives the report's number and by when it is answered.

    ``reporter`` is the user's id and name; ``about_head`` says that it is about the agency's head,
    as it also is when ``against`` is the head's account.

    Raises:
        AgencyError: if nothing is said.
    """
    due_on = business_days.add(business_days.day_of(now), ANSWER_WITHIN_DAYS)
    number: int = connection.execute(
        insert(misuse_reports)
        .values(
            agency_id=agency_id,
            found_by=found_by,
            reported_by=reporter[0],
            reported_by_name=reporter[1],
            reported_at=now,
            against_user_id=None if against is None else against.user_id,
            what=require_text("what happened", what, _MAX_WORDS),
            to_operator=about_head or _heads(connection, agency_id, against, now),
            due_on=due_on,
        )
        .returning(misuse_reports.c.id)
    ).scalar_one()
    return number, due_on


def find(connection: Connection, number: int) -> Report | None:
    """The report of that number, whole."""
    found = _find(connection, misuse_reports.c.id == number)
    return found[0] if found else None


def lock(connection: Connection, number: int) -> Report | None:
    """The same, not to be changed by others until the transaction ends."""
    query = select(misuse_reports.c.id).where(misuse_reports.c.id == number)
    connection.execute(query.with_for_update()).all()
    return find(connection, number)


def list_for(connection: Connection, user: User | None) -> list[Report]:
    """The reports that the user investigates or made, the oldest first; with None all.

    Who audits all sees every one but those about themselves.
    Of those that they only made they see that an answer came, and not what it says.
    """
    if user is None:
        return _find(connection)
    if may(user, Power.AUDIT_ALL):
        return [each for each in _find(connection) if each.against_user_id != user.id]
    shown = []
    for each in _find(connection):
        if investigates(user, each):
            shown.append(each)
        elif _reporter(connection, each.id) == str(user.id):
            shown.append(
                replace(each, misused=None, circumstances=None, actions=None, prevention=None,
                        close_reason=None)
            )  # fmt: skip
    return shown


def investigates(user: User, report: Report) -> bool:
    """Whether it is the user's to look into: the head's of the agency, else the security officer's.

    Nobody looks into what is alleged of themselves.
    """
    if report.against_user_id == user.id:
        return False
    if report.to_operator:
        return may(user, Power.AUDIT_ALL)
    return Role.AGENCY_HEAD in user.roles and user.agency == report.agency


def answer(
    connection: Connection, report: Report, given: Answer, *, by: str, now: datetime
) -> None:
    """Keep the written report on an open one.

    Raises:
        AgencyError: if it is answered already, or something is left out.
    """
    if report.state != "open":
        raise AgencyError(f"misuse report {report.id}: answered already")
    values: dict[str, Any] = {
        "circumstances": require_text("circumstances", given.circumstances, _MAX_WORDS),
        "actions": require_text("actions", given.actions, _MAX_WORDS),
        "prevention": given.prevention.strip() or None,
    }
    if given.misused or values["prevention"] is not None:
        values["prevention"] = require_text("prevention", given.prevention, _MAX_WORDS)
    connection.execute(
        update(misuse_reports)
        .where(misuse_reports.c.id == report.id)
        .values(misused=given.misused, answered_by_name=by, answered_at=now, **values)
    )


def close(connection: Connection, report: Report, reason: str, *, by: str, now: datetime) -> None:
    """Close an answered report.

    Raises:
        AgencyError: if it is not answered, or closed already, or no reason is given.
    """
    if report.state != "answered":
        raise AgencyError(
            f"misuse report {report.id}: "
            + ("closed already" if report.state == "closed" else "not answered in writing yet")
        )
    connection.execute(
        update(misuse_reports)
        .where(misuse_reports.c.id == report.id)
        .values(closed_by_name=by, closed_at=now, close_reason=require_text("reason", reason))
    )


def remind(connection: Connection, now: datetime) -> None:
    """Raise a finding for each report that waits for its answer, one for each that waits too long,
    and one for each that is answered and not closed. They name no person."""
    today = business_days.day_of(now)
    found = _find(connection, misuse_reports.c.closed_at.is_(None))
    due: dict[str, Standing] = {"misuse_open": {}, "misuse_late": {}, "misuse_to_close": {}}
    for each in found:
        who = "the security officer" if each.to_operator else f"the head of agency {each.agency}"
        kind, said = (
            ("misuse_to_close", "was answered; the security officer looks at it and closes it")
            if each.state == "answered"
            else ("misuse_late", f"was to be answered by {who} by {each.due_on}")
            if each.due_on < today
            else ("misuse_open", f"is to be answered by {who} by {each.due_on}")
        )
        due[kind] = {
            **due[kind],
            (None, f"misuse report {each.id}"): f"misuse report {each.id} {said}",
        }
    for kind, standing in due.items():
        keep_findings(connection, kind, standing, "answered, late or closed", now)


def _heads(connection: Connection, agency_id: int, accused: Accused | None, now: datetime) -> bool:
    if accused is None:
        return False
    head = representatives.holder(connection, agency_id, Post.HEAD, business_days.day_of(now))
    linked = head is not None and head.user_id == accused.user_id
    return linked or Role.AGENCY_HEAD in accused.roles


def _reporter(connection: Connection, number: int) -> str | None:
    query = select(misuse_reports.c.reported_by).where(misuse_reports.c.id == number)
    found: str | None = connection.scalar(query)
    return found


def _find(connection: Connection, *conditions: ColumnElement[bool]) -> list[Report]:
    query = (
        select(misuse_reports, agencies.c.name.label("agency"), users.c.name.label("against_name"))
        .join(agencies, agencies.c.id == misuse_reports.c.agency_id)
        .outerjoin(users, users.c.id == misuse_reports.c.against_user_id)
        .where(*conditions)
        .order_by(misuse_reports.c.id)
    )
    return [
        Report(
            id=row.id,
            agency=row.agency,
            found_by=row.found_by,
            reported_by_name=row.reported_by_name,
            reported_at=row.reported_at,
            against=row.against_name,
            against_user_id=row.against_user_id,
            what=row.what,
            to_operator=row.to_operator,
            due_on=row.due_on,
            state="closed" if row.closed_at else "answered" if row.answered_at else "open",
            misused=row.misused,
            circumstances=row.circumstances,
            actions=row.actions,
            prevention=row.prevention,
            answered_by_name=row.answered_by_name,
            answered_at=row.answered_at,
            closed_by_name=row.closed_by_name,
            closed_at=row.closed_at,
            close_reason=row.close_reason,
        )
        for row in connection.execute(query)
    ]
