"""Drawn cars: some body shapes, colours and made-up makers, as textures on a box of planes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from .glyphs import text_mask
from .plates import PLATE_HEIGHT_M, PLATE_WIDTH_M, Plate, draw_plate
from .projection import Colour, Texture, View, fill, hazed

Kind = Literal["sedan", "hatch", "suv", "van"]
Point = tuple[float, float, float]

_DRAWN_PX_PER_M = 800
_TEXTURE_PX_PER_M = 400
_BITS = 4

MAKERS = ("TACONIC", "GREYLOCK", "QUABBIN", "HOOSAC", "PIONEER", "NORWOTTUCK")
"""Makers that do not exist, so that a badge is in the picture and nobody's mark is."""

PAINTS: tuple[Colour, ...] = (
    (58, 44, 38), (196, 194, 190), (150, 148, 146), (48, 42, 158), (140, 84, 40), (66, 70, 62),
    (232, 232, 230), (90, 104, 128), (44, 44, 46), (112, 118, 66), (168, 120, 72), (70, 58, 118),
)  # fmt: skip


@dataclass(frozen=True)
class Body:
    """A body's measures in metres; z counts forward from the rear bumper."""

    length: float
    width: float
    belt: float
    """Height of the lower body, where the windows begin."""
    roof: float
    glass_base_z: float
    """Where the rear window meets the lower body; behind it lies the boot lid."""
    roof_rear_z: float
    roof_front_z: float
    windscreen_base_z: float
    plate_y: float


BODIES: dict[Kind, Body] = {
    "sedan": Body(4.6, 1.82, 1.02, 1.45, 0.62, 1.28, 2.65, 3.45, 0.80),
    "hatch": Body(4.2, 1.78, 1.00, 1.52, 0.10, 0.62, 2.45, 3.25, 0.79),
    "suv": Body(4.6, 1.88, 1.08, 1.70, 0.08, 0.42, 2.75, 3.50, 0.84),
    "van": Body(4.9, 1.92, 1.08, 1.80, 0.04, 0.22, 3.30, 4.20, 0.82),
}


@dataclass(frozen=True)
class CarStyle:
    """How one car looks."""

    kind: Kind
    paint: Colour
    maker: str
    tag: str
    """The short word on the other side of the lid, such as AWD."""


def random_style(rng: np.random.Generator, paint: Colour) -> CarStyle:
    """Choose a body and badges at random for the given paint."""
    kind = list(BODIES)[int(rng.choice(4, p=(0.36, 0.22, 0.30, 0.12)))]
    tag = ("AWD", "LX", "HYBRID", "SE")[int(rng.integers(4))]
    return CarStyle(kind, paint, MAKERS[int(rng.integers(len(MAKERS)))], tag)


