"""Whether the unit can be where a fix says, after the fixes before; no input or output of its own.

A sentence's checksum has eight bits. On a line so noisy that every third sentence is refused, one
fix in a thousand is garbled all the same, with a right checksum and any place on earth (measured
with flipped bits). So a fix that no vehicle could have reached counts only once the next one bears
it out, as is so after a first fix that was wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

from edge.position.between import apart_m
from edge.position.nmea import Fix

FASTEST_MPS = 100.0
SCATTER_M = 100.0
"""How far fixes jump between tall buildings, where the unit did not move."""


@dataclass(slots=True)
class Reachable:
    """Remembers the last fix that counted, and one that was doubted since; for one receiver."""

    _last: tuple[Fix, float] | None = None
    _doubted: tuple[Fix, float] | None = None

    def takes(self, fix: Fix, moment_s: float) -> bool:
        """Whether a fix of that moment counts, later than any before."""
        known = [one for one in (self._last, self._doubted) if one is not None]
        if known and not any(_reached(from_, at_s, fix, moment_s) for from_, at_s in known):
            self._doubted = fix, moment_s
            return False
        self._last, self._doubted = (fix, moment_s), None
        return True


def _reached(before: Fix, before_s: float, fix: Fix, moment_s: float) -> bool:
    return apart_m(before, fix) <= SCATTER_M + FASTEST_MPS * max(0.0, moment_s - before_s)
