"""A drawn plate as a camera sees it and a detector cuts it out.

Each effect has a probability and a strength; the `strength` of a call (0 clean, 1 full) scales
them all, and each photograph draws its own share of it, so that many stay close to clean.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from models.training.plates.plate import DrawnPlate

from . import covers, optics, wear
from .backgrounds import Patch, background
from .fields import chance
from .light import Light, pick, shine

NEAR_CLEAN = 0.22
WIDTH_MEDIAN_PX, WIDTH_SPREAD, WIDTHS_PX = 105.0, 0.42, (40.0, 300.0)
CLEAN_WIDTH_PX = 280.0
MARGINS = (-0.04, 0.20)
"""How much of a side a detector's outline may miss, and how much it may add."""
UPRIGHT_BOX = 0.18
"""The share of crops that an upright box cut out, without straightening."""
MIN_CONTRAST, ATTEMPTS = 22.0, 3
"""Levels between ink and ground that are left to be read, and tries to get there."""
PARTS = 4
"""Each of so many parts of the serial has to show them."""
OVERSAMPLE = 1.6
"""Pixels of the plate's own picture for each pixel that the camera will see."""

Size = tuple[int, int]


def surface(rng: Generator, plate: DrawnPlate, strength: float) -> DrawnPlate:
    """The plate with what lives on it: relief, wear, dirt, bolts, frames, covers, rain, shadow.

    Still flat and BGRA, at the resolution of `plate`; larger by a frame where one stands out. The
    strength is 0..1; 0 gives back the plate itself.
    """
    if strength <= 0:
        return plate
    picture, boxes = plate.picture, plate.characters
    face = picture[..., :3].astype(np.float32)
    if chance(rng, 0.6 * strength):
        wear.emboss(rng, face, boxes, strength)
    if chance(rng, 0.2 * strength):
        wear.fade(rng, face, boxes, strength)
    if chance(rng, 0.45 * strength):
        wear.bolts(rng, face, strength)
    if chance(rng, 0.35 * strength):
        wear.dirt(rng, face, strength)
    if chance(rng, 0.2 * strength):
        wear.spatter(rng, face, strength)
    if chance(rng, 0.15 * strength):
        wear.scratches(rng, face, strength)
    if chance(rng, 0.35 * strength):
        whole = np.dstack([np.clip(face, 0, 255).astype(np.uint8), picture[..., 3]])
        picture, (right, down) = covers.framed(rng, whole, boxes, strength)
        boxes = tuple((x + right, y + down, w, h) for x, y, w, h in boxes)
        face = picture[..., :3].astype(np.float32)
    if chance(rng, 0.12 * strength):
        covers.cover(rng, face, strength)
    if chance(rng, 0.06 * strength):
        wear.wet(rng, face, strength)
    if chance(rng, 0.06 * strength):
        covers.margin_object(rng, face, boxes, strength)
    if chance(rng, 0.18 * strength):
        covers.shadow(rng, face, strength)
    done = np.dstack([np.clip(face, 0, 255).astype(np.uint8), picture[..., 3]])
    return replace(plate, picture=done, characters=boxes)


def photograph(
    rng: Generator,
    plate: DrawnPlate,
    strength: float = 1.0,
    patches: tuple[Patch, ...] = (),
) -> NDArray[np.uint8]:
    """A crop (h, w, 3) uint8 BGR of the plate such as `rectify` cuts out of a camera's picture.

    The plate is 40 to 300 px wide, with some background around it or a little cut off. `patches`
    (of `backgrounds.load_patches`) serve as background; without them it is drawn. The strength is
    0..1; 0 gives a large, sharp, straight crop.
    """
    share = rng.uniform(0, 0.15) if chance(rng, NEAR_CLEAN) else rng.uniform(0.25, 1.0)
    for _ in range(ATTEMPTS):
        crop = _attempt(rng, plate, strength, share, patches)
        if _contrast(crop, plate) >= MIN_CONTRAST:
            return crop
        share *= 0.5
    return _attempt(rng, plate, strength, 0.03, patches)


