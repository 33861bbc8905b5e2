"""Where ``alpr-edge`` starts: Ctrl-C ends it quietly even while it loads."""

from __future__ import annotations

import sys

_INTERRUPTED = 130
"""What a shell says of a program that SIGINT ended."""


def main() -> None:
    """Load the command and run it."""
    try:
        from edge.cli import main as command
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    command()
