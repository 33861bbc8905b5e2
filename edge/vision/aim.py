"""What an aim check finds: whether the plates in view are large, sharp and level enough to read.

Pure: takes what was seen and says what is good and what is not, each with what to do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from edge.vision.aim_reference import AimReference
from edge.vision.aim_shift import View, outlines
from edge.vision.camera_settings import CameraSettings
from edge.vision.geometry import Box, Corners
from edge.vision.picture_health_glance import SMALL_PX, Glance, shrink

MIN_PLATE_HEIGHT_PX: Final = 22
"""From here on most plates are read rightly; see the table in deploy/README.md."""
MIN_SHARPNESS: Final = 0.45
"""Street pictures that are in focus have 0.55 and more; out by two pixels of 1280, 0.4."""
DARKEST, BRIGHTEST = 25.0, 215.0
MAX_WHITE_SHARE: Final = 0.1
MAX_TILT_DEG: Final = 6.0

_WHITE = 250
_AGREES = 0.25


@dataclass(frozen=True, slots=True)
class PlateInView:
    """A plate's box in pixels, and how far its upper and lower side slope, clockwise."""

    box: Box
    tilt_deg: float


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: whether it is good (None: could not be told), and why."""

    what: str
    good: bool | None
    sentence: str


@dataclass(frozen=True, slots=True)
class AimCheck:
    """All that was found. `good` is whether nothing is wrong and a plate was in view."""

    plates: tuple[PlateInView, ...]
    sharpness: float | None
    brightness: float
    findings: tuple[Finding, ...]

    @property
    def good(self) -> bool:
        """Whether the camera can be left as it is."""
        return bool(self.plates) and all(one.good is not False for one in self.findings)


def plate_in_view(box: Box, outline: Corners) -> PlateInView:
    """A plate by its box and its corners (4, 2), clockwise from the top left."""
    top_left, top_right, bottom_right, bottom_left = outline.astype(float)
    along = (top_right - top_left) + (bottom_right - bottom_left)
    return PlateInView(box, math.degrees(math.atan2(along[1], along[0])))


def check_aim(
    camera: CameraSettings,
    plates: Sequence[PlateInView],
    seen: Glance,
    before: AimReference | None,
) -> AimCheck:
    """Judge one frame's plates and glance, beside the aim check `before`, if any."""
    brightness = float(seen.small.mean())
    findings = (
        _size(plates),
        _sharp(seen.sharpness),
        _exposure(brightness, float((seen.small >= _WHITE).mean())),
        _level(plates),
        _moved(camera, seen, before),
    )
    return AimCheck(tuple(plates), seen.sharpness, brightness, findings)


def _size(plates: Sequence[PlateInView]) -> Finding:
    if not plates:
        return Finding(
            "plates",
            None,
            "no plate in view: let a car stand where plates are to be read, and check again",
        )
    heights = sorted(plate.box.h for plate in plates)
    listed = ", ".join(str(height) for height in heights)
    if heights[-1] < MIN_PLATE_HEIGHT_PX:
        return Finding(
            "plates",
            False,
            f"plates are {listed} px high, at least {MIN_PLATE_HEIGHT_PX} are needed: zoom in, or "
            "move the camera nearer",
        )
    return Finding("plates", True, f"plates are {listed} px high ({MIN_PLATE_HEIGHT_PX} needed)")


def _sharp(sharpness: float | None) -> Finding:
    if sharpness is None:
        return Finding("lens", None, "too few edges in view to tell whether the lens is sharp")
    if sharpness < MIN_SHARPNESS:
        return Finding(
            "lens",
            False,
            f"the picture is blurred (sharpness {sharpness:.2f}, {MIN_SHARPNESS} needed): wipe the "
            "lens and set its focus",
        )
    return Finding("lens", True, f"the lens is sharp ({sharpness:.2f}, {MIN_SHARPNESS} needed)")


def _exposure(brightness: float, white: float) -> Finding:
    said = f"mean brightness {brightness:.0f} of 255, {white:.0%} pure white"
    if brightness > BRIGHTEST or white > MAX_WHITE_SHARE:
        return Finding("exposure", False, f"too bright ({said}): shade the lens, expose less")
    if brightness < DARKEST:
        return Finding("exposure", None, f"dark ({said}): check again by day or with plates lit")
    return Finding("exposure", True, f"well exposed ({said})")


def _level(plates: Sequence[PlateInView]) -> Finding:
    if not plates:
        return Finding("level", None, "no plate to tell by whether the camera is level")
    tilt = float(np.median([plate.tilt_deg for plate in plates]))
    if abs(tilt) > MAX_TILT_DEG:
        side = "anticlockwise" if tilt > 0 else "clockwise"
        return Finding(
            "level",
            False,
            f"plates slope by {abs(tilt):.0f} degrees: turn the camera, so that the picture turns "
            f"{side}",
        )
    return Finding("level", True, f"level (plates slope by {abs(tilt):.0f} degrees)")


def _moved(camera: CameraSettings, seen: Glance, before: AimReference | None) -> Finding:
    if camera.kind == "vehicle":
        said = (
            "its steady part is compared while it runs"
            if camera.steady
            else "a vehicle camera without a steady part is not compared with its aim check: a "
            "shift is noticed by people alone"
        )
        return Finding("aim", None, said)
    if before is None:
        return Finding("aim", None, "no aim check yet: accept this one, to be compared with")
    small = shrink(before.picture, SMALL_PX)
    if small.shape != seen.small.shape:
        return Finding("aim", None, "the picture's size has changed since the last aim check")
    shift = View(outlines(small)).compare(outlines(seen.small))
    taken = f"the aim check of {before.taken_at:%Y-%m-%d}"
    if shift.agreement < _AGREES:
        return Finding("aim", None, f"cannot be compared with {taken}: other light or other view")
    aside = max(abs(shift.right), abs(shift.down))
    if aside >= camera.picture.shifted_from:
        across, down = shift.right * before.width_px, shift.down * before.height_px
        return Finding(
            "aim",
            False,
            f"{abs(across):.0f} px to the {'right' if across > 0 else 'left'} and {abs(down):.0f} "
            f"px {'below' if down > 0 else 'above'} {taken}: check the mount, or accept this aim",
        )
    return Finding("aim", True, f"as at {taken}")
