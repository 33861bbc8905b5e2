"""What weather, roads and hands do to the face of a plate: all in place, on a flat picture.

Each function takes the face (h, w, 3) float32 BGR 0..255 and a strength of 0..1. Sizes follow the
height of the face, so that an effect looks alike at every resolution.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from .fields import chance, mix, ramp, smooth

Face = NDArray[np.float32]
CharacterBoxes = tuple[tuple[int, int, int, int], ...]
DIRT_COLOURS = ((60, 75, 90), (90, 105, 120), (40, 50, 60), (120, 130, 140), (70, 90, 125))


def around(boxes: CharacterBoxes, size: tuple[int, int]) -> tuple[slice, slice] | None:
    """Rows and columns of the part of a picture (height, width) that holds the characters."""
    if not boxes:
        return None
    height, width = size
    pad = max(2, round(height * 0.03))
    left, top = min(b[0] for b in boxes) - pad, min(b[1] for b in boxes) - pad
    right = max(b[0] + b[2] for b in boxes) + pad
    bottom = max(b[1] + b[3] for b in boxes) + pad
    rows = slice(max(0, top), min(height, bottom))
    columns = slice(max(0, left), min(width, right))
    if rows.stop - rows.start < 4 or columns.stop - columns.start < 4:
        return None
    return rows, columns


def ink_mask(part: Face) -> NDArray[np.float32]:
    """Where the ink is (h, w) float32 0..1: the rarer of dark and light."""
    grey = cv2.cvtColor(np.clip(part, 0, 255).astype(np.uint8), cv2.COLOR_BGR2GRAY)
    _, dark = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)
    mask = dark.astype(np.float32) / 255
    return np.asarray(1 - mask if float(mask.mean()) > 0.5 else mask, dtype=np.float32)


def emboss(rng: Generator, face: Face, boxes: CharacterBoxes, strength: float) -> None:
    """Stamped characters: light on the side towards the sun, shade on the other."""
    window = around(boxes, face.shape[:2])
    if window is None:
        return
    part = face[window]
    mask = ink_mask(part)
    reach = max(0.5, face.shape[0] * rng.uniform(0.006, 0.016))
    soft = cv2.GaussianBlur(mask, (0, 0), max(0.4, reach * 0.7))
    angle = rng.uniform(0, 2 * np.pi) if chance(rng, 0.25) else rng.normal(-np.pi / 2, 0.6)
    shift = np.array(
        [[1, 0, reach * np.cos(angle)], [0, 1, reach * np.sin(angle)]], dtype=np.float32
    )
    back = shift * np.array([[1, 1, -1], [1, 1, -1]], dtype=np.float32)
    size = (part.shape[1], part.shape[0])
    towards = cv2.warpAffine(soft, shift, size, borderMode=cv2.BORDER_REPLICATE)
    away = cv2.warpAffine(soft, back, size, borderMode=cv2.BORDER_REPLICATE)
    relief = (towards - away) * (strength * rng.uniform(15, 75))
    part += relief[..., np.newaxis]


def fade(rng: Generator, face: Face, boxes: CharacterBoxes, strength: float) -> None:
    """Ink worn off the tops of stamped characters in patches, or bleached all over."""
    window = around(boxes, face.shape[:2])
    if window is None:
        return
    part = face[window]
    mask = ink_mask(part)
    ground = np.median(part[mask < 0.3], axis=0) if (mask < 0.3).any() else np.full(3, 200.0)
    if chance(rng, 0.5):
        worn = np.clip(smooth(rng, mask.shape, rng.uniform(6, 40)) * 2 - 1.1, 0, 1)
        share = mask * worn * (strength * rng.uniform(0.3, 0.9))
    else:
        share = mask * float(strength * rng.uniform(0.05, 0.45))
    mix(part, np.asarray(share, dtype=np.float32), tuple(ground))


def dirt(rng: Generator, face: Face, strength: float) -> None:
    """Road film: a soft film of dust, heavier below, with streaks now and then."""
    size = face.shape[:2]
    film = smooth(rng, size, rng.uniform(2, 6)) * smooth(rng, size, rng.uniform(8, 30))
    if chance(rng, 0.5):
        film *= np.linspace(0.3, 1.4, size[0], dtype=np.float32)[:, np.newaxis]
    if chance(rng, 0.25):
        streaks = rng.random((1, max(4, size[1] // 4)), dtype=np.float32)
        film *= 0.4 + 1.2 * cv2.resize(streaks, (size[1], 1), interpolation=cv2.INTER_LINEAR)
    share = np.clip(film * (strength * rng.uniform(0.3, 1.1)), 0, 0.75)
    tone = np.array(DIRT_COLOURS[int(rng.integers(len(DIRT_COLOURS)))]) * rng.uniform(0.7, 1.3)
    mix(face, share.astype(np.float32), tuple(tone))


def spatter(rng: Generator, face: Face, strength: float) -> None:
    """Drops of mud, insects and salt: many small ones, few large ones."""
    height, width = face.shape[:2]
    share = np.zeros((height, width), dtype=np.uint8)
    for _ in range(int(rng.integers(5, 10 + int(60 * strength)))):
        radius = max(0.4, height * 0.006 * (1 + rng.exponential(0.9)))
        at = (int(rng.integers(0, 16 * width)), int(rng.integers(0, 16 * height)))
        tone = int(rng.integers(90, 256))
        cv2.circle(share, at, max(6, int(radius * 16)), tone, -1, cv2.LINE_AA, 4)
    light = chance(rng, 0.25)
    mud = (205, 210, 212) if light else DIRT_COLOURS[int(rng.integers(3))]
    mix(face, share.astype(np.float32) * np.float32(rng.uniform(0.4, 0.9) / 255), mud)


def scratches(rng: Generator, face: Face, strength: float) -> None:
    """Thin lines, bare metal or dark, and now and then a crease with light and shade."""
    height, width = face.shape[:2]
    share = np.zeros((height, width), dtype=np.uint8)
    for _ in range(int(rng.integers(1, 3 + int(8 * strength)))):
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        angle, length = rng.uniform(0, np.pi), rng.uniform(0.05, 0.6) * height
        ends = [
            (round(16 * (x + way * length * np.cos(angle))),
             round(16 * (y + way * length * np.sin(angle))))
            for way in (-1, 1)
        ]  # fmt: skip
        thickness = max(1, round(height * rng.uniform(0.002, 0.007)))
        shade = int(rng.integers(60, 200))
        cv2.line(share, ends[0], ends[1], shade, thickness, cv2.LINE_AA, 4)
    tone = float(rng.choice([60.0, 175.0, 225.0]))
    mix(face, share.astype(np.float32) / 255, (tone, tone, tone))
    if chance(rng, 0.3):
        slope = ramp(rng, (height, width))
        at, wide = rng.uniform(0.2, 0.8), rng.uniform(0.02, 0.1)
        crease = (slope - at) / wide
        face += (crease * np.exp(-(crease**2)))[..., np.newaxis] * (strength * rng.uniform(10, 50))


def wet(rng: Generator, face: Face, strength: float) -> None:
    """Drops of rain, each with a light and a dark side, over a slightly darker plate."""
    height, width = face.shape[:2]
    face *= 1 - 0.15 * strength * float(rng.random())
    relief = np.zeros((height, width), dtype=np.int16)
    for _ in range(int(rng.integers(10, 20 + int(60 * strength)))):
        radius = max(1, round(height * 0.008 * (1 + rng.exponential(1.0))))
        x, y = int(rng.integers(width)), int(rng.integers(height))
        amount = int(rng.integers(15, 60))
        cv2.circle(relief, (x, y), radius, -amount, -1, cv2.LINE_AA)
        cv2.circle(relief, (x, y - max(1, radius // 2)), max(1, radius // 2), amount, -1)
    face += relief[..., np.newaxis].astype(np.float32) * (0.4 + 0.6 * strength)


def bolts(rng: Generator, face: Face, strength: float) -> None:
    """Screws and caps near the edges, at the places where plates have holes or at others."""
    height, width = face.shape[:2]
    places = [(0.17, 0.09), (0.83, 0.09)]
    if chance(rng, 0.5):
        places += [(0.17, 0.91), (0.83, 0.91)]
    wander = 0.01 + 0.02 * strength
    if chance(rng, 0.2):
        places = [(0.06, 0.5), (0.94, 0.5)] if width > 3 * height else places[:1]
    radius = height * rng.uniform(0.02, 0.05)
    tone = np.array(rng.choice([40, 110, 170, 215])) * np.ones(3)
    tone = np.clip(tone + rng.normal(0, 12, 3), 0, 255)
    for x, y in places:
        at = (width * (x + rng.normal(0, wander)), height * (y + rng.normal(0, wander)))
        fixed = (round(at[0] * 16), round(at[1] * 16))
        cv2.circle(face, fixed, round(radius * 17.6), tuple(tone * 0.55), -1, cv2.LINE_AA, 4)
        lifted = (fixed[0], fixed[1] - round(radius * 2))
        cv2.circle(face, lifted, round(radius * 14), tuple(tone), -1, cv2.LINE_AA, 4)
        if radius > 3:
            reach = np.array([np.cos(angle := rng.uniform(0, np.pi)), np.sin(angle)]) * radius * 10
            ends = [tuple(int(v) for v in np.array(fixed) + way * reach) for way in (-1, 1)]
            dark = tuple(tone * 0.5)
            cv2.line(face, ends[0], ends[1], dark, max(1, round(radius / 5)), cv2.LINE_AA, 4)
