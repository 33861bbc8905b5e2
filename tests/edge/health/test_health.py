"""Health counts what happens and says each trouble once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from edge.health.health import KEPT_DURATIONS, Health


def test_counters_add_up_and_reports_do_not_change_afterwards() -> None:
    health = Health()
    health.count("frames")
    health.count("frames", 4)
    before = health.report()
    health.count("frames")
    assert before.counters["frames"] == 5
    assert health.report().counters["frames"] == 6


def test_a_trouble_is_news_once_and_so_is_its_end() -> None:
    health = Health()
    assert health.report().healthy
    assert health.trouble("gps", "the cable is out")
    assert not health.trouble("gps", "the cable is still out")
    assert health.trouble("disk", "full")
    assert dict(health.report().troubles) == {"gps": "the cable is still out", "disk": "full"}
    assert health.recovered("gps")
    assert not health.recovered("gps")
    assert not health.report().healthy
    assert health.trouble("gps", "again")


def test_durations_are_those_of_the_last() -> None:
    health = Health()
    for value in range(1, 101):
        health.timed("frame_ms", float(value))
    timed = health.report().durations["frame_ms"]
    assert (timed.count, timed.p50_ms, timed.p95_ms) == (100, 50.0, 95.0)
    for _ in range(KEPT_DURATIONS):
        health.timed("frame_ms", 7.0)
    timed = health.report().durations["frame_ms"]
    assert (timed.count, timed.p50_ms, timed.p95_ms) == (100 + KEPT_DURATIONS, 7.0, 7.0)


def at(second: float) -> datetime:
    return datetime(2026, 11, 1, 8, 0, tzinfo=UTC) + timedelta(seconds=second)


class Clocks:
    """A clock that may be set, and one that only ever ticks."""

    def __init__(self) -> None:
        self.ticked = 1000.0
        self.said = at(0)

    def tick(self, seconds: float) -> None:
        self.ticked += seconds
        self.said += timedelta(seconds=seconds)

    def health(self, running_s: float = 0.0) -> Health:
        return Health(lambda: self.said, lambda: self.ticked, running_s)


def test_a_trouble_lasts_since_it_began_even_if_the_clock_is_set_meanwhile() -> None:
    clocks = Clocks()
    health = clocks.health(running_s=2.0)
    clocks.tick(10)
    health.trouble("gps", "the cable is out")
    clocks.tick(50)
    health.trouble("gps", "the cable is still out")
    report = health.report()
    assert (report.since["gps"], report.lasting_s["gps"]) == (at(10), 50.0)
    assert (report.at, report.started_at) == (at(60), at(-2))
    clocks.said = at(86_400)
    report = health.report()
    assert report.since["gps"] == at(86_350)
    assert report.lasting_s["gps"] == 50.0
    assert report.started_at == at(86_338)


def test_troubles_and_recoveries_are_counted_once_each() -> None:
    health = Health()
    for _ in range(3):
        health.trouble("gps", "out")
        health.trouble("gps", "out")
        health.recovered("gps")
        health.recovered("gps")
    health.trouble("disk", "full")
    counters = health.report().counters
    assert (counters["troubles"], counters["recoveries"]) == (4, 3)


def test_a_camera_has_a_rate_and_an_age_and_one_that_stops_has_none_after_a_while() -> None:
    clocks = Clocks()
    health = clocks.health()
    health.watch("curb")
    for _ in range(101):
        clocks.tick(0.1)
        health.count("frames", camera="front")
    health.count("reads", camera="front")
    clocks.tick(0.5)
    report = health.report()
    front, curb = report.cameras["front"], report.cameras["curb"]
    assert front.frames_per_s == pytest.approx(10, abs=0.7)
    assert front.last_frame_s == pytest.approx(0.5)
    assert front.last_read_s == pytest.approx(0.5)
    assert front.counters == {"frames": 101, "reads": 1}
    assert (curb.frames_per_s, curb.last_frame_s, curb.last_read_s) == (0.0, None, None)
    assert report.counters["frames"] == 101
    clocks.tick(11)
    assert health.report().cameras["front"].frames_per_s == 0.0


def test_the_moments_of_a_start_are_kept_from_the_first_time() -> None:
    clocks = Clocks()
    health = clocks.health(running_s=1.5)
    clocks.tick(1)
    health.reached("ready_s")
    clocks.tick(1)
    health.reached("ready_s")
    health.reached("first_read_s")
    assert health.report().reached == {"ready_s": 2.5, "first_read_s": 3.5}


def test_a_clock_at_the_beginning_of_time_does_no_harm() -> None:
    health = Health(lambda: datetime.min.replace(tzinfo=UTC), running_s=60)
    health.trouble("clock", "never set")
    assert health.report().started_at == datetime.min.replace(tzinfo=UTC)


def test_what_is_kept_does_not_grow_with_what_happens() -> None:
    clocks = Clocks()
    health = clocks.health()

    def kept_after(times: int) -> int:
        for _ in range(times):
            clocks.tick(0.03)
            health.count("frames", camera="front")
            health.timed("frame_ms", 5.0)
        (camera,) = health._cameras.values()
        return len(camera._frames_s) + sum(map(len, health._last_ms.values()))

    assert kept_after(2000) == kept_after(20_000)
