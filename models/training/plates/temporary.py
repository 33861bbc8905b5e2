"""Temporary plates: paper with print in many sizes."""

from __future__ import annotations

import cv2
import numpy as np

from models.training.plates import emblems, fonts, lettering, serials, words
from models.training.plates.canvas import Canvas, Colour, colour, gradient, rounded, with_alpha
from models.training.plates.designs import Design, Words
from models.training.plates.names import NAMES
from models.training.plates.plate import DrawnPlate

PAPERS = ("#f7f7f4", "#f4f1e6", "#eaf2f6", "#f6e9ec", "#f3f0c9")
LAYOUTS = ("999999A", "A999999", "99999AA", "9999999", "AA99999", "999AA99", "A99999", "9A99999",
           "999999", "AAA9999", "9999A99", "##9999#", "#######", "99A999", "A999A999")  # fmt: skip
TITLES = ("TEMPORARY", "TEMPORARY REGISTRATION", "TEMPORARY TAG", "TEMP", "DEALER TEMPORARY",
          "IN TRANSIT", "30 DAY PERMIT", "BUYER TAG", "TEMPORARY PERMIT", "DRIVE-OUT")  # fmt: skip
MAKES = ("FORD", "TOYOTA", "HONDA", "CHEVROLET", "NISSAN", "JEEP", "SUBARU", "KIA", "HYUNDAI",
    "BMW",
         "GMC", "RAM", "VOLKSWAGEN", "MAZDA", "TESLA", "AUDI", "LEXUS")  # fmt: skip


def _pick(rng: np.random.Generator, options: tuple[str, ...]) -> str:
    return options[int(rng.integers(len(options)))]


def _date(rng: np.random.Generator) -> str:
    month, day = int(rng.integers(1, 13)), int(rng.integers(1, 29))
    year = int(rng.integers(2008, 2028))
    style = rng.random()
    if style < 0.4:
        return f"{month:02d}/{day:02d}/{year}"
    if style < 0.7:
        return f"{month:02d}-{day:02d}-{year % 100:02d}"
    from_names = [
        "JAN",
        "FEB",
        "MAR",
        "APR",
        "MAY",
        "JUN",
        "JUL",
        "AUG",
        "SEP",
        "OCT",
        "NOV",
        "DEC",
    ]
    return f"{from_names[month - 1]} {day:02d} {year}"


def _small_print(rng: np.random.Generator) -> str:
    vin = "".join(_pick(rng, tuple("ABCDEFGHJKLMNPRSTUVWXYZ0123456789")) for _ in range(17))
    year = int(rng.integers(1999, 2027))
    options = (
        f"VIN: {vin}",
        f"{year} {_pick(rng, MAKES)}",
        f"ISSUED {_date(rng)}",
        f"DEALER NO. {int(rng.integers(1000, 99999))}",
        f"{year} {_pick(rng, MAKES)} {vin}",
        "VOID IF ALTERED",
        "AUTO SALES INC",
    )
    return _pick(rng, options)


