"""Boxes and quadrilaterals in pixel coordinates: x grows to the right, y downwards."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Corners = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Box:
    """An upright rectangle in whole pixels: its top left pixel, width and height."""

    x: int
    y: int
    w: int
    h: int

    @property
    def area(self) -> int:
        """Square pixels; 0 for a box without width or height."""
        return max(0, self.w) * max(0, self.h)

    @property
    def center(self) -> tuple[float, float]:
        """The middle of the box in pixels."""
        return self.x + self.w / 2, self.y + self.h / 2

    def clipped(self, width: int, height: int) -> Box:
        """The part of this box inside a picture of `width` by `height` pixels."""
        left, top = min(max(self.x, 0), width), min(max(self.y, 0), height)
        right = min(max(self.x + self.w, left), width)
        bottom = min(max(self.y + self.h, top), height)
        return Box(left, top, right - left, bottom - top)


def intersection(a: Box, b: Box) -> int:
    """The square pixels that two boxes share."""
    width = min(a.x + a.w, b.x + b.w) - max(a.x, b.x)
    height = min(a.y + a.h, b.y + b.h) - max(a.y, b.y)
    return max(0, width) * max(0, height)


def iou(a: Box, b: Box) -> float:
    """Intersection over union of two boxes, 0..1; 0 where both are empty."""
    shared = intersection(a, b)
    union = a.area + b.area - shared
    return shared / union if union else 0.0


def order_corners(points: NDArray[np.float32]) -> Corners:
    """Put four points (4, 2) in the order top left, top right, bottom right, bottom left.

    The two leftmost points are the left side, as for any text tilted by less than 45 degrees.
    """
    by_x = points[np.argsort(points[:, 0], kind="stable")]
    left = by_x[:2][np.argsort(by_x[:2, 1], kind="stable")]
    right = by_x[2:][np.argsort(by_x[2:, 1], kind="stable")]
    return np.stack([left[0], right[0], right[1], left[1]]).astype(np.float32)


def bounding_box(corners: Corners) -> Box:
    """The smallest upright box around the points (n, 2)."""
    low = np.floor(corners.min(axis=0)).astype(int)
    high = np.ceil(corners.max(axis=0)).astype(int)
    return Box(int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1]))


def box_corners(box: Box) -> Corners:
    """The corners (4, 2) of an upright box, clockwise from the top left."""
    right, bottom = box.x + box.w, box.y + box.h
    return np.array(
        [[box.x, box.y], [right, box.y], [right, bottom], [box.x, bottom]], dtype=np.float32
    )


def side_lengths(corners: Corners) -> tuple[float, float]:
    """Mean width and mean height in pixels of an ordered quadrilateral (4, 2)."""
    top_left, top_right, bottom_right, bottom_left = corners.astype(np.float64)
    width = np.linalg.norm(top_right - top_left) + np.linalg.norm(bottom_right - bottom_left)
    height = np.linalg.norm(bottom_left - top_left) + np.linalg.norm(bottom_right - top_right)
    return float(width) / 2, float(height) / 2


def is_convex(corners: Corners) -> bool:
    """Whether the quadrilateral (4, 2) goes clockwise round an area, as a plate's outline does."""
    sides = (np.roll(corners, -1, axis=0) - corners).astype(np.float64)
    following = np.roll(sides, -1, axis=0)
    turns = sides[:, 0] * following[:, 1] - sides[:, 1] * following[:, 0]
    return bool((turns > 0).all())


def oriented_rectangle(
    center: tuple[float, float], size: tuple[float, float], along: NDArray[np.float64]
) -> Corners:
    """Corners (4, 2) of a rectangle of (width, height) px whose top runs along a unit vector."""
    right = along * size[0] / 2
    down = np.array([-along[1], along[0]]) * size[1] / 2
    middle = np.array(center)
    return np.stack(
        [middle - right - down, middle + right - down, middle + right + down, middle - right + down]
    ).astype(np.float32)


def grown(corners: Corners, factor: float) -> Corners:
    """The quadrilateral scaled by `factor` about its middle."""
    middle = corners.mean(axis=0)
    return np.asarray((corners - middle) * factor + middle, dtype=np.float32)
