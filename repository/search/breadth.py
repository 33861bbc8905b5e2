"""What makes a search so broad that a supervisor must agree to it first. Pure.

A whole plate leads to one vehicle, and is judged by its span alone. Enough adjacent characters of
one lead to few, and are judged by their span and by how many reads they may come to. Everything
else is about whoever came by, and is judged by its area, too: where no place is named, that is
everywhere. A question which plates were seen with another is always broad, since it is about people
who are suspected of nothing.
"""

from __future__ import annotations

import math
from datetime import timedelta

from repository.search.criteria import MAX_WINDOW, Criteria
from repository.search.pattern import ENOUGH_ADJACENT
from repository.search.place import Circle, Place
from repository.search.settings import SearchSettings
from repository.store.sphere import EARTH_RADIUS_M

_M2_IN_KM2 = 1e6


def by_itself(criteria: Criteria, limits: SearchSettings) -> list[str]:
    """What is broad about the criteria as they stand, in words; nothing if they are narrow."""
    reasons = []
    window = criteria.window
    span = None if window is None else window.end - window.start
    if is_led_by_plate(criteria):
        days = limits.broad_plate_span_days
        if (span is None and timedelta(days=days) < MAX_WINDOW) or (
            span is not None and span > timedelta(days=days)
        ):
            reasons.append(f"covers more than {days:g} days of a plate or a part of one")
        return reasons
    without = f"without a plate or {ENOUGH_ADJACENT} adjacent characters of one"
    if span is None or span > timedelta(days=limits.broad_span_days):
        reasons.append(f"covers more than {limits.broad_span_days:g} days {without}")
    if criteria.place is None:
        reasons.append(f"names no place, and so covers every place, {without}")
    elif area_km2(criteria.place) > limits.broad_area_km2:
        reasons.append(f"covers more than {limits.broad_area_km2:g} km² {without}")
    return reasons


def by_number(limits: SearchSettings) -> str:
    """What is broad about a search that may come to more reads than it may."""
    return f"may come to more than {limits.broad_reads} reads"


def is_led_by_plate(criteria: Criteria) -> bool:
    """Whether it is about a whole plate, or about enough adjacent characters of one."""
    pattern = criteria.pattern
    return pattern is not None and (pattern.whole or pattern.adjacent >= ENOUGH_ADJACENT)


def is_of_one_plate(criteria: Criteria) -> bool:
    """Whether it is about a whole plate."""
    return criteria.pattern is not None and criteria.pattern.whole


def area_km2(place: Place) -> float:
    """The area of a place on the earth taken as a sphere, in square kilometres.

    Of a circle exactly (a spherical cap); of a polygon as of its outline drawn in the equal-area
    cylindrical projection, which leaves areas as they are.
    """
    if isinstance(place, Circle):
        angle = min(place.radius_m / EARTH_RADIUS_M, math.pi)
        return 2 * math.pi * EARTH_RADIUS_M**2 * (1 - math.cos(angle)) / _M2_IN_KM2
    doubled = 0.0
    for one, other in place.sides():
        one_y, other_y = (
            math.sin(math.radians(corner.latitude_deg)) * EARTH_RADIUS_M for corner in (one, other)
        )
        one_x, other_x = (
            math.radians(corner.longitude_deg) * EARTH_RADIUS_M for corner in (one, other)
        )
        doubled += one_x * other_y - other_x * one_y
    return abs(doubled) / 2 / _M2_IN_KM2
