"""A drawn main street: sky, hills, shop fronts, trees, lamp posts, the road and its marks."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .glyphs import text_mask
from .projection import Colour, Texture, View, fill_world, hazed

KERB_RIGHT_M = 3.0
KERB_LEFT_M = -8.6
LANE_MARK_M = -2.5
PARKING_LINE_M = 0.78
_FACADE_RIGHT_M = 6.4
_FACADE_LEFT_M = -12.4
_SEEN_AHEAD_M = 230.0
_BAY_M = 4.2
_FLOOR_M = 3.4
_FACADE_PX_PER_M = 160
_ASPHALT_PX = 1024
_ASPHALT_M = 11.0

_ROAD: Colour = (104, 101, 99)
_PAVEMENT: Colour = (168, 174, 178)
_KERB: Colour = (190, 196, 198)
_WALLS: tuple[Colour, ...] = (
    (62, 76, 138), (74, 94, 156), (160, 184, 200), (120, 134, 146), (96, 116, 168), (150, 160, 150),
)  # fmt: skip
_AWNINGS: tuple[Colour, ...] = ((60, 84, 34), (46, 40, 150), (120, 76, 40), (60, 120, 170))
_SIGNS = ("BOOKS", "BAKERY", "CAFE", "RECORDS", "TAILOR", "FLORIST", "BICYCLES", "DINER", "GALLERY")


@dataclass(frozen=True)
class _Building:
    """One building's row of bays on one side of the street."""

    s0: float
    bays: int
    floors: int
    wall: Colour
    upper: Texture
    ground: tuple[Texture, ...]

    @property
    def s1(self) -> float:
        return self.s0 + self.bays * _BAY_M

    @property
    def height(self) -> float:
        return self.floors * _FLOOR_M + 1.0


