"""Every trouble that lasts goes on record, each once, and a hiccup does not."""

from __future__ import annotations

import pytest

from edge.health.health import Health
from edge.health.malfunctions import AGAIN_EVERY_S, LastingTroubles, camera_of, component_of


class Unit:
    """Health whose clock is moved by hand, and what was put on record of it."""

    def __init__(self, link_down_for_s: float = 4 * 3600.0) -> None:
        self.now_s = 0.0
        self.health = Health(monotonic_s=lambda: self.now_s)
        self.lasting = LastingTroubles(link_down_for_s)
        self.recorded: list[tuple[str, str | None, str]] = []
        self.too_soon = False

    def report(self, component: str, camera: str | None, sentence: str, part: str) -> bool:
        if self.too_soon:
            return False
        self.recorded.append((component, camera, sentence))
        return True

    def look_after(self, seconds: float) -> int:
        """How many went on record within this time, of which the last look is at its end."""
        before = len(self.recorded)
        until_s = self.now_s + seconds
        while self.now_s < until_s:
            self.now_s = min(self.now_s + seconds / 20, until_s)
            self.lasting.report(self.health.report(), self.report)
        return len(self.recorded) - before


@pytest.mark.policy("M-D4")
@pytest.mark.parametrize(
    ("part", "component", "camera", "after_s"),
    [
        ("gps", "gps", None, 120),
        ("clock", "clock", None, 600),
        ("spool", "disk", None, 10),
        ("status file", "disk", None, 10),
        ("disk", "disk", None, 10),
        ("engine providers", "model", None, 10),
        ("hot list state", "hotlist", None, 10),
        ("age of hot list state", "hotlist", None, 10),
        ("uplink link", "link", None, 4 * 3600),
        ("uplink spool", "disk", None, 10),
        ("part camera-front", "camera", "front", 10),
        ("silence of camera-front", "camera", "front", 10),
        ("silence of position", "gps", None, 120),
        ("part malfunctions", "other", None, 10),
    ],
)
def test_each_part_reports_itself_once_its_trouble_is_no_hiccup(
    part: str, component: str, camera: str | None, after_s: float
) -> None:
    unit = Unit()
    unit.health.trouble(part, "it does not work")
    assert unit.look_after(after_s - 1) == 0
    assert unit.look_after(2) == 1
    assert unit.recorded == [(component, camera, "it does not work")]
    assert unit.look_after(AGAIN_EVERY_S - 10) == 0
    assert unit.look_after(20) == 1


def test_what_is_reported_at_once_by_others_is_not_reported_twice() -> None:
    unit = Unit()
    for part in ("camera front", "engine front", "records of front"):
        unit.health.trouble(part, "gone")
    assert unit.look_after(3600) == 0
    assert unit.look_after(AGAIN_EVERY_S) == 3


def test_a_trouble_that_ends_and_begins_anew_is_another() -> None:
    unit = Unit()
    unit.health.trouble("gps", "the cable is out")
    assert unit.look_after(300) == 1
    unit.health.recovered("gps")
    unit.health.trouble("gps", "the cable is out again")  # between two looks
    assert unit.look_after(100) == 0
    assert unit.look_after(30) == 1


def test_two_parts_of_one_kind_are_two_malfunctions() -> None:
    unit = Unit()
    unit.health.trouble("age of hot list state", "old")
    unit.health.trouble("age of hot list department", "old")
    assert unit.look_after(11) == 2


def test_what_comes_too_soon_after_another_is_reported_later() -> None:
    unit = Unit()
    unit.too_soon = True
    unit.health.trouble("disk", "full")
    assert unit.look_after(100) == 0
    unit.too_soon = False
    assert unit.look_after(2) == 1
    assert unit.look_after(1000) == 0


def test_how_long_the_link_may_be_down_is_set() -> None:
    unit = Unit(link_down_for_s=60)
    unit.health.trouble("uplink link", "no answer")
    assert unit.look_after(59) == 0
    assert unit.look_after(2) == 1


@pytest.mark.parametrize(
    ("part", "component"),
    [
        ("hot list update state", "hotlist"),
        ("lines of hot list state", "hotlist"),
        ("age of hot list state", "hotlist"),
        ("keeping of hot lists", "hotlist"),
        ("part hot-list-updates", "hotlist"),
        ("silence of hot-lists", "hotlist"),
        ("keeping of spool", "disk"),
        ("part uplink-keeper", "link"),
        ("part camera-front", "camera"),
    ],
)
def test_what_goes_on_record_says_which_component_it_concerns(part: str, component: str) -> None:
    assert component_of(part) == component


def test_names_of_parts() -> None:
    assert component_of("something new") == "other"
    assert camera_of("engine providers") is None
    assert camera_of("engine curb") == "curb"
