"""How well a reader reads: texts and states right, and whether it is as sure as it should be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.vision.plate_reader import ReaderTraits, decode, state_reading
from edge.vision.reader import PlateReading, plate_reading

BINS = 10
WRONG_ALLOWED = 0.01
_FOLDED = str.maketrans("OI", "01")

Read = Callable[[NDArray[np.uint8]], tuple[NDArray[np.float64], NDArray[np.float64]]]
"""Pictures (n, 96, 192, 3) to probabilities of characters (n, t, 37) and states (n, 52)."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A plate's label and what was read; `state` None where it is not known."""

    text: str
    state: str | None
    reading: PlateReading | None

    @property
    def right(self) -> bool:
        """Whether the text is the label's, letter by letter."""
        return self.reading is not None and self.reading.text == self.text


def outcomes(
    steps: NDArray[np.float64],
    states: NDArray[np.float64],
    traits: ReaderTraits,
    labels: Sequence[tuple[str, str | None]],
) -> list[Outcome]:
    """Read the probabilities of labelled plates, as the daemon would."""
    found = []
    for plate, state, (text, truth) in zip(steps, states, labels, strict=True):
        characters = decode(plate, traits.alphabet, traits.temperature)
        reading = plate_reading(characters, state_reading(state, traits)) if characters else None
        found.append(Outcome(text, truth, reading))
    return found


def fold(text: str) -> str:
    """O as 0 and I as 1, which many states draw alike."""
    return text.translate(_FOLDED)


def figures(found: Sequence[Outcome]) -> dict[str, float]:
    """Shares of texts right, of states right where they are known, and how far to be trusted.

    `ece` is the expected calibration error of the readings' confidence over ten equal bins
    (C. Guo et al., "On Calibration of Modern Neural Networks", 2017).
    """
    texts = [(each.text, each.reading.text if each.reading else "") for each in found]
    with_state = [each for each in found if each.state]
    named = [each for each in with_state if each.reading and each.reading.state.code]
    right_states = sum(each.state == each.reading.state.code for each in named if each.reading)
    confidences = np.array([each.reading.confidence if each.reading else 0.0 for each in found])
    right = np.array([each.right for each in found])
    threshold, accepted = accept(confidences, right)
    result = {
        "n": float(len(found)),
        "exact": _share(sum(text == read for text, read in texts), len(texts)),
        "folded": _share(sum(fold(text) == fold(read) for text, read in texts), len(texts)),
        "ece": calibration_error(confidences, right),
        "threshold": threshold,
        "accepted": accepted,
    }
    if with_state:
        result["state"] = _share(right_states, len(with_state))
        result["state_named"] = _share(len(named), len(with_state))
        result["state_precision"] = _share(right_states, len(named))
    return {name: round(value, 4) for name, value in result.items()}


def calibration_error(confidences: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """The mean gap between confidence and share right, bins weighted by what is in them."""
    bins = np.minimum((confidences * BINS).astype(int), BINS - 1)
    gaps = [
        abs(confidences[bins == each].mean() - right[bins == each].mean()) * (bins == each).mean()
        for each in range(BINS)
        if (bins == each).any()
    ]
    return float(sum(gaps))


def accept(confidences: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[float, float]:
    """The lowest confidence from which at most 1% of readings are wrong, and their share.

    (1.0, 0.0) where there is no such confidence.
    """
    order = np.argsort(-confidences, kind="stable")
    wrong = np.cumsum(~right[order]) / np.arange(1, len(order) + 1)
    good = np.flatnonzero(wrong <= WRONG_ALLOWED)
    if not len(good):
        return 1.0, 0.0
    last = int(good[-1])
    return float(confidences[order[last]]), (last + 1) / len(order)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
