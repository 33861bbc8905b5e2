"""Is a candidate a licence plate at all? Asked of its picture before its text is read.

A sign or a badge reads as well as a plate does; what tells them apart is the patch around the
text: a plate's own ground and rim, and the car that it is on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.detector import Detection
from edge.vision.errors import VisionError
from edge.vision.geometry import Corners, oriented_rectangle, side_lengths
from edge.vision.models import OnnxModel

PATCH_WIDTH_PX = 128
PATCH_HEIGHT_PX = 64
PATCH_WIDTH_IN_OUTLINES = 2.5
"""How much wider than the plate's outline the patch is, so that it shows what is around."""


class Verifier(Protocol):
    """Tells plates from other texts."""

    def probabilities(
        self, image: NDArray[np.uint8], detections: Sequence[Detection]
    ) -> tuple[float, ...]:
        """For each detection in an (H, W, 3) uint8 BGR picture the probability of a plate, 0..1.

        A failure raises VisionError.
        """
        ...


class PatchVerifier:
    """A Verifier that judges the patch around each outline by a small network."""

    def __init__(self, model: OnnxModel) -> None:
        """`model` maps (n, 3, 64, 128) float32 of `patch_input` to (n,) probabilities."""
        self._model = model

    def probabilities(
        self, image: NDArray[np.uint8], detections: Sequence[Detection]
    ) -> tuple[float, ...]:
        """See Verifier.probabilities."""
        if not detections:
            return ()
        patches = np.stack([patch(image, detection.outline) for detection in detections])
        given = self._model.run(patch_input(patches))
        if given.shape != (len(detections),):
            raise VisionError(f"model {self._model.name} is no plate verifier: one number a patch")
        return tuple(float(probability) for probability in given)


def patch_corners(outline: Corners) -> Corners:
    """The corners (4, 2) of the patch around an outline (4, 2): as wide again and half as high.

    The height follows from the width alone: a text tells its width more surely than how much
    of the plate lies above and below it.
    """
    width_px = side_lengths(outline)[0] * PATCH_WIDTH_IN_OUTLINES
    height_px = width_px * PATCH_HEIGHT_PX / PATCH_WIDTH_PX
    x, y = outline.mean(axis=0)
    direction = (outline[1] - outline[0] + outline[2] - outline[3]).astype(np.float64)
    length = float(np.linalg.norm(direction))
    if not length:
        raise VisionError("a plate outline without width cannot be verified")
    return oriented_rectangle((float(x), float(y)), (width_px, height_px), direction / length)


def patch(image: NDArray[np.uint8], outline: Corners) -> NDArray[np.uint8]:
    """The patch (64, 128, 3) uint8 BGR around an outline (4, 2) of a picture.

    What lies outside the picture is black. Raises VisionError for an outline without width.
    """
    return cut_upright(image, patch_corners(outline), (PATCH_WIDTH_PX, PATCH_HEIGHT_PX))


def cut_upright(
    image: NDArray[np.uint8], corners: Corners, size: tuple[int, int]
) -> NDArray[np.uint8]:
    """A quadrilateral (4, 2) of a picture as an upright one of (width, height) px, uint8 BGR."""
    # One that shrinks is cut out large and averaged: sampling alone would alias.
    shrink = max(1, round(side_lengths(corners)[0] / size[0]))
    width, height = size[0] * shrink, size[1] * shrink
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    transform = cv2.getPerspectiveTransform(corners, target)
    cut = cv2.warpPerspective(image, transform, (width, height), flags=cv2.INTER_LINEAR)
    if shrink > 1:
        cut = cv2.resize(cut, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cut, dtype=np.uint8)


def patch_input(patches: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Patches (n, 64, 128, 3) uint8 BGR to the network's (n, 3, 64, 128) float32 in -1..1."""
    scaled = patches.astype(np.float32) * np.float32(2 / 255) - np.float32(1)
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))
