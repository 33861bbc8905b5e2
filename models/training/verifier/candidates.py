"""What the verifier will be asked about: the texts that the text finder sees in each picture.

Each becomes an example, a larger patch of the picture than the network is given, so that training
can shift, turn and scale it; or it is left out where the labels do not say what it is.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.geometry import Box, Corners, bounding_box, box_corners, intersection
from edge.vision.manifest import load_model
from edge.vision.ppocr.build import FINDER, RECOGNISER
from edge.vision.ppocr.inference import LineFinder, LineRecogniser
from edge.vision.ppocr.lines import join_lines, line_shape, plate_outline
from edge.vision.ppocr.postprocess import TextLine, decode_characters
from edge.vision.rectify import rectify

SEARCH_LONG_SIDE_PX = 1280
MAX_ENLARGEMENT = 2
MIN_LINE_HEIGHT_PX = 6.0
MIN_PLATE_WIDTH_PX = 24
LINE_ASPECTS = (1.0, 9.0)
SERIAL_WIDTHS = (0.55, 1.25)
"""How wide, in widths of a labelled plate, a line on it must be to be its serial."""
DOUBTFUL = re.compile(r"(?=.*[0-9])(?=.*[A-Z])[A-Z0-9]{5,8}")
"""The shape of a serial: such a text without a label may be a plate that nobody labelled."""


@dataclass(frozen=True, slots=True)
class LabelledPicture:
    """A picture with the boxes of its plates and of its vehicles, in pixels."""

    path: Path
    plates: tuple[Box, ...]
    vehicles: tuple[Box, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """The outline (4, 2) of what may be a plate, and whether it is one."""

    outline: Corners
    is_plate: bool


class TextSearch:
    """The text finder as the daemon runs it, but content with smaller and stranger lines."""

    def __init__(self, threads: int = 1) -> None:
        self._finder = LineFinder(load_model(FINDER, threads))
        self._recogniser = LineRecogniser(load_model(RECOGNISER, threads))

    def lines(self, image: NDArray[np.uint8]) -> tuple[TextLine, ...]:
        """Lines that could be a serial in an (H, W, 3) uint8 BGR picture."""
        long_side_px = min(SEARCH_LONG_SIDE_PX, MAX_ENLARGEMENT * max(image.shape[:2]))
        found = join_lines(self._finder.find(image, long_side_px))
        shapes = [line_shape(line.corners) for line in found]
        return tuple(
            line
            for line, shape in zip(found, shapes, strict=True)
            if shape.height >= MIN_LINE_HEIGHT_PX
            and LINE_ASPECTS[0] <= shape.width / shape.height <= LINE_ASPECTS[1]
        )

    def text(self, image: NDArray[np.uint8], line: TextLine) -> str:
        """What the line says, in the characters of plates."""
        probabilities = self._recogniser.recognise(rectify(image, line.corners))
        characters = decode_characters(self._recogniser.fold(probabilities))
        return "".join(character.best for character in characters)


def labelled_pictures(folder: Path) -> list[LabelledPicture]:
    """The pictures of a folder with boxes.csv (file,kind,x,y,w,h), in the order of their names."""
    boxes: defaultdict[str, dict[str, list[Box]]] = defaultdict(
        lambda: {"plate": [], "vehicle": []}
    )
    with (folder / "boxes.csv").open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            boxes[row["file"]][row["kind"]].append(Box(*(round(float(row[k])) for k in "xywh")))
    return [
        LabelledPicture(folder / name, tuple(kinds["plate"]), tuple(kinds["vehicle"]))
        for name, kinds in sorted(boxes.items())
    ]


def candidates(
    search: TextSearch, image: NDArray[np.uint8], plates: tuple[Box, ...], *, complete: bool
) -> Iterator[Candidate]:
    """Candidates of a picture: its texts, and its labelled plates as the finder would see them.

    `complete` says that the labels miss no plate; otherwise a text that has a serial's shape and
    no label is left out.
    """
    for line in search.lines(image):
        is_plate = _label(line, plates)
        if is_plate is None:
            continue
        if not is_plate and not complete and DOUBTFUL.fullmatch(search.text(image, line)):
            continue
        yield Candidate(plate_outline(line.corners), is_plate)
    for box in plates:
        if box.w >= MIN_PLATE_WIDTH_PX:
            yield Candidate(box_corners(box), True)


def _label(line: TextLine, plates: tuple[Box, ...]) -> bool | None:
    """Whether a line is a plate's serial; None where it is only a part of a plate."""
    outline = bounding_box(plate_outline(line.corners))
    touched = [box for box in plates if intersection(outline, box)]
    if not touched:
        return False
    shape = line_shape(line.corners)
    for box in touched:
        inside = box.x <= shape.x <= box.x + box.w and box.y <= shape.y <= box.y + box.h
        if inside and SERIAL_WIDTHS[0] * box.w <= shape.width <= SERIAL_WIDTHS[1] * box.w:
            return True
    return None


def read_bgr(path: Path) -> NDArray[np.uint8]:
    """A picture as (H, W, 3) uint8 BGR; raises ValueError where it cannot be read."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"{path} is missing or not a picture")
    return np.asarray(image, dtype=np.uint8)
