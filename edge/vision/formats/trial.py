"""Try a model on a picture: a drawn one, where a person has given none.

The drawing shows that a model runs and that its answer is understood; how well it reads streets
is measured by scripts/bench.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.detector import Detector
from edge.vision.errors import ModelError
from edge.vision.geometry import Box
from edge.vision.reader import Reader

TEXT = "7ABC482"
_PLATE = Box(250, 210, 160, 80)
_INK = (90, 30, 20)


@dataclass(frozen=True, slots=True)
class TrialResult:
    """What a model gave, in words; `score` is its surest answer, None where it gave none."""

    said: str
    score: float | None


def drawn_scene() -> NDArray[np.uint8]:
    """The back of a dark car with one white plate on it, (480, 640, 3) uint8 BGR."""
    scene = np.full((480, 640, 3), (170, 160, 150), dtype=np.uint8)
    scene[300:] = (90, 90, 90)
    cv2.rectangle(scene, (120, 90), (540, 400), (60, 45, 40), cv2.FILLED)
    cv2.rectangle(scene, (180, 110), (480, 190), (120, 110, 100), cv2.FILLED)
    for x in (140, 460):
        cv2.rectangle(scene, (x, 215), (x + 60, 255), (40, 40, 170), cv2.FILLED)
    place = scene[_PLATE.y : _PLATE.y + _PLATE.h, _PLATE.x : _PLATE.x + _PLATE.w]
    place[:] = cv2.resize(drawn_plate(), (_PLATE.w, _PLATE.h), interpolation=cv2.INTER_AREA)
    return scene


def drawn_plate() -> NDArray[np.uint8]:
    """A white plate with dark blue characters, (160, 320, 3) uint8 BGR."""
    plate = np.full((160, 320, 3), 235, dtype=np.uint8)
    cv2.rectangle(plate, (0, 0), (319, 159), (40, 40, 40), 4)
    cv2.putText(plate, TEXT, (22, 112), cv2.FONT_HERSHEY_SIMPLEX, 2.05, _INK, 7, cv2.LINE_AA)
    return plate


def try_detector(detector: Detector, picture: NDArray[np.uint8]) -> TrialResult:
    """What a detector finds in an (H, W, 3) uint8 BGR picture; raises VisionError if it fails."""
    found = detector.detect(picture)
    if not found:
        return TrialResult("it found no plate on the picture", None)
    best = found[0]
    if best.box.area >= 0.9 * picture.shape[0] * picture.shape[1]:
        raise ModelError("it took the whole picture for a plate: its answer is not understood")
    return TrialResult(
        f"it found {len(found)} on the picture, the surest at x {best.box.x}, y {best.box.y}, "
        f"{best.box.w} by {best.box.h} pixels, score {best.score:.2f}",
        best.score,
    )


def try_reader(reader: Reader, crop: NDArray[np.uint8]) -> TrialResult:
    """What a reader reads on an (h, w, 3) uint8 BGR crop; raises VisionError if it fails."""
    reading = reader.read(crop)
    if reading is None:
        return TrialResult("it read nothing on the picture", None)
    state = f" of {reading.state.code}" if reading.state.code else ""
    return TrialResult(
        f"it read {reading.text}{state}, confidence {reading.confidence:.2f}", reading.confidence
    )
