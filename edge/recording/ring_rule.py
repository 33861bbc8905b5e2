"""When a match rings before its pass ends; nothing here loads OpenCV, for the settings' sake."""

from __future__ import annotations

from dataclasses import dataclass

RING_AT_ONCE_FROM = 0.9
HELD_FOR_S = 0.5


@dataclass(frozen=True, slots=True)
class RingRule:
    """When a match rings before its pass ends.

    At once, where the listed plate is as probable as `at_once_from` by all frames so far. A less
    probable one rings when the text read has been the listed one for `held_for_s`: it would ring
    at the end of the pass in any case, and then the car is gone.
    """

    at_once_from: float = RING_AT_ONCE_FROM
    held_for_s: float = HELD_FOR_S
