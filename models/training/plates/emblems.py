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
from models.training.plates.outlines import outline
from models.training.plates.pen import Pen

__all__ = ["DRAWINGS", "LOGOS", "SYMBOLS", "aspect", "sprite"]

Sprite = NDArray[np.uint8]

SYMBOLS = ("heart", "star", "hand", "plus", "paw", "diamond", "anchor", "flower", "clover")
"""Symbols that owners may ask for among the characters of a personalised plate."""

LOGOS = ("seal", "shield", "paw", "flag", "bird", "fish", "flower", "ribbon", "scene", "ball",
    "star",
         "heart", "tree", "palm", "sun", "bison", "bell", "anchor", "torch", "lobster", "wings",
         "clover", "fruit", "horse", "loon", "gem", "diamond")  # fmt: skip
"""Drawings that special plates show large at one side."""


def aspect(name: str) -> float:
    """Width over height of an emblem: a drawing's name, or a state's code for its outline."""
    return outline(name)[1] if name not in DRAWINGS else DRAWINGS[name][1]


@lru_cache(maxsize=400)
def sprite(name: str, width_px: int, height_px: int, ink: Colour, second: Colour) -> Sprite:
    """The emblem as a (height_px, width_px, 4) BGRA picture, not to be written to.

    Raises:
        KeyError: if there is no drawing of that name and no such state.
    """
    pen = Pen(max(4, width_px), max(4, height_px), ink, second)
    if name in DRAWINGS:
        DRAWINGS[name][0](pen)
    else:
        pen.fill(list(outline(name)[0]))
    made = np.asarray(cv2.merge(pen.layers), np.uint8)
    made.setflags(write=False)
    return made
