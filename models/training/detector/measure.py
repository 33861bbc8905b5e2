"""How well a detector finds the labelled plates of pictures, and what else it finds."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.detector import Detection
from edge.vision.geometry import Box, intersection, iou
from models.training.scenes.photos import Boxes, Photo

Detect = Callable[[NDArray[np.uint8]], tuple[Detection, ...]]
FALSE_BELOW_IOU = 0.1
FOUND_IOUS = (0.5, 0.3)
SMALLEST_PLATE_PX = 5.0


@dataclass(frozen=True, slots=True)
class Labelled:
    """A picture's image (h, w, 3) uint8 BGR, its plates, and where nobody is sure."""

    image: NDArray[np.uint8]
    plates: tuple[Box, ...]
    doubtful: tuple[Box, ...] = ()


def held_out(photos: Iterable[Photo]) -> Iterator[Labelled]:
    """The photographs kept for measuring, in their true shape; no drawn drives."""
    for photo in photos:
        if photo.held_out and not photo.exact:
            image = np.asarray(cv2.resize(photo.read(), photo.size), dtype=np.uint8)
            large = (photo.plates[:, 2:] - photo.plates[:, :2] >= SMALLEST_PLATE_PX).all(axis=1)
            unsure = np.concatenate([photo.doubtful, photo.plates[~large]])
            yield Labelled(image, _boxes(photo.plates[large]), _boxes(unsure))


def benchmark(folder: Path) -> Iterator[Labelled]:
    """The pictures of a folder with truth.csv (file,x,y,w,h,...), one plate labelled in each.

    Raises OSError or ValueError where it cannot be read.
    """
    with (folder / "truth.csv").open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            image = cv2.imread(str(folder / row["file"]), cv2.IMREAD_COLOR)
            if image is None:
                raise ValueError(f"{folder / row['file']} is missing or not a picture")
            box = Box(*(round(float(row[key])) for key in "xywh"))
            yield Labelled(np.asarray(image, dtype=np.uint8), (box,))


def _boxes(rows: Boxes) -> tuple[Box, ...]:
    whole = [[round(float(side)) for side in row] for row in rows]
    return tuple(Box(left, top, right - left, bottom - top) for left, top, right, bottom in whole)


def figures(detect: Detect, pictures: Iterable[Labelled], threshold: float) -> dict[str, float]:
    """Shares of plates found at each IoU, false plates a picture, and the average precision.

    `detect` may give detections below `threshold`; they count for the average precision alone.
    """
    found = dict.fromkeys(FOUND_IOUS, 0)
    plates = false = count = 0
    ranked: list[tuple[float, bool]] = []
    for picture in pictures:
        count += 1
        plates += len(picture.plates)
        everything = detect(picture.image)
        sure = [detection for detection in everything if detection.score >= threshold]
        for least in FOUND_IOUS:
            found[least] += sum(
                any(iou(plate, detection.box) >= least for detection in sure)
                for plate in picture.plates
            )
        false += sum(_is_false(detection.box, picture) for detection in sure)
        ranked += _judged(everything, picture)
    return {
        **{f"found{int(least * 100)}": found[least] / max(1, plates) for least in FOUND_IOUS},
        "false": false / max(1, count),
        "precision": average_precision(ranked, plates),
    }


def _is_false(box: Box, picture: Labelled) -> bool:
    return all(iou(box, plate) < FALSE_BELOW_IOU for plate in picture.plates) and not any(
        intersection(box, region) for region in picture.doubtful
    )


def _judged(found: tuple[Detection, ...], picture: Labelled) -> Iterator[tuple[float, bool]]:
    """Each detection's score and whether it is the best one of a plate not found before it."""
    left = list(picture.plates)
    for detection in found:
        best = max(left, key=lambda plate: iou(plate, detection.box), default=None)
        if best is not None and iou(best, detection.box) >= FOUND_IOUS[0]:
            left.remove(best)
            yield detection.score, True
        elif not any(intersection(detection.box, region) for region in picture.doubtful):
            yield detection.score, False


def average_precision(ranked: list[tuple[float, bool]], plates: int) -> float:
    """The area under precision over recall, each precision the best at that recall or more."""
    if not ranked or not plates:
        return 0.0
    right = np.array([hit for _, hit in sorted(ranked, key=lambda entry: -entry[0])])
    precision = np.cumsum(right) / np.arange(1, len(right) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    return float(best[right].sum() / plates)
