"""Join several readings of one plate into one, character by character.

Readings of different lengths cannot be laid over each other without guessing where a character
was lost; the length with the most weight wins, and only its readings vote on the characters.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from edge.vision.reader import (
    UNKNOWN_STATE,
    CharacterReading,
    PlateReading,
    StateReading,
    plate_reading,
)

MAX_ALTERNATIVES = 5
NAMED_FROM = 0.5  # a state as probable as this is named, whatever most ballots named


@dataclass(frozen=True, slots=True)
class Ballot:
    """One reading and how much it counts, above 0."""

    reading: PlateReading
    weight: float


def vote(ballots: Sequence[Ballot]) -> PlateReading:
    """The joint reading of at least one ballot.

    A character's probability is the weighted mean of what each ballot of the winning length
    gives it, so that alternatives survive the vote and agreement does not inflate confidence.
    """
    by_length: defaultdict[int, list[Ballot]] = defaultdict(list)
    for ballot in ballots:
        by_length[len(ballot.reading.text)].append(ballot)
    # The product over the characters is how likely the whole text is: a reading with one
    # doubtful character too many or too few loses to one that is sure of all of its own.
    voters = max(
        by_length.values(),
        key=lambda group: sum(b.weight * _likelihood(b.reading) for b in group),
    )
    total = sum(ballot.weight for ballot in voters)
    characters = tuple(
        _join([(b.reading.characters[place], b.weight / total) for b in voters])
        for place in range(len(voters[0].reading.text))
    )
    return plate_reading(characters, _join_states(ballots))


def _likelihood(reading: PlateReading) -> float:
    return prod(character.confidence for character in reading.characters)


def _join(shares: list[tuple[CharacterReading, float]]) -> CharacterReading:
    sums: defaultdict[str, float] = defaultdict(float)
    for character, share in shares:
        for glyph, probability in character.alternatives:
            sums[glyph] += probability * share
    return CharacterReading(_ranked(sums))


def _join_states(ballots: Sequence[Ballot]) -> StateReading:
    """The weighted mean over the ballots that considered any state, named where most of them do.

    A ballot that could not name the state still says which it may be, and how likely none.
    """
    knowing = [ballot for ballot in ballots if ballot.reading.state.alternatives]
    total = sum(ballot.weight for ballot in knowing)
    sums: defaultdict[str, float] = defaultdict(float)
    named: defaultdict[str | None, float] = defaultdict(float)
    for ballot in knowing:
        named[ballot.reading.state.code] += ballot.weight / total
        for code, confidence in ballot.reading.state.alternatives:
            sums[code] += confidence * ballot.weight / total
    ranked = _ranked(sums)
    if not ranked:
        return UNKNOWN_STATE
    if named[ranked[0][0]] <= named[None] and ranked[0][1] < NAMED_FROM:
        return StateReading(None, 0.0, ranked)
    return StateReading(*ranked[0], ranked)


def _ranked(sums: dict[str, float]) -> tuple[tuple[str, float], ...]:
    ordered = sorted(sums.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple((name, min(1.0, value)) for name, value in ordered[:MAX_ALTERNATIVES])
