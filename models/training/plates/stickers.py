"""Month and year stickers, and the boxes printed where they belong."""

from __future__ import annotations

import numpy as np

from models.training.plates import fonts, lettering
from models.training.plates.canvas import Canvas, Colour, colour, luminance

MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
INKS = ("#f2c53a", "#e8842a", "#c9302c", "#3f8f4f", "#2f62b0", "#f4f4f0", "#7fb2dd", "#e9a6c0",
        "#8f5fa8", "#c9d24a", "#e05a8a", "#5fb8a8")  # fmt: skip

SERIALS = (
    "A1482907",
    "KQ305518",
    "7730412M",
    "HX92645T",
    "R5081126",
    "2204PLD9",
    "WB760034",
    "0915RTEZ",
)
"""Numbers printed small on stickers; few, so that their masks are kept."""


def _pick(rng: np.random.Generator, options: tuple[str, ...] | list[str]) -> str:
    return options[int(rng.integers(len(options)))]


def paint(rng: np.random.Generator, canvas: Canvas, corners: tuple[str, ...], ink: Colour) -> None:
    """Stickers, print or nothing in each of those corners; ink is that of the plate's print."""
    if rng.random() < 0.08:
        unreadable(rng, canvas, ink)
    for index, corner in enumerate(corners):
        fate = rng.random()
        if fate < 0.12:
            continue
        _corner(rng, canvas, corner, ink, year=index == len(corners) - 1, plain=fate < 0.34)


def _corner(
    rng: np.random.Generator, canvas: Canvas, corner: str, ink: Colour, year: bool, plain: bool
) -> None:
    height = canvas.height
    tall = height * rng.uniform(0.11, 0.18)
    wide = tall * rng.uniform(1.0, 1.75)
    edge_x, edge_y = height * rng.uniform(0.025, 0.1), height * rng.uniform(0.025, 0.06)
    x = edge_x if corner[1] == "l" else canvas.width - edge_x - wide
    y = edge_y if corner[0] == "t" else height - edge_y - tall
    if plain:
        style = rng.random()
        if style < 0.45:
            _text(rng, canvas, _words(rng, year), ink, x, y + tall * 0.12, wide, tall * 0.75)
        else:
            frame = [(x, y), (x + wide, y), (x + wide, y + tall), (x, y + tall), (x, y)]
            canvas.line(frame, ink, 1.5)
        return
    paper, print_ink = inks(rng)
    canvas.box(x, y, wide, tall, paper)
    if rng.random() < 0.25:
        other = colour(_pick(rng, INKS))
        canvas.box(x, y, wide * float(rng.uniform(0.1, 0.3)), tall, other)
    if rng.random() < 0.4:
        _text(rng, canvas, _small(rng), print_ink, x + 1, y + tall * 0.72, wide - 2, tall * 0.22)
        _text(
            rng, canvas, _words(rng, year), print_ink, x + 2, y + tall * 0.08, wide - 4, tall * 0.6
        )
    else:
        _text(
            rng, canvas, _words(rng, year), print_ink, x + 3, y + tall * 0.14, wide - 6, tall * 0.72
        )


def _words(rng: np.random.Generator, year: bool) -> str:
    if not year:
        month = int(rng.integers(12))
        return MONTHS[month] if rng.random() < 0.7 else str(month + 1)
    number = int(rng.integers(1996, 2029))
    style = rng.random()
    if style < 0.55:
        return f"{number % 100:02d}"
    if style < 0.75:
        return str(number)
    return f"{int(rng.integers(1, 13)):02d}-{number % 100:02d}"


def inks(rng: np.random.Generator) -> tuple[Colour, Colour]:
    """A sticker's paper and print."""
    paper = colour(_pick(rng, INKS))
    dark = luminance(paper) > 110 or rng.random() < 0.2
    return paper, (28, 26, 26) if dark else (244, 244, 244)


def unreadable(rng: np.random.Generator, canvas: Canvas, ink: Colour) -> None:
    """Print too small to read, such as a corner's "see window sticker"."""
    height = canvas.height
    x = height * rng.uniform(0.03, 0.1) if rng.random() < 0.5 else canvas.width - height * 0.36
    y = height * rng.uniform(0.03, 0.08) if rng.random() < 0.6 else height * rng.uniform(0.86, 0.92)
    for index in range(int(rng.integers(1, 4))):
        text = _small(rng) if rng.random() < 0.5 else "SEE WINDOW STICKER"
        mask = lettering.line("LiberationSans-Bold.ttf", text, height * 0.022, height * 0.26)
        canvas.paint(mask, ink, x, y + index * height * 0.032)


def _small(rng: np.random.Generator) -> str:
    return SERIALS[int(rng.integers(len(SERIALS)))]


def _text(
    rng: np.random.Generator,
    canvas: Canvas,
    text: str,
    ink: Colour,
    x: float,
    y: float,
    wide: float,
    tall: float,
) -> None:
    styles = fonts.STYLES["condensed"] + fonts.STYLES["sans"]
    mask = lettering.line(_pick(rng, styles), text, max(4.0, tall), max(6.0, wide))
    canvas.paint(mask, ink, x + (wide - mask.shape[1]) / 2, y + (tall - mask.shape[0]) / 2)
