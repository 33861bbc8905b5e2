"""Pictures to network inputs: float32, BGR, scaled to -1..1, channels first."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

FINDER_STRIDE_PX = 32
LINE_HEIGHT_PX = 48


def finder_input(image: NDArray[np.uint8], long_side_px: int) -> NDArray[np.float32]:
    """The text finder's input (1, 3, h, w) for an (H, W, 3) uint8 BGR picture.

    The picture is scaled so that its long side is `long_side_px`; both sides are then rounded
    to whole strides of the network, at least one.
    """
    height, width = image.shape[:2]
    scale = long_side_px / max(height, width)
    size = tuple(
        max(1, round(side * scale / FINDER_STRIDE_PX)) * FINDER_STRIDE_PX
        for side in (width, height)
    )
    shrinks = size[0] < width
    resized = cv2.resize(image, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    return _normalised(np.asarray(resized, dtype=np.uint8))[np.newaxis]


def line_input(line: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The line recogniser's input (1, 3, 48, w) for an upright crop (h, w', 3) uint8 BGR.

    The aspect is kept, and the width rounded up to a whole step of the network, the rest being
    mid-grey (0), as the network was trained.
    """
    height, width = line.shape[:2]
    scaled_width = max(8, round(width * LINE_HEIGHT_PX / height))
    resized = cv2.resize(line, (scaled_width, LINE_HEIGHT_PX), interpolation=cv2.INTER_CUBIC)
    padded_width = -(-scaled_width // 8) * 8
    tensor = np.zeros((1, 3, LINE_HEIGHT_PX, padded_width), dtype=np.float32)
    tensor[0, :, :, :scaled_width] = _normalised(np.asarray(resized, dtype=np.uint8))
    return tensor


def _normalised(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(H, W, 3) uint8 to (3, H, W) float32 in -1..1."""
    scaled = image.astype(np.float32) * np.float32(2 / 255) - np.float32(1)
    return np.ascontiguousarray(scaled.transpose(2, 0, 1))
