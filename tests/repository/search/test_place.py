"""Distances and polygons."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repository.search.errors import SearchRefusedError
from repository.search.place import Box, Circle, Place, Point, Polygon

SALEM = Point(42.5195, -70.8967)
BOSTON = Point(42.3601, -71.0589)


def test_a_known_distance_parts_within_from_without() -> None:
    # From the law of cosines, another formula for the same sphere.
    one, other = math.radians(SALEM.latitude_deg), math.radians(BOSTON.latitude_deg)
    east = math.radians(SALEM.longitude_deg - BOSTON.longitude_deg)
    angle = math.acos(
        math.sin(one) * math.sin(other) + math.cos(one) * math.cos(other) * math.cos(east)
    )
    distance_m = angle * 6_371_008.8
    assert 22_000 < distance_m < 22_300
    assert Circle(SALEM, distance_m + 1).contains(BOSTON.latitude_deg, BOSTON.longitude_deg)
    assert not Circle(SALEM, distance_m - 1).contains(BOSTON.latitude_deg, BOSTON.longitude_deg)


def test_a_circle_reaches_across_the_180th_meridian() -> None:
    circle = Circle(Point(51.9, 179.999), 1000.0)
    assert circle.contains(51.9, -179.999)
    assert len(circle.boxes()) == 2
    assert in_boxes(circle, 51.9, -179.999)
    west = Circle(Point(51.9, -179.999), 1000.0)
    assert in_boxes(west, 51.9, 179.999)


def test_a_polygon_has_an_inside() -> None:
    notched = Polygon.of(["42,-71", "43,-71", "43,-70", "42.5,-70.5", "42,-70", "42,-71"])
    assert len(notched.corners) == 5
    assert notched.contains(42.2, -70.9)
    assert notched.contains(42.8, -70.3)
    assert not notched.contains(42.5, -70.2)
    assert not notched.contains(41.9, -70.9)
    assert notched.boxes() == (Box(42, 43, -71, -70),)


@pytest.mark.parametrize(
    ("near", "radius_m", "message"),
    [
        ("", 5.0, "near: expected"),
        ("42.5", 5.0, "near: expected"),
        ("91,0", 5.0, "near: expected"),
        ("0,181", 5.0, "near: expected"),
        ("nan,nan", 5.0, "near: expected"),
        ("42.5,-70.9", None, "radius: expected"),
        ("42.5,-70.9", 0.0, "radius: expected"),
        ("42.5,-70.9", math.nan, "radius: expected"),
        ("42.5,-70.9", 50_001.0, "radius: expected"),
    ],
)
def test_no_circle_is_refused(near: str, radius_m: float | None, message: str) -> None:
    with pytest.raises(SearchRefusedError, match=message):
        Circle.of(near, radius_m)


@pytest.mark.parametrize(
    ("corners", "message"),
    [
        ([], "3 to 100 corners"),
        (["1,1", "2,2", "1,1"], "3 to 100 corners"),
        ([f"1,{n}" for n in range(101)], "3 to 100 corners"),
        (["1,1", "2,2", "here"], "within: expected"),
        (["1,-179", "2,179", "3,0"], "180th meridian"),
    ],
)
def test_no_polygon_is_refused(corners: list[str], message: str) -> None:
    with pytest.raises(SearchRefusedError, match=message):
        Polygon.of(corners)


degrees_north = st.floats(-90, 90, allow_subnormal=False)
degrees_east = st.floats(-180, 180, allow_subnormal=False)


@given(degrees_north, degrees_east, st.floats(0.1, 50_000), st.floats(0, 1), st.floats(0, 360))
def test_the_boxes_hold_the_circle(
    north: float, east: float, radius_m: float, part: float, bearing_deg: float
) -> None:
    circle = Circle(Point(north, east), radius_m)
    angle, bearing = part * radius_m / 6_371_008.8, math.radians(bearing_deg)
    start = math.radians(north)
    latitude = math.asin(
        max(-1.0, min(1.0, math.sin(start) * math.cos(angle)
            + math.cos(start) * math.sin(angle) * math.cos(bearing)))
    )  # fmt: skip
    across = math.atan2(
        math.sin(bearing) * math.sin(angle) * math.cos(start),
        math.cos(angle) - math.sin(start) * math.sin(latitude),
    )
    longitude = (east + math.degrees(across) + 180) % 360 - 180
    if circle.contains(math.degrees(latitude), longitude):
        assert in_boxes(circle, math.degrees(latitude), longitude)


def in_boxes(place: Place, latitude: float, longitude: float) -> bool:
    return any(
        box.south_deg <= latitude <= box.north_deg and box.west_deg <= longitude <= box.east_deg
        for box in place.boxes()
    )


@pytest.mark.parametrize(
    "corners",
    [
        ("42,-71", "43,-70", "43,-71", "42,-70"),  # a bow tie, whose two halves cancel out
        ("42,-71", "43,-70.5", "42,-70", "43,-70", "43,-70.5", "43,-71"),  # they meet in a corner
        ("42,-71", "42,-70", "43,-70", "42,-71", "42,-70", "43,-70"),  # round twice
    ],
)
def test_sides_that_cross_or_touch_are_refused(corners: tuple[str, ...]) -> None:
    for shift in range(len(corners)):
        turned = corners[shift:] + corners[:shift]
        for order in (turned, turned[::-1]):
            with pytest.raises(SearchRefusedError, match="sides must not cross or touch"):
                Polygon.of(order)
