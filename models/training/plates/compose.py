"""Painting a planned plate: ground, figures, words, stickers, the serial, the outline."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from models.training.plates import (
    dies,
    emblems,
    fonts,
    lettering,
    line,
    mixing,
    scenery,
    serials,
    stickers,
    words,
)
from models.training.plates.canvas import (
    Canvas,
    Colour,
    colour,
    gradient,
    luminance,
    rounded,
    vary,
    with_alpha,
)
from models.training.plates.designs import Design, Figure
from models.training.plates.plate import DrawnPlate
from models.training.plates.serials import Token

PLATE_PX = (600, 300)
MOTORCYCLE_PX = (526, 300)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is about to be drawn; state is the label, None where no state's name is drawn."""

    design: Design
    tokens: tuple[Token, ...]
    kind: str
    die: dies.Die
    size: tuple[int, int] = PLATE_PX
    rows: int = 1
    state: str | None = None


def compose(rng: np.random.Generator, plan: Plan) -> DrawnPlate:
    """The plan drawn."""
    design = plan.design
    canvas = Canvas(_background(rng, design, plan.size))
    height, width = canvas.height, canvas.width
    for place, ink, share in design.bands:
        tall = share * height
        canvas.box(0, 0 if place == "top" else height - tall, width, tall, vary(rng, ink, 5))
    if design.badge is not None:
        _figure(rng, canvas, design.badge)
    left = 0.035 * width
    if design.logo is not None:
        left = _logo(rng, canvas, design.logo)
    _print(rng, canvas, design)
    right = 0.968 * width
    if plan.kind not in {"passenger", "county"} and rng.random() < 0.1:
        left, right = _side_word(rng, canvas, design, left, right)
    if design.border is not None:
        canvas.rim(height * 0.028, height * 0.06, design.border, height * 0.013)
    stickers.paint(rng, canvas, design.stickers, design.ink)
    tall = (
        height
        * float(rng.normal(0.46, 0.016))
        * plan.die.tall
        * (0.86 if plan.kind == "motorcycle" else 1.0)
    )
    fancy = design.emblem
    if fancy is None and any(token.kind == "emblem" for token in plan.tokens):
        symbol = emblems.SYMBOLS[int(rng.integers(len(emblems.SYMBOLS)))]
        fancy = Figure(symbol, design.ink, colour("white"))
    if fancy is not None and (fancy.name == "sticker" or rng.random() < 0.015):
        paper, print_ink = stickers.inks(rng)
        fancy = Figure(f"{emblems.STICKER}{int(rng.integers(1, 29)):02d}", paper, print_ink)
    put = line.Line(
        x=left,
        y=height * float(rng.normal(0.513, 0.018)),
        width=right - left,
        height=tall,
        ink=_legible(canvas, vary(rng, design.ink, 5)),
        die=plan.die,
        spacing=float(np.clip(rng.normal(0.125, 0.025), 0.06, 0.2)),
        gap=float(rng.uniform(0.2, 0.45) if rng.random() < 0.88 else rng.uniform(0.45, 0.9)),
        emblem=(fancy.name, fancy.ink, fancy.second) if fancy else None,
        emblem_size=float(rng.uniform(0.4, 0.72)) if fancy else 0.5,
        outline=colour("white") if rng.random() < 0.03 else None,
        align=float(np.clip(rng.normal(0.5, 0.06), 0.2, 0.8)) if rng.random() < 0.3 else 0.5,
        column=float(rng.uniform(0.38, 0.48)),
    )
    boxes = _rows(rng, canvas, plan, put)
    alpha = _cut(rng, canvas)
    picture = with_alpha(canvas.picture, alpha)
    text = serials.text_of(plan.tokens)
    return DrawnPlate(picture, text, plan.state, plan.kind, tuple(boxes))


def _background(
    rng: np.random.Generator, design: Design, size: tuple[int, int]
) -> NDArray[np.uint8]:
    width, height = size
    back = gradient(
        height // 2, width // 2, [vary(rng, one, 6) for one in design.back], design.across
    )
    if not design.scenes:
        return np.asarray(cv2.resize(back, size, interpolation=cv2.INTER_LINEAR), np.uint8)
    scenes = [(name, [vary(rng, ink, 7) for ink in inks]) for name, inks in design.scenes]
    return scenery.paint(
        rng, back, scenes, 1.0 if rng.random() < 0.8 else float(rng.uniform(0.4, 1))
    )


def _rows(
    rng: np.random.Generator, canvas: Canvas, plan: Plan, put: line.Line
) -> list[tuple[int, int, int, int]]:
    if plan.rows == 1:
        return line.draw(canvas, plan.tokens, put)
    cut = len(plan.tokens) // 2 + int(rng.integers(0, 2))
    tall = canvas.height * float(rng.uniform(0.26, 0.31))
    boxes = []
    for row, part in enumerate((plan.tokens[:cut], plan.tokens[cut:])):
        middle = canvas.height * (0.355 + 0.33 * row)
        boxes.extend(line.draw(canvas, part, replace(put, y=middle, height=tall)))
    return boxes


