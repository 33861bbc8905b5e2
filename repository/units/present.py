"""A unit in plain lines, for the administrator who keeps the fleet running."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from edge.contract.status import UnitHealth
from repository.units.enrolment import Unit


def unit_lines(unit: Unit, now: datetime) -> Iterator[str]:
    """Its line, then one for each trouble and each hot list that it last spoke of."""
    heard = "unheard"
    if unit.heard_at is not None:
        heard = f"{unit.state}, heard {_ago(now - unit.heard_at)} ago"
        heard += f", {unit.waiting_records} waiting" if unit.waiting_records else ""
    yield (
        f"{unit.agency}/{unit.name}  key {unit.key_id}  committed {unit.committed_through}  "
        + ("REVOKED" if unit.revoked_at else heard)
    )
    if unit.health is None or unit.health_at is None or unit.revoked_at is not None:
        return
    health = msgspec.convert(unit.health, UnitHealth)
    if health.clock.source == "unset":
        yield "    TROUBLE clock: it was never set since the unit started"
    for trouble in health.troubles:
        lasted = _ago(max(unit.health_at - trouble.since, timedelta()))
        yield f"    TROUBLE {_line(trouble.part)}: {_line(trouble.sentence)} (for {lasted})"
    for one in health.hotlists:
        age = _ago(max(now - one.issued_at, timedelta()))
        stale = ", STALE" if one.stale else ""
        yield (
            f"    hot list {one.name}: version {_line(one.version)}, {age} old, "
            f"{one.entries} entries{stale}"
        )


def _ago(lasted: timedelta) -> str:
    """A length of time in its largest unit that counts two or more."""
    seconds = int(lasted.total_seconds())
    for size, name in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size} {name}"
    return f"{seconds} seconds"


def _line(text: str) -> str:
    """A unit's words on one line: they come from outside."""
    return "".join(char if char.isprintable() else " " for char in text)