class _Sheet:
    """A drawing surface in metres, its origin at the lower left, with transparency."""

    def __init__(self, width_m: float, height_m: float, x0_m: float = 0.0, y0_m: float = 0.0):
        self.x0, self.y0, self.height = x0_m, y0_m, height_m
        shape = (round(height_m * _DRAWN_PX_PER_M), round(width_m * _DRAWN_PX_PER_M), 4)
        self.px = np.zeros(shape, np.uint8)

    def _at(self, points: list[tuple[float, float]]) -> NDArray[np.int32]:
        p = np.array(points, dtype=float)
        x = (p[:, 0] - self.x0) * _DRAWN_PX_PER_M
        y = (self.height - (p[:, 1] - self.y0)) * _DRAWN_PX_PER_M
        return np.asarray(np.round(np.stack([x, y], axis=1) * 2**_BITS), dtype=np.int32)

    def polygon(self, points: list[tuple[float, float]], colour: Colour) -> None:
        cv2.fillPoly(self.px, [self._at(points)], (*colour, 255), cv2.LINE_AA, _BITS)

    def rounded(
        self, x0: float, y0: float, x1: float, y1: float, radius: float, colour: Colour
    ) -> None:
        self.polygon(_rounded(x0, y0, x1, y1, radius), colour)

    def line(self, points: list[tuple[float, float]], width_m: float, colour: Colour) -> None:
        thickness = max(1, round(width_m * _DRAWN_PX_PER_M))
        run = [self._at(points)]
        cv2.polylines(self.px, run, False, (*colour, 255), thickness, cv2.LINE_AA, _BITS)

    def disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        turn = np.linspace(0, 2 * np.pi, 64, endpoint=False)
        self.polygon(
            [(x + radius * float(np.cos(a)), y + radius * float(np.sin(a))) for a in turn], colour
        )

    def word(self, text: str, x: float, y: float, height_m: float, colour: Colour) -> None:
        """Letters centred on (x, y)."""
        mask = text_mask(
            text, round(height_m * _DRAWN_PX_PER_M), width_ratio=0.62, weight=0.15, gap=0.35
        )
        [[px, py]] = self._at([(x, y)]) >> _BITS
        top, left = py - mask.shape[0] // 2, px - mask.shape[1] // 2
        part = self.px[top : top + mask.shape[0], left : left + mask.shape[1], :3]
        share = mask[..., None].astype(np.float32) / 255
        part[:] = (part * (1 - share) + np.array(colour, np.float32) * share).astype(np.uint8)

    def tone(self, factor_by_row: NDArray[np.float64]) -> None:
        """Multiply the brightness row by row; factors run from the top to the bottom."""
        rows = np.interp(
            np.linspace(0, 1, self.px.shape[0]),
            np.linspace(0, 1, len(factor_by_row)),
            factor_by_row,
        )
        factors = np.ones((*self.px.shape[:2], 4), np.float32)
        factors[..., :3] = rows[:, None, None]
        self.px = np.asarray(cv2.multiply(self.px, factors, dtype=cv2.CV_8U), np.uint8)

    def texture(self) -> Texture:
        size = tuple(int(n * _TEXTURE_PX_PER_M / _DRAWN_PX_PER_M) for n in self.px.shape[1::-1])
        return Texture(
            np.asarray(cv2.resize(self.px, size, interpolation=cv2.INTER_AREA), np.uint8)
        )


def _rounded(
    x0: float, y0: float, x1: float, y1: float, radius: float
) -> list[tuple[float, float]]:
    points = []
    for cx, cy, start in (
        (x1 - radius, y1 - radius, 0.0),
        (x0 + radius, y1 - radius, 90.0),
        (x0 + radius, y0 + radius, 180.0),
        (x1 - radius, y0 + radius, 270.0),
    ):
        for a in np.radians(np.linspace(start, start + 90, 10)):
            points.append((cx + radius * float(np.cos(a)), cy + radius * float(np.sin(a))))
    return points


def _lit(paint: Colour, factor: float, add: float = 0.0) -> Colour:
    b, g, r = (float(np.clip(c * factor + add, 0, 255)) for c in paint)
    return b, g, r


def _draw_end(style: CarStyle, *, front: bool) -> Texture:
    """The lower body seen from behind, or from the front, from the road to the belt line."""
    body = BODIES[style.kind]
    half, belt = body.width / 2, body.belt
    sheet = _Sheet(body.width, belt, x0_m=-half)
    paint = style.paint
    sheet.rounded(-half + 0.1, 0.2, half - 0.1, 0.5, 0.04, (24, 24, 24))
    for side in (-1, 1):
        inner, outer = sorted((side * (half - 0.31), side * (half - 0.08)))
        sheet.rounded(inner, 0.0, outer, 0.5, 0.05, (30, 30, 30))
    sheet.polygon(
        [
            (-half + 0.05, 0.30), (half - 0.05, 0.30), (half, 0.40), (half, belt - 0.22),
            (half - 0.008, belt - 0.06), (half - 0.05, belt), (-half + 0.05, belt),
            (-half + 0.008, belt - 0.06), (-half, belt - 0.22), (-half, 0.40),
        ],
        paint,
    )  # fmt: skip
    sheet.tone(np.array([1.28, 1.12, 1.0, 0.98, 0.9, 0.8, 0.72, 0.62, 0.5]))
    # The boot lid's edge and the bumper's upper crease, each a shadow over a light.
    for y in (0.57, 0.30 + belt * 0.03):
        sheet.line([(-half + 0.06, y), (half - 0.06, y)], 0.014, _lit(paint, 0.5))
        sheet.line(
            [(-half + 0.06, y - 0.014), (half - 0.06, y - 0.014)], 0.008, _lit(paint, 1.2, 24)
        )
    for side in (-1, 1):
        sheet.line(
            [(side * (half - 0.3), belt - 0.02), (side * (half - 0.36), 0.58)],
            0.01,
            _lit(paint, 0.5),
        )
    sheet.rounded(-half + 0.22, 0.27, half - 0.22, 0.40, 0.04, (34, 34, 34))
    if front:
        _draw_front_details(sheet, half, belt)
    else:
        _draw_rear_details(sheet, style, half, belt, body.plate_y)
    return sheet.texture()


