"""Times only rise, and what they rest on is said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.contract.records import Clock
from edge.position.clock import EARLIEST, LATEST, MAX_LEAD_S, STEP_AGREED_S, Step, UnitClock
from edge.position.kernel_clock import kernel_error_ms, seconds_since_boot

START = datetime(2026, 3, 3, 14, 5, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


@dataclass
class World:
    """The clocks that a unit's clock is built on, turned by hand."""

    system: datetime = START
    monotonic_s: float = 100.0
    service_error_ms: float | None = None

    def clock(self, last_known: datetime | None = None) -> UnitClock:
        return UnitClock(
            system=lambda: self.system,
            monotonic_s=lambda: self.monotonic_s,
            service_error_ms=lambda: self.service_error_ms,
            last_known=last_known,
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
    for _ in range(200):
        world.passes(1)
        for late_s in (0.9, 0.1):
            clock.heard(START + timedelta(seconds=world.monotonic_s - 101 - late_s))
        late = START + timedelta(seconds=world.monotonic_s - 101) - clock.now()
        assert late <= timedelta(seconds=0.1)
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


def agree(world: World, clock: UnitClock, satellites: datetime) -> datetime:
    """Reports of a receiver for as long as proves them, from this time on; the last."""
    for second in range(round(STEP_AGREED_S)):
        clock.heard(satellites + timedelta(seconds=second))
        world.passes(1)
    last = satellites + timedelta(seconds=STEP_AGREED_S)
    clock.heard(last)
    return last


def test_a_time_that_was_proven_is_left_by_far_only_after_a_minute_of_agreement() -> None:
    world = World()
    clock = world.clock()
    proven = agree(world, clock, START)
    assert (clock.state().error_ms or 0) < 1100
    for second in range(round(STEP_AGREED_S)):
        clock.heard(START + timedelta(days=900, seconds=second))
        clock.heard(START + timedelta(days=900, seconds=second))
        assert clock.now() - proven <= timedelta(seconds=second + 1)
        assert second == 0 or (clock.state().error_ms or 0) > timedelta(days=899) / MILLISECOND
        world.passes(1)
    clock.heard(START + timedelta(days=900, seconds=STEP_AGREED_S))
    assert clock.now() == START + timedelta(days=900, seconds=STEP_AGREED_S)
    assert clock.state() == Clock(source="gps", error_ms=1000.0)


def test_what_a_receiver_told_first_is_left_as_soon_as_two_reports_contradict_it() -> None:
    world = World()
    clock = world.clock(last_known=START - timedelta(hours=8))
    hear(world, clock, START - timedelta(hours=1))
    assert clock.now() == START - timedelta(hours=1)
    hear(world, clock, START)
    assert clock.now() == START


def test_reports_with_a_silence_between_them_do_not_agree() -> None:
    world = World()
    clock = world.clock()
    proven = agree(world, clock, START)
    wrong = proven + timedelta(hours=1)
    clock.heard(wrong)
    world.passes(7200)
    clock.heard(wrong + timedelta(hours=2))
    assert clock.now() == proven + timedelta(hours=2)


def test_a_small_correction_of_a_good_time_needs_no_minute() -> None:
    """Of the leap seconds, of which a receiver learns within a quarter of an hour."""
    world = World(system=datetime(1970, 1, 1, tzinfo=UTC))
    clock = world.clock()
    hear(world, clock, START)
    assert clock.now() == START
    hear(world, clock, START + timedelta(seconds=19))
    assert clock.now() == START + timedelta(seconds=19)


IMPOSSIBLE = (
    START - timedelta(weeks=1024),
    START + timedelta(weeks=1024),
    EARLIEST - timedelta(microseconds=1),
    LATEST + timedelta(microseconds=1),
    datetime.max.replace(tzinfo=UTC),
    datetime.max.replace(tzinfo=timezone(-timedelta(hours=14))),
    datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
)


@pytest.mark.parametrize("told", IMPOSSIBLE)
def test_a_time_that_cannot_be_is_not_believed_and_is_known_to_have_been_told(
    told: datetime,
) -> None:
    """Of a receiver whose count of weeks rolled over, or of whoever answers at gpsd's port."""
    world = World()
    clock = world.clock()
    assert clock.refused() is None
    for _ in range(200):
        clock.heard(told, 0.2)
        assert clock.dated_s(told) == pytest.approx(world.monotonic_s - 0.2)
        world.passes(1)
    assert clock.state().source == "system"
    assert clock.now() == world.system
    assert clock.refused() == told
    world.passes(60)
    assert clock.refused() is None


def test_a_system_clock_far_ahead_of_any_time_that_can_be_was_never_set() -> None:
    world = World(system=datetime(2200, 1, 1, tzinfo=UTC), service_error_ms=5.0)
    assert world.clock().state() == Clock(source="unset", error_ms=None)
    clock = world.clock(last_known=START)
    assert clock.now() == START
    assert clock.state() == Clock(source="unset", error_ms=None)


def test_satellites_that_reach_the_last_time_that_can_be_are_believed_no_more() -> None:
    world = World()
    clock = world.clock()
    hear(world, clock, LATEST)
    assert clock.state().source == "gps"
    world.passes(1)
    assert clock.state().source == "system"


def test_after_a_short_step_back_times_go_on_at_half_speed_and_the_lead_is_in_the_error() -> None:
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


def test_a_longer_step_back_is_followed_at_once_and_told() -> None:
    world = World(service_error_ms=1.0)
    clock = world.clock()
    clock.now()
    world.passes(10)
    world.system -= timedelta(days=365)
    assert clock.state() == Clock(source="ntp", error_ms=1.0)
    year_ago = START + timedelta(days=-365, seconds=10)
    assert clock.now() == year_ago
    assert clock.state() == Clock(source="ntp", error_ms=1.0)
    assert clock.take_steps() == (Step(START + timedelta(seconds=10), year_ago),)
    assert clock.take_steps() == ()


def test_a_step_back_that_nobody_saw_as_one_is_told_all_the_same() -> None:
    world = World(service_error_ms=1.0)
    clock = world.clock()
    clock.now()
    world.passes(3600)
    world.system -= timedelta(seconds=3600)
    assert clock.now() == START + timedelta(microseconds=1)
    assert len(clock.take_steps()) == 1


def test_a_first_time_after_years_is_followed_and_told() -> None:
    world = World(system=datetime(2000, 1, 1, tzinfo=UTC))
    clock = world.clock()
    before = clock.now()
    hear(world, clock, START)
    assert clock.now() == START
    (step,) = clock.take_steps()
    assert step == Step(before + timedelta(seconds=1), START)


def test_a_clock_that_reads_before_a_known_time_is_wrong_and_that_time_is_carried_on() -> None:
    world = World(system=START - timedelta(days=2))
    clock = world.clock(last_known=START)
    world.passes(30)
    assert clock.now() == START + timedelta(seconds=30)
    assert clock.state() == Clock(source="unset", error_ms=None)
    world.system = START + timedelta(hours=1)
    assert clock.state() == Clock(source="system", error_ms=None)
    world.service_error_ms, world.system = 5.0, START - timedelta(days=1)
    assert clock.now() == START - timedelta(days=1)
    assert clock.state() == Clock(source="ntp", error_ms=5.0)


def test_a_clock_set_back_after_the_service_went_is_known_to_be_wrong() -> None:
    world = World(service_error_ms=1.0)
    clock = world.clock()
    clock.now()
    world.service_error_ms = None
    world.passes(5)
    world.system -= timedelta(days=10)
    assert clock.now() == START + timedelta(seconds=5)
    assert clock.state() == Clock(source="system", error_ms=None)


def test_a_leap_second_stays_within_the_error() -> None:
    """The satellites' time has 59, 60, 0: as a second told twice, and as one named 60."""
    last = datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)
    world = World(system=datetime(1970, 1, 1, tzinfo=UTC))
    clock = world.clock()
    hear(world, clock, last)
    for told in (
        last + timedelta(seconds=1),
        *(last + timedelta(seconds=n) for n in range(1, 130)),
    ):
        world.passes(1)
        clock.heard(told)
        error_ms = clock.state().error_ms
        assert error_ms is not None
        assert abs(clock.now() - told) <= timedelta(milliseconds=error_ms)
    assert clock.now() - told < timedelta(milliseconds=10)
    assert clock.take_steps() == ()


