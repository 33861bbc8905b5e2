"""What an alert says: what was read, what is listed, how they agree, and what must come first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from edge.contract.records import Hit, HotlistMatch, Read

BEFORE_A_STOP = "Before a stop: compare plate and state by eye, then confirm the status."
"""Both checks that must come before a stop on an alert (model policy, IV.F)."""

_STATE_AGREEMENT = {
    "equal": "state agrees",
    "different": "STATE DIFFERS",
    "unknown": "state not certain",
}
_FROM = {
    "repository": ", from the repository",
    "usb": ", from a USB stick",
    "file": ", from the department's file",
    "local": ", entered on this unit",
}
_QUIET = {
    "quiet_schedule": "outside this list's hours",
    "quiet_area": "outside this list's area",
    "quiet_kind": "this list does not ring for it",
    "quiet_priority": "not urgent enough to ring",
    "quiet_unlikely": "too unlikely to ring",
    "quiet_repeat": "rang a while ago",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """A sighting of a listed plate that did not ring, for the plate had rung, and is no misreading.

    ``captured_at`` is UTC; ``live`` says that it is recent enough to ring for.
    """

    camera: str
    plate: str
    captured_at: datetime
    live: bool


@dataclass(frozen=True, slots=True)
class Told:
    """What the officer was told of a pass before it ended, and what is not rung for.

    ``rang`` are the hits that rang before, ``withdrawn`` those of them that later frames do not
    bear out, ``quiet`` why a hit does not ring by its list's rules (edge.hotfile.alerts). ``now``
    is how the final reading matches what rang, where it agrees in another way than it did, and
    ``stands`` what else was seen of a plate whose hit is withdrawn.
    """

    rang: frozenset[UUID] = frozenset()
    withdrawn: tuple[Hit, ...] = ()
    quiet: Mapping[UUID, str] = field(default_factory=dict)
    now: Mapping[UUID, HotlistMatch] = field(default_factory=dict)
    stands: Mapping[UUID, Standing] = field(default_factory=dict)


def withdrawn_text(read: Read, hit: Hit, stands: Standing | None = None) -> str:
    """That a hit which rang is no longer one, and what of its plate stands."""
    seen = read.plate if read.state.code is None else f"{read.plate} {read.state.code}"
    withdrawn = (
        f"WITHDRAWN  {hit.match.kind.replace('_', ' ').upper()}  listed {hit.match.plate}: "
        f"later frames read {seen} ({read.confidence:.0%} sure)   camera {read.camera}"
    )
    if stands is None:
        return withdrawn
    return (
        f"{withdrawn}\n  NOT WITHDRAWN: camera {stands.camera} read {stands.plate} at "
        f"{stands.captured_at:%Y-%m-%d %H:%M:%S} UTC\n  {BEFORE_A_STOP}"
    )


def altered_text(read: Read, match: HotlistMatch) -> str:
    """How what rang agrees by the final reading, where that is another way than it was told."""
    seen = read.plate if read.state.code is None else f"{read.plate} {read.state.code}"
    return (
        f"  now read {seen}: {_agreement(match)}; {_STATE_AGREEMENT[match.state_agreement]}"
        f"   listed {match.plate}, list {match.list_name}"
    )


def alert_text(read: Read, hit: Hit, quiet: str | None = None) -> str:
    """The alert in the officer's words, one fact a line; ``quiet`` is why it does not ring."""
    match = hit.match
    listed = match.plate if match.state is None else f"{match.plate} {match.state}"
    seen = read.plate if read.state.code is None else f"{read.plate} {read.state.code}"
    late = "" if hit.rang else f"LATE, captured {hit.captured_at:%Y-%m-%d %H:%M:%S} UTC: "
    if quiet is not None:
        late = f"NOT RUNG, {_QUIET.get(quiet, quiet)}: "
    lines = [
        f"{late}HIT  {match.kind.replace('_', ' ').upper()}  priority {match.priority}",
        f"  listed {listed}   read {seen} ({read.confidence:.0%} sure)   camera {read.camera}",
        f"  {_agreement(match)}; {_STATE_AGREEMENT[match.state_agreement]}",
        *([f"  NOTE  {' '.join(match.note.split())}"] if isinstance(match.note, str) else []),
        f"  list {match.list_name} version {match.list_version}"
        f"{_FROM.get(str(match.list_source), '')}, issued "
        f"{match.list_issued_at:%Y-%m-%d %H:%M} UTC, {_list_age(hit)}",
        f"  {BEFORE_A_STOP}",
    ]
    return "\n".join(lines)


def _list_age(hit: Hit) -> str:
    """How old the list was when the car was seen, and what is wrong with its date."""
    match = hit.match
    if match.list_stale and match.list_issued_at > hit.captured_at:
        return "DATED AHEAD of this read: its age is not known"
    age_h = (hit.captured_at - match.list_issued_at) / timedelta(hours=1)
    return f"{max(age_h, 0.0):,.1f} h old{', STALE' if match.list_stale else ''}"


def _agreement(match: HotlistMatch) -> str:
    if match.how == "exact":
        return "every character agrees"
    swaps = ", ".join(
        f"character {swap.index + 1} read {swap.read}, listed {swap.listed}"
        for swap in match.substitutions
    )
    if match.how == "wildcard":
        swaps = "; ".join(part for part in ("it fits the pattern that is listed", swaps) if part)
    return f"NOT EXACT: {swaps}"
