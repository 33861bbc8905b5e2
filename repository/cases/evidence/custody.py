"""The chain of custody of a read: steps from its record and from entries of the ledger. Pure.

A step that has an entry is nothing but what the entry says, so that whoever has the entry can tell
whether the step is true.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from edge.contract.records import Read
from repository.cases.evidence.layout import Package, Step, StepKind
from repository.ledger.entry import Actor, Entry, Recorded, format_time
from repository.wording import counted

_KINDS: Mapping[str, StepKind] = {
    "hold.add": "held",
    "hold.show": "shown",
    "retention.explain": "shown",
    "search.run": "shown",
    "picture.show": "shown",
}
ACTIONS = frozenset(_KINDS)
"""Actions of the ledger that are steps."""


def person(actor: Actor) -> str:
    """Who did it, as a step names them."""
    return f"{actor.name}, {actor.agency}" if actor.agency else actor.name


def captured(read: Read) -> Step:
    """The capture, by the read's own record."""
    clock = read.clock
    error = "" if clock.error_ms is None else f", error up to {clock.error_ms:g} ms"
    return Step(
        kind="captured",
        at=read.captured_at.isoformat(),
        who=f"unit {read.unit} of {read.agency}",
        what=f"camera {read.camera}; clock set by {clock.source}{error}",
        ledger_entry=None,
    )


def received(at: datetime, first_seq: int, last_seq: int, message: str) -> Step:
    """The commit of the batch with the read, which its receipt told the unit."""
    return Step(
        kind="received",
        at=at.isoformat(),
        who="the repository",
        what=(
            f"committed with records {first_seq} to {last_seq} of the unit, and receipted; "
            f"SHA-256 of the message: {message}"
        ),
        ledger_entry=None,
    )


def recorded(step: Recorded) -> Step:
    """What an entry of the ledger tells.

    Raises:
        KeyError: if its action is none of `ACTIONS`.
    """
    entry = step.entry
    return Step(
        kind=_KINDS[entry.action],
        at=format_time(entry.at),
        who=person(entry.actor),
        what=_what(entry),
        ledger_entry=step.index,
    )


def packaged(package: Package) -> Step:
    """The making of the package."""
    return Step(
        kind="packaged",
        at=package.made_at,
        who=package.made_by,
        what=f"for case {package.case_number}",
        ledger_entry=None,
    )


def _what(entry: Entry) -> str:
    request = entry.request
    if entry.action == "hold.add":
        return f"hold {_plain(request, 'hold')} for case {_plain(request, 'case_number')}"
    purpose = request.get("purpose")
    told = purpose if isinstance(purpose, Mapping) else {}
    why = f"for case {_plain(told, 'case')}: {_plain(told, 'purpose')}"
    if entry.action == "hold.show":
        return f"as a read of hold {_plain(request, 'hold')}, {why}"
    if entry.action == "retention.explain":
        return f"with why it is kept, {why}"
    picture = request.get("picture")
    if isinstance(picture, Mapping):
        return f"its {_plain(picture, 'kind')} picture, {why}"
    return f"in a search with {counted(entry.count or 0, 'result')}, {why}"


def _plain(values: Mapping[str, Any], name: str) -> str:
    return str(values.get(name, "not said"))[:200]
