"""The last good time outlives a restart, and a clock in its youth is known to be wrong."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edge.contract.records import Clock
from edge.position.clock import UnitClock
from edge.position.clock_keeper import KEEP_EVERY_S, ClockKeeper, load_last_known
from edge.position.gpsd_reports import GpsdDecoder
from edge.position.history import FixHistory
from edge.position.receiver import Reports

START = datetime(2026, 3, 3, 14, 5, tzinfo=UTC)


class Unit:
    """A unit that is switched on and off; its clock has no battery."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.said: dict[str, str | None] = {}
        self.switch_on()

    def switch_on(self, system: datetime = datetime(2000, 1, 1, tzinfo=UTC)) -> None:
        self.system, self.steady_s, self.service_error_ms = system, 10.0, None
        self.clock = UnitClock(
            system=lambda: self.system,
            monotonic_s=lambda: self.steady_s,
            service_error_ms=lambda: self.service_error_ms,
            last_known=load_last_known(self.path),
        )
        self.keeper = ClockKeeper(
            self.clock, self.path, say=self.said.__setitem__, monotonic_s=lambda: self.steady_s
        )

    service_error_ms: float | None

    def passes(self, seconds: float) -> None:
        self.system += timedelta(seconds=seconds)
        self.steady_s += seconds

    def is_told_the_time(self, now: datetime) -> None:
        self.system, self.service_error_ms = now, 5.0


@pytest.fixture
def unit(tmp_path: Path) -> Unit:
    return Unit(tmp_path / "last-known-time")


def test_a_unit_that_never_had_the_time_says_so_and_keeps_none(unit: Unit) -> None:
    unit.keeper.check()
    assert unit.clock.state() == Clock(source="unset", error_ms=None)
    assert not unit.path.exists()


def test_after_a_restart_time_goes_on_from_the_last_good_one_and_is_marked(unit: Unit) -> None:
    unit.is_told_the_time(START)
    unit.keeper.check()
    unit.passes(KEEP_EVERY_S + 1)
    unit.keeper.check()
    unit.switch_on()
    unit.passes(30)
    assert unit.clock.state() == Clock(source="unset", error_ms=None)
    assert unit.clock.now() == START + timedelta(seconds=KEEP_EVERY_S + 31)
    unit.keeper.check()
    assert load_last_known(unit.path) == START + timedelta(seconds=KEEP_EVERY_S + 1)
    unit.is_told_the_time(START + timedelta(hours=8))
    assert unit.clock.now() == START + timedelta(hours=8)
    assert unit.clock.state() == Clock(source="ntp", error_ms=5.0)


def test_a_clock_with_a_battery_is_not_called_unset(unit: Unit) -> None:
    unit.is_told_the_time(START)
    unit.keeper.check()
    unit.switch_on(START + timedelta(hours=1))
    assert unit.clock.state() == Clock(source="system", error_ms=None)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\x00garbage",
        b"2026-03-03T14:05:00",
        b"1999-01-01T00:00:00+00:00",
        b"2026-13-01T00:00:00+00:00",
        b"9999-12-31T23:59:58+00:00",
        b"9999-12-31T23:59:58-14:00",
        b"0001-01-01T00:00:00+14:00",
        b"2061-01-01T00:00:00+00:00",
        b"x" * 100_000,
    ],
)
def test_a_file_that_tells_no_time_is_said_and_written_anew(unit: Unit, content: bytes) -> None:
    unit.path.write_bytes(content)
    assert load_last_known(unit.path) is None
    unit.switch_on()
    unit.keeper.check()
    assert unit.clock.state() == Clock(source="unset", error_ms=None)
    assert "tells no time that can be" in str(unit.said["clock file"])
    unit.is_told_the_time(START)
    unit.keeper.check()
    assert unit.said["clock file"] is None
    assert load_last_known(unit.path) == START


def test_a_receiver_that_tells_the_end_of_time_changes_nothing_and_is_said(unit: Unit) -> None:
    unit.is_told_the_time(START)
    unit.keeper.check()
    unit.service_error_ms = None
    decoder = GpsdDecoder()
    reports = Reports(FixHistory(), unit.clock, lambda *_: None)
    for second in range(40, 61):
        told = f"9999-12-31T23:59:{min(second, 59)}Z"
        line = {"class": "TPV", "mode": 3, "lat": 42, "lon": -72, "time": told}
        report = decoder.feed(json.dumps(line).encode(), unit.clock.now())
        assert report is not None
        reports.take(report)
        unit.passes(KEEP_EVERY_S)
        unit.clock.now()
        unit.keeper.check()
        reports.take(report)
    unit.keeper.check()
    said = str(unit.said["clock of the receiver"])
    assert said.startswith("the GPS receiver says that it is 9999-12-31, which cannot be")
    assert load_last_known(unit.path) == START
    unit.passes(60)
    unit.keeper.check()
    assert unit.said["clock of the receiver"] is None


def test_a_disk_that_cannot_keep_it_is_said_once_it_can_no_more(unit: Unit) -> None:
    unit.is_told_the_time(START)
    unit.path.mkdir()
    unit.keeper.check()
    assert "Is a directory" in str(unit.said["clock file"])
    unit.path.rmdir()
    unit.passes(KEEP_EVERY_S + 1)
    unit.keeper.check()
    assert unit.said["clock file"] is None


def test_a_receiver_that_contradicts_the_time_service_is_said(unit: Unit) -> None:
    unit.is_told_the_time(START)
    for second in range(2):
        unit.clock.heard(START + timedelta(days=1, seconds=second))
        unit.passes(1)
    unit.keeper.check()
    sentence = str(unit.said["clock of the receiver"])
    assert sentence.startswith("the GPS receiver's time is 86,400 s ahead of the time service's")
    for second in range(2, 4):
        unit.clock.heard(START + timedelta(seconds=second))
        unit.passes(1)
    unit.keeper.check()
    assert unit.said["clock of the receiver"] is None