def _draw_front_details(sheet: _Sheet, half: float, belt: float) -> None:
    sheet.rounded(-0.45, belt - 0.36, 0.45, belt - 0.16, 0.05, (28, 28, 28))
    for row in np.arange(belt - 0.33, belt - 0.18, 0.045):
        sheet.line([(-0.42, float(row)), (0.42, float(row))], 0.01, (120, 120, 120))
    for side in (-1, 1):
        inner, outer = sorted((side * (half - 0.42), side * (half - 0.06)))
        sheet.rounded(inner, belt - 0.34, outer, belt - 0.19, 0.06, (190, 190, 186))
        sheet.disc(side * (half - 0.22), belt - 0.265, 0.055, (250, 250, 246))


def _draw_rear_details(
    sheet: _Sheet, style: CarStyle, half: float, belt: float, plate_y: float
) -> None:
    upright = style.kind in ("suv", "van")
    for side in (-1, 1):
        if upright:
            x0, x1, y0, y1 = half - 0.20, half - 0.015, belt - 0.42, belt - 0.05
        else:
            x0, x1, y0, y1 = half - 0.44, half - 0.02, belt - 0.30, belt - 0.13
        left, right = sorted((side * x0, side * x1))
        sheet.rounded(left, y0, right, y1, 0.045, (20, 16, 70))
        sheet.rounded(left + 0.012, y0 + 0.012, right - 0.012, y1 - 0.012, 0.04, (36, 26, 178))
        if upright:
            sheet.rounded(left + 0.03, y1 - 0.15, right - 0.03, y1 - 0.04, 0.025, (70, 54, 226))
            sheet.rounded(left + 0.03, y0 + 0.05, right - 0.03, y0 + 0.11, 0.02, (214, 214, 226))
        else:
            reverse = sorted((side * (x0 + 0.03), side * (x0 + 0.13)))
            sheet.rounded(reverse[0], y0 + 0.04, reverse[1], y1 - 0.04, 0.02, (212, 212, 224))
            glow = sorted((side * (x0 + 0.17), side * (x1 - 0.04)))
            sheet.rounded(glow[0], y0 + 0.035, glow[1], y1 - 0.035, 0.03, (70, 54, 226))
        reflector = sorted((side * (half - 0.34), side * (half - 0.12)))
        sheet.rounded(reflector[0], 0.43, reflector[1], 0.465, 0.012, (40, 30, 170))
    # The well of the plate, with the lamp bar over it.
    sheet.rounded(-0.25, plate_y - 0.125, 0.25, plate_y + 0.125, 0.03, _lit(style.paint, 0.34))
    sheet.rounded(-0.22, plate_y + 0.095, 0.22, plate_y + 0.118, 0.008, (196, 198, 200))
    dark = sum(style.paint) < 330
    chrome: Colour = (222, 222, 222) if dark else (62, 60, 58)
    badge_y = plate_y - 0.03 if not upright else plate_y - 0.17
    x = half - 0.44 if upright else half - 0.38
    height = 0.036
    sheet.word(style.maker, -x + (0.04 if upright else -0.02), badge_y if upright else belt - 0.36,
               height, chrome)  # fmt: skip
    sheet.word(style.tag, x, badge_y if upright else belt - 0.36, height, chrome)
    emblem_y = (plate_y + 0.125 + belt) / 2
    if emblem_y < belt - 0.03:
        sheet.disc(0.0, emblem_y, 0.034, chrome)
        sheet.disc(0.0, emblem_y, 0.025, _lit(style.paint, 0.7))
        sheet.line([(-0.022, emblem_y - 0.012), (0, emblem_y + 0.016)], 0.008, chrome)
        sheet.line([(0, emblem_y + 0.016), (0.022, emblem_y - 0.012)], 0.008, chrome)
    sheet.rounded(-half + 0.30, 0.25, -half + 0.42, 0.30, 0.024, (150, 150, 150))


