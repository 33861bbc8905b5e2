"""Plateward's own plate detector: one network that gives score, box and corners of every plate.

The network looks at the picture in cells of 8, 16 and 32 pixels. For each cell it gives
`CHANNELS` numbers: a score (logit), the distances from the cell's middle to the left, top, right
and bottom of the plate's box (as the logarithm of strides), and how far each corner of the plate
is from that corner of the box (as shares of the box's width and height).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.detector import Detection
from edge.vision.errors import ModelError, VisionError
from edge.vision.geometry import bounding_box
from edge.vision.models import OnnxModel

FORMAT = "plateward-detector-1"
STRIDES = (8, 16, 32)
CHANNELS = 13
SMALLEST_SIDE_PX = 32
SAME_PLATE_IOU = 0.45
MOST_CANDIDATES = 300
MOST_LOG_STRIDES = 4.0
"""No plate reaches further than exp(4) strides from a cell; larger answers are cut off there."""

Cells = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class DetectorSettings:
    """How large a picture the network sees, and from which score on a plate is reported."""

    longest_side_px: int
    threshold: float


class OnnxPlateDetector:
    """A Detector by a network of models/training/detector."""

    def __init__(
        self,
        model: OnnxModel,
        *,
        longest_side_px: int | None = None,
        threshold: float | None = None,
    ) -> None:
        """Without `longest_side_px` and `threshold` those that the model was released with.

        Raises ModelError where the model is not such a detector.
        """
        released = read_settings(model)
        self._model = model
        self.settings = DetectorSettings(
            released.longest_side_px if longest_side_px is None else longest_side_px,
            released.threshold if threshold is None else threshold,
        )

    def detect(self, image: NDArray[np.uint8]) -> tuple[Detection, ...]:
        """See Detector.detect."""
        tensor, scale = preprocess(image, self.settings.longest_side_px)
        cells = self._model.run(tensor)
        height, width = tensor.shape[2:]
        if cells.shape != (1, CHANNELS, cell_count(height, width)):
            raise VisionError(f"model {self._model.name} gave {cells.shape} for {tensor.shape}")
        return postprocess(
            cells[0], (height, width), image.shape[:2], scale, self.settings.threshold
        )


def read_settings(model: OnnxModel) -> DetectorSettings:
    """What the model's file says of itself; raises ModelError where it is no such detector."""
    metadata = model.metadata
    strides = ",".join(map(str, STRIDES))
    if metadata.get("format") != FORMAT or metadata.get("strides") != strides:
        raise ModelError(
            f"model {model.name} is no plate detector of format {FORMAT}: "
            "install the one that its manifest names"
        )
    try:
        settings = DetectorSettings(int(metadata["longest_side_px"]), float(metadata["threshold"]))
    except (KeyError, ValueError) as error:
        raise ModelError(
            f"model {model.name} lacks its input size or threshold: install it again"
        ) from error
    if settings.longest_side_px < SMALLEST_SIDE_PX or not 0 < settings.threshold < 1:
        raise ModelError(f"model {model.name} has settings out of range: install it again")
    return settings


def preprocess(image: NDArray[np.uint8], longest_side_px: int) -> tuple[NDArray[np.uint8], float]:
    """An (H, W, 3) uint8 BGR picture as (1, 3, h, w) uint8, and the scale to it.

    Shrunk (never enlarged) so that the longest side has that many pixels, and padded on the
    right and below with grey to multiples of 32. Raises VisionError for an empty picture.
    """
    height, width = image.shape[:2]
    if not height or not width:
        raise VisionError("a picture without pixels cannot be searched for plates")
    scale = min(1.0, longest_side_px / max(height, width))
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        # Averaging is dear and shows only where several pixels fall into one.
        how = cv2.INTER_AREA if scale < 0.5 else cv2.INTER_LINEAR
        image = np.asarray(cv2.resize(image, size, interpolation=how), dtype=np.uint8)
    height, width = image.shape[:2]
    largest_stride = STRIDES[-1]
    tensor = np.full(
        (1, 3, _up(height, largest_stride), _up(width, largest_stride)), 114, dtype=np.uint8
    )
    for channel, plane in enumerate(cv2.split(image)):
        tensor[0, channel, :height, :width] = plane
    return tensor, scale