def test_a_system_clock_set_back_moves_nothing_under_satellites_and_is_noticed() -> None:
    world = World()
    clock = world.clock()
    hear(world, clock, START + timedelta(seconds=1))
    assert clock.system_off_s() is None
    world.system -= timedelta(hours=1)
    assert clock.now() == START + timedelta(seconds=1)
    assert clock.system_off_s() == pytest.approx(-3600)
    assert clock.take_steps() == ()


def test_satellites_that_contradict_the_time_service_are_noticed() -> None:
    world = World(service_error_ms=10.0)
    clock = world.clock()
    hear(world, clock, START + timedelta(seconds=1))
    assert clock.dispute_s() is None
    for _ in range(round(STEP_AGREED_S) + 2):
        world.passes(1)
        clock.heard(world.system + timedelta(days=1))
    assert clock.dispute_s() == 86400.0
    assert clock.now() == world.system
    world.service_error_ms = None
    assert clock.dispute_s() is None


def test_a_report_is_dated_by_its_own_time_whatever_time_the_clock_hands_out() -> None:
    world = World(service_error_ms=1.0)
    clock = world.clock()
    clock.now()
    world.passes(10)
    own = world.system - timedelta(seconds=0.3)
    now_s = clock.now_s()
    assert clock.dated_s(own) == pytest.approx(now_s - 0.3)
    assert clock.dated_s(None) == clock.dated_s(own - timedelta(days=1)) == now_s - 0.2
    clock.now()
    world.system -= timedelta(seconds=60)
    assert clock.dated_s(world.system - timedelta(seconds=0.3)) == pytest.approx(now_s - 0.3)


