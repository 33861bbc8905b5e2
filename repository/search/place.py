"""Where something was seen: within a distance of a point, or within a polygon. Pure.

Distances are along great circles. A polygon's sides are straight in degrees of latitude and
longitude.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from repository.ledger.entry import JSON
from repository.search.errors import SearchRefusedError
from repository.store.sphere import EARTH_RADIUS_M, haversine, haversine_of_distance

MAX_RADIUS_M = 50_000.0
MAX_CORNERS = 100
_POINT = re.compile(r"([+-]?\d{1,3}(?:\.\d+)?)\s*,\s*([+-]?\d{1,3}(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class Point:
    """WGS 84 degrees, north and east positive."""

    latitude_deg: float
    longitude_deg: float

    @classmethod
    def of(cls, field: str, typed: str) -> Point:
        """The point typed for that field, as in ``42.5195,-70.8967``.

        Raises:
            SearchRefusedError: if it is none.
        """
        match = _POINT.fullmatch(typed.strip())
        if match is not None:
            latitude, longitude = float(match[1]), float(match[2])
            if abs(latitude) <= 90 and abs(longitude) <= 180:
                return cls(latitude, longitude)
        raise SearchRefusedError(
            f"{field}: expected degrees of latitude and longitude such as 42.5195,-70.8967"
        )

    def __str__(self) -> str:
        """As it is typed."""
        return f"{self.latitude_deg},{self.longitude_deg}"


@dataclass(frozen=True, slots=True)
class Box:
    """Everything between these degrees, the bounds included."""

    south_deg: float
    north_deg: float
    west_deg: float
    east_deg: float


@dataclass(frozen=True, slots=True)
class Circle:
    """Everything within ``radius_m`` of a point."""

    centre: Point
    radius_m: float

    @classmethod
    def of(cls, near: str, radius_m: float | None) -> Circle:
        """The circle that was typed.

        Raises:
            SearchRefusedError: naming the field that is wrong.
        """
        centre = Point.of("near", near)
        if radius_m is None or not 0 < radius_m <= MAX_RADIUS_M:
            raise SearchRefusedError(f"radius: expected more than 0, at most {MAX_RADIUS_M:.0f} m")
        return cls(centre, radius_m)

    def boxes(self) -> tuple[Box, ...]:
        """Boxes that hold the circle: two where it lies across the 180th meridian."""
        angle = self.radius_m / EARTH_RADIUS_M
        latitude, longitude = self.centre.latitude_deg, self.centre.longitude_deg
        # A hair more than the circle, for what rounding takes away.
        reach_deg = math.degrees(angle) * (1 + 1e-9) + 1e-9
        south, north = latitude - reach_deg, latitude + reach_deg
        if south <= -90 or north >= 90:
            return (Box(max(south, -90.0), min(north, 90.0), -180.0, 180.0),)
        widest = math.asin(math.sin(angle) / math.cos(math.radians(latitude)))
        half_deg = math.degrees(widest) * (1 + 1e-9) + 1e-9
        west, east = longitude - half_deg, longitude + half_deg
        if west < -180:
            return (Box(south, north, west + 360, 180.0), Box(south, north, -180.0, east))
        if east > 180:
            return (Box(south, north, west, 180.0), Box(south, north, -180.0, east - 360))
        return (Box(south, north, west, east),)

    def contains(self, latitude_deg: float, longitude_deg: float) -> bool:
        """Whether the point lies within."""
        to = (self.centre.latitude_deg, self.centre.longitude_deg)
        return haversine(latitude_deg, longitude_deg, *to) <= haversine_of_distance(self.radius_m)

    def as_json(self) -> Mapping[str, JSON]:
        """The circle as the ledger keeps it."""
        return {"near": str(self.centre), "radius_m": self.radius_m}


@dataclass(frozen=True, slots=True)
class Polygon:
    """Everything within the corners, taken in order; the last joins the first."""

    corners: tuple[Point, ...]

    @classmethod
    def of(cls, typed: Sequence[str]) -> Polygon:
        """The polygon that was typed.

        Raises:
            SearchRefusedError: if it has too few or too many corners, spans half the globe, or its
                sides cross: what somebody takes for its inside may not be.
        """
        corners = tuple(Point.of("within", corner) for corner in typed)
        if len(corners) > 1 and corners[0] == corners[-1]:
            corners = corners[:-1]
        if not 3 <= len(corners) <= MAX_CORNERS:
            raise SearchRefusedError(f"within: expected 3 to {MAX_CORNERS} corners")
        longitudes = [corner.longitude_deg for corner in corners]
        if max(longitudes) - min(longitudes) > 180:
            raise SearchRefusedError(
                "within: must not lie across the 180th meridian; search its two sides one by one"
            )
        polygon = cls(corners)
        sides = polygon.sides()
        for number, side in enumerate(sides):
            # Neighbours meet in their corner; the last side is the first one's neighbour.
            others = sides[number + 2 : len(sides) - (number == 0)]
            if any(_meet(side, other) for other in others):
                raise SearchRefusedError(
                    "within: its sides must not cross or touch; give the corners in order around it"
                )
        return polygon

    def boxes(self) -> tuple[Box, ...]:
        """The box around the corners."""
        latitudes = [corner.latitude_deg for corner in self.corners]
        longitudes = [corner.longitude_deg for corner in self.corners]
        return (Box(min(latitudes), max(latitudes), min(longitudes), max(longitudes)),)

    def sides(self) -> tuple[tuple[Point, Point], ...]:
        """Each side's ends."""
        return tuple(zip(self.corners, self.corners[1:] + self.corners[:1], strict=True))

    def hull(self) -> Polygon:
        """The smallest polygon without a notch that holds it (A. M. Andrew, 1979)."""
        ordered = sorted(
            set(self.corners), key=lambda each: (each.longitude_deg, each.latitude_deg)
        )
        south, north = _one_side(ordered), _one_side(ordered[::-1])
        return Polygon((*south[:-1], *north[:-1]))

    def contains(self, latitude_deg: float, longitude_deg: float) -> bool:
        """Whether a line from the point to the east crosses an odd number of sides."""
        crossed = 0
        for one, other in self.sides():
            if (one.latitude_deg > latitude_deg) != (other.latitude_deg > latitude_deg):
                slope = (other.longitude_deg - one.longitude_deg) / (
                    other.latitude_deg - one.latitude_deg
                )
                at_deg = one.longitude_deg + slope * (latitude_deg - one.latitude_deg)
                crossed += longitude_deg < at_deg
        return crossed % 2 == 1

    def as_json(self) -> Mapping[str, JSON]:
        """The polygon as the ledger keeps it."""
        return {"within": [str(corner) for corner in self.corners]}


