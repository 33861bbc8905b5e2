"""Scenes that a plate nearly fills, before a drawn or borrowed background."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from models.training.photograph.backgrounds import background
from models.training.photograph.fields import chance
from models.training.photograph.optics import outline

from .framing import Framed
from .place import Look, lay

WHOLE_PLATE = 0.35
"""The share of close-ups that are hardly more than the plate."""


def close_up(
    rng: Generator, size: tuple[int, int], texture: NDArray[np.uint8], around: Framed | None
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """A picture (h, w, 3) uint8 BGR of (width, height) px and the plate's corners (4, 2).

    Behind the plate is a blurred piece of a photograph without its plates, or a drawn bumper.
    """
    width, height = size
    aspect = texture.shape[1] / texture.shape[0]
    if around is not None:
        image = np.asarray(cv2.GaussianBlur(around.image, (0, 0), rng.uniform(0.5, 4)), np.uint8)
    else:
        small = background(rng, (height // 4, width // 4), ())
        image = np.clip(cv2.resize(small, size), 0, 255).astype(np.uint8)
    most = min(width, height * aspect)
    share = rng.uniform(0.8, 1.0) if chance(rng, WHOLE_PLATE) else rng.uniform(0.4, 0.85)
    yaw = rng.normal(0, 17 if share < 0.8 else 8)
    angles = (float(np.clip(yaw, -50, 50)), float(rng.normal(3, 7)), float(rng.normal(0, 3)))
    corners = outline(aspect, most * share, angles, 3 + rng.exponential(5))
    span = np.ptp(corners, axis=0)
    corners *= np.float32(min(1.0, (width - 2) / span[0], (height - 2) / span[1]))
    low, high = corners.min(axis=0), corners.max(axis=0)
    room = np.array(size) - (high - low)
    corners += (room * rng.uniform(0, 1, 2) - low).astype(np.float32)
    level = float(rng.uniform(120, 255))
    dark = float(rng.uniform(0, 0.25)) * level
    tint = np.exp(rng.normal(0, 0.05, 3)).astype(np.float32)
    look = Look(
        np.full(3, dark, np.float32), level * tint, float(rng.uniform(0.3, 0.006 * most + 0.4))
    )
    lay(rng, image, texture, corners.astype(np.float32), look)
    return image, corners.astype(np.float32)
