"""The daemon's chores: hot lists kept fresh, a status written, what lasts put on record."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import structlog
from msgspec import UNSET

from edge.errors import EdgeError
from edge.health.malfunctions import LastingTroubles
from edge.health.observe import Observer
from edge.health.receipt_watch import ReceiptWatch
from edge.health.spool_watch import SpoolWatch
from edge.health.status import StatusError, write_status
from edge.hotfile.facts import ListFacts
from edge.hotfile.match import Hotlist
from edge.hotfile.open import Outcome
from edge.position.clock import Step
from edge.recording.recorder import Recorder

EVERY_S = 2.0
MOST_REJECTED = 0.01
"""Share of a file's lines that may be rejected with no more than a line in the log."""

_log = structlog.get_logger()


class Housekeeping:
    """Chores, each for a thread of its own until the daemon stops.

    A disk that hangs holds up those that touch it, and no other.
    """

    def __init__(
        self,
        recorder: Recorder,
        observer: Observer,
        status_file: Path,
        stop: threading.Event,
        *,
        link_down_for_s: float,
        ended_unclean: bool = False,
    ) -> None:
        """``ended_unclean`` is whether the daemon before ended without being told to."""
        self._recorder = recorder
        self._health = recorder.health
        self._observer = observer
        self._status_file = status_file
        self._stop = stop
        self._lasting = LastingTroubles(link_down_for_s)
        self._spool_watch = SpoolWatch(recorder.spool, recorder.health)
        self._receipt_watch = ReceiptWatch(recorder.uplink, recorder.health)
        self.lists_tried = threading.Event()
        """Set once every hot list was loaded, or could not be."""
        self._ended_unclean = ended_unclean
        if ended_unclean:
            self._health.count("unclean_ends")
            _log.warning("the unit's program had ended without being told to")
        self._steps: list[Step] = []
        """Steps of the clock that are not on record yet."""

    def keep(self) -> None:
        """Look at what nobody else looks at, and write the status."""
        self._repeat(
            {
                "clock": self._check_clock,
                "hot lists": self._open_hotlists,
                "withheld reads": self._recorder.withholding.tend,
                "spool": self._spool_watch.look,
                "receipts": self._receipt_watch.look,
                "status": self.write_status,
            }
        )

    def keep_hotlists(self) -> None:
        """Build each list whose file is new; where that fails the old one stays in use."""
        try:
            self._open_hotlists()
            self._say_what_is_missing()
            self._load_hotlists()
        finally:
            self.lists_tried.set()
        self._repeat({"hot lists' files": self._load_hotlists})

    def report_malfunctions(self) -> None:
        """Put troubles that last on record (policy, IV.D.4 and 6)."""
        self._repeat({"malfunctions": self._report_malfunctions})

    def write_status(self, *, stopped: bool = False) -> None:
        """Write what 'alpr-edge status' shows."""
        try:
            status = self._observer.status(stopped=stopped)
            write_status(self._status_file, status, lasting=stopped)
        except StatusError as error:
            self._health.trouble("status file", str(error))
        else:
            self._health.recovered("status file")

    def _repeat(self, steps: Mapping[str, Callable[[], None]]) -> None:
        while not self._stop.wait(EVERY_S):
            self._recorder.beat()
            for part, step in steps.items():
                try:
                    step()
                except EdgeError as error:
                    self._health.trouble(f"keeping of {part}", str(error))
                else:
                    self._health.recovered(f"keeping of {part}")

    def _check_clock(self) -> None:
        clock = self._recorder.clock
        if clock.state().source == "unset":
            self._health.trouble(
                "clock",
                "the unit has not had the time since it started: let it hear GPS or reach a time "
                "server; its reads are marked until then",
            )
        else:
            self._health.recovered("clock")

    def _report_malfunctions(self) -> None:
        steps = self._recorder.clock.take_steps()
        self._health.count("clock_steps", len(steps))
        for step in steps:
            _log.warning("clock", what=told_steps([step]))
        self._steps += steps
        if self._steps and self._recorder.report_malfunction(
            "clock", None, told_steps(self._steps), "step of the clock"
        ):
            self._steps.clear()
        if self._ended_unclean:
            self._recorder.report_malfunction(
                "other",
                None,
                "the unit's program had ended without being told to: it was killed, or the power "
                "was cut",
                "end of the program",
            )
            self._ended_unclean = False
        self._lasting.report(self._health.report(), self._recorder.report_malfunction)

    def _load_hotlists(self) -> None:
        self._open_hotlists()
        hotlists = self._recorder.hotlists
        if hotlists.complete:
            self.lists_tried.set()
        for outcome in hotlists.tend():
            self._tell(outcome)
        self._open_hotlists()

    def _say_what_is_missing(self) -> None:
        hotlists = self._recorder.hotlists
        in_use = {one.name for one in hotlists.current.lists}
        said = self._health.report().troubles
        for name in hotlists.names:
            part = f"hot list {name}"
            if name not in in_use and part not in said:
                self._health.trouble(
                    part,
                    f"{name} is not in use yet, no read is compared with it: it is built from its "
                    "file, or fetched as [hotlist_updates] says, or waits for a stick: "
                    "'alpr-edge hotfile import'",
                )

    def _tell(self, outcome: Outcome) -> None:
        part = (
            f"hot list {outcome.name}"
            if outcome.part == "list"
            else f"hot list file {outcome.name}"
        )
        if outcome.error is not None:
            self._health.trouble(part, outcome.error)
            return
        self._health.recovered(part)
        if outcome.hotlist is not None:
            _log.info(
                "hot list in use",
                list=outcome.name,
                version=outcome.hotlist.version,
                source=outcome.hotlist.source,
                entries=outcome.hotlist.entries,
            )
            self._tell_left_out(outcome.hotlist.facts)
        if outcome.build is not None and outcome.build.rejected:
            _log.warning(
                "lines of a hot list were rejected",
                list=outcome.name,
                rejected=outcome.build.rejected,
                first=[f"line {one.line}: {one.reason}" for one in outcome.build.rejections[:20]],
            )

    def _tell_left_out(self, facts: ListFacts) -> None:
        """Say that much of the list's file was rejected: half a list looks whole."""
        part, left_out = f"lines of hot list {facts.name}", facts.left_out
        lines = facts.entries + facts.rejected
        if left_out is not UNSET and facts.rejected > MOST_REJECTED * lines:
            self._health.trouble(
                part,
                f"{facts.rejected} of {lines} lines of {facts.name} were rejected, and their "
                f"plates are not looked for: the first is {left_out.first}",
            )
        else:
            self._health.recovered(part)

    def _open_hotlists(self) -> None:
        """Put newly built and newly fetched lists in use, and say how old each is."""
        hotlists = self._recorder.hotlists
        for outcome in hotlists.poll():
            self._tell(outcome)
        now = self._recorder.clock.now()
        for hotlist in hotlists.current.lists:
            part = f"age of hot list {hotlist.name}"
            if hotlist.stale(now):
                self._health.trouble(part, _told_age(hotlist, now))
            else:
                self._health.recovered(part)


def _told_age(hotlist: Hotlist, now: datetime) -> str:
    """What is wrong with the date of a list that is not to be relied on."""
    if hotlist.issued_at <= now:
        return f"{hotlist.name} is older than its limit: update it"
    return (
        f"{hotlist.name} is dated {hotlist.issued_at:%Y-%m-%d %H:%M} UTC, ahead of this unit's "
        f"clock, which says {now:%Y-%m-%d %H:%M}, so its age is not known: check the unit's clock "
        "with 'alpr-edge doctor'; if that is right, have whoever publishes the list correct its "
        "date and issue it again"
    )


def told_steps(steps: Sequence[Step]) -> str:
    """Steps of the clock in a sentence: where it came from, and where that led."""
    first, last = steps[0], steps[-1]
    number = "" if len(steps) == 1 else f", in {len(steps)} steps"
    return (
        f"the clock stepped from {first.before:%Y-%m-%d %H:%M:%S} to "
        f"{last.after:%Y-%m-%d %H:%M:%S} UTC{number}"
    )
