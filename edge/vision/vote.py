"""Join several readings of one plate into one, character by character.

Readings of different lengths cannot be laid over each other without guessing where a character
was lost; the length with the most weight wins, and only its readings vote on the characters.

Ballots of one view (a car that stands, two margins round one outline) repeat each other's errors:
their probabilities are averaged, so that agreement proves nothing. Views differ in size or place:
they err more independently, and their averages are multiplied, tempered to what they are worth
together. A pass of one view is therefore never surer than its frames.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from edge.vision.reader import (
    UNKNOWN_STATE,
    CharacterReading,
    PlateReading,
    StateReading,
    plate_reading,
)

MAX_ALTERNATIVES = 5
NAMED_FROM = 0.5  # a state as probable as this is named, whatever most ballots named
VIEWS_WORTH = 0.3
"""Views count together as their number to this power: 10 views as 2 independent ones.

Measured on passes made of real crops shrunk and blurred, 30 to 128 px wide: with it the probability
of the whole text is off by 0.02 on average, with the mean of the frames by 0.2, with their product
by 0.05 where plates are small. So are those of the alternatives, down to 1 in 10,000: that decides
whether a listed plate may be the one that was read.
"""

GLYPHS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
NOTHING = len(GLYPHS)
"""The column of a table that says how likely there is no character at all."""

LEAST = 1e-4  # no view is surer than this that a place does not hold a character
_COLUMN = {glyph: column for column, glyph in enumerate(GLYPHS)}

Table = NDArray[np.float64]
"""Probabilities (characters, 37): of each character of GLYPHS, then of NOTHING."""


@dataclass(frozen=True, slots=True)
class Ballot:
    """One reading, how much it counts (above 0), and the view of the plate that it is from."""

    reading: PlateReading
    weight: float
    view: int = 0


def vote(ballots: Sequence[Ballot]) -> PlateReading:
    """The joint reading of at least one ballot; those of one view follow each other."""
    tally = Tally()
    for ballot in ballots:
        tally.add(ballot)
    return tally.reading()


class Tally:
    """Counts ballots as they come; what it keeps does not grow with their number."""

    def __init__(self) -> None:
        self._by_length: dict[int, _Lengthwise] = {}
        self._states = _States()

    def add(self, ballot: Ballot) -> None:
        """Count a ballot."""
        length = len(ballot.reading.text)
        self._by_length.setdefault(length, _Lengthwise(length)).add(ballot)
        self._states.add(ballot)

    def reading(self) -> PlateReading:
        """The joint reading of all ballots, of which there must be one."""
        # The product over the characters is how likely the whole text is: a reading with one
        # doubtful character too many or too few loses to one that is sure of all of its own.
        best = max(self._by_length.values(), key=lambda length: length.likelihood)
        return plate_reading(best.characters(), self._states.joint())

    @property
    def state(self) -> StateReading:
        """The state as the ballots so far have it together."""
        return self._states.joint()


class _Lengthwise:
    """The ballots of one length: the view at hand, and the logarithms of those before it."""

    def __init__(self, length: int) -> None:
        self.likelihood = 0.0
        self._view: int | None = None
        self._in_view = np.zeros((length, len(GLYPHS) + 1))
        self._ballots = 0
        self._ballots_weight = 0.0
        self._logs = np.zeros_like(self._in_view)
        self._weights = (0.0, 0.0)  # of the views before: their sum, the sum of their squares

    def add(self, ballot: Ballot) -> None:
        reading, weight = ballot.reading, ballot.weight
        if ballot.view != self._view:
            if self._ballots:
                self._logs, self._weights = self._joined()
            self._in_view = np.zeros_like(self._in_view)
            self._view, self._ballots, self._ballots_weight = ballot.view, 0, 0.0
        self.likelihood += weight * prod(one.confidence for one in reading.characters)
        self._in_view += weight * table(reading)
        self._ballots += 1
        self._ballots_weight += weight

    def characters(self) -> tuple[CharacterReading, ...]:
        return tuple(CharacterReading(_likeliest(row)) for row in self._joint())

    def _joint(self) -> Table:
        if not self._weights[0]:
            return np.asarray(self._in_view / self._ballots_weight)
        logs, (total, squares) = self._joined()
        views = total**2 / squares  # how many equal ones they are worth
        tempered = logs * (views**VIEWS_WORTH / total)
        raised = np.exp(tempered - tempered.max(axis=1, keepdims=True))
        return np.asarray(raised / raised.sum(axis=1, keepdims=True))

    def _joined(self) -> tuple[Table, tuple[float, float]]:
        """The logarithms with the view at hand, which counts as one of its ballots does."""
        weight = self._ballots_weight / self._ballots
        mean = np.maximum(self._in_view / self._ballots_weight, LEAST)
        total, squares = self._weights
        return self._logs + weight * np.log(mean), (total + weight, squares + weight**2)


class _States:
    """The weighted mean over the ballots that considered any state.

    A ballot that could not name the state still says which it may be, and how likely none. The
    state is named where most ballots name it.
    """

    def __init__(self) -> None:
        self._total = 0.0
        self._sums: defaultdict[str, float] = defaultdict(float)
        self._named: defaultdict[str | None, float] = defaultdict(float)

    def add(self, ballot: Ballot) -> None:
        state = ballot.reading.state
        if not state.alternatives:
            return
        self._total += ballot.weight
        self._named[state.code] += ballot.weight
        for code, confidence in state.alternatives:
            self._sums[code] += confidence * ballot.weight

    def joint(self) -> StateReading:
        if not self._total:
            return UNKNOWN_STATE
        ordered = sorted(self._sums.items(), key=lambda pair: (-pair[1], pair[0]))
        ranked = tuple(
            (code, min(1.0, total / self._total)) for code, total in ordered[:MAX_ALTERNATIVES]
        )
        if self._named[ranked[0][0]] <= self._named[None] and ranked[0][1] < NAMED_FROM:
            return StateReading(None, 0.0, ranked)
        return StateReading(*ranked[0], ranked)


def table(reading: PlateReading) -> Table:
    """A reading's characters as a table; what it left unassigned is that there is none."""
    rows = np.zeros((len(reading.characters), len(GLYPHS) + 1))
    for row, character in zip(rows, reading.characters, strict=True):
        for glyph, probability in character.alternatives:
            row[_COLUMN[glyph]] = min(1.0, probability)
        row[NOTHING] = max(0.0, 1.0 - row.sum())
    return rows


def _likeliest(row: NDArray[np.float64]) -> tuple[tuple[str, float], ...]:
    order = np.argsort(-row[:NOTHING], kind="stable")[:MAX_ALTERNATIVES]
    ranked = tuple((GLYPHS[place], min(1.0, float(row[place]))) for place in order)
    return tuple(pair for pair in ranked if pair[1] > LEAST / 2) or ranked[:1]
