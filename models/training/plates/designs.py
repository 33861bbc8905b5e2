"""The designs of ``designs.toml`` as values, checked when they are read."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from edge.contract.plates import STATES
from models.training.plates import emblems, scenery
from models.training.plates.canvas import Colour, colour
from models.training.plates.dies import Die
from models.training.plates.fonts import STYLES

FILE = Path(__file__).with_name("designs.toml")
OTHERS = Path(__file__).with_name("others.toml")


class DesignError(Exception):
    """The file of designs says something that cannot be drawn."""


@dataclass(frozen=True, slots=True)
class Words:
    """One line of words: the state's name, a slogan, a county."""

    texts: tuple[str, ...]
    place: str
    font: str
    ink: Colour
    size: float
    outline: Colour | None = None
    arch: bool = False
    spaced: bool = False
    x: float = 0.5
    y: float | None = None
    stretch: float = 1.0
    part: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """An emblem with its colours; x, y (middle) and size (height) as shares of the plate's."""

    name: str
    ink: Colour
    second: Colour
    x: float = 0.5
    y: float = 0.5
    size: float = 0.3


@dataclass(frozen=True, slots=True)
class Design:
    """What one design of a state has on it; the notation is explained in ``designs.toml``."""

    state: str
    kind: str
    weight: float
    serials: tuple[str, ...]
    ink: Colour
    back: tuple[Colour, ...]
    across: bool
    scenes: tuple[tuple[str, tuple[Colour, ...]], ...]
    words: tuple[Words, ...]
    bands: tuple[tuple[str, Colour, float], ...]
    emblem: Figure | None
    logo: Figure | None
    badge: Figure | None
    stickers: tuple[str, ...]
    border: Colour | None
    skip: str
    counties: tuple[str, ...]
    die: Die
    forms: tuple[tuple[str, str], ...]

    @property
    def name(self) -> Words:
        """The words that carry the state's name."""
        return self.words[0]

    @property
    def whole_name(self) -> tuple[Words, ...]:
        """The state's name with the lines that are part of it, such as the New over HAMPSHIRE."""
        return (self.words[0], *(words for words in self.words[1:] if words.part))


def _words(text: str) -> Words:
    head, _, tail = text.partition(": ")
    place, font, ink, size, *options = head.split()
    if place not in {"top", "bottom", "left"} or font not in STYLES or not tail:
        raise DesignError(
            f"words {text!r}: needs a place, a font's style, and a text after a colon"
        )
    made = Words(tuple(tail.split(" / ")), place, font, colour(ink), float(size))
    for option in options:
        key, _, value = option.partition("=")
        if key == "outline":
            made = replace(made, outline=colour(value))
        elif key == "arch":
            made = replace(made, arch=True)
        elif key == "spaced":
            made = replace(made, spaced=True)
        elif key == "part":
            made = replace(made, part=True)
        elif key == "x":
            made = replace(made, x=float(value))
        elif key == "y":
            made = replace(made, y=float(value))
        elif key == "stretch":
            made = replace(made, stretch=float(value))
        else:
            raise DesignError(f"words {text!r}: {option}: no such option")
    return made


def _figure(text: str | None) -> Figure | None:
    if not text:
        return None
    name, *rest = text.split()
    if name not in emblems.DRAWINGS and name not in STATES and name not in {"any", "sticker"}:
        raise DesignError(f"{text!r}: no such emblem")
    inks = [colour(one) for one in rest[:2]] or [colour("navy")]
    numbers = [float(one) for one in rest[2:]]
    return Figure(name, inks[0], inks[-1] if len(inks) > 1 else colour("white"), *numbers)


def _scene(text: str) -> tuple[str, tuple[Colour, ...]]:
    name, *inks = text.split()
    if name not in scenery.SCENES or not inks:
        raise DesignError(f"scene {text!r}: unknown, or without colours")
    return name, tuple(colour(ink) for ink in inks)


def _band(text: str) -> tuple[str, Colour, float]:
    place, ink, share = text.split()
    return place, colour(ink), float(share)


def _design(state: str, shared: dict[str, Any], table: dict[str, Any]) -> Design:
    table = dict(table)
    made = Design(
        state=state,
        kind=table.pop("kind", "passenger"),
        weight=float(table.pop("weight", 1)),
        serials=tuple(table.pop("serials")),
        ink=colour(table.pop("ink")),
        back=tuple(colour(one) for one in table.pop("back")),
        across=bool(table.pop("across", False)),
        scenes=tuple(_scene(one) for one in table.pop("scenes", [])),
        words=tuple(_words(one) for one in table.pop("words")),
        bands=tuple(_band(one) for one in table.pop("bands", [])),
        emblem=_figure(table.pop("emblem", None)),
        logo=_figure(table.pop("logo", None)),
        badge=_figure(table.pop("badge", None)),
        stickers=tuple(table.pop("stickers", "tl tr").split()),
        border=colour(table.pop("border")) if "border" in table else None,
        skip=shared.get("skip", ""),
        counties=tuple(shared.get("counties", ())),
        die=Die(**shared.get("die", {})),
        forms=tuple(sorted(shared.get("forms", {}).items())),
    )
    if table:
        raise DesignError(f"{min(table)}: not a setting of a design")
    return made


@cache
def load(path: Path = FILE) -> dict[str, tuple[Design, ...]]:
    """The designs of every state.

    Raises:
        DesignError: if the file says what cannot be drawn, or leaves out a state.
    """
    designs = _read(path)
    missing = [state for state in STATES if state not in designs]
    if missing:
        raise DesignError(f"{path.name}: nothing for {', '.join(missing)}")
    return designs


@cache
def load_others() -> dict[str, tuple[Design, ...]]:
    """Designs of the states' size from other issuers, by the issuer's name.

    Raises:
        DesignError: if the file says what cannot be drawn.
    """
    return _read(OTHERS)


def _read(path: Path) -> dict[str, tuple[Design, ...]]:
    designs: dict[str, tuple[Design, ...]] = {}
    for state, table in tomllib.loads(path.read_text("utf-8")).items():
        try:
            designs[state] = tuple(_design(state, table, one) for one in table["design"])
        except (KeyError, ValueError, TypeError, DesignError) as error:
            raise DesignError(f"{path.name}: {state}: {error}") from error
    return designs
