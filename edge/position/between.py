"""Where a moving unit was between two fixes, and some seconds after the last; pure geometry.

Over the second or so between fixes the earth is flat enough: a degree of longitude is that of
latitude times the cosine of the latitude, and the error of that against the great circle is under
a millimetre for 100 m up to 80 degrees of latitude.

Radii are those of the circle that holds the unit with 95% probability, in metres.

- A fix: ``2 x HDOP x UERE``, twice the distance root mean square, which holds 95.5% to 98.2%
  (National Research Council, *The Global Positioning System: A Shared National Asset*, 1995,
  appendix on accuracy). The user equivalent range error (UERE) is by the fix's quality: 4 m for a
  plain one makes 8 m at an HDOP of 1, the 95% horizontal accuracy that the *GPS Standard
  Positioning Service Performance Standard* (2020) promises on global average under an open sky;
  2 m where satellites send corrections. Between tall buildings errors are larger than any receiver
  tells. A fix in two dimensions, whose height is assumed, counts double.
- Between two fixes ``T`` seconds apart, ``t`` after the first, a straight line is off by at most
  ``a t (T - t) / 2`` while no acceleration exceeds ``a`` (the error bound of linear
  interpolation).
- ``t`` seconds after the last fix, carried on at its speed and heading, by at most ``a t^2 / 2``
  and the error of that speed times ``t``; without a speed, by the speed a vehicle may have.

``a`` is 4 m/s^2: hard braking and tight turns of a car in traffic; an emergency stop is up to 8.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from edge.position.nmea import Fix

METRES_PER_DEGREE = 111_195.0
"""Of latitude, on a sphere of 6,371 km."""

MAX_ACCELERATION_MPS2 = 4.0
SPEED_ERROR_MPS = 0.5
UNKNOWN_SPEED_MPS = 40.0
"""What a vehicle whose receiver tells no speed may do."""

UNKNOWN_HDOP = 2.5
_UERE_M = {
    "gps": 4.0,
    "pps": 4.0,
    "dgps": 2.0,
    "rtk": 0.1,
    "float rtk": 0.5,
    "estimated": 15.0,
}
_NO_SATELLITES = ("manual", "simulated")
_FLAT = " 2d"


@dataclass(frozen=True, slots=True)
class Place:
    """A place at a moment, and the motion there.

    ``radius_m`` is None where nothing vouches for the place: it was typed in or made up.
    """

    latitude_deg: float
    longitude_deg: float
    speed_mps: float | None
    heading_deg: float | None
    radius_m: float | None


def fix_radius_m(fix: Fix) -> float | None:
    """The radius of a fix's error: the receiver's own, else by quality and dilution."""
    if fix.error_m is not None:
        return fix.error_m
    quality = fix.quality.removesuffix(_FLAT)
    if quality in _NO_SATELLITES:
        return None
    hdop = UNKNOWN_HDOP if fix.hdop is None else fix.hdop
    radius_m = 2 * hdop * _UERE_M.get(quality, _UERE_M["gps"])
    return 2 * radius_m if fix.quality.endswith(_FLAT) else radius_m


def apart_m(one: Fix, other: Fix) -> float:
    """The great circle between two fixes in metres, by the haversine formula."""
    north, other_north = math.radians(one.latitude_deg), math.radians(other.latitude_deg)
    east = math.radians(other.longitude_deg - one.longitude_deg)
    half = (
        math.sin((other_north - north) / 2) ** 2
        + math.cos(north) * math.cos(other_north) * math.sin(east / 2) ** 2
    )
    return 2 * math.degrees(math.asin(math.sqrt(min(1.0, half)))) * METRES_PER_DEGREE


def between(first: Fix, second: Fix, *, after_s: float, gap_s: float) -> Place:
    """The place ``after_s`` seconds after the first of two fixes ``gap_s`` apart.

    On the straight line between them; speed goes linearly, heading by the shorter arc, and each is
    that of the nearer fix where only one has it.
    """
    share = after_s / gap_s
    nearer, other = (second, first) if share > 0.5 else (first, second)
    east_deg = _turn(second.longitude_deg - first.longitude_deg)
    radii = [radius for fix in (first, second) if (radius := fix_radius_m(fix)) is not None]
    bend_m = MAX_ACCELERATION_MPS2 * after_s * (gap_s - after_s) / 2
    heading_deg = nearer.heading_deg if nearer.heading_deg is not None else other.heading_deg
    if first.heading_deg is not None and second.heading_deg is not None:
        turn_deg = _turn(second.heading_deg - first.heading_deg)
        heading_deg = (first.heading_deg + share * turn_deg) % 360
    speed_mps = nearer.speed_mps if nearer.speed_mps is not None else other.speed_mps
    if first.speed_mps is not None and second.speed_mps is not None:
        speed_mps = first.speed_mps + share * (second.speed_mps - first.speed_mps)
    return Place(
        latitude_deg=first.latitude_deg + share * (second.latitude_deg - first.latitude_deg),
        longitude_deg=_turn(first.longitude_deg + share * east_deg),
        speed_mps=speed_mps,
        heading_deg=heading_deg,
        radius_m=max(radii) + bend_m if len(radii) == 2 else None,
    )


def onward(fix: Fix, *, after_s: float) -> Place:
    """The place ``after_s`` seconds after a fix that none has followed yet.

    Carried on at its speed and heading; held where it was if it tells none.
    """
    radius_m = fix_radius_m(fix)
    if fix.speed_mps is None or fix.heading_deg is None:
        speed_mps = UNKNOWN_SPEED_MPS if fix.speed_mps is None else fix.speed_mps
        spread_m = (speed_mps + MAX_ACCELERATION_MPS2 * after_s / 2) * after_s
        north_m = east_m = 0.0
    else:
        spread_m = (SPEED_ERROR_MPS + MAX_ACCELERATION_MPS2 * after_s / 2) * after_s
        heading = math.radians(fix.heading_deg)
        north_m = fix.speed_mps * after_s * math.cos(heading)
        east_m = fix.speed_mps * after_s * math.sin(heading)
    narrowed = max(math.cos(math.radians(fix.latitude_deg)), 1e-6)
    return Place(
        latitude_deg=max(-90.0, min(90.0, fix.latitude_deg + north_m / METRES_PER_DEGREE)),
        longitude_deg=_turn(fix.longitude_deg + east_m / (METRES_PER_DEGREE * narrowed)),
        speed_mps=fix.speed_mps,
        heading_deg=fix.heading_deg,
        radius_m=None if radius_m is None else radius_m + spread_m,
    )


def _turn(degrees: float) -> float:
    """The same direction from -180 up to 180 degrees."""
    return degrees if -180 <= degrees <= 180 else (degrees + 180) % 360 - 180
