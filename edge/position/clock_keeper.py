"""Remembers the last good time over a restart, and says when receiver and time service disagree.

A unit without a battery for its clock starts in 1970, or at the moment of its last shutdown. With
the last good time on the disk such a clock is known to be wrong, and the reads of a cold start are
stamped with a time that is late by how long the unit was off, marked as ``unset``, and not decades
out, where the repository would refuse them as expired.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from edge.position.clock import UnitClock, believable

CHECK_EVERY_S = 2.0
KEEP_EVERY_S = 60.0
_LONGEST_TEXT_BYTES = 64


def load_last_known(path: Path) -> datetime | None:
    """The time that was good when the unit last ran; None if there is none that can be."""
    try:
        with path.open("rb") as file:
            moment = datetime.fromisoformat(file.read(_LONGEST_TEXT_BYTES).decode("ascii").strip())
    except (OSError, ValueError):
        return None
    if moment.tzinfo is None or not believable(moment):
        return None
    return moment.astimezone(UTC)


class ClockKeeper:
    """Looks after the clock in the thread that is given to :meth:`run`.

    Args:
        clock: the unit's clock.
        path: where the last good time is kept.
        say: called with a part's name and a sentence, or None when all is well.
        monotonic_s: a clock that never steps, in seconds.
    """

    def __init__(
        self,
        clock: UnitClock,
        path: Path,
        *,
        say: Callable[[str, str | None], None],
        monotonic_s: Callable[[], float],
    ) -> None:
        self._clock = clock
        self._path = path
        self._say = say
        self._monotonic_s = monotonic_s
        self._kept_s = float("-inf")
        self._looked_at_file = False

    def run(self, stop: threading.Event) -> None:
        """Look after it until ``stop`` is set."""
        while not stop.wait(CHECK_EVERY_S):
            self.check()

    def check(self) -> None:
        """Look once."""
        self._look_at_file()
        self._say("clock of the receiver", self._wrong_receiver())
        off_s = self._clock.system_off_s()
        self._say("clock of the system", None if off_s is None else _off(off_s))
        now_s = self._monotonic_s()
        if now_s - self._kept_s >= KEEP_EVERY_S and self._clock.state().source in ("ntp", "gps"):
            self._kept_s = now_s
            self._keep()

    def _look_at_file(self) -> None:
        """Say once that what is kept there is no time; the next good time replaces it."""
        if self._looked_at_file:
            return
        self._looked_at_file = True
        if self._path.is_file() and load_last_known(self._path) is None:
            self._say(
                "clock file",
                f"{self._path} tells no time that can be, and is not believed: nothing to do but "
                "to let the unit hear GPS or reach a time server; it is then written anew",
            )

    def _wrong_receiver(self) -> str | None:
        refused, dispute_s = self._clock.refused(), self._clock.dispute_s()
        if refused is not None:
            return (
                f"the GPS receiver says that it is {refused:%Y-%m-%d}, which cannot be, and is not "
                "believed: see that it is the unit's own receiver or gpsd that answers, and "
                "replace a receiver too old to count the satellites' weeks"
            )
        if dispute_s is not None:
            return (
                f"the GPS receiver's time is {abs(dispute_s):,.0f} s "
                f"{'ahead of' if dispute_s > 0 else 'behind'} the time service's, which is "
                "believed: find out which is wrong; a receiver that is led astray tells wrong "
                "places too"
            )
        return None

    def _keep(self) -> None:
        fresh = self._path.with_suffix(".new")
        try:
            with fresh.open("w", encoding="ascii") as file:
                file.write(f"{self._clock.now().isoformat()}\n")
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path)
        except OSError as error:
            self._say(
                "clock file",
                f"{self._path}: {error.strerror}; the unit would not know after a restart that its "
                "clock is wrong: free the disk, or mend its rights",
            )
        else:
            self._say("clock file", None)


def _off(ahead_s: float) -> str:
    side = "ahead of" if ahead_s > 0 else "behind"
    return (
        f"the system's clock is {abs(ahead_s):,.0f} s {side} the time that the unit knows and puts "
        "into its records: set it; until then the log and the files carry a wrong time, and "
        "certificates may be refused"
    )
