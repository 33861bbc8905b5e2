"""What a plate detector gives: where in a picture there may be a plate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge.vision.geometry import Box, Corners, box_corners, is_convex, side_lengths

MIN_SIDE_PX = 2.0
MAX_SIDE_IN_BOXES = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """One candidate plate.

    `box` is the plate's outline in pixels of the picture, clipped to it. `score` is 0..1.
    `corners` are the plate's corners (4, 2) float32, clockwise from the top left, which may lie
    outside the picture; None where the detector knows only the box.
    """

    box: Box
    score: float
    corners: Corners | None

    @property
    def outline(self) -> Corners:
        """The corners where they are a plate's, those of the box where they are none."""
        if self.corners is not None and is_convex(self.corners):
            size = self.box.w + self.box.h
            if min(side_lengths(self.corners)) >= MIN_SIDE_PX and (
                max(side_lengths(self.corners)) <= MAX_SIDE_IN_BOXES * size
            ):
                return self.corners
        return box_corners(self.box)


class Detector(Protocol):
    """Finds candidate plates in a picture."""

    def detect(self, image: NDArray[np.uint8]) -> tuple[Detection, ...]:
        """Candidates in an (H, W, 3) uint8 BGR picture, best first.

        An empty tuple means that the picture was searched and holds none; a failure raises
        VisionError.
        """
        ...
