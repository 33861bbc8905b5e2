"""What every receiver does with its reports: date them, keep them, tell the clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from edge.contract.records import Position
from edge.position.clock import SENTENCE_DELAY_S
from edge.position.history import FixHistory
from edge.position.nmea import Fix, Report
from edge.position.reachable import Reachable


class ReceiverClock(Protocol):
    """The unit's clock, as far as a receiver knows it; see :class:`edge.position.UnitClock`."""

    def now(self) -> datetime:
        """The unit's time."""
        ...

    def heard(self, satellites: datetime, delay_s: float = 0.0) -> None:
        """Take the satellites' time from a report that has just arrived."""
        ...

    def dated_s(self, satellites: datetime | None) -> float:
        """The moment of a report that has just arrived, as `Instant.at_s`."""
        ...


class Reports:
    """A position source that is filled by a receiver's thread.

    A fix belongs to its own second, not to the moment when its sentence arrived: at 30 m/s half a
    second is 15 m.

    Args:
        history: keeps the reports.
        clock: the unit's clock.
        count: called with the sentences taken and those that were none, since the last call.
    """

    def __init__(
        self, history: FixHistory, clock: ReceiverClock, count: Callable[[int, int], None]
    ) -> None:
        self._history = history
        self._clock = clock
        self._count = count
        self._counted = (0, 0)
        self._reachable = Reachable()

    def at(self, moment_s: float) -> Position:
        """Where the unit was at a moment (`Instant.at_s`), or why that is not known."""
        return self._history.at(moment_s)

    def now(self) -> datetime:
        """The unit's time."""
        return self._clock.now()

    def take(self, report: Report) -> bool:
        """Keep a report that has just arrived, unless it is a place that cannot be.

        Returns:
            whether it was kept.
        """
        if isinstance(report, Fix) and not self._reachable.takes(report, self._clock.dated_s(None)):
            return False
        satellites = report.at if isinstance(report, Fix) else None
        if satellites is not None:
            self._clock.heard(satellites, SENTENCE_DELAY_S)
        self._history.add(report, self._clock.dated_s(satellites))
        return True

    def counted(self, good: int, bad: int) -> None:
        """So many sentences were good and bad since the start."""
        before = self._counted
        if (good, bad) != before:
            self._counted = good, bad
            self._count(good - before[0], bad - before[1])
