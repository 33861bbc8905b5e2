"""The serial's line: where its characters, gaps, emblems and columns stand, and their drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.training.plates import dies, emblems, lettering
from models.training.plates.canvas import Canvas, Colour
from models.training.plates.dies import Die
from models.training.plates.serials import Token

Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Line:
    """Where and how a serial is drawn.

    Attributes:
        x, y, width: the room for it; y is its middle, all in pixels.
        height: of its characters in pixels.
        spacing: between characters, as a share of the height.
        emblem: name and two colours of what stands for ``*``.
        fill: share of the room that short serials are spread to; 0 keeps them close.
    """

    x: float
    y: float
    width: float
    height: float
    ink: Colour
    die: Die
    spacing: float = 0.12
    gap: float = 0.3
    emblem: tuple[str, Colour, Colour] | None = None
    emblem_size: float = 0.7
    outline: Colour | None = None
    align: float = 0.5
    column: float = 0.46


def _advance(token: Token, line: Line) -> float:
    """Width of one token as a share of the characters' height, without spacing."""
    if token.kind == "char":
        return line.die.room(token.text)
    if token.kind in {"column", "class"}:
        return _column_share(token, line) * max(line.die.advance(c) for c in token.text) * 1.08
    if token.kind == "emblem" and line.emblem:
        return min(1.1, emblems.aspect(line.emblem[0])) * line.emblem_size
    shares = {"gap": line.gap, "thin": line.gap * 0.5, "dash": 0.24, "dot": 0.14}
    return shares.get(token.kind, line.gap)


def _column_share(token: Token, line: Line) -> float:
    return line.column if len(token.text) < 3 else min(line.column, 0.33)


def draw(canvas: Canvas, tokens: Sequence[Token], line: Line) -> list[Box]:
    """Draw the serial; returns the box of each character of its text, in order."""
    advances = [_advance(token, line) for token in tokens]
    spacing = line.spacing * (len(tokens) - 1)
    total = sum(advances) + spacing
    height = line.height
    squeeze = min(1.0, line.width / (total * height))
    if squeeze < 0.62:
        height *= squeeze / 0.62
        squeeze = line.width / (total * height)
    x = line.x + (line.width - total * height * squeeze) * line.align
    boxes: list[Box] = []
    top = line.y - height / 2
    for token, advance in zip(tokens, advances, strict=True):
        wide = advance * height * squeeze
        boxes.extend(_token(canvas, token, line, x, top, wide, height))
        x += wide + line.spacing * height * squeeze
    return boxes


def _token(
    canvas: Canvas, token: Token, line: Line, x: float, top: float, wide: float, height: float
) -> list[Box]:
    if token.kind == "char":
        own = wide * line.die.advance(token.text) / line.die.room(token.text)
        return [character(canvas, line, token.text, x + (wide - own) / 2, top, own, height)]
    if token.kind in {"column", "class"}:
        count = len(token.text)
        share = _column_share(token, line) * height
        room = (height - share * count) / max(1, count - 1) if count > 1 else 0.0
        room = min(room, share * 0.3)
        start = top + (height - share * count - room * (count - 1)) / 2
        boxes = []
        for index, char in enumerate(token.text):
            narrow = min(wide, line.die.advance(char) * share * 1.15)
            left = x + (wide - narrow) / 2
            at = start + index * (share + room)
            boxes.append(character(canvas, line, char, left, at, narrow, share))
        return boxes if token.kind == "column" else []
    if token.kind == "emblem" and line.emblem:
        name, ink, second = line.emblem
        tall = min(height * 1.02, wide / emblems.aspect(name))
        sprite = emblems.sprite(name, round(wide), round(tall), ink, second)
        canvas.stamp(sprite, x, top + (height - tall) / 2)
    elif token.kind == "dash":
        thick = height * line.die.weight * 0.95
        canvas.box(x, top + height / 2 - thick / 2, wide, thick, line.ink)
    elif token.kind == "dot":
        canvas.disk(x + wide / 2, top + height / 2, wide * 0.42, line.ink)
    return []


def character(
    canvas: Canvas, line: Line, char: str, x: float, top: float, wide: float, height: float
) -> Box:
    """One character from edge to edge of that box; returns the box in whole pixels."""
    size = (max(2, round(wide)), max(4, round(height)))
    mask = dies.mask(line.die, char, *size)
    if line.outline is not None:
        by = max(1, round(height * 0.018))
        canvas.paint(lettering.grown(mask, by), line.outline, round(x) - by, round(top) - by)
    return canvas.paint(mask, line.ink, x, top)
