"""Proposals of searches and what was decided, in the database. Runs in the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, insert, select, update

from repository.accounts.user import User
from repository.search.asking import Asked
from repository.store.tables.accounts import users
from repository.store.tables.fleet import agencies
from repository.store.tables.search import search_approvals as approvals

Decision = Literal["approved", "denied"]
MAX_LISTED = 200


@dataclass(frozen=True, slots=True)
class Approval:
    """A proposed search, and what was decided of it; ``decision`` is None while it waits.

    ``request`` holds the criteria and the purpose, ``why`` what makes it need an approval.
    """

    number: int
    agency_id: int
    agency: str
    case_id: int
    kind: str
    digest: str
    request: Mapping[str, Any]
    why: str
    reason: str
    proposed_by: UUID
    proposed_by_name: str
    proposed_at: datetime
    decision: Decision | None
    decision_reason: str | None
    decided_by: UUID | None
    decided_by_name: str | None
    decided_at: datetime | None
    valid_until: datetime | None
    runs_allowed: int | None
    runs_used: int


def add(
    connection: Connection,
    user: User,
    case_id: int,
    asked: Asked,
    *,
    why: Sequence[str],
    reason: str,
    now: datetime,
) -> int:
    """Record a proposal; its number."""
    number: int = connection.execute(
        insert(approvals)
        .values(
            agency_id=user.agency_id,
            case_id=case_id,
            kind=asked.kind,
            digest=asked.digest,
            request=json.dumps(asked.as_json()),
            why="; ".join(why),
            reason=reason,
            proposed_by=user.id,
            proposed_at=now,
            runs_used=0,
        )
        .returning(approvals.c.id)
    ).scalar_one()
    return number


def find(connection: Connection, agency_id: int, number: int) -> Approval | None:
    """The proposal of that number at that agency."""
    rows = connection.execute(
        _select(approvals.c.agency_id == agency_id, approvals.c.id == number)
    ).all()
    return _approval(rows[0]) if rows else None


def of_agency(connection: Connection, agency_id: int, *, waiting: bool) -> list[Approval]:
    """The newest proposals of an agency, or those that wait."""
    conditions: list[ColumnElement[bool]] = [approvals.c.agency_id == agency_id]
    if waiting:
        conditions.append(approvals.c.decision.is_(None))
    query = _select(*conditions).order_by(approvals.c.id.desc()).limit(MAX_LISTED)
    return [_approval(row) for row in connection.execute(query)]


def of_numbers(connection: Connection, numbers: Collection[int]) -> list[Approval]:
    """The proposals of these numbers, whichever agency's."""
    query = _select(approvals.c.id.in_(numbers)).order_by(approvals.c.id)
    return [_approval(row) for row in connection.execute(query)]


def waiting_since(connection: Connection, before: datetime) -> list[Approval]:
    """The proposals of every agency that have waited since before that moment."""
    query = _select(approvals.c.decision.is_(None), approvals.c.proposed_at < before)
    return [_approval(row) for row in connection.execute(query.order_by(approvals.c.id))]


def decide(
    connection: Connection,
    number: int,
    by: User,
    decision: Decision,
    reason: str,
    *,
    valid_until: datetime | None,
    runs: int | None,
    now: datetime,
) -> bool:
    """Record the decision; false if there was one before."""
    done = connection.execute(
        update(approvals)
        .where(approvals.c.id == number, approvals.c.decision.is_(None))
        .values(
            decision=decision,
            decision_reason=reason,
            decided_by=by.id,
            decided_at=now,
            valid_until=valid_until,
            runs_allowed=runs,
        )
    )
    return done.rowcount == 1


def good_for(connection: Connection, user: User, asked: Asked, now: datetime) -> Approval | None:
    """The approval of this user's very question that still holds."""
    query = _select(approvals.c.proposed_by == user.id, *_holds(asked, now))
    rows = connection.execute(query.order_by(approvals.c.id.desc()).limit(1)).all()
    return _approval(rows[0]) if rows else None


def use(connection: Connection, number: int, asked: Asked, now: datetime) -> bool:
    """Count one more run of it, or one more page of a run; false if it holds no more."""
    more = 1 if asked.first_page else 0
    done = connection.execute(
        update(approvals)
        .where(approvals.c.id == number, *_holds(asked, now))
        .values(runs_used=approvals.c.runs_used + more)
    )
    return done.rowcount == 1


def _holds(asked: Asked, now: datetime) -> tuple[ColumnElement[bool], ...]:
    if asked.first_page:
        left = approvals.c.runs_used < approvals.c.runs_allowed
    else:
        left = approvals.c.runs_used > 0
    return (
        approvals.c.digest == asked.digest,
        approvals.c.decision == "approved",
        approvals.c.valid_until > now,
        left,
    )


def _select(*conditions: ColumnElement[bool]) -> Any:
    proposer, decider = users.alias("proposer"), users.alias("decider")
    return (
        select(
            approvals,
            agencies.c.name.label("agency"),
            proposer.c.name.label("proposed_by_name"),
            decider.c.name.label("decided_by_name"),
        )
        .join(agencies, agencies.c.id == approvals.c.agency_id)
        .join(proposer, proposer.c.id == approvals.c.proposed_by)
        .outerjoin(decider, decider.c.id == approvals.c.decided_by)
        .where(*conditions)
    )


def _approval(row: Row[Any]) -> Approval:
    found = dict(row._mapping)
    found["number"] = found.pop("id")
    found["request"] = json.loads(found["request"])
    return Approval(**found)
