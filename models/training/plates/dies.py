"""Dies: the characters of a serial, drawn by strokes as the state's presses make them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import cv2
import numpy as np

from models.training.plates import lettering
from models.training.plates.canvas import SHIFT, Mask
from models.training.plates.die_shapes import SHAPES, WIDTHS, Corner

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Die:
    """How one press draws all its characters.

    Attributes:
        width: of a common character, as a share of the height.
        weight: thickness of the stroke, as a share of the height.
        radius: of rounded corners, as a share of half the character's width; 1 draws an O of two
            half circles.
        even: whether every character but I and 1 has the same width.
        blunt: whether strokes end flat at the top and bottom instead of round.
        forms: the alternative shape of a character, such as ``{"4": "4open"}``.
        font: a font file that draws the characters instead of strokes, empty for strokes.
        slant: shift of the top against the bottom, as a share of the height.
        tall: the height against a common die's.
        cell: the least room a narrow character takes, as a share of the common width: presses
            with equal blanks leave a 1 as much room as an 8.
    """

    width: float = 0.455
    weight: float = 0.107
    radius: float = 0.85
    even: bool = False
    blunt: bool = True
    forms: tuple[tuple[str, str], ...] = field(default=())
    font: str = ""
    slant: float = 0.0
    tall: float = 1.0
    cell: float = 0.0

    def shape(self, char: str) -> str:
        """The shape that stands for a character."""
        for one, form in self.forms:
            if one == char:
                return form
        return char

    def advance(self, char: str) -> float:
        """Width of a character as a share of the height."""
        if self.font:
            height, width = lettering.word(self.font, char).shape
            full = max(float(height), lettering.cap_height(self.font))
            return float(width) / full * self.width / 0.47
        shape = self.shape(char)
        factor = WIDTHS.get(shape, 1.0)
        if self.even and factor > 0.8:
            factor = 1.0
        return max(self.width * factor, self.weight * 1.05)

    def room(self, char: str) -> float:
        """Width that a character's blank takes in the line, as a share of the height."""
        return max(self.advance(char), self.cell * self.width)


def mask(die: Die, char: str, width_px: int, height_px: int) -> Mask:
    """The character as a (height_px, width_px) uint8 mask that it fills from edge to edge."""
    if die.font:
        return lettering.fitted(die.font, char, width_px, height_px)
    weight = die.weight * height_px
    thick = max(1, round(weight))
    inset = thick / 2
    span_x, span_y = max(1.0, width_px - thick), max(1.0, height_px - thick)
    canvas = np.zeros((height_px, width_px), np.uint8)
    limit = die.radius * span_x / 2
    for corners, closed in SHAPES[die.shape(char)]:
        points = _rounded(
            [(inset + x * span_x, inset + y * span_y, r * limit) for x, y, r in corners], closed
        )
        if die.blunt and not closed:
            points = _blunt(points, thick, height_px)
        array = np.round(np.array(points) * (1 << SHIFT) - (1 << SHIFT) / 2).astype(np.int32)
        cv2.polylines(canvas, [array], closed, 255, thick, cv2.LINE_AA, SHIFT)
    return sheared(canvas, die.slant) if die.slant else canvas


def sheared(flat: Mask, slant: float) -> Mask:
    """The mask with its top shifted right by that share of its height; its size stays."""
    height, width = flat.shape
    matrix = np.array([[1, -slant, slant * height / 2], [0, 1, 0]], np.float64)
    return np.asarray(cv2.warpAffine(flat, matrix, (width, height)), np.uint8)


def _blunt(points: list[Point], thick: float, height: float) -> list[Point]:
    """Stretch ends that lie on the top or bottom line past it, where the mask cuts them flat."""
    out = list(points)
    for end, before in ((0, 1), (-1, -2)):
        x, y = out[end]
        if min(abs(y - thick / 2), abs(height - thick / 2 - y)) > 1.0:
            continue
        dx, dy = x - out[before][0], y - out[before][1]
        length = math.hypot(dx, dy)
        if length and abs(dy) > 0.35 * length:
            out[end] = (x + dx / length * thick, y + dy / length * thick)
    return out


def _rounded(corners: list[Corner], closed: bool) -> list[Point]:
    """The polyline with its corners replaced by arcs of at most their radius."""
    count = len(corners)
    points: list[Point] = []
    for index, (x, y, radius) in enumerate(corners):
        inner = closed or 0 < index < count - 1
        if radius <= 0 or not inner:
            points.append((x, y))
            continue
        before, after = corners[index - 1], corners[(index + 1) % count]
        points.extend(_arc((before[0], before[1]), (x, y), (after[0], after[1]), radius))
    return points


def _arc(before: Point, corner: Point, after: Point, radius: float) -> list[Point]:
    ux, uy = before[0] - corner[0], before[1] - corner[1]
    vx, vy = after[0] - corner[0], after[1] - corner[1]
    a, b = math.hypot(ux, uy), math.hypot(vx, vy)
    if a < 1e-6 or b < 1e-6:
        return [corner]
    ux, uy, vx, vy = ux / a, uy / a, vx / b, vy / b
    angle = math.acos(max(-1.0, min(1.0, ux * vx + uy * vy)))
    if angle > math.pi - 0.05 or angle < 0.05:
        return [corner]
    # The tangent points lie at cut from the corner; half of each side stays for its other end.
    cut = min(radius / math.tan(angle / 2), a / 2, b / 2)
    radius = cut * math.tan(angle / 2)
    bx, by = ux + vx, uy + vy
    norm = math.hypot(bx, by)
    reach = radius / math.sin(angle / 2)
    cx, cy = corner[0] + bx / norm * reach, corner[1] + by / norm * reach
    start = math.atan2(corner[1] + uy * cut - cy, corner[0] + ux * cut - cx)
    stop = math.atan2(corner[1] + vy * cut - cy, corner[0] + vx * cut - cx)
    turn = (stop - start + math.pi) % (2 * math.pi) - math.pi
    steps = max(3, int(abs(turn) * 6))
    return [
        (
            cx + radius * math.cos(start + turn * step / steps),
            cy + radius * math.sin(start + turn * step / steps),
        )
        for step in range(steps + 1)
    ]


