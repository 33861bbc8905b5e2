"""A drive with turns and stops, known at every moment, and what a receiver tells of it once a
second; everything follows from the seed."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from edge.position.between import METRES_PER_DEGREE
from edge.position.nmea import Fix

START = datetime(2026, 3, 3, 14, 5, tzinfo=UTC)
LATITUDE_DEG, LONGITUDE_DEG = 42.3558667, -71.0624333
STEP_S = 0.01
UERE_M = 4.0
HDOP = 0.9
ERROR_LASTS_S = 60.0
"""A receiver's error wanders: it is nearly the same from one second to the next."""


@dataclass(frozen=True)
class Drive:
    """Where the unit really was each hundredth of a second, and the fixes of whole seconds."""

    north_m: list[float]
    east_m: list[float]
    fixes: list[Fix]

    def error_m(self, latitude_deg: float, longitude_deg: float, at_s: float) -> float:
        """How far a place is from where the unit really was then."""
        index = round(at_s / STEP_S)
        north_m, east_m = _metres(latitude_deg, longitude_deg)
        return math.hypot(north_m - self.north_m[index], east_m - self.east_m[index])

    def place(self, at_s: float) -> tuple[float, float]:
        """Where the unit really was then, in degrees."""
        index = round(at_s / STEP_S)
        return _degrees(self.north_m[index], self.east_m[index])


def drive(seconds: int, seed: int, *, top_speed_mps: float = 17.0, uere_m: float = UERE_M) -> Drive:
    """Town traffic: stretches of some seconds that speed up, cruise, turn, brake or stand.

    ``uere_m`` is the receiver's range error, 0 for fixes that are exact.
    """
    chance = random.Random(seed)  # noqa: S311 - an invented drive
    north_m, east_m, heading, speed = 0.0, 0.0, chance.uniform(0, 2 * math.pi), 0.0
    left_s, pull_mps2, turn_rad_s = 0.0, 0.0, 0.0
    sigma_m = HDOP * uere_m / math.sqrt(2)
    error_m = [chance.gauss(0, sigma_m) for _ in range(2)]
    norths, easts, fixes = [], [], []
    for index in range(round(seconds / STEP_S) + 1):
        if left_s <= 0:
            left_s, pull_mps2, turn_rad_s = _stretch(chance, speed)
        left_s -= STEP_S
        speed = min(top_speed_mps, max(0.0, speed + pull_mps2 * STEP_S))
        heading = (heading + (turn_rad_s if speed > 1 else 0.0) * STEP_S) % (2 * math.pi)
        norths.append(north_m)
        easts.append(east_m)
        if index % round(1 / STEP_S) == 0:
            error_m = [_wander(chance, error, sigma_m) for error in error_m]
            fixes.append(_fix(index, north_m + error_m[0], east_m + error_m[1], speed, heading))
        north_m += speed * math.cos(heading) * STEP_S
        east_m += speed * math.sin(heading) * STEP_S
    return Drive(norths, easts, fixes)


def _stretch(chance: random.Random, speed: float) -> tuple[float, float, float]:
    kinds = ["up", "up", "cruise", "cruise", "cruise", "left", "right", "brake", "stand"]
    kind = chance.choice(kinds) if speed > 1 else "up"
    if kind == "up":
        return chance.uniform(2, 6), chance.uniform(1.0, 3.0), 0.0
    if kind in ("left", "right"):
        rate = min(0.6, 3.0 / max(speed, 1.0))  # 3 m/s² sideways at most
        return chance.uniform(1.5, 3.5), 0.0, rate if kind == "right" else -rate
    if kind == "brake":
        return chance.uniform(1, 4), -chance.uniform(1.5, 4.0), 0.0
    if kind == "stand":
        return chance.uniform(4, 12), -3.0, 0.0
    return chance.uniform(3, 8), 0.0, 0.0


def _wander(chance: random.Random, error_m: float, sigma_m: float) -> float:
    """The next error: first-order Gauss-Markov, of the same spread at every moment."""
    kept = math.exp(-1 / ERROR_LASTS_S)
    return kept * error_m + math.sqrt(1 - kept**2) * chance.gauss(0, sigma_m)


def _fix(index: int, north_m: float, east_m: float, speed: float, heading: float) -> Fix:
    at = START + timedelta(seconds=index * STEP_S)
    latitude_deg, longitude_deg = _degrees(north_m, east_m)
    return Fix(
        latitude_deg=latitude_deg,
        longitude_deg=longitude_deg,
        speed_mps=round(speed, 3),
        heading_deg=round(math.degrees(heading), 1) % 360,
        quality="gps",
        satellites=9,
        hdop=HDOP,
        at=at,
        received_at=at + timedelta(seconds=0.2),
    )


def _degrees(north_m: float, east_m: float) -> tuple[float, float]:
    return (
        round(LATITUDE_DEG + north_m / METRES_PER_DEGREE, 7),
        round(LONGITUDE_DEG + east_m / _metres_per_degree_east(), 7),
    )


def _metres(latitude_deg: float, longitude_deg: float) -> tuple[float, float]:
    return (
        (latitude_deg - LATITUDE_DEG) * METRES_PER_DEGREE,
        (longitude_deg - LONGITUDE_DEG) * _metres_per_degree_east(),
    )


def _metres_per_degree_east() -> float:
    return METRES_PER_DEGREE * math.cos(math.radians(LATITUDE_DEG))