seconds = st.one_of(
    st.floats(-200, 200),
    st.sampled_from([-1.0, 1.0, -3600.0, 3600.0, MAX_LEAD_S, -MAX_LEAD_S]),
    st.floats(-2e8, 2e8),
)
actions = st.one_of(
    st.tuples(st.just("passes"), st.floats(0, 100)),
    st.tuples(st.just("sleeps"), st.floats(3600, 1e6)),
    st.tuples(st.just("steps"), seconds),
    st.tuples(st.just("hears"), seconds),
    st.tuples(st.just("weeks roll over"), st.sampled_from([-1024.0, 1024.0])),
    st.tuples(st.just("hears of"), st.floats(1.0, 9999.999)),
    st.tuples(st.just("leaps"), st.sampled_from([-1.0, 1.0])),
    st.tuples(st.just("service"), st.sampled_from([0.0, 1.0, 500.0])),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(actions, max_size=30), st.sampled_from([START, START - timedelta(days=20_000)]))
def test_whatever_the_clocks_below_do_no_two_records_share_a_time_and_no_fall_is_unseen(
    happened: list[tuple[str, float]], begun: datetime
) -> None:
    """A model: records are made in sequence while the world's clocks do what they like."""
    world = World(system=begun)
    clock = world.clock(last_known=START)
    satellites_ahead = timedelta(0)
    records: list[datetime] = []
    falls = 0
    for action, value in happened:
        if action in ("passes", "sleeps"):
            world.passes(value)
        elif action == "steps":
            world.system += timedelta(seconds=value)
        elif action == "hears":
            satellites_ahead = timedelta(seconds=value)
            hear(world, clock, START + satellites_ahead)
        elif action == "weeks roll over":
            satellites_ahead += timedelta(weeks=value)
            hear(world, clock, START + satellites_ahead)
        elif action == "hears of":
            year = int(value)
            told = datetime(year, 1, 1, tzinfo=UTC) + timedelta(days=364 * (value - year))
            for _ in range(2):
                clock.heard(told, 0.2)
                clock.dated_s(told)
        elif action == "leaps":
            world.system += timedelta(seconds=value)
            satellites_ahead += timedelta(seconds=value)
        else:
            world.service_error_ms = value or None
        for _ in range(3):
            records.append(clock.now())
            state = clock.state()
            lead = records[-1] - world.system
            if state.source == "ntp":
                # Never far from the best time there is, never behind it, and the error says so.
                assert timedelta(0) <= lead <= timedelta(seconds=MAX_LEAD_S, microseconds=3)
                assert state.error_ms is not None
                assert lead / timedelta(milliseconds=1) <= state.error_ms + 0.01
            if state.source == "unset":
                assert records[-1] >= START
        steps = clock.take_steps()
        told = [step.after for step in steps]
        for one, other in pairwise(records[-4:]):
            assert one != other
            if other < one:
                falls += 1
                assert other in told
        for step in steps:
            assert abs(step.after - step.before) > timedelta(seconds=MAX_LEAD_S - 0.001)
    assert falls <= len(happened)


@pytest.mark.skipif(not Path("/proc/uptime").exists(), reason="not Linux")
def test_time_goes_on_while_the_machine_sleeps() -> None:
    """The kernel's own clock since boot, suspend and all, tells the same."""
    with Path("/proc/uptime").open() as uptime:
        assert seconds_since_boot() == pytest.approx(float(uptime.read().split()[0]), abs=5)


@pytest.mark.skipif(not Path("/proc/sys/kernel").exists(), reason="not Linux")
def test_the_kernels_error_is_a_number_or_nothing() -> None:
    error_ms = kernel_error_ms()
    assert error_ms is None or 0 <= error_ms < 60_000
