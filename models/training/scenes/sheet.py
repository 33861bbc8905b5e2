"""A sheet of scenes with their labels drawn in, for a person to look at."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .compose import Scene, compose
from .photos import Photo, shares
from .textures import Textures

KNOWN, BOX_ONLY, DOUBT = (60, 230, 60), (0, 170, 255), (200, 60, 200)
GAP_PX = 4


def marked(scene: Scene) -> NDArray[np.uint8]:
    """The scene with plates in green (orange where only the box is known) and doubts in purple.

    A dot marks the top left corner of each plate.
    """
    image = scene.image.copy()
    for box in scene.ignore:
        left, top, right, bottom = (round(float(v)) for v in box)
        cv2.rectangle(image, (left, top), (right, bottom), DOUBT, 1)
    for corners, box_only in zip(scene.plates, scene.box_only, strict=True):
        ink = BOX_ONLY if box_only else KNOWN
        fixed = np.round(corners * 16).astype(np.int32)
        cv2.polylines(image, [fixed], isClosed=True, color=ink, lineType=cv2.LINE_AA, shift=4)
        cv2.circle(image, tuple(int(v) for v in fixed[0]), 48, ink, -1, cv2.LINE_AA, 4)
    return image


def sheet(
    photos: tuple[Photo, ...],
    textures: Textures,
    size: tuple[int, int],
    grid: tuple[int, int],
    seed: int,
) -> NDArray[np.uint8]:
    """Scenes of (width, height) px in a grid of (columns, rows), (h, w, 3) uint8 BGR."""
    rng = np.random.default_rng(seed)
    weights = shares(photos)
    width, height = size
    columns, rows = grid
    whole = np.full((rows * (height + GAP_PX), columns * (width + GAP_PX), 3), 255, dtype=np.uint8)
    for index in range(columns * rows):
        photo = photos[int(rng.choice(len(photos), p=weights))]
        scene = compose(rng, photo, size, textures)
        x, y = index % columns * (width + GAP_PX), index // columns * (height + GAP_PX)
        whole[y : y + height, x : x + width] = marked(scene)
    return whole
