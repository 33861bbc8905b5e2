"""Audits as lines of text and as mappings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime, time
from typing import Any

from repository.audits.patterns import Pattern
from repository.audits.records import QUESTIONS, Audit, AuditFile
from repository.audits.transactions import as_mapping

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
        asked = json.dumps(recorded.entry.request, ensure_ascii=False, sort_keys=True)
        yield (
            f"  sample {sample.place}: entry {sample.ledger_index}, "
            f"{recorded.entry.actor.name}, returned {recorded.entry.count}: {asked}"
        )
        if sample.answered_at is not None:
            answers = (f"{each}: {getattr(sample, each)}" for each in QUESTIONS)
            yield f"    {', '.join(answers)} ({sample.answered_by_name}) {sample.note}"
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


def _moment(at: datetime) -> str:
    """The moment, in UTC; a day's first as the day alone."""
    if at.time() == time.min:
        return f"{at:%Y-%m-%d}"
    whole_minute = at.second == at.microsecond == 0
    return f"{at.replace(tzinfo=None).isoformat(timespec='minutes' if whole_minute else 'auto')}Z"