def _one_of(rng: np.random.Generator, options: list[tuple[str, float]]) -> str:
    shares = np.array([share for _, share in options])
    return options[int(rng.choice(len(options), p=shares / shares.sum()))][0]


def _cell(rng: np.random.Generator, share: float) -> float:
    return float(rng.uniform(0.65, 1.0)) if rng.random() < share else 0.0


FORMS: dict[str, list[tuple[str, float]]] = {
    "0": [("0", 0.93), ("0slash", 0.05), ("0dot", 0.02)],
    "1": [("1", 0.2), ("1flag", 0.42), ("1hook", 0.14), ("1foot", 0.1), ("1serif", 0.14)],
    "2": [("2", 0.6), ("2bend", 0.4)],
    "3": [("3", 0.85), ("3flat", 0.15)],
    "4": [("4", 0.6), ("4tall", 0.25), ("4open", 0.15)],
    "5": [("5", 0.5), ("5square", 0.5)],
    "6": [("6", 0.8), ("6bent", 0.2)],
    "7": [("7", 0.75), ("7bent", 0.25)],
    "9": [("9", 0.8), ("9bent", 0.2)],
    "A": [("A", 0.5), ("Aflat", 0.42), ("Around", 0.08)],
    "G": [("G", 0.7), ("Gspur", 0.3)],
    "I": [("I", 0.35), ("Iserif", 0.65)],
    "J": [("J", 0.85), ("Jserif", 0.15)],
    "K": [("K", 0.7), ("Kmeet", 0.3)],
    "M": [("M", 0.6), ("Mdeep", 0.4)],
    "Q": [("Q", 0.5), ("Qout", 0.25), ("Qbar", 0.25)],
    "R": [("R", 0.7), ("Rstraight", 0.3)],
    "S": [("S", 0.65), ("Sslant", 0.35)],
    "W": [("W", 0.5), ("Wsquare", 0.3), ("Wtall", 0.2)],
}
"""Shapes that presses choose between, with how common each is."""

PRINTED = ("RG2014B.ttf", "RG2014C.ttf", "LiberationSansNarrow-Bold.ttf",
    "RobotoCondensed-Bold.ttf",
           "GilliusADF-BoldCond.otf", "DejaVuSansCondensed-Bold.ttf", "OSP-DIN.ttf",
           "NimbusSansNarrow-Bold.otf", "BebasNeue-Bold.otf")  # fmt: skip
"""Typefaces of flat printed plates."""


def random_die(rng: np.random.Generator, printed_share: float = 0.15) -> Die:
    """A die that some press might have."""
    font = ""
    if rng.random() < printed_share:
        font = PRINTED[int(rng.integers(len(PRINTED)))]
    forms = {char: _one_of(rng, options) for char, options in FORMS.items()}
    if forms["6"] == "6bent" or forms["9"] == "9bent":
        forms["6"], forms["9"] = "6bent", "9bent"
    if forms["I"] == "I" and forms["1"] == "1" and rng.random() < 0.6:
        forms["I"] = "Iserif"
    return Die(
        width=float(np.clip(rng.normal(0.455, 0.045), 0.36, 0.6)),
        weight=float(np.clip(rng.normal(0.11, 0.018), 0.07, 0.16)),
        radius=float(np.clip(rng.normal(0.85, 0.2), 0.3, 1.0)),
        even=bool(rng.random() < 0.5),
        blunt=bool(rng.random() < 0.75),
        forms=tuple(sorted(forms.items())),
        font=font,
        slant=float(rng.uniform(0.03, 0.12)) if rng.random() < 0.03 else 0.0,
        tall=float(np.clip(rng.normal(1.0, 0.06), 0.82, 1.15)),
        cell=_cell(rng, 0.55),
    )


def nearby(rng: np.random.Generator, die: Die, forms: dict[str, str]) -> Die:
    """The state's die as one worn or newer press draws it; ``forms`` are the state's own."""
    chosen = dict(STANDARD)
    for char, options in FORMS.items():
        if char not in STANDARD or rng.random() < LOOSE:
            chosen[char] = _one_of(rng, options)
    chosen |= dict(die.forms) | forms
    return Die(
        width=die.width * float(rng.normal(1.0, 0.035)),
        weight=die.weight * float(rng.normal(1.0, 0.07)),
        radius=min(1.0, die.radius * float(rng.normal(1.0, 0.08))),
        even=die.even or bool(rng.random() < 0.6),
        blunt=die.blunt if rng.random() < 0.8 else not die.blunt,
        forms=tuple(sorted(chosen.items())),
        font=die.font,
        slant=die.slant,
        tall=die.tall * float(rng.normal(1.0, 0.025)),
        cell=_cell(rng, 0.85),
    )


STANDARD: dict[str, str] = {"0": "0", "I": "Iserif", "A": "Aflat", "3": "3", "J": "J"}
"""What most presses make where a state's die says nothing else; other characters vary."""

LOOSE = 0.3
"""How often a press makes something else than STANDARD."""