def _contrast(picture: NDArray[np.uint8], plate: DrawnPlate) -> float:
    """Levels between dark and bright in the part of the characters that shows them least."""
    height, width = picture.shape[:2]
    (top, bottom), (left, right) = _serial_span(plate)
    inner = slice(round(height * (0.75 * top + 0.25 * bottom)), round(height * bottom))
    edges = np.linspace(width * left, width * right, PARTS + 1).round().astype(int)
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    spans = []
    for a, b in pairwise(edges):
        levels = np.sort(grey[inner, max(0, a - 2) : b + 2 : 2], axis=None)
        if levels.size:
            low, high = levels[levels.size * 6 // 100], levels[levels.size * 94 // 100]
            spans.append(float(high) - float(low))
    return min(spans, default=0.0)


def _serial_span(plate: DrawnPlate) -> tuple[tuple[float, float], tuple[float, float]]:
    """Rows and columns of the plate that its characters fill, as shares of it."""
    height, width = plate.picture.shape[:2]
    boxes = np.array(plate.characters or ((0, 0, width, height),), dtype=np.float64)
    low, high = boxes[:, :2].min(axis=0), (boxes[:, :2] + boxes[:, 2:]).max(axis=0)
    return (low[1] / height, high[1] / height), (low[0] / width, high[0] / width)


def _attempt(
    rng: Generator, plate: DrawnPlate, strength: float, share: float, patches: tuple[Patch, ...]
) -> NDArray[np.uint8]:
    own = float(strength * share)
    width_px = _width(rng, plate, strength)
    worn = surface(rng, _scaled(plate, width_px * OVERSAMPLE), own)
    corners = _outline(rng, worn, width_px, own if share > 0.15 else strength * 0.4)
    pad = np.float32(width_px * 0.18 + 4)
    corners -= corners.min(axis=0) - pad
    across, down = (int(v) for v in np.ceil(corners.max(axis=0) + pad))
    view, mask = _laid(worn, corners, background(rng, (down, across), patches))
    light = pick(rng, own)
    view = shine(rng, view, mask, light, own)
    view = optics.blur(rng, view, width_px, own)
    picture = _sensed(rng, view, light, own, worn, width_px)
    return _cut(rng, picture, corners, strength)


def _width(rng: Generator, plate: DrawnPlate, strength: float) -> float:
    """How wide the camera sees the plate, px; square plates are as high as wide ones."""
    drawn = np.clip(WIDTH_MEDIAN_PX * np.exp(rng.normal(0, WIDTH_SPREAD)), *WIDTHS_PX)
    height, width = plate.picture.shape[:2]
    usual = drawn**strength * CLEAN_WIDTH_PX ** (1 - strength)
    return float(np.clip(usual * np.sqrt(width / height / 2), *WIDTHS_PX))


def _scaled(plate: DrawnPlate, width_px: float) -> DrawnPlate:
    """The plate no larger than its photograph needs."""
    height, width = plate.picture.shape[:2]
    scale = width_px / width
    if scale >= 1:
        return plate
    size = (max(16, round(width * scale)), max(8, round(height * scale)))
    picture = cv2.resize(plate.picture, size, interpolation=cv2.INTER_AREA)
    boxes = tuple(
        (round(x * scale), round(y * scale), max(1, round(w * scale)), max(1, round(h * scale)))
        for x, y, w, h in plate.characters
    )
    return replace(plate, picture=np.asarray(picture, dtype=np.uint8), characters=boxes)


def _outline(rng: Generator, plate: DrawnPlate, width_px: float, strength: float) -> optics.Corners:
    """The plate's corners (4, 2) px in the camera's picture, by a pose and a rolling shutter."""
    height, width = plate.picture.shape[:2]
    steep = chance(rng, 0.12)
    yaw = rng.uniform(-55, 55) if steep else rng.normal(0, 17)
    pitch = float(np.clip(rng.normal(4, 9), -30, 35))
    roll = float(np.clip(rng.normal(0, 3.5), -12, 12))
    angles = (yaw * strength, pitch * strength, roll * strength)
    corners = optics.outline(width / height, width_px, angles, 4 + rng.exponential(8))
    if chance(rng, 0.15 * strength):
        corners[:, 0] += corners[:, 1] * np.float32(rng.normal(0, 0.1))
    return corners


def _laid(
    plate: DrawnPlate, corners: optics.Corners, view: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The plate on the background, and its share (h, w) 0..1 of each pixel."""
    height, width = plate.picture.shape[:2]
    flat = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    # Corners are edges of pixels, transforms map their centres.
    transform = cv2.getPerspectiveTransform(flat - np.float32(0.5), corners - np.float32(0.5))
    size = (view.shape[1], view.shape[0])
    layer = cv2.warpPerspective(plate.picture, transform, size, flags=cv2.INTER_LINEAR)
    share = layer[..., 3].astype(np.float32) / 255
    view += (layer[..., :3] - view) * share[..., np.newaxis]
    return view, np.asarray(share, dtype=np.float32)


def _sensed(
    rng: Generator,
    view: NDArray[np.float32],
    light: Light,
    strength: float,
    plate: DrawnPlate,
    width_px: float,
) -> NDArray[np.uint8]:
    """What the camera sends of the light that reaches it."""
    grey = light is Light.INFRARED or chance(rng, 0.06 * strength)
    if grey and light is not Light.INFRARED:
        view = np.repeat(view.mean(axis=2, keepdims=True), 3, axis=2)
    if chance(rng, 0.2 * strength) and width_px > 70:
        view = optics.enlarged(rng, view)
    if chance(rng, 0.65):
        worst = 9.0 if light is Light.DAY else 18.0
        amount = float(strength * rng.beta(1.0, 2.0) * worst)
        # Grain as strong as the ink would leave nothing to be read.
        amount = min(amount, 0.14 * _contrast(np.clip(view, 0, 255).astype(np.uint8), plate))
        view = optics.noise(rng, view, amount, grey=grey)
    if light is Light.DUSK:
        view = view * np.float32(rng.uniform(1.0, 2.2))
    if chance(rng, 0.3 * strength):
        view = optics.sharpened(rng, view, strength)
    if chance(rng, 0.25 * strength):
        gamma = np.exp(rng.normal(0, 0.3) * strength)
        view = np.float32(255) * (np.clip(view, 0, 255) / np.float32(255)) ** np.float32(gamma)
    picture = np.clip(view, 0, 255).astype(np.uint8)
    return optics.compressed(rng, picture, strength, width_px)


def _cut(
    rng: Generator, picture: NDArray[np.uint8], corners: optics.Corners, strength: float
) -> NDArray[np.uint8]:
    """The crop by a detector's outline: corners a little off, or an upright box."""
    low, high = MARGINS
    left, top, right, bottom = (
        (low * rng.random() if chance(rng, 0.15) else high * rng.beta(1.0, 2.6)) * strength
        for _ in range(4)
    )
    unit = np.array(
        [[-left, -top], [1 + right, -top], [1 + right, 1 + bottom], [-left, 1 + bottom]],
        dtype=np.float32,
    )
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], dtype=np.float32)
    wide = cv2.getPerspectiveTransform(square, corners)
    found = cv2.perspectiveTransform(unit[np.newaxis], wide)[0]
    side = float(np.linalg.norm(corners[3] - corners[0]) + np.linalg.norm(corners[2] - corners[1]))
    wobble = rng.normal(0, side / 2 * strength * rng.uniform(0, 0.035), (4, 2))
    found = (found + wobble).astype(np.float32)
    if chance(rng, UPRIGHT_BOX * strength):
        low_at, high_at = found.min(axis=0), found.max(axis=0)
        found = np.array(
            [low_at, [high_at[0], low_at[1]], high_at, [low_at[0], high_at[1]]], dtype=np.float32
        )
    width_px = (np.linalg.norm(found[1] - found[0]) + np.linalg.norm(found[2] - found[3])) / 2
    height_px = (np.linalg.norm(found[3] - found[0]) + np.linalg.norm(found[2] - found[1])) / 2
    size = (max(8, round(float(width_px))), max(4, round(float(height_px))))
    upright = np.array([[0, 0], [size[0], 0], [size[0], size[1]], [0, size[1]]], dtype=np.float32)
    transform = cv2.getPerspectiveTransform(found, upright)
    crop = cv2.warpPerspective(
        picture, transform, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(crop, dtype=np.uint8)
