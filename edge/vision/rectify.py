"""Straighten a quadrilateral of a picture into an upright crop."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.errors import VisionError
from edge.vision.geometry import Corners, side_lengths

MAX_CROP_SIDE_PX = 4096


def rectify(image: NDArray[np.uint8], corners: Corners) -> NDArray[np.uint8]:
    """Map the quadrilateral onto an upright rectangle of the same mean width and height.

    `image` is (H, W, 3) uint8 BGR, `corners` (4, 2) in its pixels, clockwise from the top left.
    What lies outside the picture repeats its edge. Raises VisionError where the quadrilateral
    has no area or is unreasonably large.
    """
    width_px, height_px = (round(side) for side in side_lengths(corners))
    if min(width_px, height_px) < 1 or max(width_px, height_px) > MAX_CROP_SIDE_PX:
        raise VisionError(f"a plate outline of {width_px} by {height_px} pixels cannot be cut out")
    upright = np.array(
        [[0, 0], [width_px, 0], [width_px, height_px], [0, height_px]], dtype=np.float32
    )
    transform = cv2.getPerspectiveTransform(corners.astype(np.float32), upright)
    crop = cv2.warpPerspective(
        image,
        transform,
        (width_px, height_px),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(crop, dtype=np.uint8)
