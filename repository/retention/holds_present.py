"""Holds in words, and as JSON. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from repository.retention.holds_listing import HeldRead, Hold, Review
from repository.retention.holds_placing import Placed
from repository.wording import counted

WHY = {
    "enforcement_action": "an enforcement action, investigation or prosecution",
    "arrest": "an arrest",
    "criminal_investigation": "a criminal investigation",
    "evidence": "evidence expected in a criminal or civil action",
    "administrator_direction": "the ALPR administrator's direction",
}
"""What each kind of hold is for."""


def as_mapping(part: Any) -> dict[str, Any]:
    """A hold or a part of one for JSON."""
    return {name: _plain(value) for name, value in dataclasses.asdict(part).items()}


def held_mapping(read: HeldRead) -> dict[str, Any]:
    """A read under a hold for JSON."""
    return {name: value for name, value in as_mapping(read).items() if name != "unit_id"}


def without_reads(hold: Hold) -> dict[str, Any]:
    """A hold for JSON, with nothing of the reads that it keeps."""
    kept = as_mapping(dataclasses.replace(hold, plate=None, plate_state=None))
    return {name: value for name, value in kept.items() if name != "reads"}


def placed_lines(placed: Placed) -> list[str]:
    """What somebody is told who placed a hold."""
    begun = f"hold {placed.number} for case {placed.case_number}: "
    if placed.reads is None:
        return [f"{begun}placed by legal process, on your agency's reads; none is told of"]
    lines = [begun + counted(placed.reads, "read")]
    if placed.reads == 0:
        lines.append(
            "warning: it keeps no read now, only what still comes in of its period; if that is "
            "not what you expect, check what you named, the state and the period"
        )
    lines += [
        f"warning: not held: {counted(count, 'read')} of {other}, which is easily taken for it; "
        "place another hold on it if it is the same car"
        for other, count in placed.not_held.items()
    ]
    return lines


def hold_line(hold: Hold, now: datetime) -> str:
    """A hold in one line, in a list."""
    return (
        f"{hold.id}  {hold.agency}  case {hold.case_number}  {hold.kind}  "
        f"{hold.placed_by_name}  {state_of(hold, now)}"
    )


def hold_lines(
    hold: Hold, reviews: Sequence[Review], held: Sequence[HeldRead] | None, now: datetime
) -> list[str]:
    """A hold with all that is known of it, a line each; its reads unless they are None."""
    lines = [
        f"hold {hold.id} of {hold.agency} for case {hold.case_number}: {WHY[hold.kind]}",
        f"  {what(hold)}",
        f"  placed {_at(hold.placed_at)} by {hold.placed_by_name}: {hold.reason}",
    ]
    if hold.direction:
        lines.append(f"  direction: {hold.direction}")
    if hold.record_period:
        lines.append(f"  the record of the case itself is kept: {hold.record_period}")
    lines += [
        f"  reviewed {_at(each.reviewed_at)} by {each.reviewed_by_name}, next {each.next_due}: "
        f"{each.reason}"
        for each in reviews
    ]
    if hold.disposed_on:
        lines.append(
            f"  final disposition of {hold.disposed_on}, recorded by {hold.disposed_by_name}: "
            f"{hold.disposition}"
        )
    if hold.release_proposed_at:
        lines.append(
            f"  release proposed {_at(hold.release_proposed_at)} by "
            f"{hold.release_proposed_by_name}: {hold.release_reason}"
        )
    if hold.released_at:
        lines.append(
            f"  released {_at(hold.released_at)} by {hold.released_by_name}: {hold.release_reason}"
        )
    if hold.others_until and hold.released_at is None:
        lines.append(
            f"  it keeps reads of other agencies until {_at(hold.others_until)}; a review before "
            "then prolongs that"
        )
    if held is None:
        lines.append(f"  {state_of(hold, now)}")
        return lines
    number = len({each.read_id for each in held})
    lines.append(f"  {state_of(hold, now)}; {counted(number, 'read')}")
    for read in held:
        owner = read.agency or "not there"
        lapsed = f"  no longer kept by it since {_at(read.lapsed_at)}" if read.lapsed_at else ""
        lines.append(f"    {read.read_id}  {_at(read.captured_at)}  {owner}/{read.unit}{lapsed}")
    return lines


def what(hold: Hold) -> str:
    """What a hold reaches, in words."""
    period = ""
    if hold.scope in ("plate", "unit") and hold.from_at and hold.until_at:
        period = f" from {_at(hold.from_at)} until {_at(hold.until_at)}"
    if hold.scope == "plate":
        state = f" of {hold.plate_state}" if hold.plate_state else ""
        return f"every read of {f'plate {hold.plate}' if hold.plate else 'a plate'}{state}{period}"
    if hold.scope == "unit":
        return f"everything of one unit{period}"
    if hold.scope == "hit":
        return f"the hit {hold.hit_id} with its read"
    return "single reads, chosen one by one when it was placed"


def state_of(hold: Hold, now: datetime) -> str:
    """Whether a hold stands, and what ends it."""
    if hold.released_at:
        return f"released {_at(hold.released_at)}"
    if hold.ends_at:
        return f"stands until {_at(hold.ends_at)}"
    if hold.disposed_on:
        return f"its case is disposed of since {hold.disposed_on}; the ordinary time runs out"
    stands = "stands until it is released"
    if hold.kind == "enforcement_action":
        stands = "stands until the case's final disposition"
    if hold.release_proposed_at:
        stands += f", which {hold.release_proposed_by_name} proposed and nobody confirmed yet"
    if hold.review_due is None:
        return stands
    overdue = " (OVERDUE)" if hold.review_due < now.astimezone(UTC).date() else ""
    return f"{stands}; review by {hold.review_due}{overdue}"


def _at(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value
