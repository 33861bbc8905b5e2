"""Audits as lines of text and as mappings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime, time
from typing import Any

from repository.audits.patterns import Pattern
from repository.audits.records import QUESTIONS, Audit, AuditFile, approval_of
from repository.audits.transactions import as_mapping
from repository.ledger.entry import Recorded
from repository.search.approval_rows import Approval
from repository.search.words import in_words

DECIDES_NOTHING = (
    "Worth a look, and no more: each has innocent reasons, and nothing is decided by it."
)


def audit_line(audit: Audit, now: datetime) -> str:
    """An audit in one line."""
    of = audit.agency or "the repository"
    period = f"{_moment(audit.period_start)} to before {_moment(audit.period_end)}"
    if audit.signed_at is not None:
        state = f"signed off {audit.signed_at:%Y-%m-%d}: {audit.outcome}"
    elif audit.seed is None:
        state = "waits for the ledger's next checkpoint"
    else:
        state = f"unanswered: {audit.unanswered}"
    due = f"due {audit.due_at:%Y-%m-%d}"
    late = " OVERDUE" if audit.signed_at is None and audit.due_at < now else ""
    findings = f", open findings: {audit.open_findings}" if audit.open_findings else ""
    return f"{audit.id:>6}  {audit.kind} of {of}, {period}; {due}{late}; {state}{findings}"


def audit_lines(file: AuditFile, now: datetime) -> Iterator[str]:
    """An audit with all that belongs to it."""
    audit = file.audit
    yield audit_line(audit, now)
    yield (
        f"reason: {audit.reason}; opened {audit.opened_at:%Y-%m-%d %H:%M} by {audit.opened_by_name}"
    )
    if audit.seed is not None:
        yield (
            f"drawn from {audit.searches} searches with seed {audit.seed}, of the checkpoint at "
            f"size {audit.checkpoint_size}"
        )
    for each in file.counts:
        yield f"  {each.name}: {each.action} {each.number}"
    searches = {each.index: each for each in file.searches}
    for sample in file.samples:
        recorded = searches[sample.ledger_index]
        yield (
            f"  sample {sample.place}: entry {sample.ledger_index}, "
            f"{recorded.entry.actor.name} on {recorded.entry.at:%Y-%m-%d %H:%M} UTC, "
            f"returned {recorded.entry.count}"
        )
        for line in _search_lines(recorded, file.approvals):
            yield f"    {line}"
        if sample.answered_at is not None:
            answers = ", ".join(f"{each}: {getattr(sample, each)}" for each in QUESTIONS)
            yield f"    {answers}"
            note = f": {_one_line(sample.note)}" if sample.note else ""
            yield (
                f"    answered by {sample.answered_by_name} on "
                f"{sample.answered_at:%Y-%m-%d %H:%M} UTC{note}"
            )
    for found in file.findings:
        done = f"closed: {found.follow_up}" if found.closed_at else f"due {found.due_on}"
        yield f"  finding {found.id}: {found.text}; {done}"
    for paper in file.papers:
        yield f"  paper {paper.title}: sha256 {paper.sha256}"
    if audit.summary:
        yield f"summary: {audit.summary}"


def file_as_mapping(file: AuditFile) -> dict[str, Any]:
    """The same for JSON; papers with their content."""
    return {
        "audit": asdict(file.audit),
        "counts": [asdict(each) for each in file.counts],
        "samples": [asdict(each) for each in file.samples],
        "findings": [asdict(each) for each in file.findings],
        "papers": [asdict(each) | {"content": json.loads(each.content)} for each in file.papers],
        "searches": [as_mapping(each) for each in file.searches],
        "approvals": [_approval_as_mapping(each) for each in file.approvals.values()],
    }


def pattern_as_mapping(pattern: Pattern) -> Mapping[str, Any]:
    """A pattern for JSON."""
    return asdict(pattern)


def pattern_line(pattern: Pattern) -> str:
    """A pattern in one line."""
    who = f"{pattern.name}: " if pattern.name else ""
    shown = ", ".join(map(str, pattern.entries[:10]))
    more = f" and {len(pattern.entries) - 10} more" if len(pattern.entries) > 10 else ""
    return f"{pattern.kind}: {who}{pattern.why}; {pattern.how_common}; entries {shown}{more}"


def _search_lines(recorded: Recorded, approvals: Mapping[int, Approval]) -> Iterator[str]:
    """What was asked and why, one fact a line."""
    request: Mapping[str, Any] = recorded.entry.request
    criteria, purpose = request.get("criteria", {}), request.get("purpose", {})
    yield (criteria.get("looked_at") or in_words(criteria)) + (
        ", a later page of it" if criteria.get("after") else ""
    )
    told = {
        "purpose": purpose.get("purpose"),
        "case": purpose.get("case"),
        "facts": purpose.get("facts"),
        "court order": purpose.get("court_order"),
        "suspected crime": purpose.get("offence"),
        "emergency": request.get("emergency"),
        "for the request": request.get("request"),
    }
    for name, value in told.items():
        if value:
            yield f"{name}: {_one_line(value)}"
    number = approval_of(recorded)
    approval = None if number is None else approvals.get(number)
    if approval is not None:
        yield (
            f"approval {approval.number}: proposed by {approval.proposed_by_name} on "
            f"{approval.proposed_at:%Y-%m-%d %H:%M} UTC, since the search {approval.why}: "
            f"{_one_line(approval.reason)}"
        )
        yield (
            f"{approval.decision} by {approval.decided_by_name} on "
            f"{approval.decided_at:%Y-%m-%d %H:%M} UTC: {_one_line(approval.decision_reason)}"
        )


_OF_APPROVAL = (
    "number",
    "why",
    "reason",
    "proposed_by_name",
    "proposed_at",
    "decision",
    "decision_reason",
    "decided_by_name",
    "decided_at",
)


def _approval_as_mapping(approval: Approval) -> dict[str, Any]:
    return {each: getattr(approval, each) for each in _OF_APPROVAL}


def _one_line(value: object) -> str:
    return " ".join(str(value).split())


def _moment(at: datetime) -> str:
    """The moment, in UTC; a day's first as the day alone."""
    if at.time() == time.min:
        return f"{at:%Y-%m-%d}"
    whole_minute = at.second == at.microsecond == 0
    return f"{at.replace(tzinfo=None).isoformat(timespec='minutes' if whole_minute else 'auto')}Z"
