"""Weigh a reading with what states issue: in a serial's shape, O and 0 are not equally likely.

Many dies draw O like 0 and I like 1, and a network sees only the drawing. The shapes of issued
serials say which is likelier at a place; personalised plates have no shape, so a shape never
forbids a text, it only weighs (Bayes' rule). Every alternative stays in the reading.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from heapq import nlargest
from types import MappingProxyType
from typing import Protocol

from edge.vision.reader import CharacterReading, PlateReading, plate_reading

MIN_PROBABILITY = 0.02
MAX_CANDIDATES = 256
MAX_ALTERNATIVES = 5

ISSUED = 1.0
ISSUED_ELSEWHERE = 0.5  # the state's name was read, and others issue this shape
SHAPELESS = 0.1  # personalised, foreign, or a shape that the list lacks

# How likely the second character is, for each unit of the first, before the network has looked:
# dies that share one glyph, then pairs that differ by a stroke which a small picture loses.
_DRAWN_ALIKE = (("O", "0", 0.3), ("I", "1", 0.2))
_ONE_STROKE = (
    ("B", "8", 0.06), ("S", "5", 0.06), ("Z", "2", 0.06), ("G", "6", 0.06), ("D", "0", 0.03),
    ("Q", "0", 0.06), ("Z", "7", 0.03), ("L", "4", 0.01), ("T", "7", 0.02), ("A", "4", 0.02),
)  # fmt: skip


def _both_ways(*pairs: tuple[str, str, float]) -> Mapping[str, Mapping[str, float]]:
    table: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for a, b, likelihood in pairs:
        table[a][b] = table[b][a] = likelihood
    return MappingProxyType(dict(table))


LOOKALIKES = _both_ways(*_DRAWN_ALIKE, *_ONE_STROKE)


class Shapes(Protocol):
    """Which states issue serials of a shape; edge.contract.plates.SerialFormats is one."""

    def states_matching(self, plate: str) -> tuple[str, ...]:
        """USPS codes of the states that issue serials of the plate's shape."""
        ...


def weigh(reading: PlateReading, shapes: Shapes) -> PlateReading:
    """The reading with its characters' probabilities weighed by the shapes of serials.

    Each character keeps the total probability that the network gave it; the shapes share it out
    anew among its alternatives and lookalikes.
    """
    places = [_alternatives(character) for character in reading.characters]
    candidates = _likeliest(places)
    weighed = [
        (text, likelihood * _prior(text, shapes, reading.state.code))
        for text, likelihood in candidates
    ]
    total = sum(weight for _, weight in weighed)
    if not total:
        return reading
    characters = []
    for place, character in enumerate(reading.characters):
        shares: defaultdict[str, float] = defaultdict(float)
        for text, weight in weighed:
            shares[text[place]] += weight / total
        characters.append(_shared_out(character, shares))
    return plate_reading(tuple(characters), reading.state)


def _alternatives(character: CharacterReading) -> dict[str, float]:
    found = {
        glyph: probability
        for glyph, probability in character.alternatives
        if probability >= MIN_PROBABILITY or glyph == character.best
    }
    for glyph, probability in tuple(found.items()):
        for other, likelihood in LOOKALIKES.get(glyph, {}).items():
            found[other] = max(found.get(other, 0.0), probability * likelihood)
    return found


def _likeliest(places: list[dict[str, float]]) -> list[tuple[str, float]]:
    """The likeliest texts, by a beam over the places."""
    beam = [("", 1.0)]
    for alternatives in places:
        beam = nlargest(
            MAX_CANDIDATES,
            (
                (text + glyph, likelihood * probability)
                for text, likelihood in beam
                for glyph, probability in alternatives.items()
            ),
            key=lambda pair: pair[1],
        )
    return beam


def _prior(text: str, shapes: Shapes, state: str | None) -> float:
    issuers = shapes.states_matching(text)
    if state in issuers or (state is None and issuers):
        return ISSUED
    return ISSUED_ELSEWHERE if issuers else SHAPELESS


def _shared_out(character: CharacterReading, shares: Mapping[str, float]) -> CharacterReading:
    mass = sum(probability for glyph, probability in character.alternatives if glyph in shares)
    joined = dict(character.alternatives) | {g: share * mass for g, share in shares.items()}
    ranked = sorted(joined.items(), key=lambda pair: (-pair[1], pair[0]))
    return CharacterReading(tuple(ranked[:MAX_ALTERNATIVES]))
