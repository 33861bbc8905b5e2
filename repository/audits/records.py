"""Audits as they stand in the database. Runs in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, TypeAlias

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, or_, select

from repository.audits import entries
from repository.ledger.entry import Recorded
from repository.search import approval_rows
from repository.search.approval_rows import Approval
from repository.store.tables.audits import (
    audit_counts,
    audit_findings,
    audit_papers,
    audit_samples,
    audits,
)
from repository.store.tables.fleet import agencies

Kind: TypeAlias = Literal["monthly", "triennial", "at_will", "authorized", "system"]
QUESTIONS = (
    "purpose_lawful",
    "facts_specific",
    "case_exists",
    "result_used",
    "aimed_at_protected",
)
MAX_LISTED = 1000


@dataclass(frozen=True, slots=True)
class Audit:
    """An audit; ``agency`` is None for one of the repository itself.

    ``seed`` and what it follows from are None until the sample is drawn, ``signed_at`` until the
    audit is signed off. ``unanswered`` and ``open_findings`` are how many there are.
    """

    id: int
    kind: Kind
    agency: str | None
    period_start: datetime
    period_end: datetime
    reason: str
    opened_by_name: str
    opened_at: datetime
    opened_index: int | None
    due_at: datetime
    checkpoint_size: int | None
    checkpoint_root: str | None
    seed: str | None
    searches: int
    outcome: str | None
    summary: str | None
    signed_by_name: str | None
    signed_at: datetime | None
    keep_until: datetime | None
    unanswered: int
    open_findings: int


@dataclass(frozen=True, slots=True)
class Count:
    """How many entries a person left in the period, by action."""

    user_id: str
    name: str
    action: str
    number: int


@dataclass(frozen=True, slots=True)
class Sample:
    """A search that was drawn, and what was answered of it."""

    place: int
    ledger_index: int
    user_id: str
    purpose_lawful: str | None
    facts_specific: str | None
    case_exists: str | None
    result_used: str | None
    aimed_at_protected: str | None
    note: str | None
    answered_by: str | None
    answered_by_name: str | None
    answered_at: datetime | None

    @property
    def speaks_against(self) -> bool:
        """Whether an answer says that something is not as it should be."""
        wrong = (self.purpose_lawful, self.facts_specific, self.case_exists)
        return "no" in wrong or self.aimed_at_protected == "yes"


@dataclass(frozen=True, slots=True)
class Found:
    """What an audit found, and what was done about it."""

    id: int
    audit_id: int
    text: str
    raised_by_name: str
    raised_at: datetime
    due_on: date
    follow_up: str | None
    closed_by_name: str | None
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Paper:
    """What stands with an audit as it was then: JSON, and its digest."""

    title: str
    content: str
    sha256: str
    attached_by_name: str
    attached_at: datetime


@dataclass(frozen=True, slots=True)
class AuditFile:
    """An audit with all that belongs to it; ``searches`` are the entries of its samples.

    ``approvals`` are those under which searches of the sample were run, by their number.
    """

    audit: Audit
    counts: tuple[Count, ...]
    samples: tuple[Sample, ...]
    findings: tuple[Found, ...]
    papers: tuple[Paper, ...]
    searches: tuple[Recorded, ...]
    approvals: Mapping[int, Approval]


def find(connection: Connection, number: int) -> Audit | None:
    """The audit of that number."""
    return next(_audits(connection, audits.c.id == number), None)


def lock(connection: Connection, number: int) -> Audit | None:
    """The same; nobody else changes it until the transaction ends."""
    query = select(audits.c.id).where(audits.c.id == number).with_for_update()
    return None if connection.scalar(query) is None else find(connection, number)


def listed(
    connection: Connection, agency: str | None, *, everywhere: bool, open_only: bool
) -> list[Audit]:
    """Audits of the agency, or with ``everywhere`` of all and of the repository; the newest first.

    At most `MAX_LISTED`.
    """
    conditions: list[ColumnElement[bool]] = [] if everywhere else [agencies.c.name == agency]
    if open_only:
        still_open = select(audit_findings.c.audit_id).where(audit_findings.c.closed_at.is_(None))
        conditions.append(or_(audits.c.signed_at.is_(None), audits.c.id.in_(still_open)))
    return list(_audits(connection, *conditions, limit=MAX_LISTED))


def whole(connection: Connection, audit: Audit) -> AuditFile:
    """The audit with all that belongs to it.

    Raises:
        AuditError: if an entry of its sample is not what its digest says.
    """
    drawn = samples(connection, audit.id)
    searched = tuple(entries.these(connection, [each.ledger_index for each in drawn]))
    under = [number for each in searched if (number := approval_of(each)) is not None]
    return AuditFile(
        audit,
        tuple(
            Count(row.user_id, row.name, row.action, row.number)
            for row in _rows(connection, audit_counts, audit.id, "user_id", "action")
        ),
        drawn,
        findings(connection, audit_findings.c.audit_id == audit.id),
        tuple(
            Paper(row.title, row.content, row.sha256, row.attached_by_name, row.attached_at)
            for row in _rows(connection, audit_papers, audit.id, "id")
        ),
        searched,
        {each.number: each for each in approval_rows.of_numbers(connection, under)},
    )


def approval_of(recorded: Recorded) -> int | None:
    """The number of the approval under which a search was run."""
    number = recorded.entry.request.get("approval")
    return number if isinstance(number, int) else None


def samples(connection: Connection, audit_id: int) -> tuple[Sample, ...]:
    """The audit's sample in the order drawn."""
    rows = _rows(connection, audit_samples, audit_id, "place")
    return tuple(Sample(**_fields(row, Sample.__slots__)) for row in rows)


def findings(connection: Connection, *conditions: ColumnElement[bool]) -> tuple[Found, ...]:
    """What audits found, at which the conditions hold, in order."""
    rows = connection.execute(
        select(audit_findings).where(*conditions).order_by(audit_findings.c.id)
    )
    return tuple(Found(**_fields(row, Found.__slots__)) for row in rows)


def _audits(
    connection: Connection, *conditions: ColumnElement[bool], limit: int = 1
) -> Iterator[Audit]:
    unanswered = (
        select(func.count())
        .where(audit_samples.c.audit_id == audits.c.id, audit_samples.c.answered_at.is_(None))
        .scalar_subquery()
    )
    still_open = (
        select(func.count())
        .where(audit_findings.c.audit_id == audits.c.id, audit_findings.c.closed_at.is_(None))
        .scalar_subquery()
    )
    query: Select[Any] = (
        select(
            audits,
            agencies.c.name.label("agency"),
            unanswered.label("unanswered"),
            still_open.label("open_findings"),
        )
        .outerjoin(agencies, agencies.c.id == audits.c.agency_id)
        .where(and_(True, *conditions))
        .order_by(audits.c.id.desc())
        .limit(limit)
    )
    for row in connection.execute(query).all():
        yield Audit(**_fields(row, Audit.__slots__))


def _rows(connection: Connection, table: Any, audit_id: int, *order: str) -> Sequence[Row[Any]]:
    query = select(table).where(table.c.audit_id == audit_id)
    return connection.execute(query.order_by(*(table.c[each] for each in order))).all()


def _fields(row: Row[Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: row._mapping[name] for name in names}
