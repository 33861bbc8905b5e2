"""A pen that draws emblems in a unit square."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from models.training.plates.canvas import SHIFT, Colour


class Pen:
    """Draws in unit coordinates on the four layers of a BGRA sprite."""

    def __init__(self, width: int, height: int, ink: Colour, second: Colour) -> None:
        self.layers = [np.full((height, width), value, np.uint8) for value in (*ink, 0)]
        self.ink, self.second = ink, second
        self.width, self.height = width, height

    def _at(self, points: list[tuple[float, float]]) -> NDArray[np.int32]:
        array = np.array(points, np.float64) * (self.width - 1, self.height - 1)
        return np.round(array * (1 << SHIFT)).astype(np.int32)

    def lay(self, mask: NDArray[np.uint8], ink: Colour) -> None:
        """The ink through a mask of the sprite's size."""
        rest = cv2.bitwise_not(mask)
        for index, share in enumerate(ink):
            self.layers[index] = np.asarray(
                cv2.add(
                    cv2.multiply(self.layers[index], rest, scale=1 / 255),
                    cv2.convertScaleAbs(mask, alpha=share / 255),
                ),
                np.uint8,
            )
        self.layers[3] = np.maximum(self.layers[3], mask)

    def fill(self, points: list[tuple[float, float]], ink: Colour | None = None) -> None:
        """A filled polygon."""
        mask = np.zeros((self.height, self.width), np.uint8)
        cv2.fillPoly(mask, [self._at(points)], 255, cv2.LINE_AA, SHIFT)
        self.lay(mask, self.ink if ink is None else ink)

    def oval(
        self, x: float, y: float, rx: float, ry: float, ink: Colour | None = None, turn: float = 0
    ) -> None:
        """A filled ellipse."""
        mask = np.zeros((self.height, self.width), np.uint8)
        middle = (round(x * (self.width - 1)), round(y * (self.height - 1)))
        axes = (max(1, round(rx * self.width)), max(1, round(ry * self.height)))
        cv2.ellipse(mask, middle, axes, turn, 0, 360, 255, -1, cv2.LINE_AA)
        self.lay(mask, self.ink if ink is None else ink)

    def stroke(
        self, points: list[tuple[float, float]], weight: float, ink: Colour | None = None
    ) -> None:
        """A polyline; weight as a share of the height."""
        mask = np.zeros((self.height, self.width), np.uint8)
        thick = max(1, round(weight * self.height))
        cv2.polylines(mask, [self._at(points)], False, 255, thick, cv2.LINE_AA, SHIFT)
        self.lay(mask, self.ink if ink is None else ink)