def _one_side(ordered: Sequence[Point]) -> list[Point]:
    """Those of the corners, in that order, between which a path never turns to the right."""
    path: list[Point] = []
    for corner in ordered:
        while len(path) > 1 and _turn(path[-2], path[-1], corner) <= 0:
            path.pop()
        path.append(corner)
    return path


def _meet(one: tuple[Point, Point], other: tuple[Point, Point]) -> bool:
    """Whether two sides have a point in common."""
    for get in (_latitude, _longitude):
        if max(map(get, one)) < min(map(get, other)) or max(map(get, other)) < min(map(get, one)):
            return False
    return all(
        _turn(*line, ends[0]) * _turn(*line, ends[1]) <= 0
        for line, ends in ((one, other), (other, one))
    )


def _turn(start: Point, end: Point, to: Point) -> int:
    """To which side of a line a point lies: 1 to the left, -1 to the right, 0 on it."""
    left = (end.longitude_deg - start.longitude_deg) * (to.latitude_deg - start.latitude_deg)
    right = (end.latitude_deg - start.latitude_deg) * (to.longitude_deg - start.longitude_deg)
    return (left > right) - (left < right)


def _latitude(point: Point) -> float:
    return point.latitude_deg


def _longitude(point: Point) -> float:
    return point.longitude_deg


Place = Circle | Polygon
