"""Weigh a reading with what states issue: in a serial's shape, O and 0 are not equally likely.

Many dies draw O like 0 and I like 1, and a network sees only the drawing. Which of the two a place
holds follows from the shapes that the state of issuance gives its serials, and which state it is
follows, less surely, from the shape. So text and state are weighed together (Bayes' rule): a text's
weight is what the network gave it, times what each probable state makes of its shape. Personalised
plates have no shape, so a shape never forbids a text. Every alternative stays in the reading.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from edge.vision.reader import CharacterReading, PlateReading, StateReading, plate_reading

MIN_PROBABILITY = 0.005
MIN_RELATIVE_LIKELIHOOD = 0.005  # of the likeliest: no shape makes up for less
MAX_CANDIDATES = 64
MAX_ALTERNATIVES = 5

# How likely a text is on a plate of a state, by whether that state issues its shape.
ISSUED = 1.0
ISSUED_ELSEWHERE = 0.3  # the list of shapes has gaps, and a shape of others is a shape at least
SHAPELESS = 0.1  # personalised, or a shape that the list lacks
# On a plate of no known state, perhaps a foreign one, shapes say little.
UNKNOWN_SHAPELESS = 0.5

STATE_TEMPER = 0.5  # the network has seen text and plate together: the shape is no new witness
NAMED_FROM = 0.5  # a state that the reader did not name is named if it becomes this probable

Lookalikes = Mapping[str, Mapping[str, float]]
"""For each character, others and how likely they are for each unit of its probability."""


def _both_ways(*pairs: tuple[str, str, float]) -> Lookalikes:
    table: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for a, b, likelihood in pairs:
        table[a][b] = table[b][a] = likelihood
    return MappingProxyType(dict(table))


_SHARED_GLYPHS = (("O", "0", 0.3), ("I", "1", 0.2))
_ONE_STROKE = (
    ("B", "8", 0.06), ("S", "5", 0.06), ("Z", "2", 0.06), ("G", "6", 0.06), ("D", "0", 0.03),
    ("Q", "0", 0.06), ("Z", "7", 0.03), ("L", "4", 0.01), ("T", "7", 0.02), ("A", "4", 0.02),
)  # fmt: skip

NO_LOOKALIKES: Lookalikes = MappingProxyType({})
"""For a reader that learnt US plates: how sure it may be of a glyph is in its probabilities."""

SHARED_GLYPHS = _both_ways(*_SHARED_GLYPHS)
"""For a reader of other plates: many US dies draw these alike, and it never saw one."""

LOOKALIKES = _both_ways(*_SHARED_GLYPHS, *_ONE_STROKE)
"""For a reader of any text, which never saw a plate: also what a small picture makes alike."""


class Shapes(Protocol):
    """Which states issue serials of a shape; edge.contract.plates.SerialFormats is one."""

    def states_matching(self, plate: str) -> tuple[str, ...]:
        """USPS codes of the states that issue serials of the plate's shape."""
        ...


def weigh(reading: PlateReading, shapes: Shapes, lookalikes: Lookalikes) -> PlateReading:
    """The reading with the probabilities of its characters and its state weighed by shapes.

    Each character keeps the total probability that the network gave it; the shapes share it out
    anew among its alternatives and their lookalikes.
    """
    texts = _likeliest([_alternatives(character, lookalikes) for character in reading.characters])
    states = _states(reading.state)
    issuers = [shapes.states_matching(text) for text, _ in texts]
    fits_of = {some: _fits(some, states) for some in set(issuers)}
    fits = [fits_of[some] for some in issuers]
    weights = [
        likelihood * sum(states[state] * fit for state, fit in fitting.items())
        for (_, likelihood), fitting in zip(texts, fits, strict=True)
    ]
    total = sum(weights)
    if not total:
        return reading
    characters = []
    for place, character in enumerate(reading.characters):
        shares: defaultdict[str, float] = defaultdict(float)
        for (text, _), weight in zip(texts, weights, strict=True):
            shares[text[place]] += weight / total
        characters.append(_shared_out(character, shares))
    state = reading.state
    if state.alternatives:
        likelihoods = [likelihood for _, likelihood in texts]
        state = _weighed_state(state, states, _mean_fits(fits, likelihoods))
    return plate_reading(tuple(characters), state)


