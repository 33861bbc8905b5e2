"""Random fields and small draws that the effects share."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Field = NDArray[np.float32]


def chance(rng: Generator, probability: float) -> bool:
    """Whether something of this probability happens."""
    return bool(rng.random() < probability)


def smooth(rng: Generator, size: tuple[int, int], cells: float) -> Field:
    """Soft noise (height, width) float32, 0..1, with about `cells` blobs across its width."""
    height, width = size
    columns = max(2, round(cells))
    rows = max(2, round(cells * height / width))
    coarse = rng.random((rows + 2, columns + 2), dtype=np.float32)
    field = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(field, 0, 1), dtype=np.float32)


def ramp(rng: Generator, size: tuple[int, int]) -> Field:
    """A straight gradient (height, width) float32 from 0 to 1 in a random direction."""
    height, width = size
    angle = rng.uniform(0, 2 * np.pi)
    across = np.cos(angle) * np.linspace(-0.5, 0.5, width, dtype=np.float32)
    down = np.sin(angle) * np.linspace(-0.5, 0.5, height, dtype=np.float32)
    slope = np.asarray(across[np.newaxis, :] + down[:, np.newaxis], dtype=np.float32)
    low, high = float(slope.min()), float(slope.max())
    return np.asarray((slope - low) / max(high - low, 1e-6), dtype=np.float32)


def spot(size: tuple[int, int], centre: tuple[float, float], radii: tuple[float, float]) -> Field:
    """A round glow (height, width) float32: 1 at the centre, falling off with the radii (px)."""
    height, width = size
    across = (np.arange(width, dtype=np.float32) - centre[0]) / max(radii[0], 1e-3)
    down = (np.arange(height, dtype=np.float32) - centre[1]) / max(radii[1], 1e-3)
    glow = np.exp(-0.5 * across**2)[np.newaxis, :] * np.exp(-0.5 * down**2)[:, np.newaxis]
    return np.asarray(glow, dtype=np.float32)


def colour(rng: Generator, low: int = 0, high: int = 256) -> tuple[int, int, int]:
    """A colour (blue, green, red), grey in a good third of draws."""
    if chance(rng, 0.4):
        grey = int(rng.integers(low, high))
        return grey, grey, grey
    blue, green, red = (int(value) for value in rng.integers(low, high, 3))
    return blue, green, red


def mix(picture: Field, share: NDArray[np.floating], ink: Sequence[float]) -> None:
    """Lay a colour over a float32 picture (h, w, 3) in place, by a share (h, w) of 0..1."""
    weight = share.astype(np.float32, copy=False)[..., np.newaxis]
    picture += (np.array(ink, dtype=np.float32) - picture) * weight
