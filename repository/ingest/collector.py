"""Python's garbage collector in a process that takes in records by the thousand.

It looks for cycles among what was made lately, whenever enough was made. Records, rows and answers
hold no cycles, and thousands of them live for as long as their transaction: looking through them
again and again, and through all that the program loaded, was a quarter of the processor time that
a read cost. It goes on, less often, for the cycles of errors and connections.
"""

from __future__ import annotations

import gc

_MADE_BEFORE_LOOKING = 50_000
_LOOKS_BEFORE_LOOKING_FURTHER = 10


def spare() -> None:
    """Leave out all that is there already, and look at what comes after less often.

    Called once, when a process has loaded what it needs.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(
        _MADE_BEFORE_LOOKING, _LOOKS_BEFORE_LOOKING_FURTHER, _LOOKS_BEFORE_LOOKING_FURTHER
    )
