"""An explanation in words for a judge, and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from repository.retention.explain import Duty, Gone, Kept
from repository.retention.holds_listing import Hold
from repository.retention.holds_present import WHY, as_mapping, what
from repository.wording import counted


def words_of_kept(kept: Kept, plate: str | None, now: datetime) -> Iterator[str]:
    """Why a read is kept and when it goes, a line each; ``plate`` is said if it is given."""
    yield (
        f"Read {kept.read_id} was captured on {_at(kept.captured_at)} by camera {kept.camera} of "
        f"unit {kept.unit} of {kept.agency}, and came to the repository on {_at(kept.received_at)}."
    )
    if plate is not None:
        yield f"Its plate: {plate}."
    yield (
        "It matched an entry of a hot list." if kept.hit else "It matched no entry of a hot list."
    )
    whose = f"{kept.agency}'s own rule" if kept.agency_rule else "the repository's rule"
    yield (
        f"By {whose}, {kept.rule.name} ({kept.rule.source}; SHA-256 of the rule's file "
        f"{kept.rule.sha256}), {'such a' if kept.hit else 'a'} read is kept for "
        f"{kept.rule.term(hit=kept.hit)}: until {_at(kept.expires_at)}."
    )
    held = [duty for duty in kept.duties if duty.hold is not None]
    if not held:
        yield "No hold keeps it longer."
    for duty in held:
        if duty.hold is not None:
            yield _hold_words(duty.hold, duty)
    if kept.withdrawn:
        yield f"{kept.agency} has withdrawn it: no other agency is shown it."
    yield _end_words(kept, now)


def words_of_gone(gone: Gone) -> Iterator[str]:
    """What can be told of a read that is not here, a line each."""
    yield (
        f"No read {gone.read_id} is here. By its id it would have been captured on "
        f"{_at(gone.captured_at)}."
    )
    for trace in gone.traces:
        owner = f", a read of {trace.agency}" if trace.agency else ""
        yield f"It was here{owner}: {trace.what}."
    for purge in gone.purges:
        whose = ", ".join(purge.agencies)
        was = "It was purged" if gone.traces else "If it was here, it was purged"
        of_day = f"of {purge.day} " if purge.day else ""
        yield (
            f"{was} on {_at(purge.at)} by {purge.by}, when "
            f"{counted(purge.reads_purged, 'read')} {of_day}went "
            f"whose time had passed ({whose}), under {'; '.join(purge.rules)}: certificate in "
            f"ledger entry {purge.ledger_index}."
        )
    if not gone.purges and not gone.traces:
        yield "No purge has taken reads of that moment, and nothing names it: it was never here."
    elif not gone.traces:
        yield (
            "Ids of purged reads are not kept, so whether it was one of them is shown only by the "
            "unit's own signed batches and the certificate's digest."
        )


def kept_as_mapping(kept: Kept, plate: dict[str, str | None] | None) -> dict[str, Any]:
    """A read that is here, for JSON; ``plate`` is left out unless it is given."""
    first = kept.duties[0]
    said: dict[str, Any] = {
        "read_id": str(kept.read_id),
        "here": True,
        "agency": kept.agency,
        "unit": kept.unit,
        "camera": kept.camera,
        "captured_at": kept.captured_at.isoformat(),
        "received_at": kept.received_at.isoformat(),
        "class": "hit" if kept.hit else "read",
        "rule": {
            "name": kept.rule.name,
            "source": kept.rule.source,
            "note": kept.rule.note,
            "sha256": kept.rule.sha256,
            "term": str(kept.rule.term(hit=kept.hit)),
            "of": "agency" if kept.agency_rule else "repository",
            "expires_at": kept.expires_at.isoformat(),
        },
        "holds": [_hold_as_mapping(duty) for duty in kept.duties if duty.hold is not None],
        "decided_by": "rule" if first.hold is None else f"hold {first.hold.id}",
        "goes_at": kept.goes_at.isoformat() if kept.goes_at else None,
        "withdrawn": kept.withdrawn,
    }
    return said if plate is None else said | {"plate": plate}


def gone_as_mapping(gone: Gone) -> dict[str, Any]:
    """A read that is not here, for JSON."""
    return {
        "read_id": str(gone.read_id),
        "here": False,
        "captured_at": gone.captured_at.isoformat(),
        "was_here": True if gone.traces else None if gone.purges else False,
        "traces": [as_mapping(each) for each in gone.traces],
        "purges": [as_mapping(each) | {"at": each.at.isoformat()} for each in gone.purges],
    }


def plate_words(
    plate: str, state: str | None, corrected: str | None, corrected_state: str | None
) -> str:
    """The plate as the machine read it, and as its owner corrected it."""
    read = f"{plate} of {state}" if state else f"{plate}, state not told"
    if corrected is None:
        return read
    return f"{read}, which its owner corrected to {corrected} of {corrected_state or 'no state'}"


def _hold_words(hold: Hold, duty: Duty) -> str:
    said = (
        f"Hold {hold.id} of {hold.agency} keeps it for case {hold.case_number}, because of "
        f"{WHY[hold.kind]} ({what(_without_plate(hold))}), since {_at(hold.placed_at)}, placed by "
        f"{hold.placed_by_name}: {hold.reason}."
    )
    if hold.direction is not None:
        said += f" The direction: {hold.direction}."
    if hold.disposed_on is not None:
        said += f" The case's final disposition was reached on {hold.disposed_on}."
    if duty.ends_at is not None:
        return f"{said} It keeps it until {_at(duty.ends_at)}."
    if hold.record_period:
        said += f" The record of the case itself is kept: {hold.record_period}."
    if hold.review_due:
        said += f" The hold is reviewed by {hold.review_due}."
    until = (
        "the case's final disposition" if hold.kind == "enforcement_action" else "it is released"
    )
    return f"{said} It keeps it until {until}."


def _end_words(kept: Kept, now: datetime) -> str:
    first = kept.duties[0]
    if first.ends_at is None and first.hold is not None:
        return (
            f"The longest of these decides: hold {first.hold.id}. The read stays until that hold "
            "ends, and then goes by the longest that is left."
        )
    ends_at = kept.goes_at or kept.expires_at
    why = "the rule" if first.hold is None else f"hold {first.hold.id}"
    if ends_at <= now:
        return f"Its time has passed ({why} decided): it goes with the next purge."
    return (
        f"The longest of these decides: {why}. The read goes with the first purge after "
        f"{_at(ends_at)}."
    )


def _hold_as_mapping(duty: Duty) -> dict[str, Any]:
    if duty.hold is None:
        return {}
    ends = duty.ends_at.isoformat() if duty.ends_at else None
    return as_mapping(_without_plate(duty.hold)) | {"keeps_until": ends}


def _without_plate(hold: Hold) -> Hold:
    return replace(hold, plate=None, plate_state=None)


def _at(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
