"""Network outputs to text lines and characters.

Lines: M. Liao et al., "Real-time Scene Text Detection with Differentiable Binarization", 2020.
Characters: connectionist temporal classification (A. Graves et al., 2006), best path.
"""

from __future__ import annotations

import string
import unicodedata
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.geometry import Corners, order_corners
from edge.vision.reader import CharacterReading

PIXEL_THRESHOLD = 0.3
LINE_THRESHOLD = 0.5
UNCLIP_RATIO = 1.6
MIN_SIDE_PX = 3
MAX_LINES = 200

ALPHABET = string.digits + string.ascii_uppercase
MAX_ALTERNATIVES = 5
MIN_ALTERNATIVE = 1e-4


@dataclass(frozen=True, slots=True, eq=False)
class TextLine:
    """A line of text: its corners (4, 2) float32 in pixels of the picture, and a score 0..1."""

    corners: Corners
    score: float


def find_lines(
    text_map: NDArray[np.float32], picture_size: tuple[int, int]
) -> tuple[TextLine, ...]:
    """Lines in a map (h, w) of the probability of text, in a picture of (width, height) px."""
    mask = cv2.dilate(
        (text_map > PIXEL_THRESHOLD).astype(np.uint8), np.ones((2, 2), dtype=np.uint8)
    )
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    to_picture = np.array(
        [picture_size[0] / text_map.shape[1], picture_size[1] / text_map.shape[0]],
        dtype=np.float32,
    )
    lines = []
    for contour in sorted(contours, key=cv2.contourArea, reverse=True)[:MAX_LINES]:
        center, (width, height), angle = cv2.minAreaRect(contour)
        if min(width, height) < MIN_SIDE_PX:
            continue
        score = _mean_inside(text_map, np.asarray(contour, dtype=np.int32))
        if score < LINE_THRESHOLD:
            continue
        # The network is trained on shrunken lines: this grows them back (equation 10 there).
        grow = 2 * UNCLIP_RATIO * width * height / (2 * (width + height))
        points = cv2.boxPoints((center, (width + grow, height + grow), angle))
        lines.append(TextLine(order_corners(points * to_picture), score))
    return tuple(lines)


def _mean_inside(text_map: NDArray[np.float32], contour: NDArray[np.int32]) -> float:
    x, y, w, h = cv2.boundingRect(contour)
    inside = np.zeros((h, w), dtype=np.uint8)
    cv2.drawContours(inside, [contour], -1, 1, cv2.FILLED, offset=(-x, -y))
    return float(cv2.mean(text_map[y : y + h, x : x + w], inside)[0])


class PlateAlphabet:
    """Folds the recogniser's thousands of classes into the characters of plates."""

    def __init__(self, classes: tuple[str, ...]) -> None:
        """`classes` are the recogniser's characters in order, the blank class left out."""
        columns: list[int] = []
        targets: list[int] = []
        for column, glyph in enumerate(classes, start=1):
            character = plate_character(glyph)
            if character is not None:
                columns.append(column)
                targets.append(ALPHABET.index(character))
        self._columns = np.array(columns)
        self._targets = np.array(targets)

    def fold(self, probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
        """(steps, classes) to (steps, 36): the probability of each character of ALPHABET."""
        folded = np.zeros((probabilities.shape[0], len(ALPHABET)), dtype=np.float32)
        for index in range(len(ALPHABET)):
            columns = self._columns[self._targets == index]
            folded[:, index] = probabilities[:, columns].sum(axis=1)
        return folded


# Glyphs drawn like another character of plates than the one they are a form of.
_LOOKALIKES = {"l": "1", "|": "1", "Ø": "0", "ø": "0", "○": "0", "\u3007": "0", "口": "0"}


def plate_character(glyph: str) -> str | None:
    """The character of ALPHABET that a recogniser's glyph is drawn like; None for any other."""
    if glyph in _LOOKALIKES:
        return _LOOKALIKES[glyph]
    plain = unicodedata.normalize("NFKC", glyph).upper()
    return plain if len(plain) == 1 and plain in ALPHABET else None


def decode_characters(folded: NDArray[np.float32]) -> tuple[CharacterReading, ...]:
    """Best path through (steps, 36); whatever mass a step lacks is 'no character of a plate'.

    A run of steps with one best character is one character; its alternatives are those of the
    step in the run that is surest.
    """
    nothing = 1 - folded.sum(axis=1)
    best = np.where(folded.max(axis=1) > nothing, folded.argmax(axis=1), -1)
    characters = []
    start = 0
    for step in range(1, len(best) + 1):
        if step < len(best) and best[step] == best[start]:
            continue
        if best[start] >= 0:
            surest = start + int(folded[start:step, best[start]].argmax())
            characters.append(_alternatives(folded[surest]))
        start = step
    return tuple(characters)


def _alternatives(probabilities: NDArray[np.float32]) -> CharacterReading:
    order = np.argsort(-probabilities, kind="stable")[:MAX_ALTERNATIVES]
    return CharacterReading(
        tuple(
            (ALPHABET[index], min(1.0, float(probabilities[index])))
            for index in order
            if probabilities[index] >= MIN_ALTERNATIVE
        )
    )
