"""The place of a unit on a pole: surveyed once."""

from __future__ import annotations

from edge.contract.records import FixedSite, Position


class Site:
    """A unit that does not move."""

    def __init__(self, site: FixedSite) -> None:
        self._site = site

    def at(self, moment_s: float) -> Position:  # noqa: ARG002
        """The surveyed place, at any moment."""
        return self._site
