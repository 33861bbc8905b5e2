"""Another hour, another camera: light, blur, noise and compression of a whole scene."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from models.training.photograph.fields import chance, ramp, smooth, spot
from models.training.photograph.optics import compressed, motion_kernel

Picture = NDArray[np.uint8]
Corners = NDArray[np.float32]
NIGHT, INFRARED, DUSK = 0.06, 0.06, 0.06
STRONG_CAST = 1.25
"""How much brighter the brightest colour of a picture is that is no accident of its motif."""
_GRAIN = np.random.default_rng(0).standard_normal((1024, 1024), dtype=np.float32)


def changed(rng: Generator, image: Picture, plates: list[Corners]) -> Picture:
    """The scene (h, w, 3) uint8 BGR in another light and through another camera.

    `plates` (4, 2) are lit by headlights and lamps at night; the smallest of them limits how far
    everything is blurred.
    """
    image = _balanced(rng, image)
    bright = float(image[::8, ::8].mean()) > 60
    draw = rng.random()
    if bright and draw < NIGHT + INFRARED:
        image = _night(rng, image, plates, infrared=draw < INFRARED)
    elif bright and draw < NIGHT + INFRARED + DUSK:
        image = _levels(rng, image, float(rng.uniform(0.3, 0.6)), 0.12)
    elif chance(rng, 0.7):
        image = _levels(rng, image, float(np.exp(rng.normal(0, 0.2))), 0.07)
    if chance(rng, 0.12):
        image = _shaded(rng, image)
    if chance(rng, 0.1):
        grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), dtype=np.uint8)
        image = np.repeat(grey[..., np.newaxis], 3, axis=2)
    narrowest = min((_width(corners) for corners in plates), default=80.0)
    if chance(rng, 0.3):
        image = _blurred(rng, image, narrowest)
    if chance(rng, 0.35):
        image = _grained(rng, image, float(rng.exponential(4)))
    if chance(rng, 0.55):
        image = compressed(rng, image, float(rng.uniform(0.2, 1)), narrowest)
    return image


def _width(corners: Corners) -> float:
    return float(np.linalg.norm(corners[1] - corners[0]))


def _balanced(rng: Generator, image: Picture) -> Picture:
    """A picture with a strong cast, as some cameras of the street have, with less of it."""
    means = image[::8, ::8].reshape(-1, 3).mean(axis=0) + 2
    if float(means.max() / means.min()) < STRONG_CAST or chance(rng, 0.4):
        return image
    gains = (means.mean() / means) ** rng.uniform(0.4, 1.1)
    table = np.clip(np.arange(256)[:, np.newaxis] * np.clip(gains, 0.5, 2), 0, 255)
    return np.asarray(cv2.LUT(image, table.astype(np.uint8)[np.newaxis]), dtype=np.uint8)


def _levels(rng: Generator, image: Picture, gain: float, tint: float) -> Picture:
    gamma = float(np.exp(rng.normal(0, 0.18)))
    gains = gain * np.exp(rng.normal(0, tint, 3))
    lift = float(rng.uniform(0, 25)) if chance(rng, 0.2) else 0.0
    steps = (np.arange(256, dtype=np.float32) / 255)[:, np.newaxis] ** np.float32(gamma) * 255
    table = np.clip(steps * gains * (1 - lift / 255) + lift, 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(image, table[np.newaxis]), dtype=np.uint8)


def _night(rng: Generator, image: Picture, plates: list[Corners], *, infrared: bool) -> Picture:
    """The dark, with plates that send the light of lamps back and lamps that bloom."""
    height, width = image.shape[:2]
    small = (max(8, width // 4), max(8, height // 4))
    behind = float(rng.uniform(0.06, 0.4))
    centre = (small[0] * rng.uniform(0.2, 0.8), small[1] * rng.uniform(0.4, 1.0))
    beam = spot(small[::-1], centre, (small[0] * rng.uniform(0.2, 0.6), small[1] * 0.5))
    light = np.asarray(cv2.resize(behind * (0.5 + beam), (width, height)), dtype=np.float32)
    for corners in plates:
        front = float(rng.uniform(0.4, 1.6))
        mask = np.zeros((height, width), dtype=np.float32)
        fixed = np.round(corners * 16).astype(np.int32)
        cv2.fillConvexPoly(mask, fixed, 1.0, cv2.LINE_AA, 4)
        light = light + (np.maximum(front, light) - light) * mask
    lit = image.astype(np.float32)
    if infrared:
        weights = rng.dirichlet([1.0, 1.5, 2.0]).astype(np.float32)
        lit = np.repeat((lit @ weights)[..., np.newaxis], 3, axis=2)
    else:
        tint = np.array([0.85, 0.97, 1.1]) if chance(rng, 0.6) else np.array([1.08, 1.0, 0.94])
        lit *= (tint + rng.normal(0, 0.04, 3)).astype(np.float32)
    lit *= light[..., np.newaxis]
    for _ in range(int(rng.integers(0, 4))):
        _lamp(rng, lit)
    over = cv2.resize(np.maximum(lit - 200, 0), small, interpolation=cv2.INTER_AREA)
    spill = cv2.GaussianBlur(over, (0, 0), float(rng.uniform(0.6, 3)))
    lit += cv2.resize(spill, (width, height)) * np.float32(rng.uniform(0.2, 1.0))
    return np.clip(lit, 0, 255).astype(np.uint8)


def _lamp(rng: Generator, lit: NDArray[np.float32]) -> None:
    """A lamp with its glow, in place."""
    height, width = lit.shape[:2]
    radius = float(np.exp(rng.uniform(np.log(3), np.log(28))))
    x, y = rng.uniform(0, width), rng.uniform(0.1, 0.9) * height
    reach = int(3 * radius) + 1
    left, right = max(0, int(x) - reach), min(width, int(x) + reach)
    top, bottom = max(0, int(y) - reach), min(height, int(y) + reach)
    if right - left < 2 or bottom - top < 2:
        return
    glow = spot((bottom - top, right - left), (x - left, y - top), (radius, radius))
    inks = np.array([[235, 245, 255], [150, 220, 255], [60, 60, 255]], dtype=np.float32)
    ink = inks[int(rng.integers(len(inks)))] * np.float32(rng.uniform(1, 2.5))
    lit[top:bottom, left:right] += glow[..., np.newaxis] * ink


def _shaded(rng: Generator, image: Picture) -> Picture:
    """Shade with edges or the haze of a windscreen, over the whole scene."""
    height, width = image.shape[:2]
    small = (height // 4, width // 4)
    if chance(rng, 0.5):
        slope = (ramp(rng, small) - rng.uniform(0.2, 0.8)) / rng.uniform(0.01, 0.2)
        field = 1 - rng.uniform(0.2, 0.6) / (1 + np.exp(-np.clip(slope, -30, 30)))
        shade = np.asarray(cv2.resize(field.astype(np.float32), (width, height)))
        shaded = np.clip(image * shade[..., np.newaxis], 0, 255)
        return np.asarray(shaded, dtype=np.uint8)
    haze = smooth(rng, small, rng.uniform(2, 5)) * rng.uniform(20, 110)
    added = np.asarray(cv2.resize(haze.astype(np.float32), (width, height)))
    hazy = np.clip(image * np.float32(0.85) + added[..., np.newaxis], 0, 255)
    return np.asarray(hazy, dtype=np.uint8)


def _blurred(rng: Generator, image: Picture, narrowest_px: float) -> Picture:
    budget = float(np.clip(0.022 * narrowest_px * rng.random() + 0.2, 0.3, 3.5))
    if chance(rng, 0.5):
        angle = rng.normal(0, 0.4) if chance(rng, 0.7) else rng.uniform(0, np.pi)
        kernel = motion_kernel(max(1.2, budget * 3), float(angle))
        return np.asarray(cv2.filter2D(image, -1, kernel), dtype=np.uint8)
    return np.asarray(cv2.GaussianBlur(image, (0, 0), budget), dtype=np.uint8)


def _grained(rng: Generator, image: Picture, amount: float) -> Picture:
    """Noise of the sensor, from a sheet of it: `amount` is its standard deviation in levels."""
    height, width = image.shape[:2]
    rows, columns = max(1, _GRAIN.shape[0] - height), max(1, _GRAIN.shape[1] - width)
    y, x = int(rng.integers(rows)), int(rng.integers(columns))
    sheet = _GRAIN[y : y + height, x : x + width]
    if sheet.shape != (height, width):
        sheet = np.tile(_GRAIN, (height // 1024 + 1, width // 1024 + 1))[:height, :width]
    grain = (sheet * np.float32(min(amount, 16.0))).astype(np.int16)
    colours = [grain, grain, grain]
    if chance(rng, 0.5):
        colours = [grain, np.roll(grain, (7, 13), axis=(0, 1)), grain[::-1, ::-1]]
    added = cv2.add(image, cv2.merge(colours), dtype=cv2.CV_8U)
    return np.asarray(added, dtype=np.uint8)
