"""What one frame says of the lens and the sensor, in a few small figures; about a millisecond.

Sharpness is that of edges, not of the scene: how much of an edge's whole contrast lies between two
neighbouring pixels. It is 1 for a perfect step, whatever its contrast, and a quarter where the same
step takes four pixels. The sharpest tenth of a picture's edges speaks for it, so that things in
motion or out of range do not count; of both directions the better, since motion blurs only one.
Edges need a contrast well above noise, so darkness and compression change little.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

SMALL_PX: Final = 160
"""The long side of the small picture."""
TILES: Final = (9, 16)
"""Rows and columns of tiles."""

_LINES_AVERAGED = 3
_LINES = 90
_REACH_AT_1280 = 8
_MIN_EDGE_CONTRAST = 32
_MIN_EDGES = 200
_SHARPEST = 0.9


@dataclass(frozen=True, slots=True, eq=False)
class Glance:
    """The figures of one frame.

    `small` is (h, w) uint8 grey, its long side 160 px. `contrast` is (9, 16) float32: the mean
    difference of neighbours but one in each tile of `small`, in grey levels. `prints` is (9, 16)
    uint32, a checksum of pixels of each tile at full size; `plain` (9, 16) bool, where these
    pixels are all one value. `spread` is the difference between the brightest and the darkest
    pixel that was looked at. `sharpness` is 0..1, None where there are too few edges to tell.
    """

    small: NDArray[np.uint8]
    contrast: NDArray[np.float32]
    prints: NDArray[np.uint32]
    plain: NDArray[np.bool_]
    spread: int
    sharpness: float | None


def glance(image: NDArray[np.uint8]) -> Glance:
    """The figures of an (H, W, 3) uint8 BGR frame of at least 64 pixels a side."""
    small = shrink(image, SMALL_PX)
    rows = _grey(image[_every(image.shape[0])])
    columns = np.ascontiguousarray(_grey(image[:, _every(image.shape[1])]).T)
    prints, plain = _prints(rows)
    known = [
        value
        for value in (
            _edge_sharpness(rows, image.shape[1], image.shape),
            _edge_sharpness(columns, image.shape[0], image.shape),
        )
        if value is not None
    ]
    return Glance(
        small=small,
        contrast=tile_contrast(small),
        prints=prints,
        plain=plain,
        spread=int(rows.max()) - int(rows.min()),
        sharpness=max(known, default=None),
    )


def shrink(image: NDArray[np.uint8], long_side_px: int) -> NDArray[np.uint8]:
    """An (H, W, 3) uint8 BGR or (H, W) grey picture as (h, w) uint8 grey of that long side."""
    height, width = image.shape[:2]
    scale = long_side_px / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    # A few lines for each of the result are enough to average over, and reading all takes longer.
    lines = image[:: max(1, int(1 / (_LINES_AVERAGED * scale)))]
    grey = lines if lines.ndim == 2 else _grey(lines)
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def tile_contrast(small: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The contrast of each tile of an (h, w) uint8 picture: (9, 16) float32 in grey levels."""
    across = cv2.absdiff(small[1:-1, 2:], small[1:-1, :-2])
    down = cv2.absdiff(small[2:, 1:-1], small[:-2, 1:-1])
    larger = cv2.max(across, down).astype(np.float32)
    tiles = cv2.resize(larger, TILES[::-1], interpolation=cv2.INTER_AREA)
    return np.asarray(tiles, dtype=np.float32)


def _every(length: int) -> slice:
    step = max(1, length // _LINES)
    return slice(step // 2, None, step)


def _grey(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    grey = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_BGR2GRAY)
    return np.asarray(grey, dtype=np.uint8)


def _prints(rows: NDArray[np.uint8]) -> tuple[NDArray[np.uint32], NDArray[np.bool_]]:
    down, across = TILES
    high, wide = rows.shape[0] // down, rows.shape[1] // across
    whole = rows[: high * down, : wide * across].reshape(down, high, across, wide)
    tiles = np.ascontiguousarray(whole.transpose(0, 2, 1, 3)).reshape(down * across, -1)
    prints = np.array([zlib.crc32(tile.tobytes()) for tile in tiles], dtype=np.uint32)
    plain = tiles.max(axis=1) == tiles.min(axis=1)
    return prints.reshape(TILES), plain.reshape(TILES)


def _edge_sharpness(lines: NDArray[np.uint8], length: int, shape: tuple[int, ...]) -> float | None:
    """The sharpness along lines (n, length) uint8 of neighbouring pixels."""
    reach = max(4, round(_REACH_AT_1280 * max(shape[:2]) / 1280))
    span = 2 * reach + 1
    if length <= 2 * span:
        return None
    steps = cv2.absdiff(lines[:, 1:], lines[:, :-1])
    steepest = cv2.dilate(steps, np.ones((1, span), dtype=np.uint8))
    whole = cv2.absdiff(lines[:, span:], lines[:, :-span])
    steepest = steepest[:, reach : reach + whole.shape[1]]
    edges = whole >= _MIN_EDGE_CONTRAST
    if int(edges.sum()) < _MIN_EDGES:
        return None
    shares = np.minimum(steepest[edges] / whole[edges].astype(np.float32), 1.0)
    rank = int(_SHARPEST * (len(shares) - 1))
    return float(np.partition(shares, rank)[rank])
