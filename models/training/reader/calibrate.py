"""Make a reader as sure as it is right: temperatures fitted to plates held out.

C. Guo et al., "On Calibration of Modern Neural Networks", 2017, section 4.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edge.vision.plate_reader import ReaderTraits, softened

from .measure import outcomes

TEMPERATURES = tuple(float(t) for t in np.geomspace(0.6, 2.5, 11))
LEAST = 1e-4


def fitted(
    steps: NDArray[np.float64],
    states: NDArray[np.float64],
    labels: Sequence[tuple[str, str | None]],
    traits: ReaderTraits,
) -> ReaderTraits:
    """The traits with the temperatures that make what was read of labelled plates least wrong.

    For the text, the logarithmic loss of a reading's confidence as the probability that it is
    right; for the state, that of the labelled state.
    """
    text = min(
        TEMPERATURES,
        key=lambda t: _confidence_loss(steps, states, labels, replace(traits, temperature=t)),
    )
    known = [index for index, (_, state) in enumerate(labels) if state is not None]
    classes = [traits.states.index(str(labels[index][1])) for index in known]
    state = min(TEMPERATURES, key=lambda t: _state_loss(states[known], classes, t))
    return replace(traits, temperature=round(text, 3), state_temperature=round(state, 3))


def _confidence_loss(
    steps: NDArray[np.float64],
    states: NDArray[np.float64],
    labels: Sequence[tuple[str, str | None]],
    traits: ReaderTraits,
) -> float:
    found = outcomes(steps, states, traits, labels)
    confidences = np.array([each.reading.confidence if each.reading else 0.0 for each in found])
    right = np.array([each.right for each in found])
    given = np.clip(np.where(right, confidences, 1 - confidences), LEAST, 1)
    return float(-np.log(given).mean())


def _state_loss(states: NDArray[np.float64], classes: Sequence[int], temperature: float) -> float:
    soft = softened(states, temperature)
    given = soft[np.arange(len(classes)), list(classes)]
    return float(-np.log(np.maximum(given, LEAST)).mean())
