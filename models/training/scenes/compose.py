"""Scenes to train the detector on: photographs with real and drawn plates, and what is none."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from models.training.photograph.fields import chance
from models.training.photograph.optics import outline

from .closeup import close_up
from .framing import Framed, frame
from .photos import Photo
from .place import Look, erase, lay, look_of_place, look_of_plate
from .textures import (
    FOREIGN_PLATE,
    PLATE,
    ROAD_SIGN,
    VEHICLE_SIGN,
    Texture,
    Textures,
    draw_texture,
)
from .weather import changed

CLOSE_UP = 0.10
UNTOUCHED = 0.45
"""The share of scenes whose real plates all stay."""
REPLACED, REMOVED = 0.85, 0.12
"""Elsewhere: how often a drawn plate takes a real one's place, and how often nothing does."""
FOREIGN = 0.22
ON_BARE_VEHICLE = 0.6
SMALLEST_PX = 13.0
"""Plates narrower than this are left to doubt."""
SEEN = 0.7
US_WIDTH_MM, EU_WIDTH_MM = 305.0, 520.0
UPPER_BODY = 0.3
"""The share of a vehicle's height, from above, that never bears a plate."""

Corners = NDArray[np.float32]
Box = NDArray[np.float32]
Point = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A picture (h, w, 3) uint8 BGR and its plates.

    `plates` are corners (4, 2) float32 in pixels, clockwise from the top left; where `box_only`
    says so they are merely the corners of a plate's upright box. `ignore` are boxes (left, top,
    right, bottom) in which nobody knows whether there is a plate.
    """

    image: NDArray[np.uint8]
    plates: tuple[Corners, ...]
    box_only: tuple[bool, ...]
    ignore: tuple[Box, ...]


@dataclass(slots=True, eq=False)
class _Draft:
    """A scene while it is made."""

    framed: Framed
    textures: Textures | None
    photo: Photo
    plates: list[tuple[Corners, bool]] = field(default_factory=list)
    ignore: list[Box] = field(default_factory=list)

    def texture(self, rng: Generator, kind: int) -> Texture:
        if self.textures is None:
            return draw_texture(rng, kind)
        return self.textures.pick(rng, kind)

    def taken(self) -> list[Box]:
        return [_around(corners) for corners, _ in self.plates] + self.ignore


def compose(
    rng: Generator, photo: Photo, size: tuple[int, int], textures: Textures | None = None
) -> Scene:
    """A scene of (width, height) px from a photo; another one each time.

    Without a stock of `textures` every plate and sign is drawn anew, which takes its time.
    """
    draft = _Draft(frame(rng, photo, size), textures, photo)
    if not photo.exact and chance(rng, CLOSE_UP):
        return _close_up(rng, draft, size)
    untouched = photo.exact or chance(rng, UNTOUCHED)
    for box in draft.framed.doubtful:
        _doubt(draft, box)
    for box in draft.framed.plates:
        _real_plate(rng, draft, box, untouched=untouched)
    for vehicle in draft.framed.vehicles:
        if not any(_holds(vehicle, plate) for plate in draft.framed.plates):
            _bare_vehicle(rng, draft, vehicle)
    _strew(rng, draft)
    image = changed(rng, draft.framed.image, [corners for corners, _ in draft.plates])
    return Scene(
        image,
        tuple(corners for corners, _ in draft.plates),
        tuple(box_only for _, box_only in draft.plates),
        tuple(draft.ignore),
    )


def _close_up(rng: Generator, draft: _Draft, size: tuple[int, int]) -> Scene:
    texture = draft.texture(rng, FOREIGN_PLATE if chance(rng, FOREIGN) else PLATE)
    around = None
    if chance(rng, 0.6):
        around = draft.framed
        for box in around.plates:
            erase(rng, around.image, box)
    image, corners = close_up(rng, size, texture, around)
    image = changed(rng, image, [corners])
    # A photograph's other vehicles may have plates too, small and blurred as they are.
    doubts = [] if around is None else [_clipped(box, image.shape) for box in around.vehicles]
    kept = [box for box in doubts if _area(box) > 0]
    return Scene(image, (corners,), (False,), tuple(kept))


def _real_plate(rng: Generator, draft: _Draft, box: Box, *, untouched: bool) -> None:
    """Keep a real plate, put a drawn one in its place, or take it away."""
    image = draft.framed.image
    seen = _clipped(box, image.shape)
    if _area(seen) < SEEN * _area(box) or box[2] - box[0] < SMALLEST_PX:
        if _area(seen) > 0:
            draft.ignore.append(seen)
        return
    draw = rng.random()
    if untouched or draw >= REPLACED + REMOVED:
        draft.plates.append((_corners_of(seen), not draft.photo.exact))
        return
    look = look_of_plate(image, seen, coloured="romanian" in draft.photo.name)
    erase(rng, image, box)
    if draw < REPLACED and look is not None:
        kind = FOREIGN_PLATE if chance(rng, FOREIGN) else PLATE
        _lay_plate(rng, draft, kind, box, look)
    elif chance(rng, 0.5) and look is not None:
        middle = np.asarray((box[:2] + box[2:]) / 2, dtype=np.float32)
        _lay_sign(rng, draft, VEHICLE_SIGN, middle, float(box[2] - box[0]), look)


def _lay_plate(rng: Generator, draft: _Draft, kind: int, box: Box, look: Look) -> None:
    """A drawn plate about the middle of a box, as wide as it would be on that vehicle."""
    texture = draft.texture(rng, kind)
    aspect = texture.shape[1] / texture.shape[0]
    width, height = (float(v) for v in box[2:] - box[:2])
    real_mm = EU_WIDTH_MM if width > 2.8 * height else US_WIDTH_MM
    # Square plates are narrower than they look; European ones wider.
    drawn_mm = EU_WIDTH_MM if aspect > 3.6 else min(US_WIDTH_MM, 160 * aspect)
    if kind == PLATE and real_mm == EU_WIDTH_MM and chance(rng, 0.5):
        real_mm = US_WIDTH_MM * 1.15
    wide = max(width * drawn_mm / real_mm * rng.uniform(0.95, 1.2), SMALLEST_PX + 3)
    angles = _pose(rng, draft.framed.turn_deg)
    corners = outline(aspect, wide, angles, 4 + rng.exponential(8))
    corners += ((box[:2] + box[2:]) / 2 + rng.normal(0, 0.06, 2) * (width, height)).astype(
        np.float32
    )
    _lay(rng, draft, texture, corners, look)


def _pose(rng: Generator, turn_deg: float) -> tuple[float, float, float]:
    yaw = float(np.clip(rng.normal(0, 20), -58, 58))
    pitch = float(np.clip(rng.normal(3, 7), -20, 25))
    roll = rng.normal(0, 5 if chance(rng, 0.12) else 1.2)
    return yaw, pitch, turn_deg + float(roll)


def _lay(rng: Generator, draft: _Draft, texture: Texture, corners: Corners, look: Look) -> None:
    height, width = draft.framed.image.shape[:2]
    box = _around(corners)
    seen = _clipped(box, draft.framed.image.shape)
    if _area(seen) <= 0:
        return
    lay(rng, draft.framed.image, texture, corners, look)
    if (corners >= -2).all() and (corners <= np.array([width + 2, height + 2])).all():
        draft.plates.append((np.clip(corners, 0, (width, height)).astype(np.float32), False))
    else:
        draft.ignore.append(seen)


def _bare_vehicle(rng: Generator, draft: _Draft, vehicle: Box) -> None:
    """A vehicle on which no plate is labelled: it may get one; what else is on it is in doubt."""
    width, height = (float(v) for v in vehicle[2:] - vehicle[:2])
    facing = 0.75 < width / max(height, 1.0) < 1.9
    if facing and width > 70 and chance(rng, ON_BARE_VEHICLE):
        wide = width * rng.uniform(0.13, 0.24)
        x = vehicle[0] + width * rng.uniform(0.3, 0.7)
        y = vehicle[1] + height * rng.uniform(0.55, 0.85)
        high = wide / 2
        box = np.array([x - wide / 2, y - high / 2, x + wide / 2, y + high / 2], dtype=np.float32)
        if wide >= SMALLEST_PX and not any(_touch(box, other) for other in draft.taken()):
            look = look_of_place(rng, draft.framed.image, box, draft.framed.enlargement)
            _lay_plate(rng, draft, PLATE, box, look)
    lower = vehicle.copy()
    lower[1] += UPPER_BODY * height
    _doubt(draft, lower)


def _strew(rng: Generator, draft: _Draft) -> None:
    """Signs, badges, lettering and boards anywhere but on plates."""
    height, width = draft.framed.image.shape[:2]
    for _ in range(int(rng.integers(1, 6)) if chance(rng, 0.6) else 0):
        kind = ROAD_SIGN if chance(rng, 0.45) else VEHICLE_SIGN
        wide = float(np.exp(rng.uniform(np.log(18), np.log(220))))
        middle = np.array([rng.uniform(0, width), rng.uniform(0, height)], dtype=np.float32)
        half = np.array([wide, wide * 0.6], dtype=np.float32) * np.float32(0.6)
        box = np.concatenate([middle - half, middle + half]).astype(np.float32)
        if any(_touch(box, other) for other in draft.taken()):
            continue
        look = look_of_place(rng, draft.framed.image, box, draft.framed.enlargement)
        _lay_sign(rng, draft, kind, middle, wide, look)


def _lay_sign(
    rng: Generator, draft: _Draft, kind: int, middle: Point, wide: float, look: Look
) -> None:
    texture = draft.texture(rng, kind)
    aspect = texture.shape[1] / texture.shape[0]
    wide = min(wide, wide * aspect)
    corners = outline(aspect, wide, _pose(rng, draft.framed.turn_deg), 4 + rng.exponential(8))
    corners = (corners + middle).astype(np.float32)
    if not any(_touch(_around(corners), other) for other in draft.taken()):
        lay(rng, draft.framed.image, texture, corners, look)


def _doubt(draft: _Draft, box: Box) -> None:
    seen = _clipped(box, draft.framed.image.shape)
    if _area(seen) > 0:
        draft.ignore.append(seen)


def _corners_of(box: Box) -> Corners:
    return np.asarray(box[[0, 1, 2, 1, 2, 3, 0, 3]].reshape(4, 2), dtype=np.float32)


def _around(corners: Corners) -> Box:
    return np.concatenate([corners.min(axis=0), corners.max(axis=0)]).astype(np.float32)


def _clipped(box: Box, shape: tuple[int, ...]) -> Box:
    limits = np.array([shape[1], shape[0], shape[1], shape[0]], dtype=np.float32)
    return np.clip(box, 0, limits).astype(np.float32)


def _area(box: Box) -> float:
    width, height = np.maximum(box[2:] - box[:2], 0)
    return float(width * height)


def _holds(vehicle: Box, plate: Box) -> bool:
    x, y = (plate[:2] + plate[2:]) / 2
    return bool(vehicle[0] <= x <= vehicle[2] and vehicle[1] <= y <= vehicle[3])


def _touch(a: Box, b: Box) -> bool:
    return bool(a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3])
