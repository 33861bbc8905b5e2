"""What the pipeline asks for a place, and the answer of a unit that has nothing to tell it by."""

from __future__ import annotations

from typing import Protocol

from edge.contract.records import NoPosition, Position


class PositionSource(Protocol):
    """Anything that knows where the unit was."""

    def at(self, moment_s: float) -> Position:
        """Where the unit was at a moment (`Instant.at_s`), or why that is not known."""
        ...


class NoReceiver:
    """A unit that has nothing to tell its place by."""

    def at(self, moment_s: float) -> Position:  # noqa: ARG002
        """That there is no receiver."""
        return NoPosition(reason="no_receiver")
