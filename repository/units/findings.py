"""What the repository found out by itself and an administrator must see.

A finding stays open until somebody closes it with a reason, or until what was found has ended
where the repository can tell. While one is open, finding the same again counts in it: its detail
is then the newest. The same means the same kind, unit and subject; a kind that can be found of
several things at once, such as ingest processes, names each in ``subject``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from sqlalchemy import Connection, select, update

from repository.errors import RepositoryError
from repository.ledger.entry import Actor
from repository.store.rows import insert_new
from repository.store.tables.findings import findings
from repository.store.tables.fleet import agencies, units

REPEAT_AFTER = timedelta(minutes=1)
"""The same found again within this time is not counted: a flood of it writes nothing."""
_MAX_DETAIL = 500

Standing: TypeAlias = Mapping[tuple[int | None, str], str]
"""What stands of one kind: the id of a unit or None, and a subject, each with its detail."""


class FindingError(RepositoryError):
    """There is no such finding, or it is closed."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding; ``agency`` and ``unit`` are None where it is about no unit."""

    id: int
    kind: str
    agency: str | None
    unit: str | None
    subject: str
    detail: str
    times: int
    raised_at: datetime
    last_at: datetime
    closed_at: datetime | None
    closed_by_name: str | None
    close_reason: str | None


def raise_finding(
    connection: Connection,
    kind: str,
    unit_id: int | None,
    detail: str,
    now: datetime,
    *,
    subject: str = "",
) -> None:
    """Have this shown to the administrator, once while it is open. No plate belongs in it."""
    key = _open_key(kind, unit_id, subject)
    detail = detail.replace("\x00", "")[:_MAX_DETAIL]
    standing = connection.execute(
        select(findings.c.id, findings.c.last_at, findings.c.times).where(
            findings.c.open_key == key
        )
    ).one_or_none()
    if standing is None:
        row = {
            "kind": kind,
            "unit_id": unit_id,
            "subject": subject,
            "detail": detail,
            "times": 1,
            "raised_at": now,
            "last_at": now,
            "open_key": key,
        }
        insert_new(connection, findings, [row])
    elif now - standing.last_at >= REPEAT_AFTER:
        connection.execute(
            update(findings)
            .where(findings.c.id == standing.id)
            .values(detail=detail, last_at=now, times=findings.c.times + 1)
        )


def settle_finding(
    connection: Connection,
    kind: str,
    unit_id: int | None,
    reason: str,
    now: datetime,
    *,
    subject: str = "",
) -> None:
    """Close what is open of this kind, unit and subject, since it ended by itself."""
    connection.execute(
        update(findings)
        .where(findings.c.open_key == _open_key(kind, unit_id, subject))
        .values(open_key=None, closed_at=now, close_reason=reason)
    )


def keep_findings(
    connection: Connection,
    kind: str,
    standing: Standing,
    reason: str,
    now: datetime,
) -> None:
    """Have exactly these open of that kind.

    What is open of the kind and not among them has ended by itself, for that reason.
    """
    for (unit_id, subject), detail in standing.items():
        raise_finding(connection, kind, unit_id, detail, now, subject=subject)
    query = select(findings.c.unit_id, findings.c.subject).where(
        findings.c.kind == kind, findings.c.closed_at.is_(None)
    )
    for unit_id, subject in connection.execute(query).all():
        if (unit_id, subject) not in standing:
            settle_finding(connection, kind, unit_id, reason, now, subject=subject)


def close_finding(
    connection: Connection, number: int, actor: Actor, reason: str, now: datetime
) -> Finding:
    """Close a finding by a person's word.

    Raises:
        FindingError: if there is none of that number, or it is closed, or no reason is given.
    """
    if not reason.strip():
        raise FindingError("a finding is closed with a reason: say what was done about it")
    done = connection.execute(
        update(findings)
        .where(findings.c.id == number, findings.c.closed_at.is_(None))
        .values(
            open_key=None,
            closed_at=now,
            closed_by=actor.user_id,
            closed_by_name=actor.name,
            close_reason=reason,
        )
    )
    if done.rowcount != 1:
        raise FindingError(f"finding {number}: there is none, or it is closed already")
    (found,) = _find(connection, findings.c.id == number)
    return found


def list_findings(connection: Connection, *, closed_too: bool = False) -> list[Finding]:
    """The open findings, the newest last; closed ones too if asked for."""
    return _find(connection) if closed_too else _find(connection, findings.c.closed_at.is_(None))


def _find(connection: Connection, *conditions: Any) -> list[Finding]:
    query = (
        select(
            findings.c.id,
            findings.c.kind,
            agencies.c.name.label("agency"),
            units.c.name.label("unit"),
            findings.c.subject,
            findings.c.detail,
            findings.c.times,
            findings.c.raised_at,
            findings.c.last_at,
            findings.c.closed_at,
            findings.c.closed_by_name,
            findings.c.close_reason,
        )
        .outerjoin(units, units.c.id == findings.c.unit_id)
        .outerjoin(agencies, agencies.c.id == units.c.agency_id)
        .where(*conditions)
        .order_by(findings.c.raised_at, findings.c.id)
    )
    return [Finding(**row) for row in connection.execute(query).mappings()]


def _open_key(kind: str, unit_id: int | None, subject: str) -> str:
    same = "\x00".join((kind, "" if unit_id is None else str(unit_id), subject))
    return hashlib.sha256(same.encode()).hexdigest()
