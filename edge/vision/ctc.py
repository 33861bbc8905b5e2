"""From a network's steps to a text: connectionist temporal classification (A. Graves et al., 2006).

At every step the network gives probabilities of a blank (class 0) and of each character. A text's
probability is the sum over all ways to spread it over the steps, repeated classes being one
character unless a blank stands between. Everything here is pure.
"""

from __future__ import annotations

from collections import defaultdict
from heapq import nlargest

import numpy as np
from numpy.typing import NDArray

BLANK = 0
BEAM = 8
MIN_STEP_PROBABILITY = 1e-3  # what a step gives less to does not start a character there


def likeliest(steps: NDArray[np.float64], beam: int = BEAM) -> tuple[int, ...]:
    """The classes of the likeliest text for (steps, classes) probabilities, by prefix search.

    A. Hannun et al., "First-Pass Large Vocabulary Continuous Speech Recognition using
    Bi-Directional Recurrent DNNs", 2014, algorithm 1, without a language model.
    """
    prefixes: dict[tuple[int, ...], tuple[float, float]] = {(): (1.0, 0.0)}
    for step in steps:
        blank = float(step[BLANK])
        likely = [int(c) for c in np.flatnonzero(step >= MIN_STEP_PROBABILITY) if c != BLANK]
        grown: defaultdict[tuple[int, ...], list[float]] = defaultdict(lambda: [0.0, 0.0])
        for prefix, (ends_blank, ends_character) in prefixes.items():
            total = ends_blank + ends_character
            kept = grown[prefix]
            kept[0] += total * blank
            last = prefix[-1] if prefix else BLANK
            if prefix:
                kept[1] += ends_character * float(step[last])
            for character in likely:
                before = ends_blank if character == last else total
                grown[(*prefix, character)][1] += before * float(step[character])
        best = nlargest(beam, grown.items(), key=lambda item: sum(item[1]))
        prefixes = {prefix: (ends[0], ends[1]) for prefix, ends in best}
    return max(prefixes, key=lambda prefix: sum(prefixes[prefix]))


def text_probabilities(steps: NDArray[np.float64], texts: NDArray[np.intp]) -> NDArray[np.float64]:
    """The probability (texts,) of each of (texts, length) class sequences of one length."""
    count, length = texts.shape
    states = np.full((count, 2 * length + 1), BLANK, dtype=np.intp)
    states[:, 1::2] = texts
    # A character may follow the one before it without a blank unless they are the same.
    skips = np.zeros(states.shape, dtype=np.bool_)
    skips[:, 3::2] = texts[:, 1:] != texts[:, :-1]
    forward = np.zeros(states.shape, dtype=np.float64)
    forward[:, 0] = 1.0
    for number, step in enumerate(steps):
        emitted = step[states]
        if number == 0:
            forward[:, 1:2] = 1.0
            forward *= emitted
            continue
        moved = forward.copy()
        moved[:, 1:] += forward[:, :-1]
        moved[:, 2:] += np.where(skips[:, 2:], forward[:, :-2], 0.0)
        forward = moved * emitted
    total: NDArray[np.float64] = forward[:, -2:].sum(axis=1)
    return total


def alternatives(steps: NDArray[np.float64], text: tuple[int, ...]) -> NDArray[np.float64]:
    """For each place of the text, the probability of every class there: (length, classes).

    Given the other characters as they are; the blank's column is the probability that there is
    no character at that place. Each row adds up to 1.
    """
    classes = steps.shape[1]
    seen = np.flatnonzero(steps.max(axis=0) >= MIN_STEP_PROBABILITY)
    candidates = np.union1d(seen[seen != BLANK], np.array(text, dtype=np.intp))
    length = len(text)
    texts = np.tile(np.array(text, dtype=np.intp), (length, len(candidates), 1))
    for place in range(length):
        texts[place, :, place] = candidates
    given = text_probabilities(steps, texts.reshape(-1, length)).reshape(length, -1)
    table = np.zeros((length, classes), dtype=np.float64)
    table[:, candidates] = given
    if length > 1:
        without = np.array([text[:place] + text[place + 1 :] for place in range(length)])
        table[:, BLANK] = text_probabilities(steps, without.astype(np.intp))
    else:
        table[:, BLANK] = steps[:, BLANK].prod()
    total = table.sum(axis=1, keepdims=True)
    return np.asarray(table / np.maximum(total, np.finfo(np.float64).tiny))
