"""How a plate and what is behind it are lit: day, dusk, headlights and infrared lamps."""

from __future__ import annotations

from enum import Enum

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from .fields import Field, chance, ramp, smooth, spot

View = NDArray[np.float32]
DUSK, HEADLIGHT, INFRARED = 0.10, 0.11, 0.10
"""How often a photograph at full strength is taken in each of these lights."""


class Light(Enum):
    """What lights the plate."""

    DAY = "day"
    DUSK = "dusk"
    HEADLIGHT = "headlight"
    INFRARED = "infrared"


def pick(rng: Generator, strength: float) -> Light:
    """A light for a photograph of this strength (0..1); day at 0."""
    draw = float(rng.random()) / max(min(1.0, strength * 1.5), 1e-6)
    if draw < DUSK:
        return Light.DUSK
    if draw < DUSK + HEADLIGHT:
        return Light.HEADLIGHT
    if draw < DUSK + HEADLIGHT + INFRARED:
        return Light.INFRARED
    return Light.DAY


def shine(rng: Generator, view: View, plate: Field, light: Light, strength: float) -> View:
    """The view (h, w, 3) float32 BGR in this light; `plate` (h, w) 0..1 is where the plate is."""
    if light is Light.HEADLIGHT:
        return _headlight(rng, view, plate, strength)
    if light is Light.INFRARED:
        return _infrared(rng, view, plate, strength)
    if light is Light.DUSK:
        tint = np.array([1.0, 1.0, 1.0]) + rng.normal(0, 0.12, 3)
        return np.asarray(view * (tint * rng.uniform(0.14, 0.5)).astype(np.float32))
    return _day(rng, view, strength)


def _day(rng: Generator, view: View, strength: float) -> View:
    warmth = rng.normal(0, 0.09) * strength
    gain = np.array([1 - warmth, 1 + rng.normal(0, 0.02) * strength, 1 + warmth])
    gain *= np.exp(rng.normal(-0.12, 0.28) * strength)
    contrast = 1 - strength * rng.uniform(0, 0.45) * chance(rng, 0.5)
    haze = (1 - contrast) * rng.uniform(40, 190)
    lit = view * (gain * contrast).astype(np.float32) + np.float32(haze)
    if chance(rng, 0.4 * strength):
        lit *= (1 + (ramp(rng, view.shape[:2]) - 0.5) * rng.uniform(0.2, 0.9))[..., np.newaxis]
    if chance(rng, 0.14 * strength):
        _glare(rng, lit, rng.uniform(60, 260) * strength)
    return np.asarray(lit, dtype=np.float32)


def _glare(rng: Generator, view: View, amount: float) -> None:
    """A spot of mirrored sun or lamp, in place."""
    height, width = view.shape[:2]
    centre = (rng.uniform(0, width), rng.uniform(0, height))
    radii = (rng.uniform(0.05, 0.35) * width, rng.uniform(0.08, 0.5) * height)
    view += (spot((height, width), centre, radii) * np.float32(amount))[..., np.newaxis]


def _bloom(view: View, share: float, reach: float) -> View:
    """Light spilling from what is brighter than white, as in a cheap lens at night."""
    over = np.maximum(view - 190, 0)
    spill = cv2.GaussianBlur(over, (0, 0), max(0.6, reach))
    return np.asarray(view + spill * np.float32(share), dtype=np.float32)


def _beam(rng: Generator, size: tuple[int, int]) -> Field:
    """Uneven light of lamps (h, w) float32, about 0.5..1.2."""
    height, width = size
    centre = (rng.uniform(-0.2, 1.2) * width, rng.uniform(-0.1, 1.3) * height)
    glow = spot(size, centre, (rng.uniform(0.4, 1.4) * width, rng.uniform(0.5, 1.6) * height))
    return np.asarray(0.45 + 0.75 * glow, dtype=np.float32)


def _headlight(rng: Generator, view: View, plate: Field, strength: float) -> View:
    """Night: the plate sends the lamps' light back, and all else is dark."""
    size = view.shape[:2]
    behind = rng.uniform(0.04, 0.35)
    beam = _beam(rng, size) if chance(rng, 0.7) else np.ones(size, dtype=np.float32)
    front = beam * np.float32(rng.choice([rng.uniform(0.35, 0.8), rng.uniform(0.8, 1.7)]))
    gain = behind + (front - behind) * plate
    tint = np.array([1.0, 1.0, 1.0]) + rng.normal(0, 0.08, 3) + np.array([-0.06, 0, 0.05])
    lit = view * gain[..., np.newaxis] * tint.astype(np.float32)
    if chance(rng, 0.2):
        _glare(rng, lit, rng.uniform(40, 160) * strength)
    return _bloom(lit, rng.uniform(0.2, 1.1), size[0] * rng.uniform(0.01, 0.05))


def _infrared(rng: Generator, view: View, plate: Field, strength: float) -> View:
    """An infrared lamp and camera: grey, a glowing ground, inks dark, washed out or inverted.

    Many inks let infrared light through to the reflecting sheet below: red ones above all.
    """
    size = view.shape[:2]
    weights = rng.dirichlet([1.0, 1.5, 2.0]) if chance(rng, 0.5) else np.array([0.11, 0.59, 0.3])
    grey = np.asarray(view @ weights.astype(np.float32), dtype=np.float32)
    inside = plate > 0.5
    if inside.any():
        low, high = (float(v) for v in np.percentile(grey[inside], [4, 80]))
        wanted = rng.uniform(90, 190)
        if high - low < wanted * 0.5:
            # The ink still has to show: a camera's gain sees to it before a reader is asked.
            grey = (grey - low) * np.float32(wanted * 0.7 / max(high - low, 12.0)) + low
    if chance(rng, 0.06):
        grey = 255 - grey
    behind = rng.uniform(0.05, 0.4)
    front = _beam(rng, size) * np.float32(rng.uniform(0.7, 1.9))
    lit = grey * (behind + (front - behind) * plate)
    washed = rng.uniform(0, 70) * strength * chance(rng, 0.4)
    lit = lit + np.float32(washed) * plate
    lit *= 0.85 + 0.3 * smooth(rng, size, 3)
    spread = _bloom(lit[..., np.newaxis].repeat(3, axis=2), rng.uniform(0.1, 0.8), size[0] * 0.03)
    return spread
