"""Where the unit was at a moment that has gone by."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.contract.records import FixedSite, GpsFix, NoPosition
from edge.position.fixed_site import Site
from edge.position.history import FixHistory
from edge.position.nmea import Fix, NoFix, Report
from edge.position.source import NoReceiver, PositionSource

START = datetime(2026, 3, 3, 14, 5, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def fix(seconds: float, latitude_deg: float = 42.0) -> Fix:
    return Fix(
        latitude_deg=latitude_deg,
        longitude_deg=-71.0,
        speed_mps=5.0,
        heading_deg=90.0,
        quality="gps",
        satellites=8,
        hdop=0.9,
        at=None,
        received_at=at(seconds),
    )


def history(*reports: Report) -> FixHistory:
    filled = FixHistory()
    for report in reports:
        filled.add(report)
    return filled


def test_a_fix_is_given_with_its_age() -> None:
    assert history(fix(0)).at(at(2.5)) == GpsFix(
        latitude_deg=42.0,
        longitude_deg=-71.0,
        speed_mps=5.0,
        heading_deg=90.0,
        quality="gps",
        satellites=8,
        hdop=0.9,
        age_ms=2500,
    )


def test_the_fix_is_the_newest_at_that_moment_and_no_newer() -> None:
    filled = history(fix(0, 40.0), fix(1, 41.0), fix(2, 42.0))
    found = [filled.at(at(seconds)) for seconds in (0, 0.9, 1, 1.5, 9)]
    assert [one.latitude_deg for one in found if isinstance(one, GpsFix)] == [40, 40, 41, 41, 42]


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
    assert history(*reports).at(at(seconds)) == NoPosition(reason=reason)  # type: ignore[arg-type]


def test_a_fix_lasts_ten_seconds_and_a_lost_one_may_come_back() -> None:
    assert isinstance(history(fix(0)).at(at(10)), GpsFix)
    filled = history(fix(0), NoFix(at(1)), fix(2))
    assert isinstance(filled.at(at(0.5)), GpsFix)
    assert isinstance(filled.at(at(1.5)), NoPosition)
    assert isinstance(filled.at(at(2)), GpsFix)


@given(st.lists(st.booleans(), max_size=20), st.integers(-2, 40))
def test_a_history_answers_as_looking_through_it_would(kinds: list[bool], second: int) -> None:
    reports: list[Report] = [
        fix(number) if kind else NoFix(at(number)) for number, kind in enumerate(kinds)
    ]
    before = [report for report in reports if report.received_at <= at(second)]
    answer = history(*reports).at(at(second))
    known = bool(before) and isinstance(before[-1], Fix) and second - (len(before) - 1) <= 10
    assert isinstance(answer, GpsFix) is known


def test_a_site_does_not_move_and_a_unit_without_receiver_says_so() -> None:
    site = FixedSite(site="Pike at 128", latitude_deg=42.3, longitude_deg=-71.2, accuracy_m=3.0)
    sources: list[PositionSource] = [Site(site), NoReceiver()]
    assert [source.at(START) for source in sources] == [site, NoPosition(reason="no_receiver")]
