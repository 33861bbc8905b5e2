"""Where a plate should be by now: its own motion, and that of the camera."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from edge.vision.geometry import Box

LONGEST_STRIDE_S = 1.0
"""A motion is trusted for this long; who stays hidden longer may have turned or stopped."""

SPREAD_WIDTHS = 0.35  # how far off a plate is found at once, in plate widths
SPREAD_WIDTHS_S = 2.0  # and how much more with each second, its motion known
UNKNOWN_WIDTHS_S = 9.0  # with one sighting only: a close car passes at this many widths a second
SPREAD_OF_SPEED = 0.35  # a motion in perspective grows and turns
SIZE_SPREAD = 0.15
SIZE_SPREAD_S = 0.5
BLEND = 0.6  # how much a new measurement counts against the motion so far
MOST_GROWTH_S = 2.0
STEADY_PX = 6.0  # how far apart plates may be found that moved with the camera alone
STEADY_SHARE = 0.15


@dataclass(frozen=True, slots=True)
class Expected:
    """Middle and width in pixels that a plate should have, and how far off they may be."""

    center_px: tuple[float, float]
    width_px: float
    spread_px: tuple[float, float]
    size_spread: float


@dataclass(frozen=True, slots=True)
class Motion:
    """A plate's last place and width, and how they change; seconds on the frames' own clock."""

    at_s: float
    center_px: tuple[float, float]
    width_px: float
    height_px: float
    velocity_px_s: tuple[float, float] = (0.0, 0.0)
    growth_s: float = 0.0
    sightings: int = 1

    @classmethod
    def begun(cls, box: Box, at_s: float) -> Motion:
        """A plate seen once."""
        return cls(at_s, box.center, max(1.0, box.w), max(1.0, box.h))

    def expected(self, at_s: float) -> Expected:
        """Where it should be at a later time."""
        elapsed_s = max(0.0, at_s - self.at_s)
        stride_s = min(elapsed_s, LONGEST_STRIDE_S)
        x, y = self.center_px
        moved = self.velocity_px_s
        rate = UNKNOWN_WIDTHS_S if self.sightings == 1 else SPREAD_WIDTHS_S
        across = self.width_px * (SPREAD_WIDTHS + rate * elapsed_s)
        spread = tuple(
            math.hypot(across * share, SPREAD_OF_SPEED * speed * elapsed_s)
            for share, speed in zip((1.0, 0.6), moved, strict=True)
        )
        return Expected(
            (x + moved[0] * stride_s, y + moved[1] * stride_s),
            self.width_px * math.exp(self.growth_s * stride_s),
            (spread[0], spread[1]),
            SIZE_SPREAD + SIZE_SPREAD_S * elapsed_s,
        )

    def left(self, at_s: float, size_px: tuple[int, int]) -> bool:
        """Whether it should have left a picture of that width and height by then."""
        elapsed_s = max(0.0, at_s - self.at_s)
        return not all(
            0 <= place + speed * elapsed_s <= side
            for place, speed, side in zip(self.center_px, self.velocity_px_s, size_px, strict=True)
        )

    def seen(self, box: Box, at_s: float) -> Motion:
        """The motion after another sighting; one at the same time as the last is taken as is."""
        elapsed_s = at_s - self.at_s
        fresh = Motion.begun(box, at_s)
        if elapsed_s <= 0:
            return replace(
                fresh, velocity_px_s=self.velocity_px_s, growth_s=self.growth_s,
                sightings=self.sightings,
            )  # fmt: skip
        share = 1.0 if self.sightings == 1 else BLEND
        growth = math.log(fresh.width_px / self.width_px) / elapsed_s
        growth = max(-MOST_GROWTH_S, min(MOST_GROWTH_S, growth))
        return replace(
            fresh,
            velocity_px_s=(
                _blend(self.velocity_px_s[0], fresh.center_px[0], self.center_px[0],
                       elapsed_s, share),
                _blend(self.velocity_px_s[1], fresh.center_px[1], self.center_px[1],
                       elapsed_s, share),
            ),
            growth_s=self.growth_s + share * (growth - self.growth_s),
            sightings=self.sightings + 1,
        )  # fmt: skip

    def shifted(self, by_px: tuple[float, float]) -> Motion:
        """The same with the camera turned by so many pixels."""
        x, y = self.center_px
        return replace(self, center_px=(x + by_px[0], y + by_px[1]))


def camera_shift(residuals_px: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """How far the whole picture moved, from how far off plates of known text were found.

    One plate says nothing: it may itself have moved. What most of several agree on, the camera did.
    """
    if len(residuals_px) < 2:
        return (0.0, 0.0)
    x, y = median(x for x, _ in residuals_px), median(y for _, y in residuals_px)
    off = STEADY_PX + STEADY_SHARE * math.hypot(x, y)
    agreeing = sum(math.hypot(one - x, other - y) <= off for one, other in residuals_px)
    return (x, y) if agreeing >= max(2, 0.6 * len(residuals_px)) else (0.0, 0.0)


def _blend(so_far: float, now: float, before: float, elapsed_s: float, share: float) -> float:
    return so_far + share * ((now - before) / elapsed_s - so_far)
