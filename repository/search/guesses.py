"""What a unit's reader thought of every character, kept in the read's record. Pure.

The likelihood that a plate reads as another is the product of the probabilities that the reader
gave that other's characters, each at its place; 0 if it gave one of them none, or read another
number of characters. It speaks of the reader alone, not of how common plates are.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from edge.contract.records import Character, Engine
from repository.search.pattern import Fold, alternatives


class _Part(msgspec.Struct, frozen=True):
    """What is looked at here of a read's record, whatever else it has."""

    characters: tuple[Character, ...] = ()
    engine: Engine | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What a read's record tells of how it was read."""

    characters: tuple[Character, ...]
    engine: Engine | None

    @classmethod
    def of(cls, record: bytes) -> Told:
        """What the record tells."""
        part = msgspec.json.decode(record, type=_Part)
        return cls(part.characters, part.engine)

    def likelihood(self, plate: str) -> float:
        """How likely the reader thought that plate; from 0 to 1."""
        if len(plate) != len(self.characters):
            return 0.0
        likely = 1.0
        for char, seen in zip(plate, self.characters, strict=True):
            likely *= _probability(seen, char)
        return likely

    def explain(self, read: str, plate: str) -> str:
        """Where the plate differs from what was read, and how likely that character is there."""
        if len(read) != len(plate) or len(read) != len(self.characters):
            return ""
        parts = [
            f"character {place} was read as {was} ({_probability(seen, was):.2f}), "
            f"and {char} was thought possible ({_probability(seen, char):.2f})"
            for place, (was, char, seen) in enumerate(
                zip(read, plate, self.characters, strict=True), start=1
            )
            if was != char
        ]
        return "; ".join(parts)

    @property
    def engine_name(self) -> str | None:
        """The software that read it, with its models."""
        if self.engine is None:
            return None
        models = ", ".join(f"{each.name} {each.sha256[:12]}" for each in self.engine.models)
        return f"{self.engine.software} ({models})" if models else self.engine.software


def near_patterns(plate: str, fold: Fold) -> list[tuple[str, str]]:
    """What a read may spell whose second guess is that plate: a pattern in both notations for each.

    One character of it may be any other, the rest are as they are or easily taken for it. Nearly
    every second guess differs from the first by one character alone, and two that differ by more
    would have to be looked for in most of the dictionary.
    """
    classes = [alternatives(char, fold) for char in plate]
    found = []
    for place in range(len(plate)):
        front, back = "".join(classes[:place]), "".join(classes[place + 1 :])
        found.append((f"^{front}.{back}$", f"{front}?{back}"))
    return found


def _probability(seen: Character, char: str) -> float:
    for each in seen.alternatives:
        if each.char == char:
            return each.probability
    return 0.0
