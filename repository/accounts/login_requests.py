"""Requests for a login, which an agency's ALPR administrator receives and decides (policy C-2a).

Whoever asks has no account yet, so anybody can: what one address asks for is bounded, and what
waits at one agency. Everything runs in the caller's transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, func, insert, select, update

from repository.accounts.errors import AccountError
from repository.ledger.entry import Actor
from repository.store.tables.accounts import users
from repository.store.tables.fleet import agencies
from repository.store.tables.people import login_requests
from repository.units.findings import raise_finding, settle_finding

WAITING = "login_request"
MAX_WAITING = 200
"""Requests that wait at one agency: more than that is no agency's people asking."""

Decision = Literal["granted", "denied"]


@dataclass(frozen=True, slots=True)
class Form:
    """What somebody who asks for a login says of themselves, in form."""

    name: str
    position: str
    agency: str
    phone: str
    email: str
    reason: str


@dataclass(frozen=True, slots=True)
class LoginRequest:
    """A request as received; ``login`` is of the account that was made of it."""

    id: int
    name: str
    position: str
    agency: str
    phone: str
    email: str
    reason: str
    received_at: datetime
    decision: Decision | None
    decided_at: datetime | None
    decided_by_name: str | None
    decision_reason: str | None
    login: str | None


def receive(connection: Connection, form: Form, agency_id: int, origin: str, now: datetime) -> int:
    """Keep a request for the agency's administrator, and have it found; gives its number.

    Raises:
        AccountError: if the same person's waits already, or too many do.
    """
    waiting = (login_requests.c.agency_id == agency_id, login_requests.c.decided_at.is_(None))
    table = login_requests
    counted = select(func.count()).select_from(table).where(*waiting)
    if (connection.scalar(counted) or 0) >= MAX_WAITING:
        raise AccountError(
            "too many requests wait at this agency: speak with its ALPR administrator"
        )
    if connection.scalar(counted.where(table.c.email == form.email)):
        raise AccountError("a request with this e-mail address waits already")
    number: int = connection.execute(
        insert(table)
        .values(
            agency_id=agency_id,
            name=form.name,
            position=form.position,
            phone=form.phone,
            email=form.email,
            reason=form.reason,
            origin=origin,
            received_at=now,
        )
        .returning(table.c.id)
    ).scalar_one()
    raise_finding(
        connection, WAITING, None,
        f"request {number} for a login waits at {form.agency}: "
        "'alpr-repository logins list' shows it to the agency's ALPR administrator",
        now, subject=f"{form.agency}/{number}",
    )  # fmt: skip
    return number


def decide(
    connection: Connection,
    request: LoginRequest,
    decision: Decision,
    reason: str,
    by: Actor,
    now: datetime,
    *,
    user_id: UUID | None = None,
) -> None:
    """Keep what became of a request.

    Raises:
        AccountError: if somebody else has decided it meanwhile.
    """
    done = connection.execute(
        update(login_requests)
        .where(login_requests.c.id == request.id, login_requests.c.decided_at.is_(None))
        .values(
            decision=decision,
            decided_by=by.user_id,
            decided_by_name=by.name,
            decided_at=now,
            decision_reason=reason,
            user_id=user_id,
        )
    )
    if done.rowcount != 1:
        raise AccountError(f"request {request.id}: is decided already")
    settle_finding(
        connection, WAITING, None, decision, now, subject=f"{request.agency}/{request.id}"
    )


def find(connection: Connection, *conditions: ColumnElement[bool]) -> list[LoginRequest]:
    """The requests of which all that holds, in the order in which they came."""
    table = login_requests
    query = (
        select(
            table.c.id,
            table.c.name,
            table.c.position,
            agencies.c.name.label("agency"),
            table.c.phone,
            table.c.email,
            table.c.reason,
            table.c.received_at,
            table.c.decision,
            table.c.decided_at,
            table.c.decided_by_name,
            table.c.decision_reason,
            users.c.login,
        )
        .join(agencies, agencies.c.id == table.c.agency_id)
        .outerjoin(users, users.c.id == table.c.user_id)
        .where(*conditions)
        .order_by(table.c.id)
    )
    return [LoginRequest(**row) for row in connection.execute(query).mappings()]
