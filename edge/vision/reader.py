"""What a plate reader gives: text and state, with the alternatives of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class CharacterReading:
    """One character of a plate: (character, probability) pairs, most probable first.

    Probabilities are 0..1 and need not add up to 1: the rest is 'no character here'.
    """

    alternatives: tuple[tuple[str, float], ...]

    @property
    def best(self) -> str:
        """The most probable character."""
        return self.alternatives[0][0]

    @property
    def confidence(self) -> float:
        """The probability of the most probable character."""
        return self.alternatives[0][1]


@dataclass(frozen=True, slots=True)
class StateReading:
    """The state of issuance: USPS code (two letters) or None where it was not made out."""

    code: str | None
    confidence: float
    alternatives: tuple[tuple[str, float], ...]


UNKNOWN_STATE = StateReading(None, 0.0, ())


@dataclass(frozen=True, slots=True)
class PlateReading:
    """A plate's text (A-Z and 0-9, without separators), character by character, and its state.

    `confidence` is that of the weakest character: one bad character makes another plate.
    """

    text: str
    characters: tuple[CharacterReading, ...]
    confidence: float
    state: StateReading


def plate_reading(
    characters: tuple[CharacterReading, ...], state: StateReading = UNKNOWN_STATE
) -> PlateReading:
    """Assemble a reading from at least one character."""
    return PlateReading(
        text="".join(character.best for character in characters),
        characters=characters,
        confidence=min(character.confidence for character in characters),
        state=state,
    )


class Reader(Protocol):
    """Reads a plate's text from its crop."""

    def read(self, crop: NDArray[np.uint8]) -> PlateReading | None:
        """Read an upright (h, w, 3) uint8 BGR crop of one plate.

        None means that the crop holds no text; a failure raises VisionError, never None.
        """
        ...


@runtime_checkable
class TwoPartReader(Reader, Protocol):
    """A Reader that can read text and state each alone, in less time than both."""

    def read_text(self, crop: NDArray[np.uint8]) -> PlateReading | None:
        """As Reader.read, with the state unknown."""
        ...

    def read_state(self, crop: NDArray[np.uint8]) -> StateReading:
        """The state of issuance of the plate in a crop; UNKNOWN_STATE where it cannot show one."""
        ...
