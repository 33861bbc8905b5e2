"""Requests for searches in the database. Runs in the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, insert, or_, select, update

from repository.accounts.user import User
from repository.search.errors import ProposalError
from repository.search.request_form import AskerKind, RequestForm
from repository.store.tables.accounts import users
from repository.store.tables.cases import case_events
from repository.store.tables.fleet import agencies
from repository.store.tables.search import search_requests as requests

Decision = Literal["accepted", "denied"]
MAX_LISTED = 200


@dataclass(frozen=True, slots=True)
class SearchAskedFor:
    """A request by somebody without access, who handled it, and what was answered.

    ``reads`` are the ids of those that the answer reports, ``matches`` their number.
    """

    number: int
    agency_id: int
    agency: str
    case_id: int
    asker_kind: AskerKind
    asker_agency: str
    asker_ori: str | None
    asker_name: str
    asker_position: str
    asker_phone: str
    asker_email: str
    asker_case: str
    reason: str
    offence: str
    characteristics: str
    source: str
    received_by: UUID
    received_by_name: str
    received_at: datetime
    decision: Decision | None
    decision_reason: str | None
    handled_by: UUID | None
    handled_by_name: str | None
    handled_at: datetime | None
    answer: str | None
    matches: int | None
    answered_by: UUID | None
    answered_by_name: str | None
    answered_at: datetime | None
    reads: tuple[str, ...] = ()


def add(
    connection: Connection,
    user: User,
    case_id: int,
    kind: AskerKind,
    form: RequestForm,
    now: datetime,
) -> int:
    """Record a request; its number."""
    number: int = connection.execute(
        insert(requests)
        .values(
            agency_id=user.agency_id,
            case_id=case_id,
            asker_kind=kind,
            asker_agency=form.agency,
            asker_ori=form.ori,
            asker_name=form.name,
            asker_position=form.position,
            asker_phone=form.phone,
            asker_email=form.email,
            asker_case=form.case_number,
            reason=form.reason,
            offence=form.offence,
            characteristics=form.characteristics,
            source=form.source,
            received_by=user.id,
            received_at=now,
        )
        .returning(requests.c.id)
    ).scalar_one()
    return number


def find(connection: Connection, agency_id: int, number: int) -> SearchAskedFor | None:
    """The request of that number that was put to that agency."""
    rows = connection.execute(
        _select(requests.c.agency_id == agency_id, requests.c.id == number)
    ).all()
    return _with_reads(connection, rows)[0] if rows else None


def of_agency(
    connection: Connection, agency_id: int, *, received_by: UUID | None, unanswered: bool
) -> list[SearchAskedFor]:
    """The newest requests put to an agency, or those that one person recorded."""
    conditions = [requests.c.agency_id == agency_id]
    if received_by is not None:
        conditions.append(requests.c.received_by == received_by)
    if unanswered:
        conditions.append(requests.c.answered_at.is_(None))
        conditions.append(or_(requests.c.decision.is_(None), requests.c.decision == "accepted"))
    query = _select(*conditions).order_by(requests.c.id.desc()).limit(MAX_LISTED)
    return _with_reads(connection, connection.execute(query).all())


def check_accepted(connection: Connection, user: User, number: int, case_number: str) -> None:
    """See that a search may be made on that request, under that case.

    Raises:
        ProposalError: if it is not there, not accepted, answered already, or of another case.
    """
    found = find(connection, user.agency_id, number)
    if found is None:
        raise ProposalError(f"request {number}: your agency has none of that number")
    if found.decision != "accepted" or found.answered_at is not None:
        raise ProposalError(f"request {number}: not accepted, or answered already")
    if found.asker_case != case_number:
        raise ProposalError(f"case: request {number} is for case {found.asker_case}")


def decide(
    connection: Connection, number: int, by: User, decision: Decision, reason: str, now: datetime
) -> bool:
    """Record the decision; false if there was one before."""
    done = connection.execute(
        update(requests)
        .where(requests.c.id == number, requests.c.decision.is_(None))
        .values(decision=decision, decision_reason=reason, handled_by=by.id, handled_at=now)
    )
    return done.rowcount == 1


def answer(
    connection: Connection, number: int, by: User, text: str, matches: int, now: datetime
) -> bool:
    """Record the answer; false if the request is not accepted, or answered already."""
    done = connection.execute(
        update(requests)
        .where(
            requests.c.id == number,
            requests.c.decision == "accepted",
            requests.c.answered_at.is_(None),
        )
        .values(answer=text, matches=matches, answered_by=by.id, answered_at=now)
    )
    return done.rowcount == 1


def _select(*conditions: ColumnElement[bool]) -> Any:
    receiver, handler, answerer = (
        users.alias(name) for name in ("receiver", "handler", "answerer")
    )
    return (
        select(
            requests,
            agencies.c.name.label("agency"),
            receiver.c.name.label("received_by_name"),
            handler.c.name.label("handled_by_name"),
            answerer.c.name.label("answered_by_name"),
        )
        .join(agencies, agencies.c.id == requests.c.agency_id)
        .join(receiver, receiver.c.id == requests.c.received_by)
        .outerjoin(handler, handler.c.id == requests.c.handled_by)
        .outerjoin(answerer, answerer.c.id == requests.c.answered_by)
        .where(*conditions)
    )


def _with_reads(connection: Connection, rows: Sequence[Row[Any]]) -> list[SearchAskedFor]:
    """The requests, with the reads that their answers name in the case files."""
    cases = {row.case_id for row in rows if row.matches}
    query = select(case_events.c.detail).where(
        case_events.c.kind == "answer", case_events.c.case_id.in_(cases)
    )
    told = [json.loads(detail) for detail in connection.scalars(query)]
    reads = {each["request"]: tuple(each["matches"]) for each in told}
    return [_asked(row, reads.get(row.id, ())) for row in rows]


def _asked(row: Row[Any], reads: tuple[str, ...]) -> SearchAskedFor:
    found = dict(row._mapping)
    found["number"] = found.pop("id")
    return SearchAskedFor(**found, reads=reads)
