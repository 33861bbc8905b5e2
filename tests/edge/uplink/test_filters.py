"""Which reads stay on the unit: by plate, place, time and camera, and where one cannot tell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.area import Area, Circle, Polygon
from edge.contract import records as r
from edge.contract.plates import load_confusables
from edge.schedule import Hours, Schedule
from edge.uplink.filters import Filter, FilterRule, PlateSet
from tests.edge.spool.samples import read

CONFUSABLES = load_confusables()
NIGHT = Schedule.of("America/New_York", ["fri"], ["22:00-06:00"])
HERE = (42.3183, -72.6312)


def plates(*lines: str) -> PlateSet:
    return PlateSet.of(lines, CONFUSABLES)


def at(latitude_deg: float, longitude_deg: float, within_m: float = 0.0) -> r.GpsFix:
    return r.GpsFix(
        latitude_deg=latitude_deg,
        longitude_deg=longitude_deg,
        speed_mps=None,
        heading_deg=None,
        quality="gps",
        satellites=None,
        hdop=None,
        age_ms=0,
        uncertainty_m=within_m,
    )


def site(latitude_deg: float, longitude_deg: float) -> r.FixedSite:
    return r.FixedSite(
        site="bridge", latitude_deg=latitude_deg, longitude_deg=longitude_deg, accuracy_m=None
    )


@pytest.mark.policy("C-5b")
@pytest.mark.parametrize(
    ("listed", "plate", "held"),
    [
        ("7QXZ31", "7QXZ31", True),
        ("7qx-z31", "7QXZ31", True),
        ("7QXZ31", "70X231", True),  # misread by confusable characters alone
        ("7QXZ31", "7QXZ3", False),
        ("7QXZ31", "7QXZ310", False),
        ("7QX*", "7QXZ31", True),
        ("7QX*", "7QX", True),
        ("7QX*", "8QX1", False),
        ("?QXZ31", "9QXZ31", True),
        ("?QXZ31", "QXZ31", False),
        ("*GOV", "12G0V", True),
    ],
)
def test_plates_are_compared_through_wildcards_and_confusable_characters(
    listed: str, plate: str, held: bool
) -> None:
    assert plates("# the chief's own", "", listed).holds(plate) is held


def test_a_line_without_a_plate_is_refused_by_its_number_alone() -> None:
    with pytest.raises(ValueError, match="line 2 holds no plate"):
        plates("7QXZ31", " * ")


@pytest.mark.parametrize(
    ("local", "is_open"),
    [
        ("2026-03-06 21:59", False),
        ("2026-03-06 22:00", True),  # a Friday
        ("2026-03-07 05:59", True),  # the night that began on Friday
        ("2026-03-07 06:00", False),
        ("2026-03-07 23:00", False),
        ("2026-03-06 03:00", False),  # the night that began on Thursday
    ],
)
def test_hours_past_midnight_belong_to_the_day_they_begin(local: str, is_open: bool) -> None:
    moment = datetime.fromisoformat(local).replace(tzinfo=NIGHT.zone)
    assert NIGHT.is_open(moment.astimezone(UTC)) is is_open


def test_an_hour_that_the_clock_repeats_counts_both_times() -> None:
    schedule = Schedule.of("America/New_York", ["sun"], ["01:00-02:00"])
    first = datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    assert [schedule.is_open(first + timedelta(hours=hour)) for hour in (-1, 0, 1, 2)] == [
        False,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize("text", ["22-06", "24:00-06:00", "22:60-23:00", "22:00-24:01", ""])
def test_hours_written_otherwise_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write hours as"):
        Hours.parse(text)


@pytest.mark.parametrize(
    ("area", "inside", "outside"),
    [
        (Circle(*HERE, 500), (42.3220, -72.6312), (42.3235, -72.6312)),  # 411 m and 578 m north
        (Circle(0, 179.999, 500), (0, -179.999), (0, -179.99)),
        (Polygon(((0, 0), (0, 1), (1, 1), (1, 0))), (0.5, 0.999), (0.5, 1.001)),
        (Polygon(((0, 179), (0, -179), (1, -179), (1, 179))), (0.5, 180), (0.5, 178.9)),
        # An arrow's head: its notch is outside.
        (Polygon(((0, 0), (2, 1), (0, 2), (1, 1))), (1.5, 1.0), (0.5, 1.0)),
    ],
)
def test_areas_hold_what_lies_in_them(
    area: Area, inside: tuple[float, float], outside: tuple[float, float]
) -> None:
    assert area.may_hold(*inside, 0.0)
    assert not area.may_hold(*outside, 0.0)


@given(st.floats(0, 400), st.floats(-0.01, 0.01), st.floats(-0.01, 0.01))
def test_a_place_is_taken_in_from_as_far_as_it_is_uncertain(
    within_m: float, north_deg: float, east_deg: float
) -> None:
    # A degree of latitude is 111.2 km: the square's sides lie at 0.001 degrees or 111.2 m.
    square = Polygon(((-0.001, -0.001), (-0.001, 0.001), (0.001, 0.001), (0.001, -0.001)))
    beyond = [max(0.0, abs(north_deg) - 0.001), max(0.0, abs(east_deg) - 0.001)]
    distance_m = (beyond[0] ** 2 + beyond[1] ** 2) ** 0.5 * 111_194.93
    if abs(distance_m - within_m) > 0.01:
        assert square.may_hold(north_deg, east_deg, within_m) is (distance_m < within_m)


@pytest.mark.policy("C-5b")
def test_every_condition_of_a_rule_must_be_met_and_any_rule_keeps_a_read() -> None:
    both = FilterRule(name="both", keep_s=1, cameras=frozenset({"front"}), plates=plates("ABC1"))
    night = FilterRule(name="night", keep_s=1, schedule=NIGHT)
    rules = Filter((both, night))
    friday_night = datetime(2026, 3, 7, 4, tzinfo=UTC)
    midday = datetime(2026, 3, 6, 17, tzinfo=UTC)

    def kept_by(**changes: Any) -> str | None:
        captured_at = changes.pop("captured_at", midday)
        made = read(
            1,
            captured_at=captured_at,
            id=r.mint_id(captured_at, bytes),
            first_seen=captured_at,
            last_seen=captured_at,
            **changes,
        )
        rule = rules.withholds(made)
        return None if rule is None else rule.name

    assert kept_by(plate="ABC1") == "both"
    assert kept_by(plate="ABC1", camera="rear") is None
    assert kept_by(plate="XYZ9") is None
    assert kept_by(plate="XYZ9", captured_at=friday_night) == "night"
    assert kept_by(plate="XYZ9", clock=r.Clock(source="unset", error_ms=None)) == "night"
    assert Filter().withholds(read(1)) is None


@pytest.mark.policy("C-5b")
@pytest.mark.parametrize(
    ("position", "kept"),
    [
        (at(*HERE), True),
        (at(42.3300, HERE[1]), False),
        (at(42.3300, HERE[1], within_m=900), True),
        (site(*HERE), True),
        (site(10, 10), False),
        (r.NoPosition(reason="no_fix"), True),
    ],
)
def test_a_read_whose_place_may_be_in_the_area_stays(position: r.Position, kept: bool) -> None:
    rule = FilterRule(name="clinic", keep_s=1, area=Circle(*HERE, 500))
    assert rule.withholds(read(1, position=position)) is kept
