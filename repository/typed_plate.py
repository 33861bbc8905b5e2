"""Plates as people type them."""

from __future__ import annotations

from edge.contract.plates import normalise

_BETWEEN = frozenset(" -")


def only_of_plates(typed: str, *, wildcards: str = "") -> bool:
    """Whether every character is a letter, a digit, a blank, a dash, or one of the wildcards.

    What else is typed must be refused: dropped unseen, it would make another plate.
    """
    return all(char in _BETWEEN or char in wildcards or len(normalise(char)) == 1 for char in typed)
