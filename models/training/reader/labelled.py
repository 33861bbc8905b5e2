"""Labelled pictures to measure a reader by: held-out drawings, held-out real plates, eval sets."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.contract.plates import STATES
from edge.vision.geometry import Box, box_corners, grown
from edge.vision.plate_reader import reader_input
from edge.vision.rectify import rectify

from .real import RealPlate, cut
from .shards import Crops

LABEL_GROWTH = 1.16
"""How much larger than a label's tight box the crop is: the middle of what training shows."""


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """Crops (n, 96, 192, 3) uint8 BGR with text and state; the state None where nobody said."""

    pictures: NDArray[np.uint8]
    labels: tuple[tuple[str, str | None], ...]

    def first(self, count: int) -> Labelled:
        """No more than that many of them."""
        return Labelled(self.pictures[:count], self.labels[:count])


def from_drawn(crops: Crops) -> Labelled:
    """Drawn plates as they were drawn; a plate without a state has none to be right about."""
    states = [_code(int(state)) for state in crops.states]
    return Labelled(crops.pictures, tuple(zip(crops.texts, states, strict=True)))


def from_real(plates: Sequence[RealPlate]) -> Labelled:
    """Real plates as a good detector would cut them."""
    pictures = np.stack([cut(plate, None) for plate in plates])
    return Labelled(pictures, tuple((plate.text, _code(plate.state)) for plate in plates))


def from_folder(folder: Path) -> Labelled:
    """A folder with truth.csv: crops as they are, scenes cut out by the truth's boxes.

    Raises OSError, or ValueError where a picture is missing.
    """
    with (folder / "truth.csv").open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    pictures = []
    for row in rows:
        picture = cv2.imread(str(folder / row["file"]))
        if picture is None:
            raise ValueError(f"{folder / row['file']} is missing or not a picture")
        crop = np.asarray(picture, dtype=np.uint8)
        if "x" in row:
            box = Box(*(int(float(row[side])) for side in "xywh"))
            crop = rectify(crop, grown(box_corners(box), LABEL_GROWTH))
        pictures.append(reader_input(crop))
    labels = tuple((row["plate"], row.get("state") or None) for row in rows)
    return Labelled(np.stack(pictures), labels)


def _code(state: int) -> str | None:
    return STATES[state] if 0 <= state < len(STATES) else None
