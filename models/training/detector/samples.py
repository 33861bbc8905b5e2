"""Batches to train on: composed scenes, some of them four to a square at half their size."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from models.training.scenes.compose import Scene, compose
from models.training.scenes.photos import STRETCHED, Photo
from models.training.scenes.textures import Textures

SIDE_PX = 448
MOSAICS = 0.2
"""The share of a batch that is made of four of its other pictures: far plates, and many."""
STRETCHED_SHARE, DRIVES_SHARE = 0.6, 0.05
SMALLEST_WIDTH_PX, SMALLEST_HEIGHT_PX = 12.0, 4.0

Box = NDArray[np.float32]
Corners = NDArray[np.float32]


@dataclass(slots=True, eq=False)
class Sample:
    """A square (side, side, 3) uint8 BGR and what is in it, in its pixels.

    `plates` are boxes (left, top, right, bottom) and corners (4, 2), which are NaN where only
    the box is known; `ignored` are boxes in which nobody is sure.
    """

    image: NDArray[np.uint8]
    plates: list[tuple[Box, Corners]] = field(default_factory=list)
    ignored: list[Box] = field(default_factory=list)

    def note(self, box: Box, corners: Corners) -> None:
        """Add a plate; one too small to be asked for becomes a region of doubt."""
        width, height = box[2:] - box[:2]
        if width < SMALLEST_WIDTH_PX or height < SMALLEST_HEIGHT_PX:
            self.ignored.append(box)
        else:
            self.plates.append((box, corners))


class Sampler:
    """Draws batches from photographs and a stock of textures."""

    def __init__(self, photos: list[Photo], textures: Textures, side: int = SIDE_PX) -> None:
        """Raises ValueError where there is no photograph."""
        groups = [
            ([p for p in photos if p.exact], DRIVES_SHARE),
            ([p for p in photos if not p.exact and p.name.startswith(STRETCHED)], STRETCHED_SHARE),
            ([p for p in photos if not p.exact and not p.name.startswith(STRETCHED)],
             1 - STRETCHED_SHARE - DRIVES_SHARE),
        ]  # fmt: skip
        self._groups = [(group, share) for group, share in groups if group]
        if not self._groups:
            raise ValueError("there is no photograph to compose scenes of")
        self._textures = textures
        self._side = side

    def batch(self, rng: Generator, count: int) -> list[Sample]:
        """`count` samples, another batch each time."""
        mosaics = round(count * MOSAICS)
        samples = [self._scene(rng) for _ in range(count - mosaics)]
        return samples + [mosaic(rng, samples) for _ in range(mosaics)]

    def _scene(self, rng: Generator) -> Sample:
        shares = np.array([share for _, share in self._groups])
        group = self._groups[int(rng.choice(len(shares), p=shares / shares.sum()))][0]
        photo = group[int(rng.integers(len(group)))]
        return sample_of(compose(rng, photo, (self._side, self._side), self._textures))


def sample_of(scene: Scene) -> Sample:
    """A square scene as a sample."""
    side = scene.image.shape[0]
    sample = Sample(scene.image, ignored=[np.asarray(box, np.float32) for box in scene.ignore])
    for corners, box_only in zip(scene.plates, scene.box_only, strict=True):
        around = np.concatenate([corners.min(axis=0), corners.max(axis=0)])
        box = np.clip(around, 0, side).astype(np.float32)
        sample.note(box, np.full_like(corners, np.nan) if box_only else corners)
    return sample


def mosaic(rng: Generator, samples: list[Sample]) -> Sample:
    """Four of the samples at half their size in one square."""
    side = samples[0].image.shape[0]
    half = side // 2
    whole = Sample(np.zeros((side, side, 3), dtype=np.uint8))
    chosen = rng.permutation(len(samples))[:4]
    for quarter in range(4):
        part = samples[int(chosen[quarter % len(chosen)])]
        x, y = half * (quarter % 2), half * (quarter // 2)
        small = cv2.resize(part.image, (half, half), interpolation=cv2.INTER_AREA)
        whole.image[y : y + half, x : x + half] = small
        shift = np.array([x, y], dtype=np.float32)
        for box, corners in part.plates:
            whole.note(_halved(box, np.tile(shift, 2)), _halved(corners, shift))
        whole.ignored += [_halved(box, np.tile(shift, 2)) for box in part.ignored]
    return whole


def _halved(points: NDArray[np.float32], shift: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(points / 2 + shift, dtype=np.float32)
