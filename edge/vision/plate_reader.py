"""Text and state of a plate from its crop, by the reader that ships: one network, one pass.

The network sees the whole plate, so that a crop need not be cut to the line of the serial, and
what stands above and below it says which state issued it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.ctc import BLANK, alternatives, likeliest
from edge.vision.errors import ModelError, VisionError
from edge.vision.models import OnnxModel
from edge.vision.reader import (
    UNKNOWN_STATE,
    CharacterReading,
    PlateReading,
    StateReading,
    plate_reading,
)

WIDTH_PX = 192
HEIGHT_PX = 96
GROWTHS = (1.0, 1.12)
"""How much larger than the plate's outline the crop for this reader is, and that of a second look.

It was trained on margins from -4% to 20% of each side; a detector's outline often holds the frame.
"""
STATE_FROM_PX = 50
"""A plate narrower than this shows no state: of those named at 40 px, 27% are wrong."""

MAX_ALTERNATIVES = 5
MIN_ALTERNATIVE = 1e-4
UNKNOWN = ""
"""The class of plates without a state: those of other countries."""


@dataclass(frozen=True, slots=True)
class ReaderTraits:
    """What a reader's file says of itself.

    `alphabet` are the classes after the blank, `states` the USPS codes and UNKNOWN in the order
    of the outputs. The temperatures soften probabilities until they are right as often as they
    say; a state less probable than `min_state` is not named.
    """

    alphabet: str
    states: tuple[str, ...]
    temperature: float
    state_temperature: float
    min_state: float


def reader_input(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A crop (h, w, 3) uint8 BGR stretched to (96, 192, 3), as the network was trained."""
    shrinks = crop.shape[1] > WIDTH_PX
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    stretched = cv2.resize(crop, (WIDTH_PX, HEIGHT_PX), interpolation=interpolation)
    return np.asarray(stretched, dtype=np.uint8)


class OnnxPlateReader:
    """A Reader on the product's own network."""

    def __init__(self, model: OnnxModel) -> None:
        """Raises ModelError where the file is not a plate reader."""
        self.traits = read_traits(model)
        self._text = model.only("characters")
        self._states = model.only("states")

    def read(self, crop: NDArray[np.uint8]) -> PlateReading | None:
        """See Reader.read."""
        reading = self.read_text(crop)
        return None if reading is None else replace(reading, state=self.read_state(crop))

    def read_text(self, crop: NDArray[np.uint8]) -> PlateReading | None:
        """See TwoPartReader.read_text: three fifths of the work."""
        steps = self._text.run_all(_batch_of(crop))["characters"][0].astype(np.float64)
        characters = decode(steps, self.traits.alphabet, self.traits.temperature)
        return plate_reading(characters) if characters else None

    def read_state(self, crop: NDArray[np.uint8]) -> StateReading:
        """See TwoPartReader.read_state."""
        batch = _batch_of(crop)
        if crop.shape[1] < STATE_FROM_PX:
            return UNKNOWN_STATE
        states = self._states.run_all(batch)["states"][0].astype(np.float64)
        return state_reading(states, self.traits)


def _batch_of(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if crop.ndim != 3 or crop.shape[2] != 3 or min(crop.shape) < 1:
        raise VisionError(f"a crop of shape {crop.shape} cannot be read")
    return reader_input(crop)[np.newaxis]


def softened(probabilities: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """Probabilities along the last axis, made less sure by a temperature above 1."""
    powered = np.maximum(probabilities, 1e-12) ** (1 / temperature)
    return np.asarray(powered / powered.sum(axis=-1, keepdims=True))


def decode(
    steps: NDArray[np.float64], alphabet: str, temperature: float
) -> tuple[CharacterReading, ...]:
    """The characters of the likeliest text, each with its alternatives; none where it is empty.

    `steps` is (steps, blank and alphabet) probabilities, before the temperature.
    """
    soft = softened(steps, temperature)
    text = likeliest(soft)
    if not text:
        return ()
    return tuple(_character(row, alphabet) for row in alternatives(soft, text))


def _character(row: NDArray[np.float64], alphabet: str) -> CharacterReading:
    order = np.argsort(-row[BLANK + 1 :], kind="stable")[:MAX_ALTERNATIVES]
    ranked = [(alphabet[index], float(row[BLANK + 1 + index])) for index in order]
    likely = [pair for pair in ranked if pair[1] >= MIN_ALTERNATIVE]
    return CharacterReading(tuple(likely or ranked[:1]))


def state_reading(states: NDArray[np.float64], traits: ReaderTraits) -> StateReading:
    """The likeliest state, None where that is none of them or too improbable to be named."""
    soft = softened(states, traits.state_temperature)
    order = np.argsort(-soft, kind="stable")
    named = tuple(
        (traits.states[index], float(soft[index]))
        for index in order
        if traits.states[index] != UNKNOWN and soft[index] >= MIN_ALTERNATIVE
    )[:MAX_ALTERNATIVES]
    best = traits.states[order[0]]
    if best == UNKNOWN or soft[order[0]] < traits.min_state:
        return StateReading(None, UNKNOWN_STATE.confidence, named)
    return StateReading(best, float(soft[order[0]]), named)


def read_traits(model: OnnxModel) -> ReaderTraits:
    """What the file says of itself; raises ModelError where it is no plate reader."""
    try:
        told: dict[str, Any] = json.loads(model.metadata["plate_reader"])
        traits = ReaderTraits(
            alphabet=str(told["alphabet"]),
            states=tuple(str(state) for state in told["states"]),
            temperature=float(told["temperature"]),
            state_temperature=float(told["state_temperature"]),
            min_state=float(told["min_state"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"model {model.name} does not say what it reads ({error}): it is no plate reader"
        ) from error
    _check(model, traits)
    return traits


def _check(model: OnnxModel, traits: ReaderTraits) -> None:
    if [(taken.axes[1:], taken.dtype) for taken in model.inputs] != [
        ((HEIGHT_PX, WIDTH_PX, 3), "uint8")
    ]:
        found = ", ".join(str(taken) for taken in model.inputs)
        raise ModelError(f"model {model.name} takes {found}, expected n x 96 x 192 x 3 uint8")
    wanted = {"characters": len(traits.alphabet) + 1, "states": len(traits.states)}
    if {given.name: given.axes[-1] for given in model.outputs} != wanted:
        found = ", ".join(str(given) for given in model.outputs)
        raise ModelError(f"model {model.name} gives {found}, expected classes {wanted}")
    if min(traits.temperature, traits.state_temperature) <= 0:
        raise ModelError(f"model {model.name} has a temperature that is not above 0")
