"""What makes a search so broad that a supervisor must agree to it first. Pure.

What a search may come to see is bounded by three things: the plate, the place and the time. The
more of a plate is known, the fewer people are seen who are suspected of nothing, and the less the
other two must bound:

- A whole plate leads to one vehicle, and is judged by its span alone.
- A fragment, three adjacent characters or more, leads to a few, as what a witness saw of a plate
  does. It is broad where neither place nor time bounds it: over a wide area and for long. A named
  place, or a short time, is enough; how many reads it may come to counts in any case.
- Everything else is about whoever came by, and is broad by its area or by its span.

Where no place is named, that is every place: leaving something out never spares an approval. A
question which plates were seen with another is always broad. The policies give no numbers, only
that a search rests on specific and articulable facts (C-1a): the numbers are settings.
"""

from __future__ import annotations

import math
from datetime import timedelta

from repository.search.criteria import MAX_WINDOW, Criteria, Window
from repository.search.pattern import ENOUGH_ADJACENT
from repository.search.place import Circle, Place, Point, Polygon
from repository.search.settings import SearchSettings
from repository.store.sphere import EARTH_RADIUS_M

_M2_IN_KM2 = 1e6


def by_itself(criteria: Criteria, limits: SearchSettings) -> list[str]:
    """What is broad about the criteria as they stand, in words; nothing if they are narrow."""
    days = limits.broad_plate_span_days
    fewer = min(limits.broad_span_days, days)
    if is_led_by_plate(criteria) and _is_longer(criteria.window, days):
        return [f"covers more than {days:g} days of a plate or a part of one"]
    if is_of_one_plate(criteria):
        return []
    long = _is_longer(criteria.window, fewer)
    wide = criteria.place is None or area_km2(criteria.place) > limits.broad_area_km2
    span = f"more than {fewer:g} days"
    area = _area_in_words(criteria.place, limits)
    if is_led_by_plate(criteria):
        return [f"covers {span} and {area} without a whole plate"] if long and wide else []
    without = f"without a plate or {ENOUGH_ADJACENT} adjacent characters of one"
    bounds = ((long, span), (wide, area))
    return [f"covers {what} {without}" for broad, what in bounds if broad]


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


def _is_longer(window: Window | None, days: float) -> bool:
    """Whether it is longer than so many days; without a window, than all that one may span."""
    span = MAX_WINDOW if window is None else window.end - window.start
    return span > timedelta(days=days)


def _area_in_words(place: Place | None, limits: SearchSettings) -> str:
    if place is None:
        return "every place (none is named)"
    between = " between its outermost corners" if isinstance(place, Polygon) else ""
    return f"more than {limits.broad_area_km2:g} km²{between}"


def area_km2(place: Place) -> float:
    """The area of a place on the earth taken as a sphere, in square kilometres.

    Of a circle exactly (a spherical cap). Of a polygon, of the convex hull of its corners, whose
    sides are straight in degrees as the polygon's are: it is never less than what is searched, and
    a snake along every road counts as the country that it winds through, since whoever drives
    there passes it.
    """
    if isinstance(place, Circle):
        angle = min(place.radius_m / EARTH_RADIUS_M, math.pi)
        return 4 * math.pi * EARTH_RADIUS_M**2 * math.sin(angle / 2) ** 2 / _M2_IN_KM2
    beneath = sum(_beneath(one, other) for one, other in place.hull().sides())
    return abs(beneath) * EARTH_RADIUS_M**2 / _M2_IN_KM2


def _beneath(one: Point, other: Point) -> float:
    """The area between a side and the equator on the unit sphere, negative where it runs west.

    The integral of the latitude's sine over the longitude, both changing evenly along the side.
    """
    north = math.radians(one.latitude_deg + other.latitude_deg) / 2
    half = math.radians(other.latitude_deg - one.latitude_deg) / 2
    sine = math.sin(north) * (math.sin(half) / half if half else 1.0)
    return math.radians(other.longitude_deg - one.longitude_deg) * sine
