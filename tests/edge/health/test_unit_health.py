"""What the repository is told of the unit's health fits the contract whatever went wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from edge.contract.records import Clock, ListInUse
from edge.contract.status import MAX_COUNTERS, MAX_TROUBLES, UnitHealth
from edge.health.health import Health
from edge.health.unit_health import unit_health

NOW = datetime(2026, 3, 4, tzinfo=UTC)
CLOCK = Clock(source="gps", error_ms=1.0)
STATE = ListInUse(name="state", version="1", issued_at=NOW, entries=7, stale=False)


def test_troubles_counters_lists_and_clock_are_told() -> None:
    health = Health(lambda: NOW)
    health.count("reads", 3)
    health.trouble("gps", "no sentence from the receiver")
    told = unit_health(health.report(), [STATE], CLOCK)
    (trouble,) = told.troubles
    assert (trouble.part, trouble.sentence) == ("gps", "no sentence from the receiver")
    assert told.counters["reads"] == 3
    assert (told.hotlists, told.clock) == ((STATE,), CLOCK)


def test_what_is_too_much_is_cut_and_the_longest_troubles_stay() -> None:
    seconds = [0.0]
    health = Health(lambda: NOW + timedelta(seconds=seconds[0]), monotonic_s=lambda: seconds[0])
    for number in range(3 * MAX_TROUBLES):
        seconds[0] += 1
        health.trouble(f"part {number} " + "x" * 300, "y" * 2000)
    health.trouble("empty", "")
    for number in range(2 * MAX_COUNTERS):
        health.count(f"counter {number}")  # type: ignore[arg-type]
    told = unit_health(health.report(), [STATE] * 3 * MAX_TROUBLES, CLOCK)
    assert msgspec.json.decode(msgspec.json.encode(told), type=UnitHealth) == told
    assert [one.part.split()[1] for one in told.troubles] == [str(n) for n in range(MAX_TROUBLES)]
    assert len(msgspec.json.encode(told)) < 100_000
