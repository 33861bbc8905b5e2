"""Reminds of agreements to sign and posts to fill, and ends access where that is asked for."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from repository import business_days
from repository.agencies import access, agreements, representatives
from repository.agencies.agreements import Due
from repository.agencies.representatives import WORDS
from repository.ledger.entry import SYSTEM
from repository.units.enrolment import list_agencies
from repository.units.findings import Standing, keep_findings

_ORIGIN = "jobs"


def look(connection: Connection, now: datetime, *, suspend: bool) -> None:
    """Have what is due, late or missing shown to the operator; ``suspend`` who signs too late."""
    today = business_days.day_of(now)
    dues = agreements.open_dues(connection)
    late = {each.agency: each for each in reversed(dues) if each.due_on < today}
    soon = {each.agency: each for each in reversed(dues) if each.agency not in late}
    if suspend:
        for due in late.values():
            _suspend(connection, due, now)
    taking_part = [each for each in list_agencies(connection) if each.access != "ended"]
    unsigned = {
        each.name: f"agency {each.name}: its head has signed no agreement, so nobody of it searches"
        for each in taking_part
        if not agreements.in_force(connection, each.id, now)
    }
    vacant = {}
    for each in taking_part:
        if posts := representatives.vacant(connection, each.id, today):
            named = ", ".join(WORDS[post] for post in posts)
            vacant[each.name] = f"agency {each.name}: on record is no {named}"
    for kind, details, reason in (
        ("agreement_due", {name: _detail(due) for name, due in soon.items()}, "signed, or late"),
        ("agreement_late", {name: _detail(due) for name, due in late.items()}, "signed"),
        ("agreement_missing", unsigned, "signed"),
        ("post_vacant", vacant, "filled"),
    ):
        standing: Standing = {(None, f"agency {name}"): detail for name, detail in details.items()}
        keep_findings(connection, kind, standing, reason, now)


def _detail(due: Due) -> str:
    what = {
        "not_on_file": "no agreement is on file",
        "head_changed": "its head changed",
        "representative_changed": "a representative changed",
        "amended": "the agreement was amended",
    }[due.cause]
    return (
        f"agency {due.agency}: its head is to sign by {due.due_on}, since {what} ({due.detail}); "
        "record it with `alpr-repository agreements sign`"
    )


def _suspend(connection: Connection, due: Due, now: datetime) -> None:
    if due.access is not None:
        return
    access.change(
        connection,
        due.agency,
        "suspended",
        reason=f"its head was to sign the agreement by {due.due_on}",
        requested_by=None,
        actor=SYSTEM,
        origin=_ORIGIN,
        now=now,
    )
