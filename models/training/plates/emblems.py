"""Emblems beside and between characters: silhouettes, seals, hearts, trees, badges.

Each is kept as a sprite. What matters to a reader is that they stand where a character might and
are none.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from models.training.plates.canvas import Colour
from models.training.plates.emblem_drawings import DRAWINGS
from models.training.plates.lettering import fitted
from models.training.plates.outlines import outline
from models.training.plates.pen import Pen

__all__ = ["DRAWINGS", "LOGOS", "SYMBOLS", "aspect", "sprite"]

Sprite = NDArray[np.uint8]
STICKER_FONT = "LiberationSansNarrow-Bold.ttf"

SYMBOLS = ("heart", "star", "hand", "plus", "paw", "diamond", "anchor", "flower", "clover")
"""Symbols that owners may ask for among the characters of a personalised plate."""

LOGOS = ("seal", "shield", "paw", "flag", "bird", "fish", "flower", "ribbon", "scene", "ball",
    "star",
         "heart", "tree", "palm", "sun", "bison", "bell", "anchor", "torch", "lobster", "wings",
         "clover", "fruit", "horse", "loon", "gem", "diamond")  # fmt: skip
"""Drawings that special plates show large at one side."""


STICKER = "sticker:"
"""What the names of stickers begin with; their number follows."""


def aspect(name: str) -> float:
    """Width over height of an emblem: a drawing, a state's code for its outline, or a sticker."""
    if name.startswith(STICKER):
        return 1.0
    return outline(name)[1] if name not in DRAWINGS else DRAWINGS[name][1]


@lru_cache(maxsize=400)
def sprite(name: str, width_px: int, height_px: int, ink: Colour, second: Colour) -> Sprite:
    """The emblem as a (height_px, width_px, 4) BGRA picture, not to be written to.

    Raises:
        KeyError: if there is no drawing of that name and no such state.
    """
    pen = Pen(max(4, width_px), max(4, height_px), ink, second)
    if name.startswith(STICKER):
        _sticker(pen, name.removeprefix(STICKER))
    elif name in DRAWINGS:
        DRAWINGS[name][0](pen)
    else:
        pen.fill(list(outline(name)[0]))
    made = np.asarray(cv2.merge(pen.layers), np.uint8)
    made.setflags(write=False)
    return made


def _sticker(pen: Pen, number: str) -> None:
    pen.fill([(0, 0), (1, 0), (1, 1), (0, 1)])
    size = (round(pen.width * 0.76), round(pen.height * 0.6))
    mask = np.zeros((pen.height, pen.width), np.uint8)
    left, top = (pen.width - size[0]) // 2, round(pen.height * 0.14)
    mask[top : top + size[1], left : left + size[0]] = fitted(STICKER_FONT, number, *size)
    pen.lay(mask, pen.second)
