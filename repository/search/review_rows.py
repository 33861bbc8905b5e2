"""Reviews of emergencies and of possible matches in the database; in the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, insert, select, update

from repository.accounts.user import User
from repository.store.tables.accounts import users
from repository.store.tables.cases import cases
from repository.store.tables.fleet import agencies
from repository.store.tables.search import search_reviews as reviews
from repository.store.tables.search import search_runs as runs

Kind = Literal["emergency", "match"]
Outcome = Literal["justified", "unjustified", "match", "no_match", "not_practicable"]
MAX_LISTED = 200


@dataclass(frozen=True, slots=True)
class Review:
    """Something that a second person looks at; ``outcome`` is None until they did.

    ``emergency`` is the factual basis that was given, ``read_id`` the read of a possible match and
    ``shown`` what the search showed of it, for who may look and as long as the read is kept.
    """

    number: int
    kind: Kind
    agency_id: int
    agency: str
    case_id: int
    case_number: str
    ledger_index: int
    request_id: int | None
    read_id: UUID | None
    emergency: str | None
    facts: str
    characteristics: str
    searched_by: UUID
    searched_by_name: str
    raised_at: datetime
    due_at: datetime | None
    outcome: Outcome | None
    reason: str | None
    reviewed_by: UUID | None
    reviewed_by_name: str | None
    reviewed_at: datetime | None
    shown: Mapping[str, Any] | None = None


def add(
    connection: Connection,
    kind: Kind,
    user: User,
    case_id: int,
    ledger_index: int,
    *,
    now: datetime,
    due_at: datetime | None = None,
    request: int | None = None,
    read: tuple[int, datetime, UUID] | None = None,
) -> int:
    """Have something reviewed that this user did; the review's number."""
    unit_id, captured_at, read_id = read or (None, None, None)
    number: int = connection.execute(
        insert(reviews)
        .values(
            kind=kind,
            agency_id=user.agency_id,
            case_id=case_id,
            ledger_index=ledger_index,
            request_id=request,
            unit_id=unit_id,
            captured_at=captured_at,
            read_id=read_id,
            searched_by=user.id,
            raised_at=now,
            due_at=due_at,
        )
        .returning(reviews.c.id)
    ).scalar_one()
    return number


def find(connection: Connection, agency_id: int, number: int) -> Review | None:
    """The review of that number at that agency."""
    rows = connection.execute(_select(reviews.c.agency_id == agency_id, reviews.c.id == number))
    found = rows.all()
    return _review(found[0]) if found else None


def of_agency(
    connection: Connection, agency_id: int, *, open_alone: bool, kind: Kind | None = None
) -> list[Review]:
    """The newest reviews of an agency, or those that wait."""
    conditions = [reviews.c.agency_id == agency_id]
    if open_alone:
        conditions.append(reviews.c.outcome.is_(None))
    if kind is not None:
        conditions.append(reviews.c.kind == kind)
    query = _select(*conditions).order_by(reviews.c.id.desc()).limit(MAX_LISTED)
    return [_review(row) for row in connection.execute(query)]


def of_read(connection: Connection, request: int, read_id: UUID) -> list[Review]:
    """The reviews of a read under a request, the newest first."""
    query = _select(reviews.c.request_id == request, reviews.c.read_id == read_id)
    return [_review(row) for row in connection.execute(query.order_by(reviews.c.id.desc()))]


def overdue(connection: Connection, now: datetime) -> list[Review]:
    """The reviews of every agency whose time is up."""
    query = _select(reviews.c.outcome.is_(None), reviews.c.due_at < now)
    return [_review(row) for row in connection.execute(query.order_by(reviews.c.id))]


def conclude(
    connection: Connection, number: int, by: User, outcome: Outcome, reason: str, now: datetime
) -> bool:
    """Record what was found; false if something was before."""
    done = connection.execute(
        update(reviews)
        .where(reviews.c.id == number, reviews.c.outcome.is_(None))
        .values(outcome=outcome, reason=reason, reviewed_by=by.id, reviewed_at=now)
    )
    return done.rowcount == 1


def _select(*conditions: ColumnElement[bool]) -> Any:
    searcher, reviewer = users.alias("searcher"), users.alias("reviewer")
    return (
        select(
            reviews.c.id.label("number"),
            reviews.c.kind,
            reviews.c.agency_id,
            agencies.c.name.label("agency"),
            reviews.c.case_id,
            cases.c.number.label("case_number"),
            reviews.c.ledger_index,
            reviews.c.request_id,
            reviews.c.read_id,
            runs.c.emergency,
            runs.c.facts,
            runs.c.characteristics,
            reviews.c.searched_by,
            searcher.c.name.label("searched_by_name"),
            reviews.c.raised_at,
            reviews.c.due_at,
            reviews.c.outcome,
            reviews.c.reason,
            reviews.c.reviewed_by,
            reviewer.c.name.label("reviewed_by_name"),
            reviews.c.reviewed_at,
        )
        .join(agencies, agencies.c.id == reviews.c.agency_id)
        .join(cases, cases.c.id == reviews.c.case_id)
        .join(runs, runs.c.ledger_index == reviews.c.ledger_index)
        .join(searcher, searcher.c.id == reviews.c.searched_by)
        .outerjoin(reviewer, reviewer.c.id == reviews.c.reviewed_by)
        .where(*conditions)
    )


def _review(row: Row[Any]) -> Review:
    return Review(**row._mapping)
