"""Areas on the ground, in WGS 84 degrees, and whether a place lies in one.

Distances are those on a sphere of the earth's mean radius, which is within 0.6% of the ellipsoid.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

EARTH_RADIUS_M = 6_371_008.8


class Area(Protocol):
    """A part of the ground."""

    def may_hold(self, latitude_deg: float, longitude_deg: float, uncertainty_m: float) -> bool:
        """Whether a place known to within that many metres may lie in it."""
        ...


@dataclass(frozen=True, slots=True)
class Circle:
    """Everything within so many metres of a place."""

    latitude_deg: float
    longitude_deg: float
    radius_m: float

    def may_hold(self, latitude_deg: float, longitude_deg: float, uncertainty_m: float) -> bool:
        """Whether a place known to within that many metres may lie in it."""
        here, there = math.radians(latitude_deg), math.radians(self.latitude_deg)
        across = math.radians(self.longitude_deg - longitude_deg)
        haversine = (
            math.sin((there - here) / 2) ** 2
            + math.cos(here) * math.cos(there) * math.sin(across / 2) ** 2
        )
        distance_m = 2 * EARTH_RADIUS_M * math.asin(math.sqrt(min(1.0, haversine)))
        return distance_m <= self.radius_m + uncertainty_m


@dataclass(frozen=True, slots=True)
class Polygon:
    """Everything inside a line through these corners, each a latitude and a longitude.

    Its sides are straight on a map around the place asked for: exact enough for a county, and it
    may cross the 180th meridian.
    """

    corners: tuple[tuple[float, float], ...]

    def may_hold(self, latitude_deg: float, longitude_deg: float, uncertainty_m: float) -> bool:
        """Whether a place known to within that many metres may lie in it."""
        around = [_metres_from(latitude_deg, longitude_deg, corner) for corner in self.corners]
        sides = list(zip(around, [*around[1:], around[0]], strict=True))
        if sum(_crosses_north(start, end) for start, end in sides) % 2:
            return True
        return min(_distance_m(start, end) for start, end in sides) <= uncertainty_m


_Point = tuple[float, float]


def _metres_from(latitude_deg: float, longitude_deg: float, corner: Sequence[float]) -> _Point:
    """A corner's metres east and north of a place."""
    across_deg = (corner[1] - longitude_deg + 180) % 360 - 180
    east = math.radians(across_deg) * math.cos(math.radians(latitude_deg)) * EARTH_RADIUS_M
    return east, math.radians(corner[0] - latitude_deg) * EARTH_RADIUS_M


def _crosses_north(start: _Point, end: _Point) -> bool:
    """Whether a side crosses the line from the origin due north."""
    (start_east, start_north), (end_east, end_north) = start, end
    if (start_east > 0) == (end_east > 0):
        return False
    return start_north - start_east * (end_north - start_north) / (end_east - start_east) > 0


def _distance_m(start: _Point, end: _Point) -> float:
    """From the origin to the nearest point of a side."""
    east, north = end[0] - start[0], end[1] - start[1]
    length_2 = east * east + north * north
    along = 0.0 if length_2 == 0 else -(start[0] * east + start[1] * north) / length_2
    along = min(1.0, max(0.0, along))
    return math.hypot(start[0] + along * east, start[1] + along * north)
