"""How wide a place counts: what a search could come to see in it, and never less."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from repository.search.breadth import area_km2, by_itself
from repository.search.criteria import Criteria
from repository.search.place import Circle, Point, Polygon
from repository.search.settings import SearchSettings

NOW = datetime(2026, 3, 1, tzinfo=UTC)
RADIUS_KM = 6371.0088
BELTS = 1000
SLIVER = ((0.0, -110.0), (29.874, -75.0), (85.0, -40.0))
"""Straight in the equal-area projection, nearly: on a map in degrees it holds Massachusetts."""
BOSTON = (42.36, -71.06)


def polygon(*corners: tuple[float, float]) -> Polygon:
    return Polygon(tuple(Point(*corner) for corner in corners))


def is_broad(place: Circle | Polygon) -> bool:
    return bool(why_broad(place))


def why_broad(place: Circle | Polygon) -> list[str]:
    criteria = Criteria.of(None, NOW - timedelta(days=1), NOW, place=place)
    return by_itself(criteria, SearchSettings())


def test_areas_are_those_of_a_sphere() -> None:
    assert area_km2(Circle(Point(42.5, -70.9), 1000)) == pytest.approx(math.pi, rel=1e-6)
    corners = ((42.0, -71.0), (42.0, -70.0), (43.0, -70.0), (43.0, -71.0))
    degree = math.radians(1) * RADIUS_KM**2
    belt = math.sin(math.radians(43)) - math.sin(math.radians(42))
    assert area_km2(polygon(*corners)) == pytest.approx(degree * belt, rel=1e-9)
    assert area_km2(polygon(*corners[::-1])) == pytest.approx(degree * belt, rel=1e-9)
    half = polygon((-90, -90), (-90, 90), (90, 90), (90, -90))
    assert area_km2(half) == pytest.approx(2 * math.pi * RADIUS_KM**2, rel=1e-9)


@pytest.mark.parametrize("latitude_deg", [90.0, -90.0, 89.999])
@pytest.mark.parametrize(("radius_m", "broad"), [(2_800, False), (2_900, True)])
def test_a_circle_at_a_pole_is_as_wide_as_elsewhere(
    latitude_deg: float, radius_m: float, broad: bool
) -> None:
    circle = Circle(Point(latitude_deg, 180.0), radius_m)
    assert area_km2(circle) == area_km2(Circle(Point(0.0, 0.0), radius_m))
    assert is_broad(circle) is broad


@pytest.mark.policy("C-1a")
def test_a_sliver_of_another_projection_is_as_broad_as_what_is_found_in_it() -> None:
    sliver = polygon(*SLIVER)
    assert sliver.contains(*BOSTON)
    assert area_km2(sliver) == pytest.approx(4.09e6, rel=0.01)
    assert is_broad(sliver)


@pytest.mark.policy("C-1a")
def test_a_snake_along_every_road_is_as_broad_as_the_country_it_winds_through() -> None:
    roads = [42 + number / 50 for number in range(20)]
    corners = [(41.99, -71.0001), (41.99, -71.0)]
    for south in roads:  # each 80 km long and a metre wide
        north = south + 1e-5
        corners += [(south, -71.0), (south, -70.0), (north, -70.0), (north, -71.0)]
    corners += [(42.4, -71.0), (42.4, -71.0001)]
    snake = Polygon.of([f"{latitude:.5f},{longitude}" for latitude, longitude in corners])
    assert snake.contains(42.100005, -70.5)
    assert not snake.contains(42.105, -70.5)
    (why,) = why_broad(snake)
    assert "more than 25 km² between its outermost corners without a plate" in why


def test_a_block_of_a_town_is_narrow() -> None:
    block = ["42.519,-70.897", "42.521,-70.897", "42.521,-70.894", "42.520,-70.896"]
    assert not is_broad(Polygon.of(block))


corners_deg = st.tuples(st.floats(-90, 90), st.floats(-180, 0))


@given(st.lists(corners_deg, min_size=3, max_size=8))
@example(list(SLIVER))
@example([(42.0, -71.0), (43.0, -70.0), (43.0, -71.0), (42.0, -70.0)])  # a bow tie
@example([(85.0, -180.0), (85.0, 0.0), (90.0, 0.0), (90.0, -180.0)])
def test_no_place_counts_less_than_what_is_found_in_it(corners: list[tuple[float, float]]) -> None:
    place = polygon(*corners)
    found_km2, told_km2 = sum(width for _, width in belts(place)), area_km2(place)
    slack_km2 = slack(place)
    assert told_km2 >= found_km2 - slack_km2
    if len(corners) == 3:
        assert told_km2 <= found_km2 + slack_km2


def belts(place: Polygon) -> Iterator[tuple[float, float]]:
    """By latitude, the square kilometres of a belt that lie within, each stretch asked for."""
    (box,) = place.boxes()
    high_deg = (box.north_deg - box.south_deg) / BELTS
    for number in range(BELTS):
        latitude_deg = box.south_deg + (number + 0.5) * high_deg
        inside_deg = 0.0
        for west_deg, east_deg in itertools.pairwise(crossings(place, latitude_deg)):
            if place.contains(latitude_deg, (west_deg + east_deg) / 2):
                inside_deg += east_deg - west_deg
        wide_km = math.radians(inside_deg) * math.cos(math.radians(latitude_deg)) * RADIUS_KM
        yield latitude_deg, wide_km * math.radians(high_deg) * RADIUS_KM


def crossings(place: Polygon, latitude_deg: float) -> list[float]:
    """The longitudes at which the sides cross that latitude, from the west."""
    found = []
    for one, other in place.sides():
        over_deg = other.latitude_deg - one.latitude_deg
        if over_deg and 0 <= (part := (latitude_deg - one.latitude_deg) / over_deg) <= 1:
            found.append(one.longitude_deg + part * (other.longitude_deg - one.longitude_deg))
    return sorted(found)


def slack(place: Polygon) -> float:
    """What belts may miss, in square kilometres: half a belt at each corner."""
    (box,) = place.boxes()
    high, wide = box.north_deg - box.south_deg, box.east_deg - box.west_deg
    whole_km2 = math.radians(high) * math.radians(wide) * RADIUS_KM**2
    return whole_km2 * len(place.corners) / BELTS + 1e-6
