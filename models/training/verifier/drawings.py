"""Drawn plates and drawn words, laid over real pictures with their light and blur.

Real pictures with US plates that may be trained on are hard to find, and so are many signs: what
is drawn stands on the real cars, walls and roads of the pictures that there are.
"""

from __future__ import annotations

import string
from dataclasses import replace

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from demo_drive import plates as drawn
from demo_drive.glyphs import text_mask
from edge.vision.geometry import Box, Corners, bounding_box, box_corners, grown, intersection
from edge.vision.ppocr.lines import plate_outline
from edge.vision.states import NAMES

WORDS = (
    "PIONEER", "QUABBIN", "VOYAGER", "MERIDIAN", "SUMMIT", "AURORA", "ATLAS", "COMET", "RANGER",
    "SUBARU", "TOYOTA", "HONDA", "NISSAN", "FORD", "VOLVO", "DACIA", "RENAULT", "LOGAN",
    "DUSTER", "SKODA", "MAZDA", "HYBRID", "TURBO", "SPORT", "LIMITED", "4X4", "V6", "XLT",
    "TDI", "GLX", "AWD", "STOP", "TAXI", "POLICE", "EXIT", "BUS", "ONLY", "SLOW", "SCHOOL",
    "PARKING", "NO", "ONE", "WAY", "OPEN", "SALE", "CAFE", "DINER", "HOTEL", "BANK", "PIZZA",
    "BAKERY", "BOOKS", "GALLERY", "RECORDS", "FLORIST", "TAILOR", "BICYCLES", "PHARMACY",
    "MARKET", "BAR", "GRILL", "SALON", "BARBER", "DENTIST", "LAUNDRY", "HARDWARE", "MOVING",
    "RENTAL", "FRESH", "FOODS", "LOGISTICS", "TRANSPORT", "EXPRESS", "FREIGHT", "PLUMBING",
    "ELECTRIC", "ROOFING", "SERVICE", "FARMACIE", "CASA", "DE", "SCHIMB", "NON", "VULCANIZARE",
)  # fmt: skip
FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX, cv2.FONT_HERSHEY_PLAIN, cv2.FONT_ITALIC | cv2.FONT_HERSHEY_DUPLEX,
)  # fmt: skip
Colour = tuple[int, int, int]


def _colour(rng: Generator) -> Colour:
    if rng.random() < 0.4:
        grey = int(rng.integers(0, 256))
        return grey, grey, grey
    return _between(rng, 0, 256)


def _between(rng: Generator, low: int, high: int) -> Colour:
    b, g, r = (int(value) for value in rng.integers(low, high, 3))
    return b, g, r


def _lighter(colour: Colour) -> Colour:
    b, g, r = (min(255, value + 25) for value in colour)
    return b, g, r


def plate_texture(rng: Generator) -> NDArray[np.uint8]:
    """A drawn US plate (h, w, 4) uint8 BGRA: a style of the demo's, or one made up."""
    state = str(rng.choice(list(drawn.STYLES)))
    plate = drawn.random_plate(rng, state)
    style = drawn.STYLES[state]
    if rng.random() < 0.65:
        light, dark = _between(rng, 170, 256), _between(rng, 0, 110)
        ground, ink = (light, dark) if rng.random() < 0.8 else (dark, light)
        name = str(rng.choice(list(NAMES.values())))
        style = replace(
            style,
            name=name if rng.random() < 0.5 else name.title(),
            top=ground,
            bottom=ground if rng.random() < 0.6 else _lighter(ground),
            ink=ink,
            name_ink=ink if rng.random() < 0.6 else _colour(rng),
        )
        text = "".join(rng.choice(list(string.ascii_uppercase + string.digits), rng.integers(3, 8)))
        if rng.random() < 0.4:
            text = str(rng.choice([word for word in WORDS if len(word) <= 7]))
        if rng.random() < 0.7:
            plate = drawn.Plate(state, text)
    texture = drawn.draw_plate(plate, style)
    if rng.random() < 0.35:
        texture = _framed(rng, texture)
    return texture


