"""Take a plate out of a picture, measure the place it leaves, and lay a drawing there."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Corners = NDArray[np.float32]
Box = NDArray[np.float32]
Levels = NDArray[np.float32]

FILL_WIDTH_PX = 40
SHARPEST_PX = 0.35


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What a place of a picture does to what stands there.

    `dark` and `bright` (3,) are the levels that black and white come out with, in blue, green and
    red; `blur_px` is the standard deviation of its blur.
    """

    dark: NDArray[np.float32]
    bright: NDArray[np.float32]
    blur_px: float


def inside(box: Box, picture: Picture, grow: tuple[float, float] = (0.0, 0.0)) -> tuple[int, ...]:
    """A box (left, top, right, bottom) grown by shares of its size, as pixels of the picture."""
    height, width = picture.shape[:2]
    more = (box[2:] - box[:2]) * np.array(grow, dtype=np.float32)
    low = np.floor(box[:2] - more).astype(int).clip(0, (width, height))
    high = np.ceil(box[2:] + more).astype(int).clip(0, (width, height))
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def look_of_plate(picture: Picture, box: Box, *, coloured: bool) -> Look | None:
    """What a real plate tells of its place: its ground is white, its ink black, its edges sharp.

    With `coloured` the light has its colour too; where plates come in many colours it has not.
    None where too little of the plate is in the picture.
    """
    left, top, right, bottom = inside(box, picture)
    if right - left < 8 or bottom - top < 4:
        return None
    part = picture[top:bottom, left:right]
    grey = cv2.cvtColor(part, cv2.COLOR_BGR2GRAY).astype(np.float32)
    low, high = (float(v) for v in np.percentile(grey, (4, 90)))
    slopes = np.abs(np.diff(grey, axis=1))
    steepest = float(np.percentile(slopes, 98)) if slopes.size else 0.0
    blur = (high - low) / max(steepest, 1.0) / float(np.sqrt(2 * np.pi))
    limit = 0.03 * (right - left) + 0.4
    bright = np.full(3, max(high, 25.0), dtype=np.float32)
    if coloured:
        tint = part[grey >= high].reshape(-1, 3).mean(axis=0)
        bright *= np.clip(tint / max(float(tint.mean()), 1.0), 0.6, 1.5).astype(np.float32)
    dark = np.full(3, min(low, 0.45 * high), dtype=np.float32)
    return Look(dark, bright, float(np.clip(blur, SHARPEST_PX, limit)))


def look_of_place(rng: Generator, picture: Picture, box: Box, enlargement: float) -> Look:
    """What a place without a plate suggests: the brightest and darkest about it are the limits."""
    left, top, right, bottom = inside(box, picture, (0.6, 0.9))
    part = picture[top:bottom, left:right]
    if part.size == 0:
        part = picture
    low, high = (float(v) for v in np.percentile(part[..., 1], (5, 95)))
    bright = float(np.clip(high * rng.uniform(0.85, 1.2), 40, 245))
    tint = picture[::16, ::16].reshape(-1, 3).mean(axis=0)
    cast = np.clip(tint / max(float(tint.mean()), 1.0), 0.8, 1.25) ** 0.7
    blur = float(np.clip(0.5 * enlargement * rng.uniform(0.7, 1.6), SHARPEST_PX, 3.0))
    dark = min(low * rng.uniform(0.5, 1.0), 0.4 * bright)
    return Look(np.full(3, dark, np.float32), (bright * cast).astype(np.float32), blur)


def erase(rng: Generator, picture: Picture, box: Box) -> None:
    """Fill the place of a plate from what is around it, in place."""
    left, top, right, bottom = inside(box, picture, (0.35, 0.6))
    part = picture[top:bottom, left:right]
    if min(part.shape[:2]) < 4:
        return
    hole = inside(box, picture, (0.05, 0.1))
    mask = np.zeros(part.shape[:2], dtype=np.uint8)
    mask[hole[1] - top : hole[3] - top, hole[0] - left : hole[2] - left] = 255
    scale = min(1.0, FILL_WIDTH_PX / part.shape[1])
    size = (max(6, round(part.shape[1] * scale)), max(5, round(part.shape[0] * scale)))
    small = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    holes = (cv2.resize(mask, size, interpolation=cv2.INTER_AREA) > 0).astype(np.uint8)
    filled = cv2.inpaint(small, holes, 3, cv2.INPAINT_TELEA)
    large = cv2.resize(filled, part.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    soft = max(0.6, 0.015 * part.shape[1])
    edge = cv2.GaussianBlur(mask, (0, 0), soft).astype(np.float32)[..., np.newaxis]
    share = np.minimum(1, edge * np.float32(1.6 / 255))
    grain = rng.normal(0, rng.uniform(0.5, 3), (*part.shape[:2], 1)).astype(np.float32)
    mixed = part * (1 - share) + (large + grain) * share
    part[:] = np.clip(mixed, 0, 255).astype(np.uint8)


def lay(rng: Generator, picture: Picture, drawing: Picture, corners: Corners, look: Look) -> None:
    """Lay a drawing (h, w, 4) uint8 BGRA on a quadrilateral (4, 2) of the picture, in place."""
    reach = 3 * look.blur_px + 2
    low = np.floor(corners.min(axis=0) - reach).astype(int).clip(0, picture.shape[1::-1])
    high = np.ceil(corners.max(axis=0) + reach).astype(int).clip(0, picture.shape[1::-1])
    width, height = (int(v) for v in high - low)
    if width < 2 or height < 2:
        return
    across = (corners[1] + corners[2] - corners[0] - corners[3]) / 2
    down = (corners[3] + corners[2] - corners[0] - corners[1]) / 2
    shrink = max(float(np.linalg.norm(across)) / drawing.shape[1],
                 float(np.linalg.norm(down)) / drawing.shape[0])  # fmt: skip
    if shrink < 0.8:
        size = (max(4, round(drawing.shape[1] * shrink)), max(3, round(drawing.shape[0] * shrink)))
        drawing = np.asarray(cv2.resize(drawing, size, interpolation=cv2.INTER_AREA), np.uint8)
    rows, columns = drawing.shape[:2]
    flat = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], dtype=np.float32)
    moved = corners - low.astype(np.float32)
    transform = cv2.getPerspectiveTransform(flat - np.float32(0.5), moved - np.float32(0.5))
    layer = cv2.warpPerspective(drawing, transform, (width, height), flags=cv2.INTER_LINEAR)
    share: Levels = layer[..., 3:].astype(np.float32) / np.float32(255)
    # Blurred with the drawing's colour spread beyond its edge, or the edge would turn dark.
    weighted: Levels = layer[..., :3].astype(np.float32) * share
    if look.blur_px > SHARPEST_PX:
        weighted = np.asarray(cv2.GaussianBlur(weighted, (0, 0), look.blur_px), dtype=np.float32)
        spread = cv2.GaussianBlur(share, (0, 0), look.blur_px)
        share = np.asarray(spread, dtype=np.float32)[..., np.newaxis]
    lit = look.dark * share + weighted * ((look.bright - look.dark) / np.float32(250))
    if rng.random() < 0.5:
        lit += rng.standard_normal((height, width, 1), dtype=np.float32) * (
            share * np.float32(rng.uniform(0.5, 4))
        )
    place = picture[low[1] : high[1], low[0] : high[0]]
    place[:] = np.clip(place * (1 - share) + lit, 0, 255).astype(np.uint8)
