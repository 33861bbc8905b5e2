"""Lines of text to outlines of plates: pure geometry.

A US plate is 12 by 6 inches and its serial fills most of its width. European and South American
plates are longer for their height, and so is their line of text. State names, slogans and dealers'
frames are lower lines close above or below the serial.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.geometry import Corners, order_corners, oriented_rectangle, side_lengths
from edge.vision.ppocr.postprocess import TextLine

MAX_TILT = 0.6  # sine of the angle
MAX_GAP_IN_HEIGHTS = 0.9
MAX_GROUP_ASPECT = 2.0  # a longer line is a whole serial, and its neighbour is something else
LONG_LINE_ASPECT = 3.4
LONG_PLATE_HEIGHT_IN_LINES = 1.05
US_ASPECT = 2.0
SHORT_LINE_ASPECT = 1.6
US_HEIGHT_IN_LINES = 1.3


@dataclass(frozen=True, slots=True)
class LineShape:
    """A line's middle, mean width and height in pixels, and the unit vector along it."""

    x: float
    y: float
    width: float
    height: float
    along: NDArray[np.float64]

    def offset(self, other: LineShape) -> tuple[float, float]:
        """The other's middle in this line's own axes: along it, and down across it (px)."""
        away = np.array([other.x - self.x, other.y - self.y])
        across = np.array([-self.along[1], self.along[0]])
        return float(away @ self.along), float(away @ across)


def line_shape(corners: Corners) -> LineShape:
    """Measure an ordered quadrilateral (4, 2)."""
    x, y = corners.mean(axis=0)
    width, height = side_lengths(corners)
    direction = (corners[1] - corners[0] + corners[2] - corners[3]).astype(np.float64)
    length = float(np.linalg.norm(direction))
    along = direction / length if length else np.array([1.0, 0.0])
    return LineShape(float(x), float(y), width, height, along)


def join_lines(lines: tuple[TextLine, ...]) -> tuple[TextLine, ...]:
    """Join neighbours of one height on one axis: the groups that a plate's emblem splits."""
    joined = sorted(lines, key=lambda line: float(line.corners[:, 0].min()))
    index = 0
    while index < len(joined):
        partner = next(
            (
                other
                for other in range(index + 1, len(joined))
                if _continues(joined[index], joined[other])
            ),
            None,
        )
        if partner is None:
            index += 1
        else:
            joined[index] = _union(joined[index], joined.pop(partner))
    return tuple(joined)


def _continues(left: TextLine, right: TextLine) -> bool:
    a, b = line_shape(left.corners), line_shape(right.corners)
    if any(group.width > MAX_GROUP_ASPECT * group.height for group in (a, b)):
        return False
    low, high = sorted((a.height, b.height))
    if low < 0.7 * high or float(a.along @ b.along) < 0.95:
        return False
    along, across = a.offset(b)
    gap = along - (a.width + b.width) / 2
    return abs(across) < 0.3 * high and -0.3 * high < gap < MAX_GAP_IN_HEIGHTS * low


def _union(a: TextLine, b: TextLine) -> TextLine:
    points = np.concatenate([a.corners, b.corners])
    corners = order_corners(np.asarray(cv2.boxPoints(cv2.minAreaRect(points)), dtype=np.float32))
    return TextLine(corners, min(a.score, b.score))


def plate_outline(corners: Corners) -> Corners:
    """The outline (4, 2) of the plate whose serial is this line."""
    line = line_shape(corners)
    width, height = outline_size(line.width, line.height)
    return oriented_rectangle((line.x, line.y), (width, height), line.along)


def outline_size(line_width: float, line_height: float) -> tuple[float, float]:
    """Width and height in px of the plate around a serial of that size."""
    aspect = line_width / line_height
    if aspect > LONG_LINE_ASPECT:
        return line_width, line_height * LONG_PLATE_HEIGHT_IN_LINES
    if aspect < SHORT_LINE_ASPECT:
        height = line_height * US_HEIGHT_IN_LINES
        return max(line_width, height * US_ASPECT), height
    return line_width, line_width / US_ASPECT


def serial_candidates(
    lines: tuple[TextLine, ...], *, min_height_px: float, aspects: tuple[float, float]
) -> tuple[TextLine, ...]:
    """The lines that may be a plate's serial, best first.

    Left out: lines too low to read, too steep, too short or long for their height, and lower
    lines on the plate of a higher one (its state, slogan or frame).
    """
    fitting = [
        line
        for line, shape in ((line, line_shape(line.corners)) for line in lines)
        if shape.height >= min_height_px
        and abs(shape.along[1]) <= MAX_TILT
        and aspects[0] <= shape.width / shape.height <= aspects[1]
    ]
    kept = [line for line in fitting if not any(_subordinate(line, other) for other in fitting)]
    return tuple(sorted(kept, key=lambda line: -line.score))


def _subordinate(line: TextLine, serial: TextLine) -> bool:
    low, main = line_shape(line.corners), line_shape(serial.corners)
    if low.height > 0.75 * main.height:
        return False
    along, across = main.offset(low)
    _, plate_height = outline_size(main.width, main.height)
    return abs(along) < main.width / 2 and abs(across) < 0.75 * plate_height
