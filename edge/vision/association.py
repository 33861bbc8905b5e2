"""Which plate of this frame belongs to which pass: likelihood ratios, and the best assignment.

A pair's likeness is the natural logarithm of how much likelier the plate is if it belongs to the
pass than if it is another car's: from the text, from where the plate should be by now, and from
its size. Above 0 it belongs. No pair is ruled out by one of them alone: a reader misreads, a car
jumps at three frames a second, and a hidden one comes out elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from edge.vision.vote import NOTHING, Table

CHANCE = 1 / 15
"""How often two cars have the same character at a place: serials of a state begin alike."""

LEAST_SAME = 1e-3  # a sure misreading of a character
GAP = -3.5  # a character lost or added by the reader
WHOLLY_MISREAD = 0.25  # how often a reading of no confidence has no character right
LEAST_TEXT = -12.0  # nothing of the text was read rightly
LEAST_PLACE = -9.0
LEAST_SIZE = -4.0
LEFT = -8.0  # a plate comes back that was on its way out of the picture
EXACT_UP_TO = 6


def least_text(confidence: float) -> float:
    """The likelihood ratio of texts that have nothing in common, by how sure the less sure one is.

    A plate that comes into view, or is half hidden, is now and then read as another altogether;
    the reader then doubts at least one character.
    """
    return max(LEAST_TEXT, math.log(max(1e-9, WHOLLY_MISREAD * (1.0 - confidence) ** 4)))


def text_likeness(a: Table, b: Table) -> float:
    """The likelihood ratio of two readings' texts, over the best way to lay them together."""
    same = np.log(np.maximum(a[:, :NOTHING] @ b[:, :NOTHING].T, LEAST_SAME) / CHANCE).tolist()
    above = [GAP * column for column in range(len(b) + 1)]
    for row, costs in enumerate(same, 1):
        here = [GAP * row]
        for column, cost in enumerate(costs):
            here.append(max(above[column] + cost, above[column + 1] + GAP, here[column] + GAP))
        above = here
    return max(LEAST_TEXT, float(above[-1]))


def place_likeness(
    away_px: tuple[float, float], spread_px: tuple[float, float], picture_px: float
) -> float:
    """The likelihood ratio of a place, `away_px` from where it was expected.

    Another car may be anywhere in a picture of `picture_px` square pixels; this one is spread
    normally, by `spread_px` across and down.
    """
    density = picture_px / (2 * math.pi * spread_px[0] * spread_px[1])
    far = sum((away / spread) ** 2 for away, spread in zip(away_px, spread_px, strict=True))
    return max(LEAST_PLACE, math.log(max(density, 1e-9)) - far / 2)


def size_likeness(ratio: float, spread: float) -> float:
    """The likelihood ratio of a plate's width, `ratio` to the expected, in spreads of its log."""
    off = math.log(ratio) / spread
    return max(LEAST_SIZE, math.log(1.0 / spread) - off * off / 2)


def assign(likeness: Mapping[tuple[int, int], float]) -> dict[int, int]:
    """Which plate (first of a pair) goes to which pass (second): the highest sum of likenesses.

    Only pairs above 0 are taken, no plate or pass twice. Exact for groups of up to EXACT_UP_TO
    plates that compete with each other, greedy for larger ones.
    """
    pairs = {pair: value for pair, value in likeness.items() if value > 0}
    chosen: dict[int, int] = {}
    for group in _groups(pairs):
        plates = sorted({plate for plate, _ in group})
        if len(plates) <= EXACT_UP_TO:
            chosen |= _best(plates, pairs, frozenset())[1]
        else:
            chosen |= _greedy(group, pairs)
    return chosen


def _groups(pairs: Mapping[tuple[int, int], float]) -> list[list[tuple[int, int]]]:
    """The pairs in groups that share neither plate nor pass."""
    groups: list[list[tuple[int, int]]] = []
    for pair in pairs:
        touching = [
            group for group in groups if any(p == pair[0] or t == pair[1] for p, t in group)
        ]
        groups = [group for group in groups if group not in touching]
        groups.append([pair, *(one for group in touching for one in group)])
    return groups


def _best(
    plates: Sequence[int], pairs: Mapping[tuple[int, int], float], taken: frozenset[int]
) -> tuple[float, dict[int, int]]:
    if not plates:
        return 0.0, {}
    first, rest = plates[0], plates[1:]
    best = _best(rest, pairs, taken)
    for (plate, track), value in pairs.items():
        if plate == first and track not in taken:
            others, chosen = _best(rest, pairs, taken | {track})
            if others + value > best[0]:
                best = (others + value, chosen | {first: track})
    return best


def _greedy(
    group: Sequence[tuple[int, int]], pairs: Mapping[tuple[int, int], float]
) -> dict[int, int]:
    chosen: dict[int, int] = {}
    for plate, track in sorted(group, key=lambda pair: -pairs[pair]):
        if plate not in chosen and track not in chosen.values():
            chosen[plate] = track
    return chosen