def _framed(rng: Generator, texture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A dealer's frame around the plate, which hides a little of it."""
    height, width = texture.shape[:2]
    rim = int(rng.integers(8, 34))
    colour = (*_colour(rng), 255)
    framed = cv2.copyMakeBorder(texture, rim, rim, rim, rim, cv2.BORDER_CONSTANT, value=colour)
    framed[framed[..., 3] == 0] = colour
    band = int(height * rng.uniform(0, 0.12))
    framed[: rim + band] = framed[rim + height - band :] = colour
    if band > 20:
        word = str(rng.choice(WORDS))
        cv2.putText(
            framed, word, (width // 3, 2 * rim + height - 10), int(rng.choice(FONTS[:4])),
            band / 30, (*_colour(rng), 255), 3, cv2.LINE_AA,
        )  # fmt: skip
    return np.asarray(framed, dtype=np.uint8)


def word_texture(rng: Generator, *, board: bool) -> tuple[NDArray[np.uint8], Box]:
    """A word (h, w, 4) uint8 BGRA and the box of its letters; on a board, or bare."""
    kind = rng.random()
    word = str(rng.choice(WORDS))
    if kind < 0.3:
        word = "".join(rng.choice(list(string.ascii_uppercase), rng.integers(3, 9)))
    elif kind < 0.45:
        word = "".join(rng.choice(list(string.digits), rng.integers(2, 9)))
    if rng.random() < 0.4:
        ink = text_mask(
            word, 96, width_ratio=float(rng.uniform(0.4, 0.8)), weight=float(rng.uniform(0.08, 0.2))
        )
    else:
        font, thickness = int(rng.choice(FONTS)), int(rng.integers(3, 12))
        (width, height), below = cv2.getTextSize(word, font, 3.0, thickness)
        ink = np.zeros((height + below, width + thickness), dtype=np.uint8)
        cv2.putText(ink, word, (0, height), font, 3.0, 255, thickness, cv2.LINE_AA)
        ink = ink[:, : max(8, int(np.max(np.nonzero(ink.any(axis=0)))) + 1)]
    height, width = ink.shape
    pad_x = int(width * rng.uniform(0.05, 0.5)) if board else 2
    pad_y = int(height * rng.uniform(0.2, 1.2)) if board else 2
    size = (height + 2 * pad_y, width + 2 * pad_x)
    alpha = np.zeros(size, dtype=np.uint8)
    alpha[pad_y : pad_y + height, pad_x : pad_x + width] = ink
    texture = np.zeros((*size, 4), dtype=np.uint8)
    texture[..., :3] = _colour(rng)
    if board:
        share = alpha[..., np.newaxis] / 255
        ground = np.array(_colour(rng))
        texture[..., :3] = (texture[..., :3] * share + ground * (1 - share)).astype(np.uint8)
        texture[..., 3] = 255
        if rng.random() < 0.4:
            rim = int(rng.integers(3, 12))
            cv2.rectangle(texture, (0, 0), (size[1] - 1, size[0] - 1), (*_colour(rng), 255), rim)
    else:
        texture[..., 3] = alpha
    return texture, Box(pad_x, pad_y, width, height)


def lay_over(
    rng: Generator, image: NDArray[np.uint8], texture: NDArray[np.uint8], corners: Corners
) -> NDArray[np.uint8]:
    """The picture with the texture on a quadrilateral (4, 2) of it, in the place's light."""
    width = float(np.linalg.norm(corners[1] - corners[0]))
    scale = width / texture.shape[1]
    if scale < 1:
        size = (max(4, round(width)), max(2, round(texture.shape[0] * scale)))
        texture = np.asarray(cv2.resize(texture, size, interpolation=cv2.INTER_AREA), np.uint8)
    area = bounding_box(grown(corners, 1.1)).clipped(image.shape[1], image.shape[0])
    laid = image.copy()
    if not area.area:
        return laid
    place = laid[area.y : area.y + area.h, area.x : area.x + area.w]
    flat = box_corners(Box(0, 0, texture.shape[1], texture.shape[0]))
    inside = corners - np.array([area.x, area.y], dtype=np.float32)
    transform = cv2.getPerspectiveTransform(flat, inside)
    layer = cv2.warpPerspective(texture, transform, (area.w, area.h), flags=cv2.INTER_LINEAR)
    softness = rng.uniform(0, 0.9)
    if softness > 0.3:
        layer = cv2.GaussianBlur(layer, (0, 0), softness)
    covered = place[layer[..., 3] > 128]
    # The brightest of what was there shows how much light falls on the place.
    light = float(np.percentile(covered, 90)) / 235 if len(covered) else 1.0
    light = float(np.clip(light * rng.uniform(0.8, 1.3), 0.2, 1.15))
    share = layer[..., 3:].astype(np.float32) / 255
    mixed = place * (1 - share) + np.clip(layer[..., :3] * light, 0, 255) * share
    place[:] = np.clip(mixed, 0, 255).astype(np.uint8)
    return laid


def tilted(rng: Generator, x: float, y: float, width: float, height: float) -> Corners:
    """A rectangle about a middle, turned and in perspective a little."""
    corners = box_corners(Box(0, 0, 1, 1)) - np.float32(0.5)
    corners = corners * np.array([width, height], dtype=np.float32)
    turn = rng.normal(0, 0.06)
    spin = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    moved = corners @ spin + rng.normal(0, 0.03, (4, 2)) * height + (x, y)
    return np.asarray(moved, dtype=np.float32)


def plate_over(
    rng: Generator, image: NDArray[np.uint8], plate: Box
) -> tuple[NDArray[np.uint8], Corners]:
    """The picture with a drawn plate where a plate is, and the outline of the drawn one."""
    width = plate.w * rng.uniform(1.0, 1.25)
    corners = tilted(rng, *plate.center, width, width * rng.uniform(0.46, 0.54))
    return lay_over(rng, image, plate_texture(rng), corners), corners


def word_over(
    rng: Generator, image: NDArray[np.uint8], vehicles: tuple[Box, ...], plates: tuple[Box, ...]
) -> tuple[NDArray[np.uint8], Corners] | None:
    """The picture with a drawn word off its plates, and the outline of the candidate it makes.

    On a vehicle the word is bare, as a badge or a firm's lettering is; None where no place was
    found.
    """
    height, width = image.shape[:2]
    on_vehicle = bool(vehicles) and rng.random() < 0.6
    board = not on_vehicle and rng.random() < 0.65
    texture, letters = word_texture(rng, board=board)
    for _ in range(12):
        word_width = float(rng.uniform(0.06, 0.3)) * width
        scale = word_width / texture.shape[1]
        if on_vehicle:
            car = vehicles[int(rng.integers(len(vehicles)))]
            word_width = min(word_width, car.w * 0.6)
            scale = word_width / texture.shape[1]
            x = car.x + car.w * rng.uniform(0.2, 0.8)
            y = car.y + car.h * rng.uniform(0.15, 0.9)
        else:
            x, y = width * rng.uniform(0.1, 0.9), height * rng.uniform(0.05, 0.75)
        word_height = texture.shape[0] * scale
        around = Box(
            round(x - word_width * 0.6), round(y - word_height * 0.6),
            round(word_width * 1.2), round(word_height * 1.2),
        )  # fmt: skip
        inside = around.clipped(width, height).area > 0.8 * around.area
        # A board close above a plate would hang on the plate's own car, as no sign does.
        keep_off = around if not board else Box(around.x - around.w, 0, 3 * around.w, height)
        if inside and not any(intersection(keep_off, plate) for plate in plates):
            break
    else:
        return None
    corners = tilted(rng, x, y, word_width, word_height)
    flat = box_corners(Box(0, 0, texture.shape[1], texture.shape[0]))
    transform = cv2.getPerspectiveTransform(flat, corners)
    line = cv2.perspectiveTransform(box_corners(letters)[np.newaxis], transform)[0]
    return lay_over(rng, image, texture, corners), plate_outline(line.astype(np.float32))
