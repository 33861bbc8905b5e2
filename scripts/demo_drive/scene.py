"""One drive composed: the street, the cars on it, the camera's motion and its faults."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from .cars import PAINTS, CarModel, random_style
from .plates import DIGITS, Plate, random_plate
from .projection import FRAME_HEIGHT_PX, FRAME_WIDTH_PX, View, fill
from .street import Street
from .track import Motion

PARKED_X_M = 1.86
"""The middle of the parked cars; the camera sits on the right side of the roof."""
_LANE_X_M = -0.85
_ONCOMING_X_M = -4.6
_MIN_SPACING_M = 6.6
_FIRST_PARKED_M = 8.0
_LEAD_GAP_M = 6.0
_CLEAR_M = 2.6
"""How far ahead of the last place of the camera the last parked car may stand."""
_MIN_PLATE_WIDTH_PX = 24
_MIN_VISIBLE = 0.97
_OTHER_STATES = ("NH", "CT", "NY", "VT", "RI", "ME")
_NOISE_SIGMA = 2.6


@dataclass(frozen=True)
class PlateBox:
    """Where a whole, unhidden plate is in a frame, in pixels."""

    x: int
    y: int
    w: int
    h: int


@dataclass(frozen=True)
class Frame:
    """One picture and what is in it."""

    image: NDArray[np.uint8]
    """shape (720, 1280, 3), uint8, BGR."""
    boxes: dict[str, PlateBox]
    """By serial; a plate that is partly hidden, cut by the edge or tiny is left out."""


@dataclass(frozen=True)
class _Placed:
    model: CarModel
    x_m: float
    s_m: float
    gap_speed_mps2: float = 0.0
    """A car in the lane pulls away from the camera with this acceleration."""
    with_camera: bool = False
    speed_mps: float = 0.0

    def s_at(self, t_s: float, camera_s_m: float) -> float:
        if self.with_camera:
            return camera_s_m + self.s_m + 0.5 * self.gap_speed_mps2 * t_s**2
        return self.s_m + self.speed_mps * t_s


def _distinct_plates(rng: np.random.Generator, count: int) -> list[Plate]:
    """Mostly Massachusetts; the rest from its neighbours; no serial twice."""
    plates: dict[str, Plate] = {}
    others = list(rng.permutation(_OTHER_STATES))
    while len(plates) < count:
        foreign = len(plates) % 3 == 2 and others
        plate = random_plate(rng, str(others.pop()) if foreign else "MA", DIGITS)
        plates.setdefault(plate.serial, plate)
    return list(plates.values())


class Scene:
    """Everything that a drive's frames show, drawn from one seed."""

    def __init__(self, seed: int, cars: int, motion: Motion) -> None:
        """Lay out the street and its cars.

        Args:
            seed: everything drawn follows from it.
            cars: cars with a plate; with four or more the first of them drives ahead.
            motion: the camera's motion, with its length.

        Raises:
            ValueError: the cars do not fit on the way driven.
        """
        self._motion = motion
        way_m = motion.distance_m(motion.duration_s)
        rng = np.random.default_rng([seed, 1])
        self.plates = _distinct_plates(rng, cars)
        lead = 1 if cars >= 4 else 0
        parked = cars - lead
        room = way_m + _CLEAR_M - _FIRST_PARKED_M
        if parked > 1 and room / (parked - 1) < _MIN_SPACING_M:
            raise ValueError(
                f"cars: {cars} do not fit on a drive of {way_m:.0f} m; "
                f"ask for at most {int(room / _MIN_SPACING_M) + 1 + lead} or for more frames"
            )
        paints = [PAINTS[i % len(PAINTS)] for i in rng.permutation(len(PAINTS) * (1 + cars // 12))]
        models = [
            CarModel(random_style(rng, paint), plate)
            for paint, plate in zip(paints, self.plates, strict=False)
        ]
        spacing = room / max(parked - 1, 1)
        slack = min(0.9, (spacing - _MIN_SPACING_M) / 2)
        self._placed = [
            _Placed(
                model,
                PARKED_X_M + float(rng.uniform(-0.04, 0.05)),
                _FIRST_PARKED_M
                + i * spacing
                # The first and the last stay put, or they would never be seen whole.
                + float(rng.uniform(-slack, slack)) * (0 < i < parked - 1),
            )
            for i, model in enumerate(models[lead:])
        ]
        if lead:
            self._placed.append(
                _Placed(models[0], _LANE_X_M, _LEAD_GAP_M, gap_speed_mps2=0.55, with_camera=True)
            )
        oncoming = [
            CarModel(random_style(rng, PAINTS[int(rng.integers(len(PAINTS)))]), None, front=True)
            for _ in range(3)
        ]
        self._others = [
            _Placed(oncoming[i % 3], _ONCOMING_X_M, 45.0 + 62.0 * i, speed_mps=-8.0)
            for i in range(2 + int(way_m / 30))
        ] + [
            _Placed(oncoming[(i + 1) % 3], -7.6, 33.0 + 9.5 * i + float(rng.uniform(-1, 1)))
            for i in range(int((way_m + 110) / 9.5))
            if rng.random() < 0.6
        ]
        self._street = Street(np.random.default_rng([seed, 2]), way_m)
        self._noise = np.random.default_rng([seed, 3]).normal(
            0, _NOISE_SIGMA, (FRAME_HEIGHT_PX + 64, FRAME_WIDTH_PX + 64, 3)
        ).astype(np.int16)  # fmt: skip
        self._sway = np.random.default_rng([seed, 4]).uniform(0, 2 * np.pi, 6)
        self._vignette = _vignette()

    def view_at(self, t_s: float) -> View:
        """The camera at a moment: on its way, nodding and swaying a little."""
        p = self._sway
        nod = 1.6 * np.sin(2.9 * t_s + p[0]) + 0.9 * np.sin(7.3 * t_s + p[1])
        sway = 2.2 * np.sin(1.1 * t_s + p[2]) + 0.8 * np.sin(5.1 * t_s + p[3])
        view = View(self._motion.distance_m(t_s))
        return replace(
            view,
            vanishing_x_px=view.vanishing_x_px + float(sway),
            vanishing_y_px=view.vanishing_y_px + float(nod),
        )

    def frame(self, index: int, t_s: float) -> Frame:
        """Draw the frame at `t_s` seconds; `index` chooses its noise."""
        view = self.view_at(t_s)
        canvas = np.empty((FRAME_HEIGHT_PX, FRAME_WIDTH_PX, 3), np.uint8)
        self._street.draw_background(canvas, view)
        owners = np.zeros((FRAME_HEIGHT_PX, FRAME_WIDTH_PX), np.uint8)
        areas: dict[int, float] = {}
        placed = [(car, car.s_at(t_s, view.s_m)) for car in self._placed + self._others]
        for car, s in sorted(placed, key=lambda pair: -pair[1]):
            if not view.s_m - car.model.body.length < s < view.s_m + 140:
                continue
            _draw_shadow(canvas, view, car, s)
            car.model.draw(canvas, view, car.x_m, s)
            hull = np.round(car.model.hull(view, car.x_m, s)).astype(np.int32)
            cv2.fillConvexPoly(owners, np.clip(hull, -20000, 20000), (0,))
            if car.model.plate in self.plates and s > view.s_m + 1:
                number = self.plates.index(car.model.plate) + 1
                corners = view.project(np.array(car.model.plate_corners(car.x_m, s)))
                fixed = np.round(corners).astype(np.int32)
                cv2.fillConvexPoly(owners, fixed, (number,))
                areas[number] = float(cv2.contourArea(corners.astype(np.float32)))
        return Frame(self._expose(canvas, index), self._boxes(owners, areas))

    def _boxes(self, owners: NDArray[np.uint8], areas: dict[int, float]) -> dict[str, PlateBox]:
        boxes = {}
        for number, area in areas.items():
            mask = (owners == number).astype(np.uint8)
            x, y, w, h = cv2.boundingRect(mask)
            inside = x > 0 and y > 0 and x + w < FRAME_WIDTH_PX and y + h < FRAME_HEIGHT_PX
            # The drawn polygon has its rim's pixels too, so a whole one is never under its area.
            if w >= _MIN_PLATE_WIDTH_PX and inside and mask.sum() >= area * _MIN_VISIBLE:
                boxes[self.plates[number - 1].serial] = PlateBox(x, y, w, h)
        return boxes

    def _expose(self, canvas: NDArray[np.uint8], index: int) -> NDArray[np.uint8]:
        """Soften a little as a lens does; darken the corners; add the sensor's noise."""
        image = cv2.GaussianBlur(canvas, (3, 3), 0.45)
        image = cv2.multiply(image, self._vignette, scale=1 / 255)
        dx, dy = (index * 37) % 64, (index * 23) % 64
        noise = self._noise[dy : dy + FRAME_HEIGHT_PX, dx : dx + FRAME_WIDTH_PX]
        return np.asarray(cv2.add(image, noise, dtype=cv2.CV_8U), dtype=np.uint8)


def _vignette() -> NDArray[np.uint8]:
    y, x = np.mgrid[-1 : 1 : FRAME_HEIGHT_PX * 1j, -1 : 1 : FRAME_WIDTH_PX * 1j]
    fall = np.clip(1.0 - 0.16 * (x**2 + y**2) ** 1.3 / 2, 0, 1)
    return np.repeat(np.round(fall * 255).astype(np.uint8)[..., None], 3, axis=2)


def _draw_shadow(canvas: NDArray[np.uint8], view: View, car: _Placed, s: float) -> None:
    """Darken the road under the car and to its right, softly."""
    b = car.model.body
    half = b.width / 2
    points = np.array(
        [
            (car.x_m - half - 0.04, 0.0, s - 0.12), (car.x_m + half + 0.25, 0.0, s - 0.12),
            (car.x_m + half + 0.3, 0.0, s + b.length), (car.x_m - half - 0.04, 0.0, s + b.length),
        ]
    )  # fmt: skip
    polygon = view.project(points)
    x0, y0 = np.maximum(np.floor(polygon.min(axis=0)).astype(int) - 12, 0)
    x1, y1 = np.ceil(polygon.max(axis=0)).astype(int) + 12
    x1, y1 = min(x1, canvas.shape[1]), min(y1, canvas.shape[0])
    if x1 - x0 < 4 or y1 - y0 < 4:
        return
    shade = np.full((y1 - y0, x1 - x0), 255, np.uint8)
    fill(shade, polygon - (x0, y0), (78, 78, 78))
    shade = cv2.blur(shade, (17, 9))
    area = canvas[y0:y1, x0:x1]
    np.copyto(area, cv2.multiply(area, cv2.merge([shade, shade, shade]), scale=1 / 255))
