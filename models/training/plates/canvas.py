"""A flat picture to paint on: soft masks, polygons, gradients. Colours are BGR."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.uint8]
Picture = NDArray[np.uint8]
Colour = tuple[int, int, int]

SHIFT = 4
"""Bits of the fraction in the coordinates handed to OpenCV: a sixteenth of a pixel."""

PALETTE: dict[str, str] = {
    "white": "#f6f6f2",
    "black": "#16161a",
    "navy": "#1b2a5e",
    "blue": "#1f4fa3",
    "red": "#c01f2e",
    "green": "#1c6b3c",
    "yellow": "#f3c93b",
    "gold": "#d9a62b",
    "grey": "#8c9096",
    "silver": "#cfd3d6",
    "brown": "#5b3a22",
    "maroon": "#6d1f2c",
    "orange": "#e58026",
    "sky": "#9cc7ea",
    "purple": "#4b2c72",
    "cream": "#f3ead0",
    "pink": "#e7a7ad",
    "teal": "#1f7f86",
}


def colour(name: str) -> Colour:
    """The BGR colour of a palette's name or of ``#rrggbb``.

    Raises:
        ValueError: if it is neither.
    """
    code = PALETTE.get(name, name)
    if len(code) != 7 or code[0] != "#":
        raise ValueError(f"{name!r}: not a colour of the palette, nor #rrggbb")
    return int(code[5:7], 16), int(code[3:5], 16), int(code[1:3], 16)


def vary(rng: np.random.Generator, base: Colour, spread: float = 10.0) -> Colour:
    """The colour a little off, as prints and years of sun make it."""
    tint = 0.25 if min(base) > 225 else 0.6
    shade = rng.normal(0, spread)
    each = rng.normal(0, spread * tint, 3)
    blue, green, red = (int(min(255, max(0, base[i] + shade + each[i]))) for i in range(3))
    return blue, green, red


def mixed(one: Colour, other: Colour, share: float) -> Colour:
    """The colour between two, ``share`` of the way to the other."""
    a, b, c = (round(x + (y - x) * share) for x, y in zip(one, other, strict=True))
    return a, b, c


def luminance(of: Colour) -> float:
    """Brightness of a colour, 0 to 255."""
    return 0.114 * of[0] + 0.587 * of[1] + 0.299 * of[2]


def gradient(height: int, width: int, stops: Sequence[Colour], across: bool = False) -> Picture:
    """A picture whose rows (columns, if across) run evenly through the stops."""
    if len(stops) == 1:
        return np.full((height, width, 3), stops[0], np.uint8)
    column = np.array(stops, np.float32).reshape(-1, 1, 3)
    length = width if across else height
    at = np.linspace(0, len(stops) - 1, length)
    low = np.minimum(at.astype(int), len(stops) - 2)
    part = (at - low).astype(np.float32)[:, None]
    line = column[low, 0] * (1 - part) + column[low + 1, 0] * part
    full = line[None, :, :] if across else line[:, None, :]
    return np.ascontiguousarray(np.broadcast_to(full.round().astype(np.uint8), (height, width, 3)))


def with_alpha(picture: Picture, alpha: Mask) -> Picture:
    """The (h, w, 3) picture with the mask as its fourth layer."""
    whole = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2BGRA), np.uint8)
    whole[:, :, 3] = alpha
    return whole


class Canvas:
    """A (h, w, 3) uint8 BGR picture with the few ways plates are painted."""

    def __init__(self, picture: Picture) -> None:
        self.picture = picture

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.picture.shape[0])

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.picture.shape[1])

    def paint(
        self, mask: Mask, ink: Colour, x: float, y: float, opacity: float = 1.0
    ) -> tuple[int, int, int, int]:
        """Lay the ink through the mask whose corner is at x, y; returns its x, y, w, h."""
        left, top = round(x), round(y)
        x0, y0 = max(0, left), max(0, top)
        x1 = min(self.width, left + mask.shape[1])
        y1 = min(self.height, top + mask.shape[0])
        if x1 > x0 and y1 > y0:
            part = mask[y0 - top : y1 - top, x0 - left : x1 - left]
            if opacity < 1:
                part = np.asarray(cv2.convertScaleAbs(part, alpha=opacity), np.uint8)
            rest = cv2.bitwise_not(part)
            roi = self.picture[y0:y1, x0:x1]
            ground = cv2.multiply(roi, cv2.merge((rest, rest, rest)), scale=1 / 255)
            layers = [cv2.convertScaleAbs(part, alpha=share / 255) for share in ink]
            roi[:] = cv2.add(ground, cv2.merge(layers))
        return left, top, mask.shape[1], mask.shape[0]

    def stamp(self, sprite: NDArray[np.uint8], x: float, y: float) -> None:
        """Lay a (h, w, 4) BGRA sprite with its corner at x, y."""
        left, top = round(x), round(y)
        x0, y0 = max(0, left), max(0, top)
        x1 = min(self.width, left + sprite.shape[1])
        y1 = min(self.height, top + sprite.shape[0])
        if x1 <= x0 or y1 <= y0:
            return
        part = sprite[y0 - top : y1 - top, x0 - left : x1 - left]
        alpha = cv2.extractChannel(part, 3)
        rest = cv2.bitwise_not(alpha)
        roi = self.picture[y0:y1, x0:x1]
        ground = cv2.multiply(roi, cv2.merge((rest, rest, rest)), scale=1 / 255)
        inks = cv2.cvtColor(part, cv2.COLOR_BGRA2BGR)
        layer = cv2.multiply(inks, cv2.merge((alpha, alpha, alpha)), scale=1 / 255)
        roi[:] = cv2.add(ground, layer)

    def polygon(self, points: Sequence[tuple[float, float]], ink: Colour) -> None:
        """Fill a polygon, smooth at its edges."""
        corners = np.round(np.array(points, np.float64) * (1 << SHIFT)).astype(np.int32)
        cv2.fillPoly(self.picture, [corners], ink, cv2.LINE_AA, SHIFT)

    def box(self, x: float, y: float, w: float, h: float, ink: Colour) -> None:
        """Fill a rectangle."""
        x0, y0, x1, y1 = (round(v) for v in (x, y, x + w, y + h))
        if x1 > x0 and y1 > y0:
            cv2.rectangle(self.picture, (x0, y0), (x1 - 1, y1 - 1), ink, -1)

    def disk(self, x: float, y: float, radius: float, ink: Colour) -> None:
        """Fill a circle."""
        scale = 1 << SHIFT
        middle = (round(x * scale), round(y * scale))
        cv2.circle(self.picture, middle, round(radius * scale), ink, -1, cv2.LINE_AA, SHIFT)

    def line(self, points: Sequence[tuple[float, float]], ink: Colour, thickness: float) -> None:
        """Draw a polyline with round ends."""
        corners = np.round(np.array(points, np.float64) * (1 << SHIFT)).astype(np.int32)
        weight = max(1, round(thickness))
        cv2.polylines(self.picture, [corners], False, ink, weight, cv2.LINE_AA, SHIFT)

    def rim(self, inset: float, radius: float, ink: Colour, thickness: float) -> None:
        """Draw the outline of a rounded rectangle that far inside the edges."""
        x0, y0, r = inset, inset, radius
        x1, y1 = self.width - 1 - inset, self.height - 1 - inset
        quarter = np.linspace(0, math.pi / 2, 6)
        points: list[tuple[float, float]] = []
        corners = ((x1 - r, y1 - r), (x0 + r, y1 - r), (x0 + r, y0 + r), (x1 - r, y0 + r))
        for index, (x, y) in enumerate(corners):
            for angle in quarter + index * math.pi / 2:
                points.append((x + r * math.cos(angle), y + r * math.sin(angle)))
        self.line([*points, points[0]], ink, thickness)


def rounded(width: int, height: int, radius: float) -> Mask:
    """A mask of a rectangle with rounded corners."""
    mask = np.zeros((height, width), np.uint8)
    r = max(0, min(round(radius), min(width, height) // 2))
    cv2.rectangle(mask, (r, 0), (width - 1 - r, height - 1), 255, -1)
    cv2.rectangle(mask, (0, r), (width - 1, height - 1 - r), 255, -1)
    if r:
        for x in (r, width - 1 - r):
            for y in (r, height - 1 - r):
                cv2.circle(mask, (x, y), r, 255, -1, cv2.LINE_AA)
    return mask