def draw(rng: np.random.Generator, design: Design) -> DrawnPlate:
    """A paper plate of the design's state."""
    width, height = 600, 300
    canvas = Canvas(gradient(height, width, [colour(_pick(rng, PAPERS))]))
    ink: Colour = (26, 24, 24) if rng.random() < 0.75 else design.ink
    if sum(ink) > 420:
        ink = (26, 24, 24)
    if rng.random() < 0.4:
        seal = round(height * float(rng.uniform(0.4, 0.8)))
        name = design.state if rng.random() < 0.5 else "seal"
        pale: Colour = (215, 215, 215)
        wide = round(seal * min(1.6, emblems.aspect(name)))
        sprite = emblems.sprite(name, wide, seal, pale, (235, 235, 235))
        canvas.stamp(sprite, width / 2 - wide / 2, height / 2 - seal / 2)
    name_size = float(rng.uniform(0.07, 0.13))
    title = NAMES[design.state]
    style = _pick(rng, ("sans", "condensed", "wide", "serif", "print"))
    at_top = rng.random() < 0.8
    head = Words(
        (title,),
        "top" if at_top else "bottom",
        style,
        ink,
        name_size,
        stretch=float(rng.uniform(0.85, 1.2)),
    )
    words.paint(rng, canvas, head, title.upper() if rng.random() < 0.75 else title)
    tall = float(rng.uniform(0.3, 0.46)) * height
    middle = float(rng.uniform(0.42, 0.56)) * height
    text, boxes = _serial(rng, canvas, ink, middle, tall)
    _lines(rng, canvas, ink, middle + tall / 2 + 8, height - (34 if not at_top else 10))
    if rng.random() < 0.35:
        _code(rng, canvas, ink)
    if rng.random() < 0.4:
        edge = int(rng.integers(4, 12))
        corners = [
            (edge, edge),
            (width - edge, edge),
            (width - edge, height - edge),
            (edge, height - edge),
        ]
        canvas.line([*corners, corners[0]], ink, int(rng.integers(2, 8)))
    alpha = rounded(width, height, 2 if rng.random() < 0.7 else 14)
    return DrawnPlate(
        with_alpha(canvas.picture, alpha), text, design.state, "temporary", tuple(boxes)
    )


def _serial(
    rng: np.random.Generator, canvas: Canvas, ink: Colour, middle: float, tall: float
) -> tuple[str, list[tuple[int, int, int, int]]]:
    text = serials.text_of(serials.draw_layout(rng, _pick(rng, LAYOUTS)))
    file = _pick(rng, fonts.STYLES["print"] + fonts.STYLES["sans"])
    shapes = [lettering.word(file, char) for char in text]
    scale = tall / lettering.cap_height(file)
    gap = tall * float(rng.uniform(0.05, 0.16))
    widths = [shape.shape[1] * scale for shape in shapes]
    room = canvas.width * 0.92
    total = sum(widths) + gap * (len(text) - 1)
    squeeze = min(1.0, room / total)
    x = (canvas.width - total * squeeze) / 2
    boxes = []
    for char, shape, wide in zip(text, shapes, widths, strict=True):
        high = shape.shape[0] * scale
        mask = lettering.fitted(file, char, max(2, round(wide * squeeze)), max(4, round(high)))
        boxes.append(canvas.paint(mask, ink, x, middle - high / 2))
        x += (wide + gap) * squeeze
    return text, boxes


def _code(rng: np.random.Generator, canvas: Canvas, ink: Colour) -> None:
    """A square code or bars in a lower corner."""
    side = round(canvas.height * float(rng.uniform(0.14, 0.2)))
    if rng.random() < 0.6:
        dots = (rng.random((21, 21)) < 0.5).astype(np.uint8) * 255
        mask = cv2.resize(dots, (side, side), interpolation=cv2.INTER_NEAREST)
    else:
        bars = (rng.random((1, 60)) < 0.5).astype(np.uint8) * 255
        mask = cv2.resize(bars, (side * 3, side // 2), interpolation=cv2.INTER_NEAREST)
    x = 16 if rng.random() < 0.5 else canvas.width - 16 - mask.shape[1]
    canvas.paint(np.asarray(mask, np.uint8), ink, x, canvas.height - 14 - mask.shape[0])


def _lines(
    rng: np.random.Generator, canvas: Canvas, ink: Colour, top: float, bottom: float
) -> None:
    texts = [_pick(rng, TITLES), f"EXPIRES {_date(rng)}", _small_print(rng), _small_print(rng)]
    y = top
    for text in rng.permutation(texts)[: int(rng.integers(1, 5))]:
        file = _pick(rng, fonts.STYLES["print"])
        cap = canvas.height * float(rng.uniform(0.035, 0.09))
        if y + cap > bottom:
            break
        mask = lettering.line(file, str(text), cap, canvas.width * float(rng.uniform(0.5, 0.92)))
        canvas.paint(mask, ink, (canvas.width - mask.shape[1]) / 2, y)
        y += mask.shape[0] + 5
