"""Plates as text: one spelling, characters that are easily confused, and serial formats by state.

A *plate* in this package is what :func:`normalise` returns: capitals A to Z and digits 0 to 9 in
reading order, nothing else. Everything here is pure once its table has been loaded; the tables
are ``config/confusables.toml`` and ``config/plate_formats.toml``.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from types import MappingProxyType

from edge.contract.configuration import config_file
from edge.contract.errors import ContractError

# fmt: off
STATES = (
    "AL", "AK", "AZ", "AR", "CA", "CO", "CT", "DE", "DC", "FL", "GA", "HI", "ID",
    "IL", "IN", "IA", "KS", "KY", "LA", "ME", "MD", "MA", "MI", "MN", "MS", "MO",
    "MT", "NE", "NV", "NH", "NJ", "NM", "NY", "NC", "ND", "OH", "OK", "OR", "PA",
    "RI", "SC", "SD", "TN", "TX", "UT", "VT", "VA", "WA", "WV", "WI", "WY",
)
# fmt: on
"""USPS codes of the fifty states and the District of Columbia."""

_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")


def normalise(text: str) -> str:
    """The plate that the text spells; empty if it spells none.

    Letters are capitalised and Unicode's compatibility forms unfolded (full-width letters,
    accents, superscript digits). Emblems, which are symbols to Unicode, go before that, so that a
    circled letter is not taken for a character. Spaces, hyphens, dots and bullets go, and with
    them the line breaks of stacked characters, which leaves those in reading order.
    """
    plain = "".join(char for char in text if not unicodedata.category(char).startswith("S"))
    unfolded = unicodedata.normalize("NFKD", plain).upper()
    return "".join(char for char in unfolded if char in _CHARACTERS)


@dataclass(frozen=True, slots=True)
class Confusables:
    """Groups of characters that people and machines take for one another.

    Build one with :meth:`of` or :func:`load_confusables`, which check the groups.
    """

    groups: tuple[str, ...]
    _table: bytes

    @classmethod
    def of(cls, groups: Sequence[str]) -> Confusables:
        """The table of these groups; each group's first character represents it.

        Raises:
            ContractError: if a group has fewer than two characters, one that no plate has, or one
                that another group has too.
        """
        table = bytearray(range(256))
        known: set[str] = set()
        for number, group in enumerate(groups):
            if len(group) < 2:
                raise ContractError(f"groups[{number}]: needs two characters or more")
            for char in group:
                if char not in _CHARACTERS:
                    raise ContractError(f"groups[{number}]: {char!r} is not one of A-Z and 0-9")
                if char in known:
                    raise ContractError(f"groups[{number}]: {char!r} is in a group already")
                known.add(char)
                table[ord(char)] = ord(group[0])
        return cls(tuple(groups), bytes(table))

    def fold(self, plate: str) -> str:
        """The plate with every character replaced by its group's representative."""
        # A third of the time of str.translate; in UTF-8 only what is ASCII has bytes of ASCII.
        return (
            plate.encode("utf-8", "surrogatepass")
            .translate(self._table)
            .decode("utf-8", "surrogatepass")
        )

    def substitutions(self, read: str, listed: str) -> tuple[tuple[int, str, str], ...] | None:
        """Where two plates differ, if confusable characters are all that they differ by.

        Returns:
            (index, read character, listed character) for each difference, none for equal plates;
            None if the plates differ by anything else.
        """
        if self.fold(read) != self.fold(listed):
            return None
        return tuple(
            (index, one, other)
            for index, (one, other) in enumerate(zip(read, listed, strict=True))
            if one != other
        )


def load_confusables(path: Path | None = None) -> Confusables:
    """The table in that file, by default the one that ships.

    Raises:
        ContractError: if the file cannot be read or does not hold a table of groups.
    """
    path = path or config_file("confusables.toml")
    table = _read_toml(path)
    groups = table.pop("groups", None)
    if table:
        raise ContractError(f"{path}: {min(table)}: not a setting of this file")
    if not isinstance(groups, list) or not all(isinstance(group, str) for group in groups):
        raise ContractError(f"{path}: groups: needs a list of strings")
    try:
        return Confusables.of(groups)
    except ContractError as error:
        raise ContractError(f"{path}: {error}") from error