def _up(side_px: int, multiple: int) -> int:
    return -(-side_px // multiple) * multiple


def cell_count(height: int, width: int) -> int:
    """How many cells a network input of that size has; sides are multiples of 32."""
    return sum((height // stride) * (width // stride) for stride in STRIDES)


@lru_cache(maxsize=8)
def cell_middles(height: int, width: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The middles (cells, 2) in pixels and the strides (cells,) of an input's cells in order.

    The arrays are kept for the next picture of that size: they are not to be changed.
    """
    middles, strides = [], []
    for stride in STRIDES:
        y, x = np.mgrid[: height // stride, : width // stride].astype(np.float32)
        middles.append((np.stack([x.ravel(), y.ravel()], axis=1) + np.float32(0.5)) * stride)
        strides.append(np.full(x.size, stride, dtype=np.float32))
    return np.concatenate(middles), np.concatenate(strides)


def postprocess(
    cells: Cells,
    input_size: tuple[int, int],
    picture_size: tuple[int, int],
    scale: float,
    threshold: float,
) -> tuple[Detection, ...]:
    """The plates in the network's answer (13, cells), best first, in pixels of the picture.

    The box of each is the one around its corners.

    `input_size` and `picture_size` are (height, width); `scale` is from picture to input.
    """
    wanted = np.flatnonzero(cells[0] >= math.log(threshold / (1 - threshold)))
    wanted = wanted[np.argsort(-cells[0, wanted], kind="stable")][:MOST_CANDIDATES]
    if not len(wanted):
        return ()
    middles, strides = cell_middles(*input_size)
    boxes, corners = decode(cells[:, wanted], middles[wanted], strides[wanted])
    scores = 1 / (1 + np.exp(-cells[0, wanted]))
    height, width = picture_size
    found = []
    for index in suppressed(boxes):
        quadrilateral = (corners[index] / np.float32(scale)).astype(np.float32)
        # Corners are learnt from drawn plates, whose outlines are exact; labelled boxes are not.
        box = bounding_box(quadrilateral).clipped(width, height)
        if box.area:
            found.append(Detection(box, float(scores[index]), quadrilateral))
    return tuple(found)


def decode(
    cells: Cells, middles: NDArray[np.float32], strides: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Boxes (n, 4: left, top, right, bottom) and corners (n, 4, 2) in input pixels of (13, n)."""
    reach = np.exp(np.minimum(cells[1:5].T, MOST_LOG_STRIDES)) * strides[:, np.newaxis]
    boxes = np.concatenate([middles - reach[:, :2], middles + reach[:, 2:]], axis=1)
    size = (boxes[:, 2:] - boxes[:, :2])[:, np.newaxis]
    upright = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2)
    corners = upright + cells[5:13].T.reshape(-1, 4, 2) * size
    return boxes.astype(np.float32), corners.astype(np.float32)


def suppressed(boxes: NDArray[np.float32]) -> list[int]:
    """Which of the boxes (n, 4), best first, to keep: none that overlaps a better one much."""
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    left = np.arange(len(boxes))
    kept = []
    while len(left):
        best, others = left[0], left[1:]
        kept.append(int(best))
        low = np.maximum(boxes[best, :2], boxes[others, :2])
        high = np.minimum(boxes[best, 2:], boxes[others, 2:])
        shared = np.prod(np.maximum(high - low, 0), axis=1)
        union = areas[best] + areas[others] - shared
        left = others[shared < SAME_PLATE_IOU * np.maximum(union, 1e-6)]
    return kept
