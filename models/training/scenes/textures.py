"""A stock of drawn plates and signs on disk, drawn once and mapped into memory by every process.

The folder holds `textures.bin`, the pixels (BGRA, row by row) one texture after another, and
`textures.npz`, where each begins, its height and width, and its kind. It may be deleted at any
time. A stock is complete when `textures.npz` is there: it is written last.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from models.training.photograph.crop import surface
from models.training.photograph.fields import chance
from models.training.plates.draw import draw_foreign, draw_plate

from .signs import draw_sign

HEIGHT_PX = 200
LONGEST_PX = 520
FOREIGN = 0.2
SIGNS = 0.3
"""Signs for each plate of the stock."""
PLATE, FOREIGN_PLATE, ROAD_SIGN, VEHICLE_SIGN = range(4)

Texture = NDArray[np.uint8]


def draw_texture(rng: Generator, kind: int) -> Texture:
    """One texture (h, w, 4) uint8 BGRA of a kind; plates are worn as they are on the road."""
    if kind in (ROAD_SIGN, VEHICLE_SIGN):
        return draw_sign(rng, on_vehicle=kind == VEHICLE_SIGN)
    drawn = draw_foreign(rng) if kind == FOREIGN_PLATE else draw_plate(rng)
    strength = 0.0 if chance(rng, 0.2) else float(rng.uniform(0.2, 1))
    picture = surface(rng, drawn, strength).picture
    scale = min(HEIGHT_PX / picture.shape[0], LONGEST_PX / picture.shape[1])
    size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Textures:
    """Drawn plates and signs by kind."""

    pixels: NDArray[np.uint8]
    starts: NDArray[np.int64]
    sizes: NDArray[np.int64]
    kinds: NDArray[np.int64]

    def pick(self, rng: Generator, kind: int) -> Texture:
        """One of the stock of this kind (h, w, 4) uint8 BGRA. Raises KeyError where none is."""
        of_kind = np.flatnonzero(self.kinds == kind)
        if not len(of_kind):
            raise KeyError(f"the stock of textures has none of kind {kind}")
        index = int(of_kind[int(rng.integers(len(of_kind)))])
        height, width = (int(side) for side in self.sizes[index])
        start = int(self.starts[index])
        return self.pixels[start : start + height * width * 4].reshape(height, width, 4)


def make(count: int, folder: Path, seed: int = 0) -> Textures:
    """The stock of `count` plates, with signs to it, kept in `folder`; drawn where it is not.

    A stock of another count or seed in the folder is replaced.
    """
    index = folder / "textures.npz"
    if index.is_file():
        with np.load(index) as kept:
            if int(kept["count"]) == count and int(kept["seed"]) == seed:
                return open_stock(folder)
        index.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    sizes, kinds = [], []
    with (folder / "textures.bin").open("wb") as pixels:
        for kind, texture in _drawn(count, seed):
            pixels.write(np.ascontiguousarray(texture).tobytes())
            sizes.append(texture.shape[:2])
            kinds.append(kind)
    starts = list(accumulate((4 * h * w for h, w in sizes), initial=0))[:-1]
    np.savez(index, count=count, seed=seed, starts=starts, sizes=sizes, kinds=kinds)
    return open_stock(folder)


def open_stock(folder: Path) -> Textures:
    """The stock in a folder. Raises OSError where there is none."""
    with np.load(folder / "textures.npz") as index:
        starts, sizes, kinds = (index[key] for key in ("starts", "sizes", "kinds"))
    pixels = np.memmap(folder / "textures.bin", dtype=np.uint8, mode="r")
    return Textures(pixels, starts, sizes, kinds)


def _drawn(count: int, seed: int) -> Iterator[tuple[int, Texture]]:
    rng = np.random.default_rng(seed)
    foreign = round(count * FOREIGN)
    signs = round(count * SIGNS / 2)
    for kind, wanted in (
        (PLATE, count - foreign), (FOREIGN_PLATE, foreign), (ROAD_SIGN, signs),
        (VEHICLE_SIGN, signs),
    ):  # fmt: skip
        for _ in range(max(1, wanted)):
            yield kind, draw_texture(rng, kind)
