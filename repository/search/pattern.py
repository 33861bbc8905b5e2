"""A plate as one searches for it: whole, or a part of it with wildcards. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from edge.contract.plates import normalise
from repository.search.errors import SearchRefusedError
from repository.typed_plate import only_of_plates

MAX_PLATE = 12
ENOUGH_ADJACENT = 3
ANY_CHARACTER = "?"
ANY_CHARACTERS = "*"

Fold = Callable[[str], str]
How = Literal["exact", "confusable", "partial", "partial_confusable", "second_guess"]

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_WILD = ANY_CHARACTER + ANY_CHARACTERS


@dataclass(frozen=True, slots=True)
class PlatePattern:
    """Capitals and digits, ``?`` for any one character and ``*`` for any number of them.

    ``folded`` means that a known character stands also for those easily taken for it.
    """

    text: str
    folded: bool = False

    @classmethod
    def of(cls, typed: str, *, folded: bool = False) -> PlatePattern:
        """The pattern that was typed, in one spelling.

        Raises:
            SearchRefusedError: if it names no character, more than a plate has, or another than
                plates have.
        """
        parts = re.split(r"([?*])", typed)
        text = "".join(part if part in _WILD else normalise(part) for part in parts)
        text = re.sub(r"\*+", ANY_CHARACTERS, text)
        known = text.replace(ANY_CHARACTERS, "")
        named = known.replace(ANY_CHARACTER, "")
        if not only_of_plates(typed, wildcards=_WILD) or not named or len(known) > MAX_PLATE:
            raise SearchRefusedError(
                f"plate: expected 1 to {MAX_PLATE} letters and digits, "
                "blanks and dashes between them, with ? for any one and * for any number of others"
            )
        return cls(text, folded)

    @property
    def whole(self) -> bool:
        """Whether it has no wildcard."""
        return not any(char in self.text for char in _WILD)

    @property
    def adjacent(self) -> int:
        """How many known characters stand side by side, at most."""
        runs = groupby(self.text, key=lambda char: char in _WILD)
        return max((len(list(run)) for wild, run in runs if not wild), default=0)

    def how(self, plate: str, fold: Fold) -> How | None:
        """How that plate fits; None if it does not."""
        if re.fullmatch(self.regex(None), plate):
            return "exact" if self.whole else "partial"
        if self.folded and re.fullmatch(self.regex(fold), plate):
            return "confusable" if self.whole else "partial_confusable"
        return None

    def regex(self, fold: Fold | None) -> str:
        """As a regular expression, anchored, for Python and PostgreSQL; folded if ``fold`` is."""
        wild = {ANY_CHARACTER: ".", ANY_CHARACTERS: ".*"}
        return "^" + "".join(wild.get(char) or alternatives(char, fold) for char in self.text) + "$"

    def glob(self, fold: Fold | None) -> str:
        """As what SQLite calls GLOB; folded if ``fold`` is."""
        return "".join(char if char in _WILD else alternatives(char, fold) for char in self.text)


def alternatives(char: str, fold: Fold | None) -> str:
    """The character, or with ``fold`` all that are taken for it, as both notations write them."""
    if fold is None:
        return char
    same = "".join(other for other in _ALPHABET if fold(other) == fold(char))
    return same if len(same) == 1 else f"[{same}]"
