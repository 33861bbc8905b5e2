"""Detectors that take a letterboxed picture: the way in, and from candidates to detections."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.vision.detector import Detection
from edge.vision.errors import ModelError
from edge.vision.formats.letterbox import Letterbox, letterbox
from edge.vision.geometry import bounding_box, iou, order_corners
from edge.vision.models import OnnxModel

STRIDE_PX = 32
DEFAULT_MIN_SCORE = 0.25
SAME_PLATE_IOU = 0.5
_ELEMENTS: dict[str, type[np.floating]] = {"float": np.float32, "float16": np.float16}


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """What a network gave for one picture, in pixels of its input.

    `boxes` (n, 4) float32 are left, top, right and bottom, `scores` (n,) float32 0..1, `corners`
    (n, 4, 2) float32 in any order, None where the network gives none.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    corners: NDArray[np.float32] | None = None


Decode = Callable[[Mapping[str, NDArray[np.float32]]], Candidates]


class LetterboxDetector:
    """A Detector around a network that takes 1 x 3 x H x W, red first, 0..1, letterboxed."""

    def __init__(
        self, model: OnnxModel, decode: Decode, *, long_side_px: int, min_score: float
    ) -> None:
        """`long_side_px` is searched at where the graph leaves its input's size free.

        Raises ModelError where the graph does not take such pictures.
        """
        self._model = model
        self._decode = decode
        self._long_side_px = long_side_px
        self._min_score = min_score
        self._fixed, self._element = picture_input(model)

    def detect(self, image: NDArray[np.uint8]) -> tuple[Detection, ...]:
        """See Detector.detect."""
        height, width = image.shape[:2]
        inner = self._fixed or free_size(width, height, self._long_side_px)
        padded, placed = letterbox(image, *inner)
        outputs = self._model.run_all(network_input(padded, self._element))
        return detections(self._decode(outputs), placed, (width, height), self._min_score)


def picture_input(model: OnnxModel) -> tuple[tuple[int, int] | None, type[np.floating]]:
    """The input's (width, height) in px, None where it is free, and its element type.

    Raises ModelError where the graph does not take one picture of three channels, channels first.
    """
    inputs = model.inputs
    if len(inputs) == 1 and len(inputs[0].axes) == 4 and inputs[0].dtype in _ELEMENTS:
        _, channels, height, width = inputs[0].axes
        if channels == 3:
            fixed = None if width is None or height is None else (width, height)
            return fixed, _ELEMENTS[inputs[0].dtype]
    raise ModelError(f"model {model.name} takes no picture as 1 x 3 x H x W")


def free_size(width: int, height: int, long_side_px: int) -> tuple[int, int]:
    """The input's (width, height) for a picture of that size: whole strides around it."""
    scale = long_side_px / max(width, height)
    sides = (max(1, -(-round(side * scale) // STRIDE_PX)) * STRIDE_PX for side in (width, height))
    return next(sides), next(sides)


def network_input(padded: NDArray[np.uint8], element: type[np.floating]) -> NDArray[np.floating]:
    """(H, W, 3) uint8 BGR to (1, 3, H, W), red first, 0..1."""
    scaled = padded[..., ::-1].transpose(2, 0, 1)[np.newaxis].astype(np.float32) / np.float32(255)
    return np.ascontiguousarray(scaled, dtype=element)


def detections(
    candidates: Candidates, placed: Letterbox, size: tuple[int, int], min_score: float
) -> tuple[Detection, ...]:
    """The plates of a picture of (width, height) px, best first, each once."""
    found: list[Detection] = []
    for index in np.argsort(-candidates.scores, kind="stable"):
        score = float(candidates.scores[index])
        if score < min_score:
            break
        corners = None
        if candidates.corners is not None:
            corners = order_corners(placed.to_picture(candidates.corners[index]))
        edges = placed.to_picture(candidates.boxes[index].reshape(2, 2))
        box = bounding_box(np.round(edges)).clipped(*size)
        if box.area and all(iou(box, other.box) < SAME_PLATE_IOU for other in found):
            found.append(Detection(box, min(1.0, score), corners))
    return tuple(found)
