"""A fix belongs to its own second, however late its sentence arrives."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta

import pytest

from benches._drive import START, Drive, drive
from edge.contract.records import GpsFix
from edge.position.clock import UnitClock
from edge.position.history import FixHistory
from edge.position.nmea import Fix
from edge.position.receiver import Reports
from edge.position.receiver_watch import ReceiverWatch


class Car:
    """A car on a drive; its receiver's sentences arrive late, now more and now less."""

    def __init__(self, driven: Drive, *, kept: bool) -> None:
        self.driven = driven
        self.passed_s = 0.0
        self.clock = UnitClock(
            system=self._system if kept else lambda: datetime(1970, 1, 1, tzinfo=START.tzinfo),
            monotonic_s=lambda: self.passed_s,
            service_error_ms=lambda: 5.0 if kept else None,
        )
        self.reports = Reports(FixHistory(), self.clock, lambda *_: None)

    def _system(self) -> datetime:
        return START + timedelta(seconds=self.passed_s)

    def drives(self, delays_s: tuple[float, ...]) -> list[tuple[datetime, float]]:
        """Frames on the way: what the unit's clock said, and when it really was in seconds."""
        frames = []
        for second, fix in enumerate(self.driven.fixes):
            delay_s = delays_s[second % len(delays_s)]
            for after_s, what in sorted([(0.13, None), (delay_s, fix), (0.61, None)], key=first):
                self.passed_s = second + after_s
                if isinstance(what, Fix):
                    self.reports.take(dataclasses.replace(what, received_at=self.clock.now()))
                else:
                    frames.append((self.clock.now_s(), round(self.passed_s, 2)))
        return frames

    def error_m(self, frame: tuple[float, float]) -> float:
        moment_s, at_s = frame
        position = self.reports.at(moment_s)
        assert isinstance(position, GpsFix)
        return self.driven.error_m(position.latitude_deg, position.longitude_deg, at_s)


def first(pair: tuple[float, object]) -> float:
    return pair[0]


@pytest.fixture(scope="module")
def exact_drive() -> Drive:
    """A fast drive whose fixes have no error of their own."""
    driven = drive(120, 3, top_speed_mps=30.0)
    fixes = []
    for second, fix in enumerate(driven.fixes):
        latitude_deg, longitude_deg = driven.place(second)
        fixes.append(
            dataclasses.replace(fix, latitude_deg=latitude_deg, longitude_deg=longitude_deg)
        )
    return dataclasses.replace(driven, fixes=fixes)


@pytest.mark.parametrize("delays_s", [(0.05,), (0.45,), (0.08, 0.9, 0.3)])
def test_under_a_kept_clock_places_are_right_whatever_the_delay(
    exact_drive: Drive, delays_s: tuple[float, ...]
) -> None:
    car = Car(exact_drive, kept=True)
    frames = car.drives(delays_s)[4:-4]
    assert max(map(car.error_m, frames)) < 1.0


def test_with_the_satellites_time_alone_places_are_right_to_what_the_delay_varies(
    exact_drive: Drive,
) -> None:
    """The usual delay is allowed for: what is left of it, a tenth of a second, is 3 m."""
    car = Car(exact_drive, kept=False)
    frames = car.drives((0.2, 0.3))[10:-4]
    assert car.clock.state().source == "gps"
    assert max(map(car.error_m, frames)) < 3.5


def test_sentences_are_counted_as_they_grow() -> None:
    counted: list[tuple[int, int]] = []
    clock = UnitClock(system=lambda: START, monotonic_s=lambda: 0.0, service_error_ms=lambda: None)
    reports = Reports(FixHistory(), clock, lambda good, bad: counted.append((good, bad)))
    for good, bad in ((0, 0), (3, 0), (3, 0), (4, 2)):
        reports.counted(good, bad)
    assert counted == [(3, 0), (1, 2)]


def test_a_receiver_that_talks_but_tells_no_place_is_said() -> None:
    said: list[str | None] = []
    now_s = [0.0]
    watch = ReceiverWatch("GPS", now_s=lambda: now_s[0], fix_lasts_s=10.0, say=said.append)
    watch.opened("")
    for second in range(14):
        now_s[0] = float(second)
        watch.heard_sentence(None)
        watch.check()
    assert [str(one).split(",")[0] for one in said] == ["GPS talks"]


def test_a_receiver_that_falls_silent_in_the_middle_of_its_sentences_is_silent() -> None:
    said: list[str | None] = []
    now_s = [0.0]
    watch = ReceiverWatch("GPS", now_s=lambda: now_s[0], fix_lasts_s=10.0, say=said.append)
    watch.opened("")
    fix = drive(1, 1).fixes[0]
    for tenth in range(200):
        now_s[0] = tenth / 10
        if tenth in (0, 2):
            watch.heard_sentence(fix if tenth == 0 else None)
        watch.check()
    assert said == [None, "GPS is silent: check its power and its cable"]
