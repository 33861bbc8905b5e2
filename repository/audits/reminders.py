"""Findings for administrators where an audit is overdue, or its finding, or its sample fails."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from repository.audits import records
from repository.store.tables.audits import audit_findings, audits
from repository.store.tables.fleet import agencies
from repository.units.findings import raise_finding, settle_finding

AUDIT_OVERDUE = "audit_overdue"
FOUND_OVERDUE = "audit_finding_overdue"
UNDRAWN = "audit_not_drawn"


def raise_overdue(connection: Connection, now: datetime) -> None:
    """Raise one for each audit that is not signed off in time, and each finding not mended."""
    query = (
        select(audits.c.id, audits.c.kind, audits.c.due_at, agencies.c.name)
        .outerjoin(agencies, agencies.c.id == audits.c.agency_id)
        .where(audits.c.signed_at.is_(None), audits.c.due_at < now)
        .order_by(audits.c.id)
    )
    for row in connection.execute(query).all():
        raise_finding(
            connection,
            AUDIT_OVERDUE,
            None,
            f"audit {row.id} ({row.kind}) of {row.name or 'the repository'} was to be signed off "
            f"by {row.due_at:%Y-%m-%d}",
            now,
            subject=_audit(row.id),
        )
    late = (audit_findings.c.closed_at.is_(None), audit_findings.c.due_on < now.date())
    for found in records.findings(connection, *late):
        raise_finding(
            connection,
            FOUND_OVERDUE,
            None,
            f"finding {found.id} of audit {found.audit_id} was to be mended by {found.due_on}",
            now,
            subject=_found(found.id),
        )


def settle_audit(connection: Connection, number: int, now: datetime) -> None:
    """Close what was raised of an audit that is signed off."""
    settle_finding(connection, AUDIT_OVERDUE, None, "signed off", now, subject=_audit(number))


def settle_found(connection: Connection, number: int, now: datetime) -> None:
    """Close what was raised of a finding that is mended."""
    settle_finding(connection, FOUND_OVERDUE, None, "followed up", now, subject=_found(number))


def raise_undrawn(connection: Connection, number: int, why: str, now: datetime) -> None:
    """Raise one for an audit whose sample cannot be drawn."""
    detail = f"audit {number}: no sample can be drawn: {why}"
    raise_finding(connection, UNDRAWN, None, detail, now, subject=_audit(number))


def settle_undrawn(connection: Connection, number: int, now: datetime) -> None:
    """Close it once it is drawn."""
    settle_finding(connection, UNDRAWN, None, "drawn", now, subject=_audit(number))


def _audit(number: int) -> str:
    return f"audit {number}"


def _found(number: int) -> str:
    return f"audit finding {number}"
