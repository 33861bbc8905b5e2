"""Real plates with their texts: cut anew each time they are shown, as a detector might cut them.

The texts are those of real_text.csv beside this file, each looked at by a person.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.contract.plates import STATES, normalise
from edge.vision.plate_reader import HEIGHT_PX, WIDTH_PX

from .shards import NOT_SAID, UNKNOWN_CLASS

OPEN_IMAGES = "openimages-plates"
TEXTS = Path(__file__).with_name("real_text.csv")
MARGINS = (-0.03, 0.18)
CORNER = 0.025
AROUND = 0.35  # of the box on each side, kept with the plate
HELD_OUT = 0.2
MIN_WIDTH_PX = 20


@dataclass(frozen=True, slots=True, eq=False)
class RealPlate:
    """A plate and what is around it (h, w, 3) uint8 BGR; its corners (4, 2) there in px."""

    picture: NDArray[np.uint8]
    corners: NDArray[np.float32]
    text: str
    state: int
    held_out: bool


def load_real(data: Path) -> list[RealPlate]:
    """Every real plate with a text in the sets under `data`; raises OSError or ValueError."""
    with TEXTS.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    found = []
    for row in rows:
        dataset = row["dataset"]
        text = normalise(row["plate"])
        box = [float(row[side]) for side in "xywh"]
        if not text or box[2] < MIN_WIDTH_PX:
            continue
        picture = _picture(data / dataset, row["file"])
        otherwise = NOT_SAID if dataset == OPEN_IMAGES else UNKNOWN_CLASS
        state = STATES.index(row["state"]) if row["state"] in STATES else otherwise
        # By the text, so that the frames of one car are all on one side.
        held_out = hashlib.sha256(text.encode()).digest()[0] < HELD_OUT * 256
        found.append(_cut_out(picture, box, text, state, held_out))
    return found


def _picture(folder: Path, name: str) -> NDArray[np.uint8]:
    picture = cv2.imread(str(folder / name))
    if picture is None:
        raise ValueError(f"{folder / name} is missing or not a picture")
    return np.asarray(picture, dtype=np.uint8)


def _cut_out(
    picture: NDArray[np.uint8], box: list[float], text: str, state: int, held_out: bool
) -> RealPlate:
    x, y, w, h = box
    left, top = max(0, round(x - AROUND * w)), max(0, round(y - AROUND * h))
    right, bottom = round(x + (1 + AROUND) * w), round(y + (1 + AROUND) * h)
    corners = np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]], dtype=np.float32)
    part = np.ascontiguousarray(picture[top:bottom, left:right])
    return RealPlate(part, corners - np.array([left, top], np.float32), text, state, held_out)


def cut(plate: RealPlate, rng: np.random.Generator | None) -> NDArray[np.uint8]:
    """A crop (96, 192, 3) uint8 BGR of the plate; by no rng as a good detector would cut it."""
    size = plate.corners[2] - plate.corners[0]
    middle = (plate.corners[0] + plate.corners[2]) / 2
    if rng is None:
        corners = middle + (plate.corners - middle) * 1.16
    else:
        grown = 1 + 2 * rng.uniform(*MARGINS, 2)
        corners = middle + (plate.corners - middle) * grown + rng.normal(0, CORNER, (4, 2)) * size
    width, height = WIDTH_PX, HEIGHT_PX
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    moved = cv2.getPerspectiveTransform(corners.astype(np.float32), target)
    source = plate.picture
    if rng is not None and rng.random() < 0.3:
        source = _smaller(source, float(rng.uniform(0.5, 0.95)), float(size[0]))
    crop = cv2.warpPerspective(
        source, moved, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(crop, dtype=np.uint8)


def _smaller(picture: NDArray[np.uint8], scale: float, width_px: float) -> NDArray[np.uint8]:
    """The picture with the detail of one taken from farther away; never below 40 px a plate."""
    scale = max(scale, min(1.0, 40 / width_px))
    height, width = picture.shape[:2]
    small = cv2.resize(
        picture, (max(2, round(width * scale)), max(2, round(height * scale))),
        interpolation=cv2.INTER_AREA,
    )  # fmt: skip
    return np.asarray(cv2.resize(small, (width, height)), dtype=np.uint8)