@dataclass(frozen=True, slots=True)
class SerialFormats:
    """Which states issue serials of which shape: a lead to the state, never a proof of it.

    Many states share a shape, and personalised plates have none. ``states`` are those that have
    patterns, in the order of :data:`STATES`. A reader asks of every text that it considers, so
    plain patterns are looked up by the plate's shape and only those with brackets are compared.
    """

    states: tuple[str, ...]
    _by_shape: Mapping[str, tuple[str, ...]]
    _by_length: Mapping[int, tuple[tuple[str, re.Pattern[str]], ...]]

    @classmethod
    def of(cls, patterns: Mapping[str, Sequence[str]]) -> SerialFormats:
        """Formats from patterns by state; the notation is that of :func:`compile_pattern`.

        Raises:
            ContractError: if a key is no state, or a pattern is not of the notation.
        """
        by_shape: defaultdict[str, set[str]] = defaultdict(set)
        by_length: defaultdict[int, list[tuple[str, re.Pattern[str]]]] = defaultdict(list)
        for state, serials in patterns.items():
            if state not in STATES:
                raise ContractError(f"{state}: not the postal code of a state or of DC")
            if not serials:
                raise ContractError(f"{state}: has no pattern")
            for serial in serials:
                try:
                    compiled = re.compile(compile_pattern(serial))
                except ContractError as error:
                    raise ContractError(f"{state}: {error}") from error
                if "[" in serial or serial.count("#") > _MOST_EITHER:
                    by_length[len(_PATTERN_PART.findall(serial))].append((state, compiled))
                else:
                    for shape in product(*(_EITHER if part == "#" else part for part in serial)):
                        by_shape["".join(shape)].add(state)
        return cls(
            tuple(state for state in STATES if state in patterns),
            MappingProxyType({shape: tuple(states) for shape, states in by_shape.items()}),
            MappingProxyType({length: tuple(some) for length, some in by_length.items()}),
        )

    def states_matching(self, plate: str) -> tuple[str, ...]:
        """The states that issue serials of the plate's shape, in the order of :data:`STATES`."""
        found = set(self._by_shape.get(plate.translate(_SHAPE), ()))
        for state, pattern in self._by_length.get(len(plate), ()):
            if state not in found and pattern.fullmatch(plate):
                found.add(state)
        return tuple(sorted(found, key=_ORDER.__getitem__))


_EITHER = "A9"
_MOST_EITHER = 8
_SHAPE = str.maketrans({char: "9" if char.isdigit() else "A" for char in _CHARACTERS})
_ORDER = MappingProxyType({state: place for place, state in enumerate(STATES)})
_PATTERN_PART = re.compile(r"[A9#]|\[[A-Z0-9]+\]")
_PART_CLASS = {"A": "[A-Z]", "9": "[0-9]", "#": "[A-Z0-9]"}


def compile_pattern(pattern: str) -> str:
    """The regular expression for a serial's shape.

    Notation, one part for each character of the serial: ``A`` a letter, ``9`` a digit, ``#``
    either, ``[…]`` one of the characters between the brackets: ``[LM]AA999`` is six characters
    beginning with L or M.

    Raises:
        ContractError: if the pattern is empty or is not of this notation.
    """
    parts = _PATTERN_PART.findall(pattern)
    if not parts or "".join(parts) != pattern:
        raise ContractError(f"pattern {pattern!r}: use A, 9, # and [characters]")
    return "".join(_PART_CLASS.get(part, part) for part in parts)


def load_formats(path: Path | None = None) -> SerialFormats:
    """The formats in that file, by default those that ship.

    Raises:
        ContractError: if the file cannot be read, or is not a list of patterns under each use of
            a plate under each state.
    """
    path = path or config_file("plate_formats.toml")
    patterns: dict[str, list[str]] = {}
    for state, uses in _read_toml(path).items():
        if not isinstance(uses, dict):
            raise ContractError(f"{path}: {state}: needs a table of lists of patterns")
        for use, serials in uses.items():
            if not isinstance(serials, list) or not all(isinstance(one, str) for one in serials):
                raise ContractError(f"{path}: {state}.{use}: needs a list of strings")
            patterns.setdefault(state, []).extend(serials)
    try:
        return SerialFormats.of(patterns)
    except ContractError as error:
        raise ContractError(f"{path}: {error}") from error


def _read_toml(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ContractError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ContractError(f"{path}: not TOML: {error}") from error
