"""Times only rise, and what they rest on is said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.contract.records import Clock
from edge.position.clock import UnitClock, kernel_error_ms

START = datetime(2026, 3, 3, 14, 5, tzinfo=UTC)


@dataclass
class World:
    """The clocks that a unit's clock is built on, turned by hand."""

    system: datetime = START
    monotonic_s: float = 100.0
    service_error_ms: float | None = None

    def clock(self) -> UnitClock:
        return UnitClock(
            system=lambda: self.system,
            monotonic_s=lambda: self.monotonic_s,
            service_error_ms=lambda: self.service_error_ms,
        )

    def passes(self, seconds: float) -> None:
        self.system += timedelta(seconds=seconds)
        self.monotonic_s += seconds


def hear(world: World, clock: UnitClock, satellites: datetime) -> None:
    """Two sentences a second apart, the second at this time."""
    clock.heard(satellites - timedelta(seconds=1))
    world.passes(1)
    clock.heard(satellites)


def test_a_kept_clock_is_taken_as_it_is_with_its_error() -> None:
    world = World(service_error_ms=12.5)
    clock = world.clock()
    assert clock.now() == START
    assert clock.state() == Clock(source="ntp", error_ms=12.5)


def test_a_clock_that_nobody_keeps_says_so() -> None:
    assert World().clock().state() == Clock(source="system", error_ms=None)


@pytest.mark.parametrize("service_error_ms", [None, 10.0])
def test_a_clock_that_was_never_set_says_so(service_error_ms: float | None) -> None:
    world = World(system=datetime(1970, 1, 1, tzinfo=UTC), service_error_ms=service_error_ms)
    assert world.clock().state() == Clock(source="unset", error_ms=None)


def test_satellites_set_the_time_where_no_service_does() -> None:
    world = World(system=datetime(1970, 1, 1, tzinfo=UTC))
    clock = world.clock()
    hear(world, clock, START)
    assert clock.now() == START
    assert clock.state() == Clock(source="gps", error_ms=1000.0)
    world.system -= timedelta(days=1)
    world.passes(60)
    assert clock.now() == START + timedelta(seconds=60)
    assert clock.state() == Clock(source="gps", error_ms=1006.0)
    world.service_error_ms = 5.0
    world.system = START + timedelta(hours=1)
    assert clock.state() == Clock(source="ntp", error_ms=5.0)


def test_the_sentence_that_came_most_promptly_sets_the_time() -> None:
    world = World()
    clock = world.clock()
    hear(world, clock, START)
    for late_s in (0.3, 0.1, 0.7):
        world.passes(1)
        clock.heard(START + timedelta(seconds=world.monotonic_s - 101 - late_s))
    assert clock.now() == START + timedelta(seconds=world.monotonic_s - 101)
    world.passes(1)
    clock.heard(START + timedelta(seconds=world.monotonic_s - 101 + 0.2))
    assert clock.now() == START + timedelta(seconds=world.monotonic_s - 101 + 0.2)


def test_one_wrong_sentence_moves_nothing_and_two_that_agree_do() -> None:
    world = World()
    clock = world.clock()
    clock.heard(START + timedelta(days=900))
    assert clock.state().source == "system"
    hear(world, clock, START)
    clock.heard(START + timedelta(days=900))
    assert clock.now() == START
    world.passes(1)
    clock.heard(START + timedelta(seconds=1))
    clock.heard(START + timedelta(days=900))
    assert clock.now() == START + timedelta(seconds=1)
    world.passes(1)
    clock.heard(START + timedelta(days=900, seconds=1))
    assert clock.now() == START + timedelta(days=900, seconds=1)


def test_a_receiver_whose_weeks_rolled_over_is_not_believed() -> None:
    world = World()
    clock = world.clock()
    hear(world, clock, START - timedelta(weeks=1024))
    assert clock.state().source == "system"


def test_after_a_step_back_times_go_on_at_half_speed_and_the_lead_is_in_the_error() -> None:
    world = World(service_error_ms=1.0)
    clock = world.clock()
    assert clock.now() == START
    world.system -= timedelta(seconds=10)
    assert clock.now() == START + timedelta(microseconds=1)
    assert clock.state() == Clock(source="ntp", error_ms=10_001.001)
    world.passes(4)
    assert clock.now() == START + timedelta(seconds=2, microseconds=1)
    world.passes(20)
    assert clock.now() == START + timedelta(seconds=14)
    assert clock.state() == Clock(source="ntp", error_ms=1.0)


steps = st.one_of(
    st.tuples(st.just("passes"), st.floats(0, 100)),
    st.tuples(st.just("steps"), st.floats(-1e5, 1e5)),
    st.tuples(st.just("hears"), st.floats(-1e5, 1e5)),
    st.tuples(st.just("service"), st.sampled_from([0.0, 1.0])),
)


@given(st.lists(steps, max_size=30))
def test_whatever_the_clocks_below_do_times_only_rise(actions: list[tuple[str, float]]) -> None:
    world = World()
    clock = world.clock()
    times = [clock.now()]
    for action, value in actions:
        if action == "passes":
            world.passes(value)
        elif action == "steps":
            world.system += timedelta(seconds=value)
        elif action == "hears":
            hear(world, clock, START + timedelta(seconds=value))
        else:
            world.service_error_ms = value or None
        times += [clock.now(), clock.now()]
        error_ms = clock.state().error_ms
        assert error_ms is None or error_ms >= 0
    assert all(one < other for one, other in pairwise(times))


@pytest.mark.skipif(not Path("/proc/sys/kernel").exists(), reason="not Linux")
def test_the_kernels_error_is_a_number_or_nothing() -> None:
    error_ms = kernel_error_ms()
    assert error_ms is None or 0 <= error_ms < 60_000
