"""Words set in installed fonts: masks of names, slogans, stickers and small print."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from PIL import Image, ImageDraw

from models.training.plates import fonts
from models.training.plates.canvas import Mask

SIZE_PX = 72
"""Words are set once at this size and scaled from there."""


@lru_cache(maxsize=2000)
def word(file: str, text: str) -> Mask:
    """The text as a tight mask of about SIZE_PX; at least one pixel, blank for spaces.

    Raises:
        models.training.plates.fonts.MissingFontsError: if the font is not installed.
    """
    face = fonts.font(file, SIZE_PX)
    left, top, right, bottom = face.getbbox(text)
    width, height = max(1, int(right - left)), max(1, int(bottom - top))
    picture = Image.new("L", (width + 4, height + 4))
    ImageDraw.Draw(picture).text((2 - left, 2 - top), text, 255, face)
    mask = np.asarray(picture)
    return _tight(mask)


def _tight(mask: Mask) -> Mask:
    x, y, width, height = cv2.boundingRect(mask)
    if not width:
        return np.zeros((1, 1), np.uint8)
    return np.ascontiguousarray(mask[y : y + height, x : x + width])


def fitted(file: str, text: str, width_px: int, height_px: int) -> Mask:
    """The text stretched to fill exactly that size."""
    size = (max(1, width_px), max(1, height_px))
    return np.asarray(cv2.resize(word(file, text), size, interpolation=cv2.INTER_AREA), np.uint8)


def cap_height(file: str) -> float:
    """Height of a capital in pixels at SIZE_PX."""
    return float(word(file, "H").shape[0])


def line(
    file: str, text: str, cap_px: float, most_px: float, stretch: float = 1.0, spacing: float = 0.0
) -> Mask:
    """One line with capitals that high, narrowed where it would pass ``most_px`` in width.

    Args:
        spacing: extra room between letters as a share of the capital's height.
    """
    flat = spaced(file, text, spacing) if spacing else word(file, text)
    scale = cap_px / cap_height(file)
    height = max(1, round(flat.shape[0] * scale))
    width = flat.shape[1] * scale * stretch
    if width > most_px:
        # A line far too long shrinks as a whole before it becomes unreadably narrow.
        tight = most_px / width
        if tight < 0.72:
            height = max(1, round(height * tight / 0.72))
        width = most_px
    size = (max(1, round(width)), height)
    way = cv2.INTER_AREA if size[0] < flat.shape[1] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(flat, size, interpolation=way), np.uint8)


@lru_cache(maxsize=200)
def spaced(file: str, text: str, spacing: float) -> Mask:
    """The text at SIZE_PX with its letters set apart."""
    face = fonts.font(file, SIZE_PX)
    extra = spacing * cap_height(file)
    at, places = 0.0, []
    for char in text:
        places.append(at)
        at += face.getlength(char) + extra
    picture = Image.new("L", (int(at) + SIZE_PX, SIZE_PX * 2))
    pen = ImageDraw.Draw(picture)
    for char, x in zip(text, places, strict=True):
        pen.text((x + 8, 8), char, 255, face)
    mask = np.asarray(picture)
    return _tight(mask)


def arched(flat: Mask, rise_px: float) -> Mask:
    """The line bent so that its middle stands ``rise_px`` above its ends (below if negative)."""
    height, width = flat.shape
    across = np.linspace(-1, 1, width, dtype=np.float32)
    lift = rise_px * (across**2 if rise_px >= 0 else across**2 - 1)
    tall = height + round(abs(rise_px))
    x, y = np.meshgrid(
        np.arange(width, dtype=np.float32), np.arange(tall, dtype=np.float32), indexing="xy"
    )
    return np.asarray(cv2.remap(flat, x, y - lift[None, :].astype(np.float32), cv2.INTER_LINEAR))


def grown(flat: Mask, by_px: int) -> Mask:
    """The mask with a margin of ``by_px`` into which its strokes have grown: an outline's mask."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * by_px + 1, 2 * by_px + 1))
    padded = cv2.copyMakeBorder(flat, by_px, by_px, by_px, by_px, cv2.BORDER_CONSTANT, value=0)
    return np.asarray(cv2.dilate(padded, kernel), np.uint8)
