"""The drive's motion and its GPS sentences, on a short made-up stretch in Northampton."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from itertools import pairwise

ROUTE: tuple[tuple[float, float], ...] = (
    (42.31868, -72.62905),
    (42.31893, -72.62988),
    (42.31914, -72.63073),
    (42.31912, -72.63152),
    (42.31886, -72.63236),
    (42.31842, -72.63318),
    (42.31801, -72.63402),
)
"""Latitude and longitude, WGS 84 degrees; longer drives stop at its end."""

_EARTH_M_PER_DEG = 111_320.0
_MPS_TO_KNOTS = 1.943844
_MPS_TO_KMH = 3.6


@dataclass(frozen=True)
class Motion:
    """A slow patrol past parked cars: a mean speed with a gentle ebb and flow."""

    duration_s: float
    mean_speed_mps: float = 4.2
    swing_mps: float = 0.5
    swing_period_s: float = 11.0

    def distance_m(self, t_s: float) -> float:
        """How far along the street the camera is after `t_s` seconds."""
        turn = 2 * math.pi / self.swing_period_s
        return self.mean_speed_mps * t_s + self.swing_mps / turn * (1 - math.cos(turn * t_s))

    def speed_mps(self, t_s: float) -> float:
        """The derivative of `distance_m`."""
        turn = 2 * math.pi / self.swing_period_s
        return self.mean_speed_mps + self.swing_mps * math.sin(turn * t_s)


@dataclass(frozen=True)
class TrackPoint:
    """Where the car is at one moment."""

    time: datetime
    latitude_deg: float
    longitude_deg: float
    speed_mps: float
    heading_deg: float
    """From true north, clockwise."""


def _leg(a: tuple[float, float], b: tuple[float, float]) -> tuple[float, float]:
    """Length (m) and heading (degrees) from one place to another near it, on a flat earth."""
    north = (b[0] - a[0]) * _EARTH_M_PER_DEG
    east = (b[1] - a[1]) * _EARTH_M_PER_DEG * math.cos(math.radians(a[0]))
    return math.hypot(north, east), math.degrees(math.atan2(east, north)) % 360


def point_at(motion: Motion, started: datetime, t_s: float) -> TrackPoint:
    """Where the car is `t_s` seconds after `started`; past the route's end it stands there.

    Raises:
        ValueError: `started` has no time zone.
    """
    if started.utcoffset() is None:
        raise ValueError("started: give the time with its zone, such as UTC")
    left = motion.distance_m(t_s)
    time = started + timedelta(seconds=t_s)
    heading = 0.0
    for a, b in pairwise(ROUTE):
        length, heading = _leg(a, b)
        if left <= length:
            share = left / length
            latitude, longitude = (p + (q - p) * share for p, q in zip(a, b, strict=True))
            return TrackPoint(time, latitude, longitude, motion.speed_mps(t_s), heading)
        left -= length
    return TrackPoint(time, *ROUTE[-1], 0.0, heading)


def track(motion: Motion, started: datetime, *, every_s: float = 1.0) -> list[TrackPoint]:
    """The whole drive, one point every `every_s` seconds, both ends included."""
    steps = math.ceil(motion.duration_s / every_s)
    return [point_at(motion, started, step * every_s) for step in range(steps + 1)]


def sentence(body: str) -> str:
    """An NMEA 0183 sentence with its checksum, the exclusive or of the characters of `body`."""
    checksum = reduce(lambda total, character: total ^ ord(character), body, 0)
    return f"${body}*{checksum:02X}"


def _angle(value_deg: float, whole_digits: int, signs: str) -> str:
    """Degrees and decimal minutes with the hemisphere, as NMEA writes them."""
    minutes_e4 = round(abs(value_deg) * 60 * 10_000)
    degrees, rest = divmod(minutes_e4, 60 * 10_000)
    return f"{degrees:0{whole_digits}d}{rest / 10_000:07.4f},{signs[value_deg < 0]}"


def sentences(point: TrackPoint) -> list[str]:
    """The RMC, GGA, GSA and VTG sentences that a receiver sends at one point, without line ends."""
    clock, day = point.time.strftime("%H%M%S.00"), point.time.strftime("%d%m%y")
    latitude = _angle(point.latitude_deg, 2, "NS")
    longitude = _angle(point.longitude_deg, 3, "EW")
    knots, kmh = point.speed_mps * _MPS_TO_KNOTS, point.speed_mps * _MPS_TO_KMH
    course = f"{point.heading_deg:.1f}"
    return [
        sentence(f"GPRMC,{clock},A,{latitude},{longitude},{knots:.2f},{course},{day},,,A"),
        sentence(f"GPGGA,{clock},{latitude},{longitude},1,10,0.9,42.0,M,-33.0,M,,"),
        sentence("GPGSA,A,3,02,05,07,13,15,18,20,27,29,30,,,1.7,0.9,1.4"),
        sentence(f"GPVTG,{course},T,,M,{knots:.2f},N,{kmh:.2f},K,A"),
    ]


def nmea_text(points: Sequence[TrackPoint]) -> str:
    """Every point's sentences as the text of a log, each line ended by CR LF."""
    return "".join(f"{line}\r\n" for point in points for line in sentences(point))
