"""Keeps the daemon's parts running: started, started again when they fail, ended when they hang.

A part that fails in a way nobody foresaw is started again after a growing wait, so many times in
a while; then the daemon gives up, unless it can do without that part: that one is tried again
every ten minutes, and what is wrong is said until it works. A part that hangs cannot be ended by
anyone in its process, for it may wait inside a driver: its silence is said, and where it stays
silent the process must end, for the service manager to start it anew. What is durable is not
touched by that.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

from edge.errors import EdgeError
from edge.health.health import Health
from edge.supervision.hearts import Hearts

RESTARTS = 5
RESTART_WINDOW_S = 600.0
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0
SOUND_AFTER_S = 30.0
"""A part that was started again is well again once it has run for so long."""

GRACE_S = 30.0
"""A silent part may come back within this time, from when its silence was said."""

_log = structlog.get_logger()


class PartError(EdgeError):
    """A part of the daemon cannot go on; the text says which and how."""


class PartFailedError(PartError):
    """A part ended by itself, or failed too often."""


class PartStuckError(PartError):
    """A part hangs, and nothing within the process can end it."""


@dataclass(frozen=True, slots=True)
class Part:
    """Something that runs in a thread of its own.

    Args:
        name: the thread's name.
        run: does the work until the daemon stops; called anew for each start.
        limit_s: longest silence of its heart, or None if it has none.
        may_end: whether it may return before the daemon stops, as a camera whose recording ends.
        vital: whether the daemon gives up where it fails too often; else it goes on without.
    """

    name: str
    run: Callable[[], None]
    limit_s: float | None = 60.0
    may_end: bool = False
    vital: bool = True


@dataclass(frozen=True, slots=True)
class PartState:
    """Whether a part runs, and how often it was started again since the daemon runs."""

    name: str
    runs: bool
    restarts: int


@dataclass(slots=True)
class _Seat:
    part: Part
    thread: threading.Thread | None = None
    fault: str | None = None
    finished: bool = False
    started_s: float = 0.0
    start_at_s: float | None = None
    restarts: int = 0
    faults_s: list[float] = field(default_factory=list)


class Supervisor:
    """Runs parts until they are told to stop; used by one thread, which calls ``look`` often."""

    def __init__(
        self,
        parts: Sequence[Part],
        hearts: Hearts,
        health: Health,
        stop: threading.Event,
        *,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seats = [_Seat(part) for part in parts]
        self._hearts = hearts
        self._health = health
        self._stop = stop
        self._monotonic_s = monotonic_s
        self._silent_since_s: dict[str, float] = {}

    def start(self) -> None:
        """Start every part."""
        for seat in self._seats:
            self._start(seat)

    def look(self) -> None:
        """Start again what failed, say what is silent.

        Raises:
            PartFailedError: if a part failed too often.
            PartStuckError: if a part is silent for longer than can be waited for.
        """
        for seat in self._seats:
            self._look_after(seat)
        self._look_for_silence()

    def silent(self) -> tuple[str, ...]:
        """Parts that did not beat within their limits when they were last looked at."""
        return tuple(self._silent_since_s)

    def running(self, names: Sequence[str]) -> bool:
        """Whether any of these parts still has work to do."""
        return any(not seat.finished for seat in self._seats if seat.part.name in names)

    def states(self) -> tuple[PartState, ...]:
        """Every part, in the order they were given."""
        return tuple(PartState(seat.part.name, _lives(seat), seat.restarts) for seat in self._seats)

    def join(self, within_s: float) -> tuple[str, ...]:
        """Wait for all threads to end once they are told to; those that still run then."""
        until_s = self._monotonic_s() + within_s
        for seat in self._seats:
            if seat.thread is not None:
                seat.thread.join(max(0.0, until_s - self._monotonic_s()))
        return tuple(seat.part.name for seat in self._seats if _lives(seat))

    def _start(self, seat: _Seat) -> None:
        part = seat.part
        seat.fault, seat.start_at_s, seat.started_s = None, None, self._monotonic_s()
        if part.limit_s is not None:
            self._hearts.expect(part.name, part.limit_s)
        seat.thread = threading.Thread(target=self._live, args=(seat,), name=part.name, daemon=True)
        seat.thread.start()

    def _live(self, seat: _Seat) -> None:
        """The thread of a part, from its first line to its last."""
        self._hearts.enter(seat.part.name)
        try:
            seat.part.run()
        except EdgeError as error:
            seat.fault = str(error)
        except Exception as error:  # noqa: BLE001 - a part must never just be gone
            seat.fault = type(error).__name__
            log_fault(seat.part.name, error)
        else:
            if not (seat.part.may_end or self._stop.is_set()):
                seat.fault = "its end, which nobody asked for"

    def _look_after(self, seat: _Seat) -> None:
        name, now_s = seat.part.name, self._monotonic_s()
        if seat.start_at_s is not None:
            if now_s >= seat.start_at_s and not self._stop.is_set():
                seat.restarts += 1
                self._health.count("restarts")
                self._start(seat)
            return
        if seat.finished or _lives(seat):
            if seat.restarts and now_s - seat.started_s > SOUND_AFTER_S:
                self._health.recovered(f"part {name}")
            return
        self._hearts.excuse(name)
        if seat.fault is None:
            seat.finished = True
            return
        seat.faults_s = [at for at in seat.faults_s if now_s - at < RESTART_WINDOW_S] + [now_s]
        times = len(seat.faults_s)
        failed = f"{name} failed {times} times, last with {seat.fault}; the log says where"
        if times <= RESTARTS:
            wait_s = min(FIRST_WAIT_S * 2.0 ** (times - 1), LONGEST_WAIT_S)
            failed = f"{name} failed with {seat.fault} and is started again"
        elif seat.part.vital:
            raise PartFailedError(failed)
        else:
            wait_s = RESTART_WINDOW_S
            failed += "; the unit goes on without it and tries it again in ten minutes"
        seat.start_at_s = now_s + wait_s
        self._health.trouble(f"part {name}", failed)

    def _look_for_silence(self) -> None:
        silent = self._hearts.silent()
        now_s = self._monotonic_s()
        for name in [name for name in self._silent_since_s if name not in silent]:
            del self._silent_since_s[name]
            self._health.recovered(f"silence of {name}")
        for name, age_s in silent.items():
            since_s = self._silent_since_s.setdefault(name, now_s)
            self._health.trouble(
                f"silence of {name}",
                f"{name} has not answered for {age_s:.0f} s: a driver or a disk holds it up; "
                "unless it comes back the unit starts anew",
            )
            if now_s - since_s > GRACE_S:
                raise PartStuckError(f"{name} hangs for {age_s:.0f} s and cannot be ended")


def _lives(seat: _Seat) -> bool:
    return seat.thread is not None and seat.thread.is_alive()


def log_fault(part: str, error: BaseException) -> None:
    """Say where a fault happened, not what it says: that may hold a plate or a password."""
    _log.error(
        "unforeseen fault",
        part=part,
        fault=type(error).__name__,
        where=[line.strip() for line in traceback.format_tb(error.__traceback__)[-4:]],
    )