def _states(state: StateReading) -> dict[str | None, float]:
    """The probability of each state that the reader considered; None is any other."""
    total = sum(probability for _, probability in state.alternatives)
    scale = 1 / max(1.0, total)
    known: dict[str | None, float] = {code: p * scale for code, p in state.alternatives}
    return known | {None: max(0.0, 1 - total)}


def _fits(issuers: tuple[str, ...], states: Mapping[str | None, float]) -> dict[str | None, float]:
    """How likely a text that these states issue is on a plate of each state."""
    if len(states) == 1:  # the reader knows nothing of states: any may have issued it
        return {None: ISSUED if issuers else SHAPELESS}
    elsewhere = ISSUED_ELSEWHERE if issuers else SHAPELESS
    fits: dict[str | None, float] = {
        state: ISSUED if state in issuers else elsewhere for state in states
    }
    return fits | {None: ISSUED if issuers else UNKNOWN_SHAPELESS}


def _mean_fits(
    fits: list[dict[str | None, float]], likelihoods: list[float]
) -> dict[str | None, float]:
    total = sum(likelihoods)
    return {
        state: sum(f[state] * p for f, p in zip(fits, likelihoods, strict=True)) / total
        for state in fits[0]
    }


def _weighed_state(
    read: StateReading, states: Mapping[str | None, float], fits: Mapping[str | None, float]
) -> StateReading:
    raised = {state: p * fits[state] ** STATE_TEMPER for state, p in states.items()}
    total = sum(raised.values())
    known = [(code, p / total) for code, p in raised.items() if code is not None]
    ranked = tuple(sorted(known, key=lambda pair: (-pair[1], pair[0])))
    code, probability = ranked[0]
    if read.code is None and probability < NAMED_FROM:
        return StateReading(None, read.confidence, ranked)
    return StateReading(code, probability, ranked)


def _alternatives(character: CharacterReading, lookalikes: Lookalikes) -> dict[str, float]:
    found = {
        glyph: probability
        for glyph, probability in character.alternatives
        if probability >= MIN_PROBABILITY or glyph == character.best
    }
    for glyph, probability in tuple(found.items()):
        for other, likelihood in lookalikes.get(glyph, {}).items():
            found[other] = max(found.get(other, 0.0), probability * likelihood)
    least = max(found.values()) * MIN_RELATIVE_LIKELIHOOD
    return {glyph: probability for glyph, probability in found.items() if probability >= least}


def _likeliest(places: list[dict[str, float]]) -> list[tuple[str, float]]:
    """The likeliest texts, by a beam over the places."""
    beam = [(1.0, "")]
    for alternatives in places:
        least = beam[0][0] * max(alternatives.values()) * MIN_RELATIVE_LIKELIHOOD
        grown = [
            (likelihood * probability, text + glyph)
            for likelihood, text in beam
            for glyph, probability in alternatives.items()
            if likelihood * probability >= least
        ]
        beam = sorted(grown, reverse=True)[:MAX_CANDIDATES]
    return [(text, likelihood) for likelihood, text in beam]


def _shared_out(character: CharacterReading, shares: Mapping[str, float]) -> CharacterReading:
    mass = sum(probability for glyph, probability in character.alternatives if glyph in shares)
    joined = dict(character.alternatives) | {g: share * mass for g, share in shares.items()}
    ranked = sorted(joined.items(), key=lambda pair: (-pair[1], pair[0]))
    return CharacterReading(tuple(ranked[:MAX_ALTERNATIVES]))
