"""Where ``alpr-repository`` starts: Ctrl-C ends it quietly even while it loads."""

from __future__ import annotations

import gc
import sys

_INTERRUPTED = 130
"""What a shell says of a program that SIGINT ended."""


def main() -> None:
    """Load the command and run it.

    What is loaded stays until the end: to look through it for garbage meanwhile, and ever after,
    is a fifth of the time that a start takes.
    """
    gc.disable()
    try:
        from repository.cli import main as command
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    gc.freeze()
    gc.enable()
    command()
