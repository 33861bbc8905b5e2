"""The unit's time: what set it, how far off it may be, and never the same time twice.

Three sources, best first. The kernel says when a time service (NTP, PTP, a daemon fed by a
receiver) keeps the system's clock, and within what error. Otherwise the satellites' time is
taken from the receiver's sentences and carried on by the monotonic clock: a car out of reach of
any network still has good time. Otherwise there is only what the system's clock says.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from edge.contract.records import Clock

GPS_ERROR_MS = 1000.0
"""A sentence says which second it belongs to and arrives within it."""

MONOTONIC_DRIFT_PPM = 100.0
"""More than a crystal strays, even in a cold car."""

GPS_REFERENCE_LASTS_S = 600.0
"""After this a later sentence replaces a reference that arrived more promptly."""

EARLIEST = datetime(2025, 1, 1, tzinfo=UTC)
"""Before this software was: a clock that says so was never set, a receiver's week rolled over."""

AGREEMENT_S = 2.0
"""Sentences further apart than this, once carried to the same moment, tell different times."""


@dataclass(frozen=True, slots=True)
class _Reference:
    at: datetime
    monotonic_s: float


class UnitClock:
    """Hands out times that only rise, and says what they rest on; safe to use from any thread.

    If the underlying time steps back, the times handed out go on at half speed until it has
    caught up, and the lead is part of the error.

    Args:
        system: the system's clock in UTC.
        monotonic_s: a clock that never steps, in seconds.
        service_error_ms: the error of the service that keeps the system's clock, or None if none
            does; see :func:`kernel_error_ms`.
    """

    def __init__(
        self,
        *,
        system: Callable[[], datetime],
        monotonic_s: Callable[[], float],
        service_error_ms: Callable[[], float | None],
    ) -> None:
        self._system = system
        self._monotonic_s = monotonic_s
        self._service_error_ms = service_error_ms
        self._gps: _Reference | None = None
        self._doubted: _Reference | None = None
        self._last: _Reference | None = None
        self._lock = threading.Lock()

    def heard(self, satellites: datetime) -> None:
        """Take the satellites' UTC time from a sentence that has just arrived.

        A time far from what was known counts only once the next sentence agrees with it.
        """
        if satellites < EARLIEST:
            return
        with self._lock:
            heard = _Reference(satellites, self._monotonic_s())
            if self._gps is None or not _agree(self._gps, heard):
                confirmed = self._doubted is not None and _agree(self._doubted, heard)
                self._gps, self._doubted = (heard, None) if confirmed else (self._gps, heard)
                return
            self._doubted = None
            is_old = heard.monotonic_s - self._gps.monotonic_s > GPS_REFERENCE_LASTS_S
            if is_old or heard.at > _carried(self._gps, heard.monotonic_s):
                self._gps = heard

    def now(self) -> datetime:
        """The time, UTC with microseconds, later than every time given before."""
        with self._lock:
            now_s = self._monotonic_s()
            moment, _ = self._estimate(now_s)
            if self._last is not None and moment <= self._last.at:
                elapsed = timedelta(seconds=(now_s - self._last.monotonic_s) / 2)
                moment = self._last.at + max(elapsed, timedelta(microseconds=1))
            self._last = _Reference(moment, now_s)
            return moment

    def state(self) -> Clock:
        """What the times now rest on, with the error in milliseconds where it can be told."""
        with self._lock:
            moment, clock = self._estimate(self._monotonic_s())
            if self._last is None or clock.error_ms is None:
                return clock
            lead_ms = max(0.0, (self._last.at - moment) / timedelta(milliseconds=1))
            return Clock(source=clock.source, error_ms=round(clock.error_ms + lead_ms, 3))

    def _estimate(self, now_s: float) -> tuple[datetime, Clock]:
        system = self._system()
        service_error_ms = self._service_error_ms()
        if service_error_ms is not None and system >= EARLIEST:
            return system, Clock(source="ntp", error_ms=round(service_error_ms, 3))
        if self._gps is not None:
            drift_ms = (now_s - self._gps.monotonic_s) * MONOTONIC_DRIFT_PPM / 1000
            return _carried(self._gps, now_s), Clock(
                source="gps", error_ms=round(GPS_ERROR_MS + drift_ms, 3)
            )
        return system, Clock(source="system" if system >= EARLIEST else "unset", error_ms=None)


def _carried(reference: _Reference, now_s: float) -> datetime:
    return reference.at + timedelta(seconds=now_s - reference.monotonic_s)


def _agree(earlier: _Reference, later: _Reference) -> bool:
    difference = later.at - _carried(earlier, later.monotonic_s)
    return abs(difference) <= timedelta(seconds=AGREEMENT_S)


_STA_UNSYNC = 0x0040
_TIME_ERROR = 5


class _Timex(ctypes.Structure):
    """The head of Linux's ``struct timex`` (adjtimex(2)); the rest is only room."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_long * 32),
    )


def kernel_error_ms() -> float | None:
    """The greatest error that the kernel grants its clock, while a time service keeps it.

    None if no service does, or the system is not one where the kernel knows (adjtimex(2)).
    """
    adjtimex = getattr(ctypes.CDLL(None), "adjtimex", None)
    if adjtimex is None:
        return None
    timex = _Timex()
    state = adjtimex(ctypes.byref(timex))
    if state < 0 or state == _TIME_ERROR or timex.status & _STA_UNSYNC:
        return None
    return float(timex.maxerror) / 1000
