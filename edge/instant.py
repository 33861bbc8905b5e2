"""A moment as the unit knew it when something happened."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from edge.contract.records import Clock


@dataclass(frozen=True, slots=True)
class Instant:
    """A moment, twice told, and what its time of day rests on.

    ``at`` is UTC. It jumps when the unit learns a better time, so it says nothing of how long
    something took. ``at_s`` does: seconds of a clock that never steps and goes on in suspend. It
    means something beside others of the same run of the program alone.
    """

    at: datetime
    at_s: float
    clock: Clock

    def later(self, seconds: float) -> Instant:
        """The moment so many seconds later, by the same clock."""
        return replace(self, at=self.date(self.at_s + seconds), at_s=self.at_s + seconds)

    def date(self, at_s: float) -> datetime:
        """The time of day of another moment, by what this one's rests on."""
        return self.at + timedelta(seconds=at_s - self.at_s)
