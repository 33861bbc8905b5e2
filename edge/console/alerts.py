"""What an alert says: what was read, what is listed, how they agree, and what must come first."""

from __future__ import annotations

from edge.contract.records import Hit, HotlistMatch, Read

BEFORE_A_STOP = "Before a stop: compare plate and state by eye, then confirm the status."
"""Both checks that must come before a stop on an alert (model policy, IV.F)."""

_STATE_AGREEMENT = {
    "equal": "state agrees",
    "different": "STATE DIFFERS",
    "unknown": "state not certain",
}


def alert_text(read: Read, hit: Hit) -> str:
    """The alert in the officer's words, one fact a line."""
    match = hit.match
    listed = match.plate if match.state is None else f"{match.plate} {match.state}"
    seen = read.plate if read.state.code is None else f"{read.plate} {read.state.code}"
    late = "" if hit.rang else f"LATE, captured {hit.captured_at:%Y-%m-%d %H:%M:%S} UTC: "
    lines = [
        f"{late}HIT  {match.kind.replace('_', ' ').upper()}  priority {match.priority}",
        f"  listed {listed}   read {seen} ({read.confidence:.0%} sure)   camera {read.camera}",
        f"  {_agreement(match)}; {_STATE_AGREEMENT[match.state_agreement]}",
        f"  list {match.list_name} version {match.list_version}, issued "
        f"{match.list_issued_at:%Y-%m-%d %H:%M} UTC{', STALE' if match.list_stale else ''}",
        f"  {BEFORE_A_STOP}",
    ]
    return "\n".join(lines)


def _agreement(match: HotlistMatch) -> str:
    if match.how == "exact":
        return "every character agrees"
    swaps = ", ".join(
        f"character {swap.index + 1} read {swap.read}, listed {swap.listed}"
        for swap in match.substitutions
    )
    return f"NOT EXACT: {swaps}"
