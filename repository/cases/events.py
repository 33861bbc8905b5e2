"""What happens in a case beside its searches and holds. Runs in the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias, get_args

from sqlalchemy import Connection, Row, Select, func, insert, select

from repository.accounts.user import User
from repository.cases.errors import CaseError
from repository.ledger.entry import JSON
from repository.store.tables.accounts import users
from repository.store.tables.cases import case_events, cases

Kind: TypeAlias = Literal[
    "request",
    "approval",
    "emergency_review",
    "answer",
    "second_review",
    "note",
    "disposition",
    "dissemination",
    "error_report",
    "evidence_package",
]
MAX_DETAIL_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class CaseEvent:
    """An event in a case file; login and name are None where no person of an agency did it."""

    id: int
    kind: Kind
    at: datetime
    login: str | None
    name: str | None
    detail: Mapping[str, Any]
    ledger_index: int | None


def add_event(
    connection: Connection,
    case_id: int,
    kind: Kind,
    *,
    by: User | None,
    at: datetime,
    detail: Mapping[str, JSON],
    ledger_index: int | None,
) -> int:
    """Record in the case file that this happened; gives the event's number.

    ``detail`` outlives the reads that it speaks of: it names them by id, never by their plate,
    time or place. ``ledger_index`` is the event's own entry, if it has one.

    Raises:
        CaseError: if the kind is not known, or the detail is too large to be kept.
    """
    if kind not in get_args(Kind):
        raise CaseError(f"kind {kind!r}: no kind of event in a case file")
    kept = json.dumps(detail)
    if len(kept) > MAX_DETAIL_BYTES:
        raise CaseError(f"{kind}: {len(kept)} bytes, the limit is {MAX_DETAIL_BYTES}")
    number: int = connection.execute(
        insert(case_events)
        .values(
            case_id=case_id,
            kind=kind,
            at=at,
            user_id=None if by is None else by.id,
            detail=kept,
            ledger_index=ledger_index,
        )
        .returning(case_events.c.id)
    ).scalar_one()
    return number


@dataclass(frozen=True, slots=True)
class OfCase:
    """An event with the number of its case, and its own among the case's events of its kind."""

    case_number: str
    number: int
    event: CaseEvent


def of_agency(connection: Connection, agency_id: int, kind: Kind) -> list[OfCase]:
    """The events of a kind in all cases of an agency, oldest first."""
    place = func.row_number().over(partition_by=case_events.c.case_id, order_by=case_events.c.id)
    rows = connection.execute(
        _query()
        .add_columns(cases.c.number, place.label("place"))
        .join(cases, cases.c.id == case_events.c.case_id)
        .where(case_events.c.kind == kind, cases.c.agency_id == agency_id)
        .order_by(case_events.c.id)
    )
    return [OfCase(row.number, row.place, _event(row)) for row in rows]


def count(connection: Connection, case_id: int, kind: Kind) -> int:
    """How many events of a kind a case has, so that the newest is known by this number."""
    found: int = connection.execute(
        select(func.count()).where(case_events.c.case_id == case_id, case_events.c.kind == kind)
    ).scalar_one()
    return found


def of_case(connection: Connection, case_id: int) -> Sequence[CaseEvent]:
    """The events of a case in the order in which they were recorded."""
    query = _query().where(case_events.c.case_id == case_id).order_by(case_events.c.id)
    return [_event(row) for row in connection.execute(query)]


def _query() -> Select[Any]:
    return select(case_events, users.c.login, users.c.name).outerjoin(
        users, users.c.id == case_events.c.user_id
    )


def _event(row: Row[Any]) -> CaseEvent:
    return CaseEvent(
        row.id, row.kind, row.at, row.login, row.name, json.loads(row.detail), row.ledger_index
    )
