"""Ultralytics detectors (YOLOv8, YOLOv9, YOLO11 and later) as their ONNX exporter writes them.

The raw layout is 1 x C x N: for each of N places the centre, width and height in pixels of the
input, a score for each class, then what the task adds: keypoints (x, y and maybe visibility of
each), the angle of a turned box in radians, or coefficients of a mask. With suppression inside the
graph it is 1 x M x C: left, top, right, bottom, score, class, then what the task adds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from edge.vision.errors import VisionError
from edge.vision.formats.boxes import Candidates

PLATE_CORNERS = 4
_PRESELECTED = 300

Extra = Literal["none", "keypoints", "angle"]


@dataclass(frozen=True, slots=True)
class YoloLayout:
    """Which classes of `class_count` are plates, and what follows the classes' scores.

    With "keypoints" the first four, of `keypoint_values` numbers each, are the plate's corners.
    """

    class_count: int
    plate_classes: tuple[int, ...]
    extra: Extra = "none"
    keypoint_values: int = 2

    @staticmethod
    def of(options: Mapping[str, Any]) -> YoloLayout:
        """The layout that a manifest's options describe.

        Raises KeyError, TypeError or ValueError where an option is missing or wrong.
        """
        layout = YoloLayout(
            class_count=int(options["class_count"]),
            plate_classes=tuple(int(index) for index in options["plate_classes"]),
            extra=options.get("extra", "none"),
            keypoint_values=int(options.get("keypoint_values", 2)),
        )
        if not layout.plate_classes or not all(
            0 <= index < layout.class_count for index in layout.plate_classes
        ):
            raise ValueError("plate_classes needs numbers from 0 to below class_count")
        if layout.extra not in get_args(Extra):
            raise ValueError(f"extra needs one of {', '.join(get_args(Extra))}")
        return layout


def decode_raw(output: NDArray[np.float32], layout: YoloLayout) -> Candidates:
    """Candidates from the raw layout (1, C, N); raises VisionError where it is another."""
    extras = 4 + layout.class_count
    if output.ndim != 3 or output.shape[0] != 1 or output.shape[1] < extras:
        raise VisionError(f"a detector gave {output.shape}, not 1 x {extras} or more x N")
    places = output[0].T
    scores = places[:, 4:extras][:, layout.plate_classes].max(axis=1)
    best = np.argsort(-scores, kind="stable")[:_PRESELECTED]
    places, scores = places[best], scores[best]
    middle, size = places[:, :2], places[:, 2:4]
    if layout.extra == "angle":
        corners = _turned(middle, size, places[:, extras])
        return Candidates(_around(corners), scores, corners)
    boxes = np.concatenate([middle - size / 2, middle + size / 2], axis=1)
    return Candidates(boxes, scores, _keypoints(places[:, extras:], layout))


def decode_suppressed(output: NDArray[np.float32], layout: YoloLayout) -> Candidates:
    """Candidates from the layout (1, M, C) with suppression inside; raises VisionError if not."""
    if output.ndim != 3 or output.shape[0] != 1 or output.shape[2] < 6:
        raise VisionError(f"a detector gave {output.shape}, not 1 x M x 6 or more")
    rows = output[0][np.isin(np.round(output[0][:, 5]), layout.plate_classes)]
    return Candidates(rows[:, :4], rows[:, 4], _keypoints(rows[:, 6:], layout))


def _keypoints(values: NDArray[np.float32], layout: YoloLayout) -> NDArray[np.float32] | None:
    if layout.extra != "keypoints":
        return None
    points = values[:, : PLATE_CORNERS * layout.keypoint_values]
    return points.reshape(-1, PLATE_CORNERS, layout.keypoint_values)[..., :2]


def _turned(
    middle: NDArray[np.float32], size: NDArray[np.float32], angle: NDArray[np.float32]
) -> NDArray[np.float32]:
    along = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    right, down = along * size[:, :1] / 2, across * size[:, 1:] / 2
    sides = [-right - down, right - down, right + down, -right + down]
    return np.stack([middle + side for side in sides], axis=1).astype(np.float32)


def _around(corners: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
