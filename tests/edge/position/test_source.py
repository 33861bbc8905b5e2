"""Where the unit was at a moment that has gone by."""

from __future__ import annotations

import dataclasses
import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import UNSET, UnsetType

from benches._drive import START as DRIVE_START
from benches._drive import drive
from edge.contract.records import FixedSite, GpsFix, NoPosition, Position
from edge.position.fixed_site import Site
from edge.position.history import FixHistory
from edge.position.nmea import Fix, NoFix, Report
from edge.position.source import NoReceiver, PositionSource

START = datetime(2026, 3, 3, 14, 5, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def driven_at(seconds: float) -> datetime:
    return DRIVE_START + timedelta(seconds=seconds)


def fix(
    seconds: float,
    latitude_deg: float = 42.0,
    longitude_deg: float = -71.0,
    *,
    speed_mps: float | None = 0.0,
    heading_deg: float | None = 90.0,
    quality: str = "gps",
) -> Fix:
    return Fix(
        latitude_deg=latitude_deg,
        longitude_deg=longitude_deg,
        speed_mps=speed_mps,
        heading_deg=heading_deg,
        quality=quality,
        satellites=8,
        hdop=0.9,
        at=None,
        received_at=at(seconds),
    )


def history(*reports: Report) -> FixHistory:
    filled = FixHistory()
    for report in reports:
        filled.add(report, report.received_at.timestamp())
    return filled


def place(filled: FixHistory, seconds: float) -> Position:
    return filled.at(at(seconds).timestamp())


def found(*reports: Report, seconds: float) -> GpsFix:
    position = place(history(*reports), seconds)
    assert isinstance(position, GpsFix)
    return position


def test_the_newest_fix_is_carried_on_with_its_age_and_its_uncertainty() -> None:
    going_east = fix(0, speed_mps=20.0)
    assert found(going_east, seconds=2) == GpsFix(
        latitude_deg=42.0,
        longitude_deg=-70.9995159,  # 40 m east: 40 / (111,195 cos 42 deg) degrees
        speed_mps=20.0,
        heading_deg=90.0,
        quality="gps",
        satellites=8,
        hdop=0.9,
        age_ms=2000,
        uncertainty_m=16.2,  # 2 x 0.9 x 4, 0.5 x 2, and 4 x 2^2 / 2
    )


def test_between_two_fixes_lies_a_line_with_the_nearer_ones_age() -> None:
    one = fix(0, 42.0, speed_mps=10.0, heading_deg=350.0)
    two = dataclasses.replace(fix(1, 42.0001, speed_mps=14.0, heading_deg=30.0), satellites=5)
    early, late = (found(one, two, seconds=seconds) for seconds in (0.25, 0.75))
    assert (early.latitude_deg, late.latitude_deg) == (42.000025, 42.000075)
    assert (early.speed_mps, late.speed_mps) == (11.0, 13.0)
    assert (early.heading_deg, late.heading_deg) == (0.0, 20.0)
    assert (early.age_ms, late.age_ms) == (250, 250)
    assert (early.satellites, late.satellites) == (8, 5)
    assert early.uncertainty_m == late.uncertainty_m == 7.6  # 7.2 and 4 x 0.25 x 0.75 / 2


def test_a_line_over_the_date_line_is_short() -> None:
    position = found(fix(0, 10.0, 179.9999), fix(1, 10.0, -179.9998), seconds=2 / 3)
    assert abs(position.longitude_deg) == pytest.approx(179.9999, abs=1e-4)
    assert position.longitude_deg < 0


def test_a_heading_that_only_one_fix_has_is_that() -> None:
    standing = fix(0, speed_mps=0.0, heading_deg=None)
    for seconds in (0.2, 0.8):
        assert found(standing, fix(1), seconds=seconds).heading_deg == 90.0


def test_fixes_too_far_apart_are_not_joined() -> None:
    apart = (fix(0, 42.0), fix(3.5, 43.0))
    assert found(*apart, seconds=3).latitude_deg == 42.0
    assert found(fix(0, 42.0), fix(3, 43.0), seconds=1.5).latitude_deg == 42.5


def test_an_unknown_speed_holds_the_place_and_widens_the_circle() -> None:
    position = found(fix(0, speed_mps=None, heading_deg=None), seconds=1)
    assert position.latitude_deg == 42.0
    assert position.uncertainty_m == 49.2  # 7.2, 40 x 1, and 4 x 1 / 2


@pytest.mark.parametrize(
    ("quality", "error_m", "uncertainty_m"),
    [
        ("gps", None, 7.2),
        ("gps 2d", None, 14.4),
        ("dgps", None, 3.6),
        ("rtk", None, 0.2),
        ("unspecified", None, 7.2),
        ("gps", 31.0, 31.0),
        ("simulated", None, UNSET),
        ("manual", None, UNSET),
    ],
)
def test_the_uncertainty_follows_the_quality(
    quality: str, error_m: float | None, uncertainty_m: float | UnsetType
) -> None:
    told = dataclasses.replace(fix(0, quality=quality), error_m=error_m)
    assert found(told, seconds=0).uncertainty_m == uncertainty_m


@pytest.mark.parametrize("top_speed_mps", [17.0, 33.0])
def test_on_a_drive_places_between_fixes_are_nearest_and_circles_hold_the_unit(
    top_speed_mps: float,
) -> None:
    """Frames at any moment of a drive; stored at once, and stored when the next fix is there."""
    chance = random.Random(7)
    held_m: list[float] = []
    carried_m: list[float] = []
    between_m: list[float] = []
    inside = asked = 0
    for seed in range(4):
        driven = drive(300, seed, top_speed_mps=top_speed_mps)
        filled = FixHistory()
        for told, following in pairwise(driven.fixes[:-12]):
            filled.add(told, (told.at or told.received_at).timestamp())
            second = chance.randrange(100) / 100
            moment_s = (told.received_at - driven.fixes[0].received_at).total_seconds() + second
            moment = driven_at(moment_s)
            early = filled.at(moment.timestamp())
            later = FixHistory()
            later.add(told, (told.at or told.received_at).timestamp())
            later.add(following, (following.at or following.received_at).timestamp())
            late = later.at(moment.timestamp())
            held_m.append(driven.error_m(told.latitude_deg, told.longitude_deg, moment_s))
            for position, errors in ((early, carried_m), (late, between_m)):
                assert isinstance(position, GpsFix)
                assert isinstance(position.uncertainty_m, float)
                error_m = driven.error_m(position.latitude_deg, position.longitude_deg, moment_s)
                errors.append(error_m)
                asked += 1
                inside += error_m <= position.uncertainty_m
    held, carried, between = (sorted(errors) for errors in (held_m, carried_m, between_m))
    percentile = len(held) * 95 // 100
    assert between[percentile] <= carried[percentile] < held[percentile] / 2
    assert inside / asked >= 0.95


def test_reports_that_came_in_another_order_than_they_are_dated_are_put_in_order() -> None:
    filled = history(fix(0, 40.0), fix(2, 42.0), fix(1, 41.0))
    for seconds in (0.0, 0.5, 1.0, 1.5, 2.0):
        position = place(filled, seconds)
        assert isinstance(position, GpsFix)
        assert position.latitude_deg == 40.0 + seconds


def test_only_the_last_reports_are_kept() -> None:
    filled = history(*(fix(second) for second in range(1300)))
    assert place(filled, 50) == NoPosition(reason="no_receiver")
    assert isinstance(place(filled, 100), GpsFix)


@pytest.mark.parametrize(
    ("reports", "seconds", "reason"),
    [
        ((), 0, "no_receiver"),
        ((fix(5),), 4, "no_receiver"),
        ((fix(0),), 10.001, "stale"),
        ((fix(0), NoFix(at(1))), 2, "no_fix"),
        ((fix(0), NoFix(at(1))), 11, "no_fix"),
        ((fix(0), NoFix(at(1))), 11.001, "no_receiver"),
    ],
)
def test_without_a_fix_the_reason_is_given(
    reports: tuple[Report, ...], seconds: float, reason: str
) -> None:
    assert place(history(*reports), seconds) == NoPosition(reason=reason)  # type: ignore[arg-type]


def test_a_fix_lasts_ten_seconds_and_a_lost_one_may_come_back() -> None:
    assert isinstance(place(history(fix(0)), 10), GpsFix)
    filled = history(fix(0), NoFix(at(1)), fix(2))
    assert isinstance(place(filled, 0.5), GpsFix)
    assert isinstance(place(filled, 1.5), NoPosition)
    assert isinstance(place(filled, 2), GpsFix)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.booleans(), max_size=20), st.integers(-2, 40))
def test_a_history_answers_as_looking_through_it_would(kinds: list[bool], second: int) -> None:
    reports: list[Report] = [
        fix(number) if kind else NoFix(at(number)) for number, kind in enumerate(kinds)
    ]
    before = [report for report in reports if report.received_at <= at(second)]
    answer = place(history(*reports), second)
    known = bool(before) and isinstance(before[-1], Fix) and second - (len(before) - 1) <= 10
    assert isinstance(answer, GpsFix) is known


def test_a_site_does_not_move_and_a_unit_without_receiver_says_so() -> None:
    site = FixedSite(site="Pike at 128", latitude_deg=42.3, longitude_deg=-71.2, accuracy_m=3.0)
    sources: list[PositionSource] = [Site(site), NoReceiver()]
    assert [source.at(START.timestamp()) for source in sources] == [
        site,
        NoPosition(reason="no_receiver"),
    ]
