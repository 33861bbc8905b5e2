"""Case files as they are printed: what happened in them, in order of time. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from repository.cases.events import CaseEvent, OfCase
from repository.cases.files import CaseFile, CaseSearch, CaseSummary, Shown
from repository.retention.holds_present import hold_line
from repository.search.result import LEAD_ONLY
from repository.search.words import in_words


def timeline(case: CaseFile, now: datetime) -> Iterator[str]:
    """The case file, line by line, the oldest first."""
    yield f"case {case.number} of {case.agency}, opened {case.opened_at:%Y-%m-%d}"
    dated = [
        *((each.searched_at, list(_search(each))) for each in case.searches),
        *((each.placed_at, [f"hold {hold_line(each, now)}: {each.reason}"]) for each in case.holds),
        *((each.at, [event_line(each)]) for each in case.events),
    ]
    for at, lines in sorted(dated, key=lambda each: each[0]):
        yield f"  {at:%Y-%m-%d %H:%M} UTC  {lines[0]}"
        yield from (f"      {line}" for line in lines[1:])
    yield LEAD_ONLY


def event_line(event: CaseEvent) -> str:
    """An event with who did it and what of it is in words."""
    by = f"  {event.name} ({event.login})" if event.login else ""
    entry = "" if event.ledger_index is None else f"  ledger entry {event.ledger_index}"
    return f"{event.kind.replace('_', ' ')}{by}: {_detail(event.detail)}{entry}"


def dissemination_lines(given: OfCase) -> Iterator[str]:
    """An entry of the secondary dissemination log."""
    at = f"{given.event.at:%Y-%m-%d %H:%M} UTC"
    yield f"{at}  case {given.case_number}, dissemination {given.number}"
    yield f"  {event_line(given.event)}"


def as_mapping(case: CaseFile) -> Mapping[str, Any]:
    """The case file as plain values, for JSON."""
    return {
        "notice": LEAD_ONLY,
        "agency": case.agency,
        "number": case.number,
        "opened_at": case.opened_at,
        "searches": [
            {
                "ledger_index": each.ledger_index,
                "login": each.login,
                "name": each.name,
                "searched_at": each.searched_at,
                "request": each.request,
                "reads": [_read(read) for read in each.reads],
            }
            for each in case.searches
        ],
        "holds": [
            {name: getattr(each, name) for name in type(each).__slots__} for each in case.holds
        ],
        "events": [event_as_mapping(each) for each in case.events],
    }


def summary_as_mapping(case: CaseSummary) -> Mapping[str, Any]:
    """A case in a list as plain values."""
    return {name: getattr(case, name) for name in CaseSummary.__slots__}


def event_as_mapping(event: CaseEvent) -> Mapping[str, Any]:
    """An event as plain values."""
    return {name: getattr(event, name) for name in CaseEvent.__slots__}


def _read(read: Shown) -> Mapping[str, Any]:
    return {
        "unit_id": read.unit_id,
        "captured_at": read.captured_at,
        "read_id": read.read_id,
        "shown": read.facts,
        "sha256_of_shown": read.digest,
    }


def _search(search: CaseSearch) -> Iterator[str]:
    purpose = search.request.get("purpose")
    told = purpose if isinstance(purpose, Mapping) else {}
    yield (
        f"{search.name} ({search.login})  {_asked(search.request)}  "
        f"{told.get('purpose')}: {told.get('facts')}  "
        f"reads: {len(search.reads)}  ledger entry {search.ledger_index}"
    )
    for read in search.reads:
        shown = read.facts
        if shown is not None:
            source = shown.get("source")
            agency = source.get("agency") if isinstance(source, Mapping) else "not said"
            yield (
                f"{shown.get('plate')} ({shown.get('state') or 'state not told'})  "
                f"{shown.get('captured_at')}  confidence {shown.get('confidence')}  "
                f"from {agency}  read {read.read_id}"
            )
        elif read.digest is not None:
            yield f"read {read.read_id}: gone since; SHA-256 of what was shown: {read.digest}"


def _asked(request: Mapping[str, Any]) -> str:
    if "picture" in request:
        return f"{request['picture']['kind']} picture of read {request['picture']['read']}"
    if "explained" in request:
        return f"why read {request['explained']['read']} is kept"
    criteria = request.get("criteria")
    if not isinstance(criteria, Mapping):
        return "what was asked is not told"
    if "looked_at" in criteria:
        return str(criteria["looked_at"])
    return in_words(criteria) + (", a later page of it" if criteria.get("after") else "")


def _detail(detail: Mapping[str, Any]) -> str:
    parts = []
    for name, value in detail.items():
        if isinstance(value, Mapping):
            parts.append(f"{name.replace('_', ' ')}: {_detail(value)}")
        elif value not in (None, "", []):
            said = ", ".join(map(str, value)) if isinstance(value, list) else value
            parts.append(str(said) if name == "text" else f"{name.replace('_', ' ')}: {said}")
    return "; ".join(parts)
