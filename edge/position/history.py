"""The last reports of a receiver, and what they say of a moment that has gone by."""

from __future__ import annotations

import threading
from bisect import bisect_right, insort_right

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
        self._fix_lasts_s = fix_lasts_s
        self._bridge_s = bridge_s
        self._reports: list[tuple[float, Report]] = []
        self._lock = threading.Lock()

    def add(self, report: Report, moment_s: float) -> None:
        """Take a report of that moment; see :class:`edge.instant.Instant`.

        They are kept in order: the one that arrives later may be dated earlier, where only the
        other told its time.
        """
        with self._lock:
            insort_right(self._reports, (moment_s, report), key=lambda one: one[0])
            del self._reports[:-_KEPT_REPORTS]

    def at(self, moment_s: float) -> Position:
        """Where the unit was then: between two fixes, or from the newest.

        Returns:
            the place with the age of the nearest fix, or no position: 'no_receiver' if nothing
            was heard from the receiver by then or for longer than a fix lasts, 'no_fix' if it said
            that it had none, 'stale' if it fell silent after a fix.
        """
        before, after = self._around(moment_s)
        if before is None:
            return NoPosition(reason="no_receiver")
        told_s, report = before
        age_s = moment_s - told_s
        if not isinstance(report, Fix):
            return NoPosition(reason="no_fix" if age_s <= self._fix_lasts_s else "no_receiver")
        if after is not None and isinstance(after[1], Fix) and after[0] - told_s <= self._bridge_s:
            gap_s = after[0] - told_s
            place = between(report, after[1], after_s=age_s, gap_s=gap_s)
            nearest = after[1] if gap_s - age_s < age_s else report
            return _position(place, nearest, min(age_s, gap_s - age_s))
        if age_s > self._fix_lasts_s:
            return NoPosition(reason="stale")
        return _position(onward(report, after_s=age_s), report, age_s)

    def _around(
        self, moment_s: float
    ) -> tuple[tuple[float, Report] | None, tuple[float, Report] | None]:
        """The last report up to the moment, and the first after it."""
        with self._lock:
            index = bisect_right(self._reports, moment_s, key=lambda one: one[0])
            around = self._reports[max(0, index - 1) : index + 1]
        if index == 0:
            return None, around[0] if around else None
        return around[0], around[1] if len(around) > 1 else None


def _position(place: Place, nearest: Fix, age_s: float) -> GpsFix:
    return GpsFix(
        latitude_deg=round(place.latitude_deg, 7),
        longitude_deg=round(place.longitude_deg, 7),
        speed_mps=None if place.speed_mps is None else round(place.speed_mps, 3),
        heading_deg=None if place.heading_deg is None else round(place.heading_deg, 1) % 360,
        quality=nearest.quality,
        satellites=nearest.satellites,
        hdop=nearest.hdop,
        age_ms=int(age_s * 1000),
        uncertainty_m=UNSET if place.radius_m is None else round(place.radius_m, 1),
    )
