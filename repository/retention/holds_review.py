"""What is done with a hold that stands: reviewing it, and putting it under its case."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, ScalarSelect, insert, select, update

from repository.ledger import log
from repository.ledger.entry import JSON, Actor, Entry
from repository.retention.holds_request import MAX_CASE, MAX_REASON, HoldError, require_text
from repository.store import locks
from repository.store.locks import Turn
from repository.store.tables.fleet import agencies
from repository.store.tables.retention import hold_reviews, holds
from repository.units.findings import raise_finding, settle_finding

_OVERDUE = "hold_review_overdue"


def review(
    connection: Connection,
    hold_id: int,
    *,
    next_due: date,
    reason: str,
    actor: Actor,
    origin: str,
    now: datetime,
    others_days: int = 366,
) -> None:
    """Keep a hold after looking at it again, until it is looked at the next time.

    Other agencies' reads, which it keeps for a time, it keeps for ``others_days`` from now on.

    Raises:
        HoldError: if there is no such hold of the agency, or that day is not after today.
    """
    require_text("reason", reason, MAX_REASON)
    hold = standing(connection, hold_id, actor)
    if next_due <= now.astimezone(UTC).date():
        raise HoldError(f"until: {next_due} is no day that lies ahead")
    changes: dict[str, Any] = {"review_due": next_due}
    if hold.others_until is not None:
        changes["others_until"] = now + timedelta(days=others_days)
    change(connection, hold_id, changes)
    settle_overdue(connection, hold_id, "reviewed", now)
    connection.execute(
        insert(hold_reviews).values(
            hold_id=hold_id,
            reviewed_at=now,
            reviewed_by=actor.user_id,
            reviewed_by_name=actor.name,
            reason=reason,
            next_due=next_due,
        )
    )
    request: dict[str, JSON] = {
        "hold": hold_id,
        "reason": reason,
        "was_due": hold.review_due.isoformat() if hold.review_due else None,
        "next_due": next_due.isoformat(),
    }
    record(connection, "hold.review", actor, origin, now, request)


def assign(
    connection: Connection,
    hold_id: int,
    case_number: str,
    *,
    reason: str,
    actor: Actor,
    origin: str,
    now: datetime,
) -> None:
    """Put a hold under another case, such as the real one of a hit that was acted on.

    Raises:
        HoldError: if there is no such hold of the agency, or its case is that one already.
    """
    require_text("reason", reason, MAX_REASON)
    require_text("case number", case_number, MAX_CASE)
    hold = standing(connection, hold_id, actor)
    if hold.case_number == case_number:
        raise HoldError(f"hold {hold_id}: its case is {case_number} already")
    change(connection, hold_id, {"case_number": case_number})
    request: dict[str, JSON] = {
        "hold": hold_id,
        "case_number": case_number,
        "case_number_before": hold.case_number,
        "reason": reason,
    }
    record(connection, "hold.assign", actor, origin, now, request)


def raise_overdue(connection: Connection, now: datetime) -> int:
    """Raise a finding for each hold whose review is overdue; gives their number."""
    query = (
        select(holds.c.id, holds.c.review_due, agencies.c.name)
        .join(agencies, agencies.c.id == holds.c.agency_id)
        .where(is_overdue(now))
        .order_by(holds.c.id)
    )
    overdue = connection.execute(query).all()
    for hold_id, due, agency in overdue:
        detail = (
            f"hold {hold_id} of {agency} was to be reviewed by {due}: `alpr-repository hold review`"
        )
        raise_finding(connection, _OVERDUE, None, detail, now, subject=_subject(hold_id))
    return len(overdue)


def is_overdue(now: datetime) -> ColumnElement[bool]:
    """Whether a row of ``holds`` stands though its review was due before today in UTC."""
    return holds.c.released_at.is_(None) & (holds.c.review_due < now.astimezone(UTC).date())


def standing(connection: Connection, hold_id: int, actor: Actor) -> Row[Any]:
    """The hold of the actor's agency, which nobody changes until the transaction ends."""
    locks.take(connection, Turn.RETENTION)
    row = connection.execute(
        select(holds).where(
            holds.c.id == hold_id,
            holds.c.agency_id == agency_of(actor),
            holds.c.released_at.is_(None),
        )
    ).one_or_none()
    if row is None:
        raise HoldError(
            f"hold {hold_id}: not one of agency {actor.agency or '(none)'}, or released already"
        )
    return row


def agency_of(actor: Actor) -> ScalarSelect[int]:
    """The id of the actor's agency, as part of a query."""
    return select(agencies.c.id).where(agencies.c.name == actor.agency).scalar_subquery()


def settle_overdue(connection: Connection, hold_id: int, reason: str, now: datetime) -> None:
    """Close the finding that its review is overdue, if there is one."""
    settle_finding(connection, _OVERDUE, None, reason, now, subject=_subject(hold_id))


def change(connection: Connection, hold_id: int, changes: dict[str, Any]) -> None:
    """Write these columns of the hold."""
    connection.execute(update(holds).where(holds.c.id == hold_id).values(**changes))


def record(
    connection: Connection,
    action: str,
    actor: Actor,
    origin: str,
    now: datetime,
    request: dict[str, JSON],
) -> None:
    """Append to the ledger, last in the transaction."""
    log.append(connection, Entry(action, actor, now, origin, request))


def _subject(hold_id: int) -> str:
    return f"hold {hold_id}"