def _facade(
    rng: np.random.Generator, width_m: float, height_m: float, wall: Colour
) -> NDArray[np.uint8]:
    """A plain wall with the grain of its courses."""
    shape = (round(height_m * _FACADE_PX_PER_M), round(width_m * _FACADE_PX_PER_M), 4)
    sheet = np.full(shape, 255, np.uint8)
    bricks = rng.normal(0, 5.0, (shape[0] // 8, shape[1] // 24))
    grain = np.asarray(cv2.resize(bricks, shape[1::-1], interpolation=cv2.INTER_NEAREST))
    grain[::8] -= 7
    sheet[..., :3] = np.clip(np.array(wall) + grain[..., None], 0, 255).astype(np.uint8)
    return sheet


def _box(
    sheet: NDArray[np.uint8], x0: float, y0: float, x1: float, y1: float, colour: Colour
) -> None:
    """Fill a rectangle given in metres from the sheet's upper left."""
    p = [round(v * _FACADE_PX_PER_M) for v in (x0, y0, x1, y1)]
    cv2.rectangle(sheet, (p[0], p[1]), (p[2], p[3]), (*colour, 255), -1)


def _upper_bay(rng: np.random.Generator, floors: int, wall: Colour) -> Texture:
    height = (floors - 1) * _FLOOR_M + 1.0
    sheet = _facade(rng, _BAY_M, height, wall)
    trim: Colour = (206, 214, 216)
    _box(sheet, 0, 0, _BAY_M, 0.28, hazed(wall, 0.45))
    _box(sheet, 0, 0.28, _BAY_M, 0.36, (70, 70, 74))
    _box(sheet, 0, 0.36, _BAY_M, 0.5, hazed(wall, 0.3))
    for floor in range(floors - 1):
        top = 1.1 + floor * _FLOOR_M
        for x in (0.55, 2.45):
            _box(sheet, x - 0.1, top - 0.18, x + 1.3, top, trim)
            _box(sheet, x - 0.02, top, x + 1.22, top + 1.85, (226, 230, 230))
            glass = hazed((96, 84, 70), float(rng.uniform(0, 0.45)))
            _box(sheet, x + 0.06, top + 0.06, x + 1.14, top + 0.9, glass)
            _box(sheet, x + 0.06, top + 0.97, x + 1.14, top + 1.78, hazed((60, 54, 48), 0.1))
            if rng.random() < 0.5:
                _box(sheet, x + 0.06, top + 0.06, x + 1.14, top + 0.5, (188, 206, 214))
            _box(sheet, x - 0.1, top + 1.85, x + 1.3, top + 1.97, trim)
    return Texture(sheet)


def _ground_bay(rng: np.random.Generator, wall: Colour, sign: str) -> Texture:
    sheet = _facade(rng, _BAY_M, _FLOOR_M, hazed(wall, 0.1))
    frame = hazed(_AWNINGS[int(rng.integers(len(_AWNINGS)))], 0.08)
    _box(sheet, 0.12, 0.30, _BAY_M - 0.12, _FLOOR_M, frame)
    _box(sheet, 0.12, 0.32, _BAY_M - 0.12, 0.86, hazed(frame, 0.12))
    letters = text_mask(sign, round(0.34 * _FACADE_PX_PER_M), width_ratio=0.6, gap=0.4)
    left = (sheet.shape[1] - letters.shape[1]) // 2
    top = round(0.42 * _FACADE_PX_PER_M)
    board = sheet[top : top + letters.shape[0], left : left + letters.shape[1], :3]
    share = letters[..., None].astype(np.float32) / 255
    board[:] = (board * (1 - share) + np.array((214, 234, 240)) * share).astype(np.uint8)
    for x0, x1 in ((0.3, 2.5), (2.7, 3.9)):
        _box(sheet, x0, 1.0, x1, 3.0 if x0 < 1 else 3.4, (64, 58, 50))
        _box(sheet, x0 + 0.05, 1.05, x1 - 0.05, 1.7, (130, 120, 104))
        for _ in range(5):
            gx = float(rng.uniform(x0 + 0.1, x1 - 0.4))
            gy = float(rng.uniform(1.9, 2.6))
            tint: Colour = (float(rng.integers(60, 200)), float(rng.integers(80, 200)), 170.0)
            _box(sheet, gx, gy, gx + 0.28, gy + 0.35, hazed(tint, 0.2))
    stripe = _AWNINGS[int(rng.integers(len(_AWNINGS)))]
    for i in range(12):
        colour = stripe if i % 2 else (226, 230, 232)
        _box(sheet, 0.2 + i * 0.19, 0.92, 0.39 + i * 0.19, 1.42, colour)
    return Texture(sheet)


def _foliage(rng: np.random.Generator) -> Texture:
    """A round leafy crown, lit from the upper left."""
    size = 512
    crown = np.zeros((size, size, 4), np.uint8)
    radius, turn = 0.42 * np.sqrt(rng.uniform(0, 1, 520)), rng.uniform(0, 2 * np.pi, 520)
    # Squeezed and lumpy, so that no two crowns are plain discs.
    radius = radius * (0.86 + 0.14 * np.sin(3 * turn + rng.uniform(0, 6)))
    blobs = sorted(
        zip(radius * np.cos(turn), 0.88 * radius * np.sin(turn), strict=True),
        key=lambda p: -p[1] - 0.6 * p[0],
    )
    for i, (x, y) in enumerate(blobs):
        centre = (round((0.5 + x) * size), round((0.5 + y) * size))
        lit = 0.55 + 0.65 * i / len(blobs) + rng.normal(0, 0.08)
        colour = tuple(float(np.clip(c * lit, 0, 255)) for c in (56, 116, 88))
        cv2.circle(crown, centre, int(rng.integers(7, 24)), (*colour, 255), -1, cv2.LINE_AA)
    return Texture(cv2.GaussianBlur(crown, (0, 0), 1.2).astype(np.uint8))


def _clouds(rng: np.random.Generator, width: int, height: int) -> NDArray[np.uint8]:
    """A summer sky, paler towards the horizon."""
    ramp = np.linspace(0, 1, height)[:, None, None] ** 0.8
    sky = np.array((214, 164, 104.0)) * (1 - ramp) + np.array((236, 226, 212.0)) * ramp
    cover = np.zeros((height, width))
    for octave in range(2, 7):
        cells = (2**octave, 2 ** (octave - 1) * 5)
        noise = cv2.resize(rng.normal(0, 1, cells), (width, height), interpolation=cv2.INTER_CUBIC)
        cover += np.asarray(noise, dtype=np.float64) / 1.7**octave
    share = np.clip((cover - 0.12) * 2.2, 0, 0.85)[..., None]
    return np.asarray(sky * (1 - share) + np.array((250, 249, 248)) * share, dtype=np.uint8)


class Street:
    """A street of the given length, drawn from any place along it."""

    def __init__(self, rng: np.random.Generator, length_m: float) -> None:
        """Draw every texture; `length_m` is how far the camera will drive."""
        self._sky = _clouds(rng, 1800, 560)
        ridge = np.cumsum(rng.normal(0, 1, 400))
        self._ridge = cv2.GaussianBlur(ridge[None], (0, 0), 9)[0]
        end = length_m + _SEEN_AHEAD_M
        self._right = _row(rng, -10.0, end)
        self._left = _row(rng, 20.0, end)
        crowns = [_foliage(rng) for _ in range(3)]
        self._trees = [
            (
                x,
                float(s + rng.uniform(-2, 2)),
                crowns[int(rng.integers(3))],
                float(rng.uniform(4.2, 5.6)),
            )
            for x, first, step in ((4.6, 12.0, 19.0), (KERB_LEFT_M - 1.2, 30.0, 16.0))
            for s in np.arange(first, end, step)
        ]  # fmt: skip
        grain = cv2.GaussianBlur(rng.normal(0, 2.6, (_ASPHALT_PX, _ASPHALT_PX)), (0, 0), 0.9)
        patches = cv2.resize(rng.normal(0, 1, (24, 24)), (_ASPHALT_PX, _ASPHALT_PX))
        self._asphalt = np.clip(128 + 5 * grain + 3 * patches, 0, 255).astype(np.uint8)

    def draw_background(self, canvas: NDArray[np.uint8], view: View) -> None:
        """Fill the whole canvas with everything that no parked car can hide behind."""
        self._draw_sky(canvas, view)
        self._draw_ground(canvas, view)
        for side, row in ((-1, self._left), (1, self._right)):
            for building in sorted(row, key=lambda b: -b.s0):
                if building.s1 > view.s_m + 1 and building.s0 < view.s_m + _SEEN_AHEAD_M:
                    _draw_building(canvas, view, building, side)
        for x, s, crown, size in sorted(self._trees, key=lambda tree: -tree[1]):
            if view.s_m + 4 < s < view.s_m + 140:
                _draw_tree(canvas, view, x, s, crown, size)
        for s in np.arange(np.ceil((view.s_m + 130) / 24) * 24 + 6, view.s_m + 5, -24):
            _draw_lamp(canvas, view, float(s))

    def _draw_sky(self, canvas: NDArray[np.uint8], view: View) -> None:
        horizon = round(view.vanishing_y_px)
        left = round(200 - (view.vanishing_x_px - 392) * 1.0)
        top = 260 - round(view.vanishing_y_px - 268)
        piece = self._sky[max(top, 0) : top + 280, left : left + 1290]
        size = (canvas.shape[1], horizon + 8)
        canvas[: horizon + 8] = cv2.resize(piece, size, interpolation=cv2.INTER_LINEAR)
        x = np.linspace(0, canvas.shape[1], len(self._ridge))
        for factor, colour in ((3.2, (206, 186, 160)), (1.6, (172, 160, 132))):
            lift = (self._ridge - self._ridge.min()) * factor + 14
            y = horizon - lift * 0.8
            outline = np.concatenate(
                [np.stack([x, y], 1), [[canvas.shape[1], horizon + 8], [0, horizon + 8]]]
            )
            cv2.fillPoly(canvas, [np.round(outline).astype(np.int32)], colour, cv2.LINE_AA)

    def _draw_ground(self, canvas: NDArray[np.uint8], view: View) -> None:
        s0, s1 = view.s_m + 2.0, view.s_m + _SEEN_AHEAD_M * 4
        horizon = round(view.vanishing_y_px) + 1
        depth = (
            view.focal_px * view.height_m
            / np.maximum(np.arange(horizon, canvas.shape[0]) - view.vanishing_y_px, 0.5)
        )  # fmt: skip
        haze = np.array([view.haze(view.s_m + float(d)) for d in depth])[:, None, None]
        air = np.array(hazed((0, 0, 0), 1.0))
        road = np.array(_ROAD) * (1 - haze) + air * haze
        rows = np.broadcast_to(road, (len(depth), canvas.shape[1], 3)).astype(np.int16)
        # Asphalt grain, fading out before it would shimmer.
        metres = _ASPHALT_PX / _ASPHALT_M
        square = np.array([[-6, 0, 5], [6, 0, 5], [6, 0, 24], [-6, 0, 24]], float)
        square[:, 2] += view.s_m
        on_canvas = (view.project(square) - (0, horizon)).astype(np.float32)
        on_texture = (square[:, [0, 2]] * metres).astype(np.float32)
        matrix = cv2.getPerspectiveTransform(on_texture, on_canvas)
        size = (canvas.shape[1], canvas.shape[0] - horizon)
        grain = cv2.warpPerspective(
            self._asphalt, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP
        )
        strength = np.clip(9.0 / depth, 0, 1)[:, None]
        lift = ((grain.astype(np.float32) - 128) * strength).astype(np.int16)
        canvas[horizon:] = cv2.add(rows, cv2.merge([lift, lift, lift]), dtype=cv2.CV_8U)

        def strip(x0: float, x1: float, y: float, colour: Colour) -> None:
            fill_world(canvas, view, [(x0, y, s0), (x1, y, s0), (x1, y, s1), (x0, y, s1)], colour)

        strip(KERB_RIGHT_M, 60.0, 0.14, _PAVEMENT)
        strip(-60.0, KERB_LEFT_M, 0.14, _PAVEMENT)
        fill_world(
            canvas, view,
            [(KERB_RIGHT_M, 0, s0), (KERB_RIGHT_M, 0.15, s0),
             (KERB_RIGHT_M, 0.15, s1), (KERB_RIGHT_M, 0, s1)],
            (140, 146, 148),
        )  # fmt: skip
        strip(KERB_RIGHT_M, KERB_RIGHT_M + 0.18, 0.15, _KERB)
        strip(KERB_LEFT_M - 0.18, KERB_LEFT_M, 0.15, _KERB)
        self._draw_marks(canvas, view)

    def _draw_marks(self, canvas: NDArray[np.uint8], view: View) -> None:
        white: Colour = (214, 218, 218)
        yellow: Colour = (72, 176, 214)
        near, far = view.s_m + 3.2, view.s_m + _SEEN_AHEAD_M

        def line(x: float, y0: float, y1: float, width: float, colour: Colour) -> None:
            fill_world(
                canvas,
                view,
                [(x, 0, y0), (x + width, 0, y0), (x + width, 0, y1), (x, 0, y1)],
                colour,
            )

        for x in (LANE_MARK_M - 0.2, LANE_MARK_M + 0.06):
            line(x, near, far, 0.13, yellow)
        line(PARKING_LINE_M - 0.35, near, far, 0.10, white)
        line(KERB_LEFT_M + 2.2, near, far, 0.10, white)
        for s in np.arange(np.floor(near / 7) * 7, near + 90, 7.0):
            if s > near:
                fill_world(
                    canvas, view,
                    [(PARKING_LINE_M - 0.3, 0, s), (KERB_RIGHT_M, 0, s),
                     (KERB_RIGHT_M, 0, s + 0.1), (PARKING_LINE_M - 0.3, 0, s + 0.1)],
                    white,
                )  # fmt: skip


def _row(rng: np.random.Generator, start: float, end: float) -> list[_Building]:
    """Buildings wall to wall, with an alley here and there."""
    designs = []
    for wall in _WALLS:
        floors = int(rng.integers(2, 5))
        ground = tuple(
            _ground_bay(rng, wall, str(sign)) for sign in rng.choice(_SIGNS, 2, replace=False)
        )
        designs.append((floors, wall, _upper_bay(rng, floors, wall), ground))
    row, s, last = [], start, -1
    while s < end:
        choice = int(rng.integers(len(designs)))
        if choice == last:
            continue
        last = choice
        floors, wall, upper, ground = designs[choice]
        building = _Building(s, int(rng.integers(2, 5)), floors, wall, upper, ground)
        row.append(building)
        s = building.s1 + (2.5 if rng.random() < 0.2 else 0.0)
    return row


def _draw_building(canvas: NDArray[np.uint8], view: View, building: _Building, side: int) -> None:
    x = _FACADE_RIGHT_M if side > 0 else _FACADE_LEFT_M
    light = 0.80 if side > 0 else 1.0
    h, s0 = building.height, building.s0
    shade: Colour = tuple(c * 0.55 for c in building.wall)  # type: ignore[assignment]
    back = x + side * 9
    fill_world(canvas, view, [(x, 0, s0), (x, h, s0), (back, h, s0), (back, 0, s0)], shade)
    plain: Colour = tuple(c * light for c in building.wall)  # type: ignore[assignment]
    near = max(s0, view.s_m + 1.0)
    fill_world(
        canvas, view, [(x, 0, near), (x, h, near), (x, h, building.s1), (x, 0, building.s1)], plain
    )
    for bay in reversed(range(building.bays)):
        a = s0 + bay * _BAY_M
        b = a + _BAY_M
        # The picture's left edge is the far one on the right-hand side, the near one on the left.
        left, right = (b, a) if side > 0 else (a, b)
        for texture, top, bottom in (
            (building.upper, h, _FLOOR_M),
            (building.ground[bay % len(building.ground)], _FLOOR_M, 0.0),
        ):
            texture.paste_world(
                canvas,
                view,
                [(x, top, left), (x, top, right), (x, bottom, right), (x, bottom, left)],
                light=light,
            )


def _draw_tree(
    canvas: NDArray[np.uint8], view: View, x: float, s: float, crown: Texture, size: float
) -> None:
    trunk = [(x - 0.11, 0.14, s), (x + 0.11, 0.14, s), (x + 0.08, 3.4, s), (x - 0.08, 3.4, s)]
    fill_world(canvas, view, trunk, (52, 66, 80))
    half, low = size / 2, 2.2
    crown.paste_world(
        canvas,
        view,
        [
            (x - half, low + size, s), (x + half, low + size, s),
            (x + half, low, s), (x - half, low, s),
        ],
    )  # fmt: skip


def _draw_lamp(canvas: NDArray[np.uint8], view: View, s: float) -> None:
    iron: Colour = (48, 50, 44)
    x = KERB_RIGHT_M + 0.45
    for half, bottom, top in ((0.09, 0.14, 0.7), (0.045, 0.7, 3.9)):
        fill_world(
            canvas, view,
            [(x - half, bottom, s), (x + half, bottom, s), (x + half, top, s), (x - half, top, s)],
            iron,
        )  # fmt: skip
    globe = [
        (x + 0.17 * float(np.cos(a)), 4.05 + 0.2 * float(np.sin(a)), s)
        for a in np.linspace(0, 2 * np.pi, 18, endpoint=False)
    ]
    fill_world(canvas, view, globe, (226, 238, 242))
