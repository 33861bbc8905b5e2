"""The picture that an aim check shows: where plates are looked for, and what was found."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.aim import AimCheck
from edge.vision.camera_settings import CameraSettings
from edge.vision.region import Point

_GOOD, _BAD, _UNTOLD = (80, 200, 80), (60, 60, 230), (210, 210, 210)
_STEADY = (220, 170, 60)
_OUTSIDE = 0.45
_MARKS = {True: "+", False: "!", None: "?"}
_COLOURS = {True: _GOOD, False: _BAD, None: _UNTOLD}
_LETTERS_A_LINE = 96


def draw_aim(
    image: NDArray[np.uint8], camera: CameraSettings, check: AimCheck
) -> NDArray[np.uint8]:
    """The (H, W, 3) uint8 BGR frame with a panel of the findings below it."""
    shown = image.copy()
    height, width = shown.shape[:2]
    line_px = max(1, round(width / 640))
    scale = width / 1280
    if camera.region:
        inside = np.zeros((height, width), dtype=np.uint8)
        cv2.fillPoly(inside, [_points(camera.region, width, height)], 1)
        dimmed = cv2.convertScaleAbs(shown, alpha=_OUTSIDE)
        shown = np.where(inside[..., None] == 1, shown, dimmed).astype(np.uint8)
        cv2.polylines(shown, [_points(camera.region, width, height)], True, _GOOD, line_px)
    if camera.steady:
        cv2.polylines(shown, [_points(camera.steady, width, height)], True, _STEADY, line_px)
    for plate in check.plates:
        box = plate.box
        cv2.rectangle(shown, (box.x, box.y), (box.x + box.w, box.y + box.h), _GOOD, line_px)
        _write(shown, f"{box.h} px", (box.x, max(20, box.y - 6)), _GOOD, scale)
    lines: list[tuple[str, bool | None]] = [
        (f"camera {camera.name}: {'good' if check.good else 'NOT GOOD YET'}", check.good)
    ]
    for finding in check.findings:
        words = _wrapped(f"{_MARKS[finding.good]} {finding.what}: {finding.sentence}")
        lines += [(line, finding.good) for line in words]
    step = max(18, round(30 * scale))
    panel = np.full((step * (len(lines) + 1), width, 3), 24, dtype=np.uint8)
    for number, (line, good) in enumerate(lines):
        _write(panel, line, (round(12 * scale), step * (number + 1)), _COLOURS[good], scale)
    return np.vstack([shown, panel])


def _points(polygon: tuple[Point, ...], width: int, height: int) -> NDArray[np.int32]:
    corners = np.array([[x * (width - 1), y * (height - 1)] for x, y in polygon])
    return np.round(corners).astype(np.int32)


def _write(
    image: NDArray[np.uint8], text: str, at: tuple[int, int], colour: tuple[int, ...], scale: float
) -> None:
    size, thick = 0.7 * scale, max(1, round(1.5 * scale))
    cv2.putText(image, text, at, cv2.FONT_HERSHEY_SIMPLEX, size, colour, thick, cv2.LINE_AA)


def _wrapped(text: str) -> list[str]:
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + len(word) >= _LETTERS_A_LINE:
            lines.append(line)
            line = "  "
        line = f"{line} {word}".lstrip(" ") if not line.startswith("  ") else f"{line} {word}"
    return [*lines, line]