def _draw_glass(style: CarStyle, *, front: bool) -> Texture:
    """The rear window, or the windscreen, with the pillars round it, as a square sheet."""
    sheet = _Sheet(1.4, 0.7)
    sheet.rounded(0, 0, 1.4, 0.7, 0.02, style.paint)
    sheet.tone(np.array([1.2, 0.9]))
    sheet.rounded(0.07, 0.04, 1.33, 0.63, 0.07, (38, 34, 30))
    sheet.polygon([(0.10, 0.60), (1.30, 0.60), (1.26, 0.44), (0.14, 0.36)], (96, 86, 74))
    sheet.polygon([(0.13, 0.42), (1.27, 0.46), (1.27, 0.40), (0.13, 0.33)], (70, 62, 54))
    for x in (0.42, 0.98):
        sheet.rounded(x - 0.10, 0.10, x + 0.10, 0.40, 0.06, (26, 24, 22))
    if not front:
        sheet.line([(0.72, 0.05), (0.36, 0.12)], 0.016, (14, 14, 14))
        sheet.rounded(0.60, 0.60, 0.80, 0.625, 0.01, (50, 40, 180))
    sheet.line([(0.84, 0.60), (1.02, 0.07)], 0.03, (104, 94, 82))
    return sheet.texture()


def _draw_side(style: CarStyle) -> Texture:
    """The lower body from the side; z runs to the right, the rear on the left."""
    body = BODIES[style.kind]
    length, belt = body.length, body.belt
    sheet = _Sheet(length, belt)
    nose = body.windscreen_base_z
    sheet.polygon(
        [
            (0.02, 0.34), (0.0, 0.45), (0.0, belt - 0.05), (0.03, belt),
            (nose - 0.2, belt), (nose + 0.2, belt - 0.07), (length - 0.22, belt - 0.22),
            (length - 0.03, belt - 0.36), (length, 0.5), (length - 0.06, 0.3),
            (length - 0.3, 0.24), (0.3, 0.24),
        ],
        style.paint,
    )  # fmt: skip
    sheet.tone(np.array([1.35, 1.1, 0.98, 1.05, 0.9, 0.78, 0.66, 0.5]))
    shoulder = belt - 0.14
    sheet.line([(0.1, shoulder), (nose + 0.7, shoulder - 0.05)], 0.02, _lit(style.paint, 1.25, 30))
    sheet.line(
        [(0.1, shoulder - 0.025), (nose + 0.7, shoulder - 0.075)], 0.02, _lit(style.paint, 0.7)
    )
    middle = (body.roof_rear_z + body.windscreen_base_z) / 2
    for z in (body.roof_rear_z + 0.05, middle, body.windscreen_base_z - 0.1):
        sheet.line([(z, belt), (z - 0.04, 0.32)], 0.012, _lit(style.paint, 0.42))
    for z in (body.roof_rear_z + 0.2, middle + 0.15):
        sheet.rounded(z, shoulder - 0.13, z + 0.2, shoulder - 0.095, 0.015, _lit(style.paint, 0.55))
    sheet.line([(0.95, 0.27), (length - 1.1, 0.27)], 0.05, (40, 40, 40))
    for z in (0.85, length - 0.88):
        sheet.disc(z, 0.33, 0.40, (22, 22, 22))
        sheet.disc(z, 0.32, 0.32, (38, 38, 38))
        sheet.disc(z, 0.32, 0.21, (166, 166, 164))
        for a in np.radians(np.arange(0, 360, 72)):
            sheet.line(
                [(z, 0.32), (z + 0.19 * float(np.cos(a)), 0.32 + 0.19 * float(np.sin(a)))],
                0.035,
                (92, 92, 92),
            )
        sheet.disc(z, 0.32, 0.05, (190, 190, 190))
    sheet.polygon([(0.0, belt - 0.3), (0.22, belt - 0.26), (0.20, belt - 0.13), (0.0, belt - 0.12)],
                  (36, 26, 178))  # fmt: skip
    return sheet.texture()


