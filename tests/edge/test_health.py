"""Health counts what happens and says each trouble once."""

from __future__ import annotations

from edge.health import KEPT_DURATIONS, Health


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
