"""A picture fitted whole into a network's input, and the way back from there to its pixels."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

PADDING_GREY = 114


@dataclass(frozen=True, slots=True)
class Letterbox:
    """How a picture lies in an input: scaled by `scale`, its corner at (left, top) px."""

    scale: float
    left: int
    top: int

    def to_picture(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Points (..., 2) of the input as points of the picture."""
        offset = np.array([self.left, self.top], dtype=np.float32)
        return np.asarray((points - offset) / np.float32(self.scale), dtype=np.float32)


def letterbox(
    image: NDArray[np.uint8], width_px: int, height_px: int
) -> tuple[NDArray[np.uint8], Letterbox]:
    """An (H, W, 3) uint8 picture in the middle of a grey (height_px, width_px, 3) one."""
    height, width = image.shape[:2]
    scale = min(width_px / width, height_px / height)
    inner = max(1, round(width * scale)), max(1, round(height * scale))
    left, top = (width_px - inner[0]) // 2, (height_px - inner[1]) // 2
    padded = np.full((height_px, width_px, 3), PADDING_GREY, dtype=np.uint8)
    padded[top : top + inner[1], left : left + inner[0]] = cv2.resize(
        image, inner, interpolation=cv2.INTER_LINEAR
    )
    return padded, Letterbox(scale, left, top)
