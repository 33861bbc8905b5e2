"""Painted scenery behind serials, from soft simple shapes.

Everything is drawn at half the plate's resolution and scaled up, which is quick and leaves the
soft edges of screen prints. A painter takes the half-size picture and paints in place; colours
arrive as BGR, one or more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from models.training.plates import landscapes, motifs
from models.training.plates.canvas import Canvas, Colour, Picture

Painter = Callable[[np.random.Generator, Canvas, Sequence[Colour]], None]

SCENES: dict[str, Painter] = {
    painter.__name__: painter
    for painter in (
        landscapes.mountains,
        landscapes.skyline_mountains,
        landscapes.hills,
        landscapes.sea,
        landscapes.wave,
        landscapes.sun,
        landscapes.clouds,
        landscapes.pines,
        landscapes.trees,
        landscapes.skyline,
        landscapes.farm,
        landscapes.desert,
        landscapes.tower,
        landscapes.arch,
        landscapes.lighthouse,
        motifs.swoosh,
        motifs.rainbow,
        motifs.panel,
        motifs.stars,
        motifs.stripes,
        motifs.watermark,
        motifs.portrait,
        motifs.flowers,
        motifs.specks,
    )
}
"""Painters by the name that designs call them."""


def paint(
    rng: np.random.Generator,
    back: Picture,
    scenes: Sequence[tuple[str, Sequence[Colour]]],
    strength: float = 1.0,
) -> Picture:
    """The scenes over a half-size background, brought to full size.

    Args:
        back: (h, w, 3) uint8 at half the plate's size; painted in place.
        strength: 0 leaves the background, 1 paints in full.

    Raises:
        KeyError: if a scene is unknown.
    """
    plain = back.copy() if strength < 1 else back
    canvas = Canvas(back)
    for name, inks in scenes:
        SCENES[name](rng, canvas, inks)
    if strength < 1:
        back = np.asarray(cv2.addWeighted(back, strength, plain, 1 - strength, 0), np.uint8)
    size = (back.shape[1] * 2, back.shape[0] * 2)
    return np.asarray(cv2.resize(back, size, interpolation=cv2.INTER_LINEAR), np.uint8)
