"""Distances on the earth taken as a sphere; pure."""

from __future__ import annotations

import math

EARTH_RADIUS_M = 6_371_008.8
"""The earth's mean radius (IUGG): distances differ from the ellipsoid's by 0.6 % at most."""


def haversine(latitude: float, longitude: float, to_latitude: float, to_longitude: float) -> float:
    """The haversine of the angle between two points in degrees: 0 for the same, 1 for antipodes.

    R. W. Sinnott, "Virtues of the Haversine", Sky and Telescope 68 (1984).
    """
    north = math.sin(math.radians(latitude - to_latitude) / 2)
    east = math.sin(math.radians(longitude - to_longitude) / 2)
    across = math.cos(math.radians(latitude)) * math.cos(math.radians(to_latitude))
    return north * north + across * east * east


def haversine_of_distance(distance_m: float) -> float:
    """The haversine of the angle that a distance along the ground spans."""
    return math.sin(distance_m / (2 * EARTH_RADIUS_M)) ** 2