def _side_word(
    rng: np.random.Generator, canvas: Canvas, design: Design, left: float, right: float
) -> tuple[float, float]:
    """A small word on end beside the serial; returns the room that is left for that."""
    tall = canvas.height * float(rng.uniform(0.045, 0.075))
    file = str(rng.choice(fonts.STYLES["condensed"] + fonts.STYLES["sans"]))
    flat = lettering.line(file, mixing.side_word(rng), tall, canvas.height * 0.5)
    at_left = rng.random() < 0.5
    mask = np.ascontiguousarray(np.rot90(flat, 1 if rng.random() < 0.8 else 3))
    y = canvas.height * 0.51 - mask.shape[0] / 2
    wide = mask.shape[1] + canvas.width * 0.012
    x = left if at_left else right - mask.shape[1]
    canvas.paint(mask, _legible(canvas, design.ink), x, y)
    return (left + wide, right) if at_left else (left, right - wide)


def _legible(canvas: Canvas, ink: Colour) -> Colour:
    """The ink, or black or white where the painted ground would swallow it."""
    height = canvas.height
    band = canvas.picture[round(height * 0.28) : round(height * 0.75) : 10, ::12]
    levels = cv2.cvtColor(np.ascontiguousarray(band), cv2.COLOR_BGR2GRAY).astype(np.float32)

    def apart(one: Colour) -> float:
        return float(np.percentile(np.abs(levels - luminance(one)), 12))

    return ink if apart(ink) > 48 else max((ink, (24, 24, 26), (242, 242, 238)), key=apart)


def _figure(rng: np.random.Generator, canvas: Canvas, figure: Figure) -> None:
    tall = figure.size * canvas.height * float(rng.normal(1, 0.05))
    wide = min(tall * emblems.aspect(figure.name), canvas.width * 0.9)
    sprite = emblems.sprite(figure.name, round(wide), round(tall), figure.ink, figure.second)
    x = figure.x * canvas.width - wide / 2
    canvas.stamp(sprite, x, figure.y * canvas.height - tall / 2)


def _logo(rng: np.random.Generator, canvas: Canvas, figure: Figure) -> float:
    """The large emblem at the left; returns where the serial may begin."""
    if figure.name == "any":
        figure = mixing.any_logo(rng)
    tall = canvas.height * float(rng.uniform(0.36, 0.6))
    wide = tall * emblems.aspect(figure.name)
    most = canvas.width * float(rng.uniform(0.2, 0.28))
    if wide > most:
        tall, wide = tall * most / wide, most
    x = canvas.width * float(rng.uniform(0.015, 0.04))
    y = canvas.height * float(rng.normal(0.5, 0.04)) - tall / 2
    canvas.stamp(
        emblems.sprite(figure.name, round(wide), round(tall), figure.ink, figure.second), x, y
    )
    if rng.random() < 0.3:
        mixing.initials(rng, canvas, x, y, wide, tall)
    return x + wide + canvas.width * 0.015


def _print(rng: np.random.Generator, canvas: Canvas, design: Design) -> None:
    for index, one in enumerate(design.words):
        if index > 0 and not one.part and rng.random() < 0.04:
            continue
        text = one.texts[int(rng.integers(len(one.texts)))] if len(one.texts) > 1 else one.texts[0]
        if text == "@county":
            text = mixing.county(rng, design)
        words.paint(rng, canvas, one, text)


def _cut(rng: np.random.Generator, canvas: Canvas) -> NDArray[np.uint8]:
    """The alpha: round corners, holes or slots; a pressed rim is shaded into the picture."""
    height, width = canvas.height, canvas.width
    alpha = rounded(width, height, height * float(rng.uniform(0.04, 0.1)))
    if rng.random() < 0.7:
        ground = _middle(canvas)
        shade = 26 if luminance(ground) > 120 else -26
        b, g, r = (int(np.clip(value - shade, 0, 255)) for value in ground)
        canvas.rim(height * 0.025, height * 0.06, (b, g, r), height * 0.01)
    wide = rng.random() < 0.5
    spots = [0.21, 0.79] if width > 560 else [0.1, 0.9]
    rows = [0.075, 0.925] if rng.random() < 0.85 else [0.075]
    half = height * (0.042 if wide else 0.022)
    thick = max(2, round(height * 0.036))
    for share_x in spots:
        for share_y in rows:
            y = round(share_y * height)
            x = share_x * width
            cv2.line(alpha, (round(x - half), y), (round(x + half), y), 0, thick, cv2.LINE_AA)
    return alpha


def _middle(canvas: Canvas) -> tuple[int, int, int]:
    b, g, r = canvas.picture[canvas.height // 2, 12]
    return int(b), int(g), int(r)
