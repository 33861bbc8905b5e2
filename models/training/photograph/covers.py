"""What stands in front of a plate: dealers' frames, covers, shadows, leaves and tow balls."""

from __future__ import annotations

import string

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from .fields import chance, colour, mix, ramp, smooth, spot
from .wear import CharacterBoxes, Face

FRAME_WORDS = (
    "HERITAGE FORD", "LAKESIDE TOYOTA", "MAPLE STREET MOTORS", "VALLEY HONDA", "WWW.BIGAUTO.COM",
    "SUNSET CHEVROLET", "RIVERBEND AUTO GROUP", "ALUMNI", "STATE UNIVERSITY", "MY OTHER CAR",
    "NORTH SHORE SUBARU", "HILLTOP NISSAN", "GO TIGERS", "PROUD PARENT", "UNITED STATES ARMY",
    "FAMILY OWNED", "SINCE 1952", "CITY BUICK GMC", "HARBOR JEEP", "PREMIER MAZDA", "VETERAN",
)  # fmt: skip
FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
)  # fmt: skip
LOWER_TIPS = 0.06
"""The share of frames that hide the lower tips of the characters."""


def _words(rng: Generator) -> str:
    if chance(rng, 0.75):
        return str(rng.choice(FRAME_WORDS))
    letters = rng.choice(list(string.ascii_uppercase + " "), int(rng.integers(4, 16)))
    return "".join(letters)


