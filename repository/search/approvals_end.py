"""The end of what a person proposed, with their account. In the caller's transaction."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, select, update

from repository.store.tables.search import search_approvals as approvals
from repository.units.findings import settle_finding

WAITING = "approval_waiting"


def subject(number: int) -> str:
    """How a finding names an approval."""
    return f"approval {number}"


def end_of_person(connection: Connection, user_id: UUID, why: str, now: datetime) -> list[int]:
    """Deny what waits of a person, and let nothing be run any more of what was approved.

    The numbers of all that ended so.
    """
    waiting = (approvals.c.proposed_by == user_id, approvals.c.decision.is_(None))
    denied = connection.scalars(select(approvals.c.id).where(*waiting)).all()
    for number in denied:
        settle_finding(connection, WAITING, None, why, now, subject=subject(number))
    connection.execute(
        update(approvals)
        .where(*waiting)
        .values(decision="denied", decision_reason=why, decided_at=now)
    )
    ended = connection.scalars(
        update(approvals)
        .where(approvals.c.proposed_by == user_id, approvals.c.valid_until > now)
        .values(valid_until=now)
        .returning(approvals.c.id)
    ).all()
    return sorted((*denied, *ended))