def _draw_side_glass(style: CarStyle) -> tuple[Texture, float, float]:
    """The windows from the side, and the z at which the sheet begins and ends."""
    body = BODIES[style.kind]
    z0, z1 = body.glass_base_z, body.windscreen_base_z
    height = body.roof - body.belt
    sheet = _Sheet(z1 - z0, height, x0_m=z0)
    sheet.polygon(
        [(z0, 0), (body.roof_rear_z, height), (body.roof_front_z, height), (z1, 0)], style.paint
    )
    sheet.tone(np.array([1.25, 0.9]))
    inset = 0.06
    slope = (body.roof_rear_z - z0) / height
    middle = (body.roof_rear_z + body.windscreen_base_z) / 2
    glass = [
        (z0 + 0.16 + slope * inset, 0.03), (body.roof_rear_z + 0.1, height - inset),
        (body.roof_front_z - 0.05, height - inset), (z1 - 0.22, 0.03),
    ]  # fmt: skip
    sheet.polygon(glass, (44, 40, 36))
    sheet.polygon(
        [
            glass[1],
            glass[2],
            (glass[2][0] + 0.12, height * 0.62),
            (glass[1][0] - 0.1, height * 0.5),
        ],
        (112, 102, 90),
    )
    for z in (middle, body.roof_rear_z + 0.25):
        sheet.line([(z, 0), (z - 0.02, height)], 0.06, (26, 26, 26))
    return sheet.texture(), z0, z1


