"""The last reports of a receiver, and what they say of a moment that has gone by."""

from __future__ import annotations

import threading
from collections import deque
from datetime import datetime, timedelta

from edge.contract.records import GpsFix, NoPosition, Position
from edge.position.nmea import Fix, Report

DEFAULT_FIX_LASTS_S = 10.0
"""At 30 m/s a car is 300 m on after ten seconds: past that a place says more than is known.
Receivers report once a second, so ten missing reports are a failure and no hiccup."""

_KEPT_REPORTS = 1200


class FixHistory:
    """The last reports of a receiver; safe to fill and to ask from different threads.

    A pass of a car ends after its best picture was taken, so the question is always for a moment
    that has gone by, and is answered with the report that was newest then.
    """

    def __init__(self, fix_lasts_s: float = DEFAULT_FIX_LASTS_S) -> None:
        self._fix_lasts = timedelta(seconds=fix_lasts_s)
        self._reports: deque[Report] = deque(maxlen=_KEPT_REPORTS)
        self._lock = threading.Lock()

    def add(self, report: Report) -> None:
        """Take a report, received no earlier than those before it."""
        with self._lock:
            self._reports.append(report)

    def at(self, moment: datetime) -> Position:
        """The newest fix at that moment.

        Returns:
            the fix with its age, or no position: 'no_receiver' if nothing was heard from the
            receiver by then or for longer than a fix lasts, 'no_fix' if it said that it had none,
            'stale' if it fell silent after a fix.
        """
        with self._lock:
            report = next(
                (one for one in reversed(self._reports) if one.received_at <= moment), None
            )
        if report is None:
            return NoPosition(reason="no_receiver")
        age = moment - report.received_at
        if not isinstance(report, Fix):
            return NoPosition(reason="no_fix" if age <= self._fix_lasts else "no_receiver")
        if age > self._fix_lasts:
            return NoPosition(reason="stale")
        return GpsFix(
            latitude_deg=report.latitude_deg,
            longitude_deg=report.longitude_deg,
            speed_mps=report.speed_mps,
            heading_deg=report.heading_deg,
            quality=report.quality,
            satellites=report.satellites,
            hdop=report.hdop,
            age_ms=age // timedelta(milliseconds=1),
        )
