"""Plates drawn in the manner of seven states: colours, names, mottoes and serial shapes.

Serials are drawn at random; letters that dies and readers confuse with digits (I, O, Q, U) are
left out, as most states leave out some of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .glyphs import text_mask

Colour = tuple[int, int, int]
"""Blue, green, red, 0-255."""

PLATE_WIDTH_M = 0.305
PLATE_HEIGHT_M = 0.152
TEXTURE_WIDTH_PX = 720
TEXTURE_HEIGHT_PX = 360

_OVERSAMPLE = 2
_LETTERS = "ABCDEFGHJKLMNPRSTVWXYZ"
PLAIN_DIGITS = "23456789"
"""Without those that dies draw like letters."""

DIGITS = "01" + PLAIN_DIGITS


@dataclass(frozen=True)
class PlateStyle:
    """How one state's plates look."""

    name: str
    motto: str
    top: Colour
    bottom: Colour
    ink: Colour
    name_ink: Colour
    shapes: tuple[str, ...]
    """Serial shapes: L a letter, D a digit, a space where the plate has a gap."""


STYLES: dict[str, PlateStyle] = {
    "MA": PlateStyle(
        "Massachusetts", "The Spirit of America", (250, 250, 250), (244, 245, 246),
        (42, 30, 190), (42, 30, 190), ("DLLL DD", "DDD LLD", "DDL LDD"),
    ),
    "NH": PlateStyle(
        "New Hampshire", "LIVE FREE OR DIE", (236, 246, 236), (214, 232, 212),
        (62, 92, 24), (62, 92, 24), ("DDD DDDD",),
    ),
    "CT": PlateStyle(
        "Connecticut", "Constitution State", (228, 190, 150), (250, 246, 242),
        (96, 40, 20), (96, 40, 20), ("LL DDDDD",),
    ),
    "NY": PlateStyle(
        "NEW YORK", "EXCELSIOR", (250, 248, 246), (246, 244, 242),
        (110, 48, 22), (110, 48, 22), ("LLL DDDD",),
    ),
    "VT": PlateStyle(
        "Vermont", "Green Mountain State", (66, 96, 22), (56, 84, 16),
        (244, 248, 244), (244, 248, 244), ("LLL DDD",),
    ),
    "RI": PlateStyle(
        "Rhode Island", "Ocean State", (250, 248, 244), (240, 214, 176),
        (100, 40, 18), (100, 40, 18), ("DLL DDD",),
    ),
    "ME": PlateStyle(
        "MAINE", "Vacationland", (250, 250, 248), (232, 244, 238),
        (70, 44, 20), (60, 96, 30), ("DDDD LL",),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Plate:
    """One made-up plate: its state and its serial as printed, with the gap."""

    state: str
    printed: str

    @property
    def serial(self) -> str:
        """The serial as a reader reports it, without the gap."""
        return self.printed.replace(" ", "")


def random_plate(rng: np.random.Generator, state: str, digits: str = PLAIN_DIGITS) -> Plate:
    """Make up a serial in one of the state's shapes, with these digits.

    Raises:
        KeyError: the state has no style here.
    """
    shapes = STYLES[state].shapes
    # The first shape is the one on most cars of the road.
    shape = shapes[0] if rng.random() < 0.6 else shapes[int(rng.integers(len(shapes)))]
    alphabet = {"L": _LETTERS, "D": digits}
    printed = "".join(
        " " if kind == " " else alphabet[kind][int(rng.integers(len(alphabet[kind])))]
        for kind in shape
    )
    return Plate(state, printed)


def _ink(
    surface: NDArray[np.float32], mask: NDArray[np.uint8], at: tuple[int, int], c: Colour
) -> None:
    """Lay ink of colour `c` through a mask whose upper left corner is at `(x, y)`."""
    x, y = at
    part = surface[y : y + mask.shape[0], x : x + mask.shape[1]]
    alpha = mask[: part.shape[0], : part.shape[1], None].astype(np.float32) / 255
    part[:] = part * (1 - alpha) + np.array(c, np.float32) * alpha


def _words(text: str, height_px: int, max_width_px: int) -> NDArray[np.uint8]:
    """Mixed-case words as a mask no wider than `max_width_px`."""
    font, thickness = cv2.FONT_HERSHEY_DUPLEX, max(2, round(height_px * 0.13))
    scale = cv2.getFontScaleFromHeight(font, height_px, thickness)
    (width, height), below = cv2.getTextSize(text, font, scale, thickness)
    mask = np.zeros((height + below + 2 * thickness, width + 2 * thickness), np.uint8)
    cv2.putText(
        mask, text, (thickness, height + thickness // 2), font, scale, 255, thickness, cv2.LINE_AA
    )
    if mask.shape[1] > max_width_px:
        mask = cv2.resize(mask, (max_width_px, mask.shape[0]), interpolation=cv2.INTER_AREA).astype(
            np.uint8
        )
    return mask


def _serial_mask(plate: Plate, height: int, max_width: int) -> NDArray[np.uint8]:
    """The serial as a mask, its characters narrowed when there are many."""
    ratio = 0.54
    mask = text_mask(plate.printed, height, width_ratio=ratio, weight=0.155)
    if mask.shape[1] > max_width:
        ratio *= max_width / mask.shape[1]
        mask = text_mask(plate.printed, height, width_ratio=ratio, weight=0.145)
    return mask


def draw_plate(plate: Plate, style: PlateStyle | None = None) -> NDArray[np.uint8]:
    """Draw a plate flat on, in its state's style where no other is given.

    Returns:
        shape (TEXTURE_HEIGHT_PX, TEXTURE_WIDTH_PX, 4), uint8, BGRA, transparent at the rounded
        corners.

    Raises:
        KeyError: the plate's state has no style here.
    """
    style = style or STYLES[plate.state]
    width, height = TEXTURE_WIDTH_PX * _OVERSAMPLE, TEXTURE_HEIGHT_PX * _OVERSAMPLE
    ramp = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    surface = (
        np.array(style.top, np.float32) * (1 - ramp) + np.array(style.bottom, np.float32) * ramp
    )
    surface = np.ascontiguousarray(np.broadcast_to(surface, (height, width, 3)))

    serial = _serial_mask(plate, round(height * 0.46), round(width * 0.92))
    at = ((width - serial.shape[1]) // 2, round(height * 0.285))
    emboss = round(height * 0.008)
    shade: Colour = (120, 120, 120) if sum(style.ink) < 400 else (30, 50, 10)
    _ink(surface, serial // 3, (at[0] + emboss, at[1] + emboss), shade)
    _ink(surface, serial, at, style.ink)

    for text, centre, size, span in (
        (style.name, 0.15, 0.115, 0.56),
        (style.motto, 0.88, 0.085, 0.54),
    ):
        mask = _words(text, round(height * size), round(width * span))
        corner = ((width - mask.shape[1]) // 2, round(height * centre) - mask.shape[0] // 2)
        _ink(surface, mask, corner, style.name_ink)

    for x in (0.17, 0.83):
        bolt = (round(width * x), round(height * 0.1))
        cv2.circle(surface, bolt, round(height * 0.032), (150, 150, 150), -1, cv2.LINE_AA)
        cv2.circle(surface, bolt, round(height * 0.018), (105, 105, 105), -1, cv2.LINE_AA)

    alpha = np.zeros((height, width), np.uint8)
    radius = round(height * 0.08)
    cv2.rectangle(alpha, (radius, 0), (width - radius, height), 255, -1)
    cv2.rectangle(alpha, (0, radius), (width, height - radius), 255, -1)
    for x in (radius, width - radius - 1):
        for y in (radius, height - radius - 1):
            cv2.circle(alpha, (x, y), radius, 255, -1, cv2.LINE_AA)
    picture = np.dstack([np.clip(surface, 0, 255).astype(np.uint8), alpha])
    small = cv2.resize(picture, (TEXTURE_WIDTH_PX, TEXTURE_HEIGHT_PX), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.uint8)