class CarModel:
    """A car's textures, and where its planes lie; one model is drawn in every frame.

    With `front` set the car faces the camera and shows no plate.
    """

    def __init__(self, style: CarStyle, plate: Plate | None, *, front: bool = False) -> None:
        """Draw the textures; this is the slow part, done once for each car."""
        self.style, self.body, self.plate = style, BODIES[style.kind], plate
        self._front = front
        self._end = _draw_end(style, front=front)
        self._glass = _draw_glass(style, front=front)
        self._side = _draw_side(style)
        self._side_glass = _draw_side_glass(style)
        self._plate = Texture(draw_plate(plate)) if plate else None

    def plate_corners(self, x_m: float, s_m: float) -> list[Point]:
        """The plate's corners from its upper left clockwise, in world metres.

        Args:
            x_m: the car's middle across the street.
            s_m: where its rear stands along the street.
        """
        half, y = PLATE_WIDTH_M / 2, self.body.plate_y
        top, bottom = y + PLATE_HEIGHT_M / 2, y - PLATE_HEIGHT_M / 2
        s = s_m - 0.01
        return [
            (x_m - half, top, s), (x_m + half, top, s),
            (x_m + half, bottom, s), (x_m - half, bottom, s),
        ]  # fmt: skip

    def hull(self, view: View, x_m: float, s_m: float) -> NDArray[np.float64]:
        """The outline that hides what is behind it: a convex polygon in canvas pixels."""
        b = self.body
        half = b.width / 2
        points = [
            (x_m + side * inset, y, s_m + z)
            for side in (-1, 1)
            for inset, y, z in (
                (half, 0.0, 0.0), (half, b.belt, 0.0), (half - 0.16, b.roof, b.roof_rear_z),
                (half - 0.16, b.roof, b.roof_front_z), (half, b.belt - 0.2, b.length),
                (half, 0.0, b.length),
            )
        ]  # fmt: skip
        outline = view.project(np.array(points)).astype(np.float32)
        return np.asarray(cv2.convexHull(outline)[:, 0, :], dtype=np.float64)

    def draw(self, canvas: NDArray[np.uint8], view: View, x_m: float, s_m: float) -> None:
        """Draw the car with its rear, or its front where it faces the camera, at `s_m`."""
        self._draw_side_planes(canvas, view, x_m, s_m)
        b, half = self.body, self.body.width / 2
        haze = view.haze(s_m)
        # Seen from the front the windscreen's rake stands where the rear window's would.
        base_z = b.length - b.windscreen_base_z if self._front else b.glass_base_z
        roof_z = b.length - b.roof_front_z if self._front else b.roof_rear_z
        roof_end = b.length - b.roof_rear_z if self._front else b.roof_front_z
        if b.roof < view.height_m:
            roof = [
                (x_m + sx * (half - 0.17), b.roof, s_m + z)
                for sx, z in ((-1, roof_z), (1, roof_z), (1, roof_end), (-1, roof_end))
            ]
            fill(
                canvas, view.project(np.array(roof)), hazed(_lit(self.style.paint, 1.15, 34), haze)
            )
        if s_m > view.s_m + 1:
            lid = [
                (x_m + sx * (half - inset), b.belt - 0.01, s_m + z)
                for sx, inset, z in (
                    (-1, 0.05, 0.0),
                    (1, 0.05, 0.0),
                    (1, 0.01, 0.08),
                    (1, 0.01, base_z + 0.05),
                    (-1, 0.01, base_z + 0.05),
                    (-1, 0.01, 0.08),
                )
            ]
            fill(canvas, view.project(np.array(lid)), hazed(_lit(self.style.paint, 1.15, 24), haze))
        self._glass.paste_world(
            canvas,
            view,
            [
                (x_m - half + 0.17, b.roof, s_m + roof_z),
                (x_m + half - 0.17, b.roof, s_m + roof_z),
                (x_m + half - 0.03, b.belt - 0.01, s_m + base_z),
                (x_m - half + 0.03, b.belt - 0.01, s_m + base_z),
            ],
        )  # fmt: skip
        self._end.paste_world(
            canvas,
            view,
            [
                (x_m - half, b.belt, s_m), (x_m + half, b.belt, s_m),
                (x_m + half, 0.0, s_m), (x_m - half, 0.0, s_m),
            ],
        )  # fmt: skip
        if self._plate:
            self._plate.paste_world(canvas, view, self.plate_corners(x_m, s_m), light=0.97)

    def _draw_side_planes(
        self, canvas: NDArray[np.uint8], view: View, x_m: float, s_m: float
    ) -> None:
        b, half = self.body, self.body.width / 2
        if x_m - half > 0:
            face, light = -1, 0.86
        elif x_m + half < 0:
            face, light = 1, 0.7
        else:
            return
        x = x_m + face * half
        rear, nose = (b.length, 0.0) if self._front else (0.0, b.length)
        self._side.paste_world(
            canvas,
            view,
            [
                (x, b.belt, s_m + rear), (x, b.belt, s_m + nose),
                (x, 0.0, s_m + nose), (x, 0.0, s_m + rear),
            ],
            light=light,
        )  # fmt: skip
        texture, z0, z1 = self._side_glass
        if self._front:
            z0, z1 = b.length - z0, b.length - z1
        top, bottom = x - face * 0.17, x - face * 0.03
        texture.paste_world(
            canvas,
            view,
            [
                (top, b.roof, s_m + z0), (top, b.roof, s_m + z1),
                (bottom, b.belt - 0.01, s_m + z1), (bottom, b.belt - 0.01, s_m + z0),
            ],
            light=light,
        )  # fmt: skip