def _lettering(rng: Generator, picture: NDArray[np.uint8], top: int, bottom: int) -> None:
    """Words in the middle of the rows from top to bottom, where they are high enough to show."""
    space = bottom - top
    if space < 4:
        return
    text, font = _words(rng), int(rng.choice(FONTS))
    thickness = max(1, round(space * 0.09))
    scale = cv2.getFontScaleFromHeight(font, max(2, round(space * rng.uniform(0.45, 0.75))))
    (width, height), _ = cv2.getTextSize(text, font, scale, thickness)
    if width > picture.shape[1] * 0.94:
        scale *= picture.shape[1] * 0.94 / width
        (width, height), _ = cv2.getTextSize(text, font, scale, thickness)
    at = ((picture.shape[1] - width) // 2, top + (space + height) // 2)
    cv2.putText(picture, text, at, font, scale, (*colour(rng), 255), thickness, cv2.LINE_AA)


def framed(
    rng: Generator, picture: NDArray[np.uint8], boxes: CharacterBoxes, strength: float
) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """The plate (h, w, 4) BGRA in a frame, and how far right and down the plate has moved (px).

    The frame stands out over the plate's edges a little and covers some of its margin; it may
    cover the state's name or the slogan, and rarely the lower tips of the characters.
    """
    height, width = picture.shape[:2]
    top_free = min((b[1] for b in boxes), default=height // 4)
    bottom_free = height - max((b[1] + b[3] for b in boxes), default=height * 3 // 4)
    side_free = min(
        min((b[0] for b in boxes), default=8),
        width - max((b[0] + b[2] for b in boxes), default=width - 8),
    )
    out = round(height * rng.uniform(0, 0.05))
    thin = rng.uniform(0.01, 0.05) * height
    wide = [thin + height * rng.uniform(0, 0.14) * chance(rng, 0.45) for _ in range(2)]
    allowed = [min(wide[0], top_free * 0.95), min(wide[1], bottom_free * 0.95)]
    if chance(rng, LOWER_TIPS * strength):
        allowed[1] = min(bottom_free + height * rng.uniform(0.01, 0.05), bottom_free * 1.6)
    above, below = (max(1, round(a)) for a in allowed)
    side = max(1, round(min(thin * rng.uniform(0.6, 1.2), max(1.0, side_free * 0.8))))
    ink = colour(rng, 0, 70) if chance(rng, 0.6) else colour(rng)
    if chance(rng, 0.25):
        ink = (int(rng.integers(150, 235)),) * 3
    bordered = cv2.copyMakeBorder(picture, out, out, out, out, cv2.BORDER_CONSTANT)
    result = np.asarray(bordered, dtype=np.uint8)
    full = (*ink, 255)
    tall, broad = result.shape[:2]
    rows = (out + above, tall - out - below)
    columns = (out + side, broad - out - side)
    kind = rng.random()
    if kind < 0.75:
        result[: rows[0]] = full
    if kind < 0.6 or kind >= 0.75:
        result[rows[1] :] = full
    result[:, : columns[0]] = full
    result[:, columns[1] :] = full
    lip = max(1, round(height * 0.008))
    inner = ((columns[0], rows[0]), (columns[1] - 1, rows[1] - 1))
    shade = tuple(float(np.clip(c + rng.choice([-60, 60]), 0, 255)) for c in ink)
    if kind < 0.6:
        cv2.rectangle(result, *inner, (*shade, 255), lip)
    if chance(rng, 0.75) and kind < 0.75:
        _lettering(rng, result, 0, rows[0])
    if chance(rng, 0.75) and (kind < 0.6 or kind >= 0.75):
        _lettering(rng, result, rows[1], tall)
    return result, (out, out)


def cover(rng: Generator, face: Face, strength: float) -> None:
    """A clear, smoked or tinted cover, with reflections of sky and lamps."""
    size = face.shape[:2]
    if chance(rng, 0.5):
        tint = np.array(rng.choice([30, 60, 90])) * np.ones(3) + rng.normal(0, 12, 3)
        mix(face, np.full(size, strength * rng.uniform(0.1, 0.55), np.float32), tuple(tint))
    if chance(rng, 0.7):
        haze = ramp(rng, size) ** rng.uniform(1, 3) * smooth(rng, size, rng.uniform(2, 5))
        mix(face, haze * float(strength * rng.uniform(0.2, 0.7)), (240, 236, 232))
    if chance(rng, 0.35):
        band = np.exp(-(((ramp(rng, size) - rng.random()) / rng.uniform(0.02, 0.15)) ** 2))
        mix(face, np.asarray(band * (strength * rng.uniform(0.2, 0.6)), np.float32), (250,) * 3)


def shadow(rng: Generator, face: Face, strength: float) -> None:
    """A shadow with a hard or soft edge across the plate, or of leaves."""
    size = face.shape[:2]
    if chance(rng, 0.75):
        edge = (ramp(rng, size) - rng.uniform(0.15, 0.85)) / rng.uniform(0.005, 0.12)
        dark = 1 / (1 + np.exp(-np.clip(edge, -30, 30)))
    else:
        dark = np.clip(
            (smooth(rng, size, rng.uniform(4, 14)) - 0.5) * rng.uniform(4, 20) + 0.5, 0, 1
        )
    depth = strength * rng.uniform(0.25, 0.75)
    tint = np.array([0.94, 1.0, 1.04]) if chance(rng, 0.5) else np.ones(3)
    face *= 1 - (dark * depth)[..., np.newaxis] * tint.astype(np.float32)


def margin_object(rng: Generator, face: Face, boxes: CharacterBoxes, strength: float) -> None:
    """A tow ball, a leaf, a cable or grass over the edge of a plate, clear of most characters."""
    height, width = face.shape[:2]
    lowest = max((b[1] + b[3] for b in boxes), default=height * 3 // 4)
    reach = lowest - rng.uniform(0.0, 0.12) * height * strength
    kind = rng.random()
    tone = tuple(float(v) for v in colour(rng, 10, 130))
    if kind < 0.45:
        radius = rng.uniform(0.08, 0.2) * height
        middle = (rng.uniform(0.3, 0.7) * width, reach + radius)
        ball = spot((height, width), middle, (radius * 0.8, radius * 0.8))
        mix(face, np.clip((ball - 0.42) * 12, 0, 1).astype(np.float32), tone)
        shine = spot((height, width), (middle[0], middle[1] - radius * 0.4), (radius / 4,) * 2)
        mix(face, shine * 0.6, (230, 230, 230))
    elif kind < 0.8:
        share = np.zeros((height, width), dtype=np.uint8)
        at = (int(rng.uniform(0, width)), int(rng.choice([0, height]) + rng.normal(0, 3)))
        axes = (max(2, round(height * rng.uniform(0.06, 0.14))), max(1, round(height * 0.06)))
        cv2.ellipse(share, at, axes, rng.uniform(0, 180), 0, 360, 255, -1, cv2.LINE_AA)
        leaf = (30.0, rng.uniform(60, 130), rng.uniform(40, 170))
        mix(face, share.astype(np.float32) / 255, leaf)
    else:
        share = np.zeros((height, width), dtype=np.uint8)
        for _ in range(int(rng.integers(1, 5))):
            x = int(rng.uniform(0, width))
            top = (x + int(rng.normal(0, height * 0.1)), round(reach))
            cv2.line(share, (x, height), top, 255, max(1, round(height * 0.015)), cv2.LINE_AA)
        mix(face, share.astype(np.float32) / 255, tone)
