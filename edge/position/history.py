"""The last reports of a receiver, and what they say of a moment that has gone by."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import deque
from datetime import datetime, timedelta
from itertools import islice

from msgspec import UNSET

from edge.contract.records import GpsFix, NoPosition, Position
from edge.position.between import Place, between, onward
from edge.position.nmea import Fix, Report

DEFAULT_FIX_LASTS_S = 10.0
"""At 30 m/s a car is 300 m on after ten seconds: past that a place says more than is known.
Receivers report once a second, so ten missing reports are a failure and no hiccup."""

DEFAULT_BRIDGE_S = 3.0
"""Two missing reports are bridged; a car may turn a corner within more."""

_KEPT_REPORTS = 1200


class FixHistory:
    """The last reports of a receiver; safe to fill and to ask from different threads.

    A read is stored some time after its frame, so the question is for a moment that has gone by.
    Mostly a later fix is there by then, and the answer lies between two. The newest fix is carried
    on at its speed and heading: on a drive with turns and stops, half a second to a second old, it
    is then ten times nearer than if it were held.

    Args:
        fix_lasts_s: age past which a fix no longer says where the unit is.
        bridge_s: fixes further apart than this are not joined by a line.
    """

    def __init__(
        self, fix_lasts_s: float = DEFAULT_FIX_LASTS_S, bridge_s: float = DEFAULT_BRIDGE_S
    ) -> None:
        self._fix_lasts = timedelta(seconds=fix_lasts_s)
        self._bridge = timedelta(seconds=bridge_s)
        self._reports: deque[tuple[datetime, Report]] = deque(maxlen=_KEPT_REPORTS)
        self._lock = threading.Lock()

    def add(self, report: Report, moment: datetime) -> None:
        """Take a report of that moment of the unit's clock.

        Reports that claim to be later are dropped: the clock was set back since.
        """
        with self._lock:
            while self._reports and self._reports[-1][0] > moment:
                self._reports.pop()
            self._reports.append((moment, report))

    def at(self, moment: datetime) -> Position:
        """Where the unit was then: between two fixes, or from the newest.

        Returns:
            the place with the age of the nearest fix, or no position: 'no_receiver' if nothing
            was heard from the receiver by then or for longer than a fix lasts, 'no_fix' if it said
            that it had none, 'stale' if it fell silent after a fix.
        """
        before, after = self._around(moment)
        if before is None:
            return NoPosition(reason="no_receiver")
        told_at, report = before
        age = moment - told_at
        if not isinstance(report, Fix):
            return NoPosition(reason="no_fix" if age <= self._fix_lasts else "no_receiver")
        if after is not None and isinstance(after[1], Fix) and after[0] - told_at <= self._bridge:
            gap = after[0] - told_at
            place = between(
                report, after[1], after_s=age.total_seconds(), gap_s=gap.total_seconds()
            )
            nearest = after[1] if gap - age < age else report
            return _position(place, nearest, min(age, gap - age))
        if age > self._fix_lasts:
            return NoPosition(reason="stale")
        return _position(onward(report, after_s=age.total_seconds()), report, age)

    def _around(
        self, moment: datetime
    ) -> tuple[tuple[datetime, Report] | None, tuple[datetime, Report] | None]:
        """The last report up to the moment, and the first after it."""
        with self._lock:
            index = bisect_right(self._reports, moment, key=lambda one: one[0])
            around = list(islice(self._reports, max(0, index - 1), index + 1))
        if index == 0:
            return None, around[0] if around else None
        return around[0], around[1] if len(around) > 1 else None


def _position(place: Place, nearest: Fix, age: timedelta) -> GpsFix:
    return GpsFix(
        latitude_deg=round(place.latitude_deg, 7),
        longitude_deg=round(place.longitude_deg, 7),
        speed_mps=None if place.speed_mps is None else round(place.speed_mps, 3),
        heading_deg=None if place.heading_deg is None else round(place.heading_deg, 1) % 360,
        quality=nearest.quality,
        satellites=nearest.satellites,
        hdop=nearest.hdop,
        age_ms=age // timedelta(milliseconds=1),
        uncertainty_m=UNSET if place.radius_m is None else round(place.radius_m, 1),
    )
