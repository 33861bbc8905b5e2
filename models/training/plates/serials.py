"""Serials: what stands in the middle of a plate, and which of it is its text.

A layout is the notation of ``config/plate_formats.toml`` (``A`` a letter, ``9`` a digit, ``#``
either, ``[...]`` one of the characters between the brackets; here every other capital and digit
stands for itself) with what else stands there: a space
for a gap, ``_`` for a narrow one, ``-`` a dash, ``.`` a raised dot, ``*`` the design's emblem,
``{...}`` a column of small characters that belong to the serial, ``<...>`` a column (or a single
small character) that does not.

Stacked columns: the letters that states stack at the side of a special, farm or county plate
(DV, EMT, a university's letters, Idaho's county) name the class of plate and are left out of the
text, as the public data sets of the field leave them out; a column belongs to the text only where
the state's own format counts it, such as the LV of livery plates in Massachusetts. Where it does,
it is read from top to bottom at its place in the line.
"""

from __future__ import annotations

import re
import string
import tomllib
from dataclasses import dataclass
from functools import cache

import numpy as np

from edge.contract.configuration import config_file
from edge.contract.plates import STATES

LETTERS = string.ascii_uppercase
DIGITS = string.digits
_PART = re.compile(r"[A-Z0-9#]|\[[A-Z0-9]+\]")


@dataclass(frozen=True, slots=True)
class Token:
    """One thing in the line of a serial.

    kind is "char", "gap", "thin", "dash", "dot", "emblem", "column" (counted) or "class"
    (a column that is not); text holds the characters of the first and the last two.
    """

    kind: str
    text: str = ""


_MARKS = {" ": "gap", "_": "thin", "-": "dash", ".": "dot", "*": "emblem"}


def draw_layout(
    rng: np.random.Generator, layout: str, skip: str = "", letters: str = LETTERS
) -> tuple[Token, ...]:
    """A random serial of that layout; ``skip`` are letters that the state mostly leaves out.

    Raises:
        ValueError: if the layout is not of the notation.
    """
    tokens: list[Token] = []
    at = 0
    while at < len(layout):
        char = layout[at]
        if char in _MARKS:
            tokens.append(Token(_MARKS[char]))
            at += 1
        elif char in "{<":
            close = layout.find("}" if char == "{" else ">", at)
            if close < 0:
                raise ValueError(f"layout {layout!r}: {char} is not closed")
            inner = layout[at + 1 : close]
            text = _characters(rng, inner, skip, letters)
            tokens.append(Token("column" if char == "{" else "class", text))
            at = close + 1
        else:
            part = _PART.match(layout, at)
            if part is None:
                raise ValueError(f"layout {layout!r}: {char!r} is not of the notation")
            tokens.append(Token("char", _characters(rng, part.group(), skip, letters)))
            at = part.end()
    return tuple(tokens)


def _characters(rng: np.random.Generator, pattern: str, skip: str, letters: str) -> str:
    out = []
    keep = skip if rng.random() < 0.9 else ""
    allowed = "".join(char for char in letters if char not in keep)
    for part in _PART.findall(pattern):
        choices = {"A": allowed, "9": DIGITS, "#": allowed + DIGITS}.get(part, part.strip("[]"))
        out.append(choices[int(rng.integers(len(choices)))])
    return "".join(out)


def text_of(tokens: tuple[Token, ...]) -> str:
    """The serial's text: its characters and the columns that count."""
    return "".join(token.text for token in tokens if token.kind in {"char", "column"})


def pattern_of(layout: str) -> str:
    """The layout's text in the notation of ``config/plate_formats.toml``."""
    plain = re.sub(r"<[^>]*>|[ _.*{}-]", "", layout)
    parts = _PART.findall(plain)
    return "".join(part if part in "A9#" or part[0] == "[" else f"[{part}]" for part in parts)


@cache
def issued() -> dict[str, dict[str, tuple[str, ...]]]:
    """The shapes of ``config/plate_formats.toml`` by state and use."""
    table = tomllib.loads(config_file("plate_formats.toml").read_text("utf-8"))
    return {
        state: {use: tuple(shapes) for use, shapes in uses.items()}
        for state, uses in table.items()
        if state in STATES
    }


def spread(rng: np.random.Generator, pattern: str) -> str:
    """The pattern as a layout: a separator where letters and digits meet, or none."""
    parts = _PART.findall(pattern)
    kinds = ["A" if part == "A" else "9" if part == "9" else "#" for part in parts]
    borders = [i for i in range(1, len(parts)) if kinds[i] != kinds[i - 1]]
    middle = [i for i in borders if 2 <= i <= len(parts) - 2] or [len(parts) // 2]
    if len(parts) < 4 or rng.random() < 0.3:
        return pattern
    cut = middle[int(rng.integers(len(middle)))]
    mark = str(rng.choice([" ", "-", ".", "*", "_"], p=[0.4, 0.2, 0.1, 0.2, 0.1]))
    return "".join(parts[:cut]) + mark + "".join(parts[cut:])


def any_layout(rng: np.random.Generator) -> str:
    """A layout that some state might have: two to eight characters in one or two groups."""
    length = int(rng.choice([3, 4, 5, 6, 7, 8], p=[0.04, 0.08, 0.15, 0.36, 0.33, 0.04]))
    kinds = rng.choice(["A", "9", "#"], p=[0.42, 0.5, 0.08], size=length)
    if rng.random() < 0.6:
        cut = int(rng.integers(1, length))
        kinds[:cut] = rng.choice(["A", "9"])
        kinds[cut:] = rng.choice(["A", "9"])
    return spread(rng, "".join(str(kind) for kind in kinds))
