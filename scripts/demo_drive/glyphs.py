"""Plate characters as strokes of our own on a grid 4 wide and 8 high, y downwards.

A stroke is a run of corners `(x, y)` or `(x, y, radius)`, and whether it closes; a corner with a
radius is rounded by a quadratic curve that leaves the straight parts `radius` before and after it.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Corner = tuple[float, float] | tuple[float, float, float]
Stroke = tuple[list[Corner], bool]

GRID_WIDTH = 4.0
GRID_HEIGHT = 8.0
_CURVE_STEPS = 12
_OVERSAMPLE = 2
_FIXED_POINT_BITS = 4


def _open(*corners: Corner) -> Stroke:
    return list(corners), False


def _closed(*corners: Corner) -> Stroke:
    return list(corners), True


_SIX = [
    _open(
        (3.9, 1.7), (3.9, 0, 1.8), (0, 0, 1.8), (0, 8, 1.8),
        (4, 8, 1.8), (4, 3.3, 1.7), (0, 3.3, 1.2), (0, 4.6),
    )
]  # fmt: skip

_GLYPHS: dict[str, list[Stroke]] = {
    "0": [_closed((0.2, 0, 1.9), (3.8, 0, 1.9), (3.8, 8, 1.9), (0.2, 8, 1.9))],
    "1": [_open((0.7, 1.5), (2.3, 0), (2.3, 8)), _open((0.8, 8), (3.8, 8))],
    "2": [_open((0, 2.1), (0, 0, 1.8), (4, 0, 1.8), (4, 3.4, 1.4), (0, 8), (4.1, 8))],
    "3": [
        _open((0, 1.7), (0, 0, 1.7), (3.9, 0, 1.7), (3.9, 3.8, 1.6), (1.5, 3.8)),
        _open((1.5, 3.8), (4, 3.8, 1.7), (4, 8, 1.8), (0, 8, 1.8), (0, 6.2)),
    ],
    "4": [_open((3, 8), (3, 0), (2.6, 0), (-0.2, 5.8), (4.3, 5.8))],
    "5": [
        _open((3.9, 0), (0.3, 0), (0.1, 3.6)),
        _open((0.1, 3.6), (0.7, 3, 0.6), (4, 3, 1.7), (4, 8, 1.8), (0, 8, 1.8), (0, 6.3)),
    ],
    "6": _SIX,
    "7": [_open((0, 0), (4.1, 0), (4.1, 0.5), (1.4, 8))],
    "8": [
        _closed((0.3, 0, 1.6), (3.7, 0, 1.6), (3.7, 3.7, 1.5), (0.3, 3.7, 1.5)),
        _closed((0, 3.7, 1.7), (4, 3.7, 1.7), (4, 8, 1.8), (0, 8, 1.8)),
    ],
    "9": [([(4 - c[0], 8 - c[1], *c[2:]) for c in stroke], closed) for stroke, closed in _SIX],
    "A": [_open((-0.3, 8), (1.8, 0), (2.2, 0), (4.3, 8)), _open((0.6, 5.3), (3.4, 5.3))],
    "B": [
        _open((0, 3.8), (0, 0), (3.6, 0, 1.5), (3.6, 3.8, 1.5), (0, 3.8)),
        _open((0, 3.8), (4, 3.8, 1.6), (4, 8, 1.6), (0, 8), (0, 3.8)),
    ],
    "C": [_open((4, 2.2), (4, 0, 1.7), (0, 0, 1.7), (0, 8, 1.7), (4, 8, 1.7), (4, 5.8))],
    "D": [_closed((0, 0), (4, 0, 2.0), (4, 8, 2.0), (0, 8))],
    "E": [_open((3.9, 0), (0, 0), (0, 8), (3.9, 8)), _open((0, 3.8), (3.3, 3.8))],
    "F": [_open((3.9, 0), (0, 0), (0, 8)), _open((0, 3.9), (3.3, 3.9))],
    "G": [
        _open(
            (4, 2.1), (4, 0, 1.7), (0, 0, 1.7), (0, 8, 1.7), (4, 8, 1.7), (4, 4.3), (2.3, 4.3)
        )
    ],
    "H": [_open((0, 0), (0, 8)), _open((4, 0), (4, 8)), _open((0, 3.9), (4, 3.9))],
    "I": [_open((2, 0), (2, 8)), _open((0.8, 0), (3.2, 0)), _open((0.8, 8), (3.2, 8))],
    "J": [_open((3.8, 0), (3.8, 8, 1.8), (0, 8, 1.8), (0, 5.6))],
    "K": [_open((0, 0), (0, 8)), _open((4, 0), (0.3, 4.6)), _open((1.4, 3.4), (4.2, 8))],
    "L": [_open((0, 0), (0, 8), (3.9, 8))],
    "M": [_open((-0.3, 8), (-0.3, 0), (2, 4.8), (4.3, 0), (4.3, 8))],
    "N": [_open((0, 8), (0, 0), (4, 8), (4, 0))],
    "O": [_closed((-0.1, 0, 1.5), (4.1, 0, 1.5), (4.1, 8, 1.5), (-0.1, 8, 1.5))],
    "P": [_open((0, 8), (0, 0), (4, 0, 1.7), (4, 4.4, 1.7), (0, 4.4))],
    "Q": [
        _closed((-0.1, 0, 1.5), (4.1, 0, 1.5), (4.1, 8, 1.5), (-0.1, 8, 1.5)),
        _open((2.3, 5.9), (4.5, 8.5)),
    ],
    "R": [_open((0, 8), (0, 0), (4, 0, 1.6), (4, 4.2, 1.6), (0, 4.2)), _open((2, 4.2), (4.2, 8))],
    "S": [
        _open(
            (3.9, 2), (3.9, 0, 1.7), (0.1, 0, 1.7), (0.1, 3.8, 1.6), (4, 3.8, 1.6), (4, 8, 1.8),
            (0, 8, 1.8), (0, 6),
        )
    ],
    "T": [_open((-0.2, 0), (4.2, 0)), _open((2, 0), (2, 8))],
    "U": [_open((0, 0), (0, 8, 1.8), (4, 8, 1.8), (4, 0))],
    "V": [_open((-0.3, 0), (1.9, 8), (2.1, 8), (4.3, 0))],
    "W": [_open((-0.4, 0), (0.7, 8), (2, 2.4), (3.3, 8), (4.4, 0))],
    "X": [_open((-0.1, 0), (4.1, 8)), _open((4.1, 0), (-0.1, 8))],
    "Y": [_open((-0.2, 0), (2, 4.3), (4.2, 0)), _open((2, 4.3), (2, 8))],
    "Z": [_open((0, 0), (4, 0), (4, 0.3), (0, 7.7), (0, 8), (4.1, 8))],
}  # fmt: skip

CHARACTERS = frozenset(_GLYPHS)


def _outline(stroke: Stroke) -> NDArray[np.float64]:
    """The stroke as a fine run of points, its rounded corners followed."""
    corners, closed = stroke
    points: list[NDArray[np.float64]] = []
    for i, corner in enumerate(corners):
        here = np.array(corner[:2], dtype=float)
        radius = corner[2] if len(corner) == 3 else 0.0
        inner = closed or 0 < i < len(corners) - 1
        if not radius or not inner:
            points.append(here)
            continue
        before = np.array(corners[i - 1][:2], dtype=float) - here
        after = np.array(corners[(i + 1) % len(corners)][:2], dtype=float) - here
        start = here + before / np.linalg.norm(before) * radius
        end = here + after / np.linalg.norm(after) * radius
        for t in np.linspace(0, 1, _CURVE_STEPS):
            points.append((1 - t) ** 2 * start + 2 * t * (1 - t) * here + t**2 * end)
    if closed:
        points.append(points[0])
    return np.array(points)


def text_mask(
    text: str, height_px: int, *, width_ratio: float = 0.5, weight: float = 0.17, gap: float = 0.24
) -> NDArray[np.uint8]:
    """Draw characters as a mask.

    Args:
        text: characters of `CHARACTERS`; a space is half a character wide.
        height_px: height of the mask; the strokes' thickness lies inside it.
        width_ratio: a character's width over its height.
        weight: a stroke's thickness over the height.
        gap: the gap between characters over a character's width, beside the thickness.

    Returns:
        shape (height_px, width), uint8, 255 where there is ink.

    Raises:
        ValueError: a character has no glyph here.
    """
    unknown = sorted(set(text) - CHARACTERS - {" "})
    if unknown:
        raise ValueError(f"text: no glyph for {', '.join(map(repr, unknown))}; use A-Z and 0-9")
    height = height_px * _OVERSAMPLE
    thickness = max(1, round(height * weight))
    unit_y = (height - thickness * 1.1) / GRID_HEIGHT
    glyph_width = height * width_ratio
    unit_x = (glyph_width - thickness) / GRID_WIDTH
    step = glyph_width * (1 + gap)
    advances = [step * (0.5 if character == " " else 1.0) for character in text]
    mask = np.zeros((height, round(sum(advances)) + thickness), np.uint8)
    left = (step - glyph_width) / 2 + thickness / 2
    for character, advance in zip(text, advances, strict=True):
        for stroke in _GLYPHS.get(character, []):
            points = _outline(stroke) * (unit_x, unit_y) + (left + thickness / 2, thickness * 0.55)
            fixed = np.round(points * 2**_FIXED_POINT_BITS).astype(np.int32)
            cv2.polylines(
                mask, [fixed], False, 255, thickness, cv2.LINE_AA, shift=_FIXED_POINT_BITS
            )
        left += advance
    small = cv2.resize(
        mask, (mask.shape[1] // _OVERSAMPLE, height_px), interpolation=cv2.INTER_AREA
    )
    return np.asarray(small, dtype=np.uint8)
