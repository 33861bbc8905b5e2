"""What the demo shows while it runs."""

from __future__ import annotations

import sys
from typing import Any

_RED, _GREEN, _FAINT, _PLAIN = "\x1b[1;31m", "\x1b[32m", "\x1b[2m", "\x1b[0m"


class Screen:
    """Lines on standard error for a person; standard output is left to the result."""

    def __init__(self) -> None:
        self._coloured = sys.stderr.isatty()

    def step(self, words: str) -> None:
        """Say what happens now."""
        self._write(f"-- {words}", _FAINT)

    def read(self, event: dict[str, Any]) -> None:
        """Show a read that the unit made durable, and its hits."""
        where = event["position"]
        place = (
            f"{where['latitude_deg']:.5f} {where['longitude_deg']:.5f}"
            if "latitude_deg" in where
            else "no position"
        )
        self._write(
            f"   read {event['plate']:<8} {event['state'] or '--'}  {event['confidence']:4.0%}  "
            f"{event['frames_voted']:>3} frames  {place}  {event['file']}"
        )
        for hit in event["hits"]:
            self._write(
                f"   HIT  {hit['listed']:<8} {hit['kind'].replace('_', ' ')} ({hit['how']}): "
                "verify plate, state and status before a stop",
                _RED,
            )

    def done(self, words: str) -> None:
        """Say what was found good."""
        self._write(f"   {words}", _GREEN)

    def bad(self, words: str) -> None:
        """Say what was found wrong."""
        self._write(f"   {words}", _RED)

    def _write(self, words: str, colour: str = "") -> None:
        line = f"{colour}{words}{_PLAIN}" if self._coloured and colour else words
        print(line, file=sys.stderr, flush=True)
