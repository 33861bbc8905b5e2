"""The unit's time: what set it, how far off it may be, and never the same time twice in a row.

Three sources, best first. The kernel says when a time service (NTP, PTP, a daemon fed by a
receiver) keeps the system's clock, and within what error. Otherwise the satellites' time is
taken from the receiver's sentences and carried on by a clock that never steps: a car out of reach
of any network still has good time. Otherwise there is only what the system's clock says. If that
reads earlier than a time that was known to be good, it is wrong, and the good time is carried on
in its place; a unit that has had no trustworthy time since it started says ``unset``.

What becomes of steps:

- A step forward is followed at once.
- A step back of up to ``MAX_LEAD_S`` (leap seconds, a service that corrects a clock) is smoothed:
  the times handed out go on at half speed until the time below has caught up, and the lead is
  part of the error. Within it the times of a unit's records rise.
- A longer step back is followed at once. Smoothing it would stamp records with a time that is
  known to be wrong, for as long as the step was: a year back, and the unit would be wrong for two.
  Such a step, either way, is told by :meth:`UnitClock.take_steps`, for a malfunction on record.

A time before ``EARLIEST`` or after ``LATEST`` is believed of nobody. A receiver that tells one is
told of by :meth:`UnitClock.refused`. A receiver's time that contradicts by more than ``MAX_LEAD_S``
one that was proven is taken once its reports have agreed for ``STEP_AGREED_S``, and the error says
meanwhile how far the two are apart. A time service's is proven at once, a receiver's own once its
reports have agreed for so long: what it tells first after a cold start may be wrong.

So ``captured_at`` may fall, but never unseen, and two records in a row never have the same time.
The order of a unit's records is told by their sequence alone. The repository agrees: it requires
that an id carries its record's own milliseconds and that the moment is no more than a day ahead
and not past its keeping, never that times rise; its keys have the id beside the time. A search
shows reads by their time, which is the best that the unit knew when it made them.

A leap second needs nothing more. The satellites' time jumps back by one second, or has a second
named 60 (see :mod:`edge.position.nmea`), and so may the system's clock: both lie within the error
that is said, and within what is smoothed.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from edge.contract.records import Clock
from edge.instant import Instant

GPS_ERROR_MS = 1000.0
"""A sentence says which second it belongs to and arrives within it."""

MONOTONIC_DRIFT_PPM = 100.0
"""More than a crystal strays, even in a cold car."""

GPS_REFERENCE_LASTS_S = 60.0
"""For so long, the report that arrived most promptly tells the time; then the promptest since."""

EARLIEST = datetime(2025, 1, 1, tzinfo=UTC)
"""Before this software was: a clock that says so was never set, a receiver's week rolled over."""

LATEST = EARLIEST + timedelta(weeks=1024)
"""In August 2044. Satellites count weeks up to 1024 and begin anew: within one such round each
count has one date, so a receiver that errs by a round, either way, falls out of it. The two digits
of a year in NMEA 0183 are clear in it too."""

AGREEMENT_S = 2.0
"""Times further apart than this, once carried to the same moment, are different times."""

MAX_LEAD_S = 120.0
"""A step back of more than this is followed at once, one either way is put on record."""

STEP_AGREED_S = 60.0
"""For so long, a receiver's reports must agree to move a time that was proven by more than
``MAX_LEAD_S``: one wrong moment of a receiver, told in two sentences, does not."""

DOUBT_LASTS_S = 30.0
"""Reports that lie further apart than this do not agree: receivers tell their time once a second,
and what was told before a silence says nothing of what came in it."""

REFUSED_LASTS_S = 30.0
"""How long a time that cannot be is told of; receivers tell theirs once a second."""

SENTENCE_DELAY_S = 0.2
"""How long after its moment a receiver's report arrives, where nothing better is known. Owners of
serial receivers measure 0.1 to 0.5 s (gpsd's Time Service HOWTO)."""

_KEPT_STEPS = 16


def believable(moment: datetime) -> bool:
    """Whether it may be that time at all while this software runs."""
    return EARLIEST <= moment <= LATEST


@dataclass(frozen=True, slots=True)
class Step:
    """The time handed out jumped: from what it would have been to what it then was."""

    before: datetime
    after: datetime


@dataclass(frozen=True, slots=True)
class _Reference:
    at: datetime
    monotonic_s: float


@dataclass(frozen=True, slots=True)
class _Doubt:
    """Reports that agree with each other and not with the time in use: the first and the last."""

    first: _Reference
    last: _Reference

    @property
    def agreed_s(self) -> float:
        """For how long they have agreed."""
        return self.last.monotonic_s - self.first.monotonic_s

    def goes_on(self, heard: _Reference) -> bool:
        """Whether this report is one more of them."""
        silence_s = heard.monotonic_s - self.last.monotonic_s
        return silence_s <= DOUBT_LASTS_S and _agree(self.first, heard)


class UnitClock:
    """Hands out times and says what they rest on; safe to use from any thread.

    Args:
        system: the system's clock in UTC.
        monotonic_s: a clock that never steps, in seconds, and goes on in suspend.
        service_error_ms: the error of the service that keeps the system's clock, or None if none
            does; see :func:`edge.position.kernel_clock.kernel_error_ms`.
        last_known: a believable time that was good before the unit was started; a system's clock
            that reads earlier is known to be wrong.
    """

    def __init__(
        self,
        *,
        system: Callable[[], datetime],
        monotonic_s: Callable[[], float],
        service_error_ms: Callable[[], float | None],
        last_known: datetime | None = None,
    ) -> None:
        self._system = system
        self._monotonic_s = monotonic_s
        self._service_error_ms = service_error_ms
        self._known = None if last_known is None else _Reference(last_known, monotonic_s())
        self._had_time = False
        self._proven = False
        self._gps: _Reference | None = None
        self._gps_since: _Reference | None = None
        self._gps_from_s = 0.0
        self._gps_agreed_from_s = 0.0
        self._doubt: _Doubt | None = None
        self._refused: _Reference | None = None
        self._last: _Reference | None = None
        self._steps: deque[Step] = deque(maxlen=_KEPT_STEPS)
        self._lock = threading.Lock()

    def heard(self, satellites: datetime, delay_s: float = 0.0) -> None:
        """Take the satellites' UTC time from a report that has just arrived.

        A time far from what was known counts only once the next report agrees with it, or all that
        come for a while; see the module. ``delay_s`` is how long after its moment the report
        arrived.
        """
        with self._lock:
            if not believable(satellites):
                self._refused = _Reference(satellites, self._monotonic_s())
                return
            heard = _Reference(satellites + timedelta(seconds=delay_s), self._monotonic_s())
            if self._gps is None or not _agree(self._gps, heard):
                if self._doubt is None or not self._doubt.goes_on(heard):
                    self._doubt = _Doubt(heard, heard)
                    return
                self._doubt = replace(self._doubt, last=heard)
                if self._contradicts_proven(heard) and self._doubt.agreed_s < STEP_AGREED_S:
                    return
                self._gps, self._gps_since, self._gps_from_s = heard, None, heard.monotonic_s
                self._gps_agreed_from_s = self._doubt.first.monotonic_s
            self._doubt = None
            self._proven |= heard.monotonic_s - self._gps_agreed_from_s >= STEP_AGREED_S
            self._gps = _prompter(self._gps, heard)
            self._gps_since = _prompter(self._gps_since, heard)
            if heard.monotonic_s - self._gps_from_s > GPS_REFERENCE_LASTS_S:
                self._gps, self._gps_since = self._gps_since, None
                self._gps_from_s = heard.monotonic_s

    def instant(self) -> Instant:
        """The moment that it is, with what its time of day rests on."""
        with self._lock:
            now_s = self._monotonic_s()
            moment, clock = self._estimate(now_s)
            at = self._hand_out(moment, now_s)
            return Instant(at, now_s, _with_lead(clock, at - moment))

    def now(self) -> datetime:
        """The time, UTC with microseconds; see the module for when it may be earlier than before.

        It never equals the time given before.
        """
        return self.instant().at

    def now_s(self) -> float:
        """The moment that it is in seconds of the clock that never steps; see :class:`Instant`."""
        return self._monotonic_s()

    def state(self) -> Clock:
        """What the times now rest on, with the error in milliseconds where it can be told."""
        with self._lock:
            moment, clock = self._estimate(self._monotonic_s())
            return clock if self._last is None else _with_lead(clock, self._last.at - moment)

    def dated_s(self, satellites: datetime | None) -> float:
        """The moment of a report that has just arrived, in seconds as in :class:`Instant`.

        ``satellites`` is the report's own UTC time. Where it has none, or one that is not this
        clock's, the report is taken to be ``SENTENCE_DELAY_S`` old.
        """
        with self._lock:
            now_s = self._monotonic_s()
            moment, _ = self._estimate(now_s)
            age = timedelta(seconds=SENTENCE_DELAY_S)
            if satellites is not None and abs(moment - satellites).total_seconds() <= AGREEMENT_S:
                age = moment - satellites
            return now_s - age.total_seconds()

    def take_steps(self) -> tuple[Step, ...]:
        """The steps since the last call that were longer than ``MAX_LEAD_S``, oldest first."""
        with self._lock:
            steps = tuple(self._steps)
            self._steps.clear()
            return steps

    def dispute_s(self) -> float | None:
        """By how many seconds the receiver's time lies ahead of a kept clock that contradicts it.

        None where they agree, or where one of the two is not there.
        """
        with self._lock:
            now_s = self._monotonic_s()
            moment, clock = self._estimate(now_s)
            if self._gps is None or clock.source != "ntp":
                return None
            ahead_s = (_carried(self._gps, now_s) - moment).total_seconds()
            error_ms = (clock.error_ms or 0.0) + self._gps_drift_ms(now_s)
            allowed_s = AGREEMENT_S + error_ms / 1000
            return ahead_s if abs(ahead_s) > allowed_s else None

    def refused(self) -> datetime | None:
        """The time that the receiver told last and that cannot be; None if it told none lately."""
        with self._lock:
            refused = self._refused
            if refused is None or self._monotonic_s() - refused.monotonic_s > REFUSED_LASTS_S:
                return None
            return refused.at

    def system_off_s(self) -> float | None:
        """By how many seconds the system's clock lies ahead of better times that are known.

        None where they agree within ``MAX_LEAD_S``, or where nothing better is known.
        """
        with self._lock:
            moment, _ = self._estimate(self._monotonic_s())
            ahead_s = (self._system() - moment).total_seconds()
            return ahead_s if abs(ahead_s) > MAX_LEAD_S else None

    def _hand_out(self, moment: datetime, now_s: float) -> datetime:
        last = self._last
        if last is not None:
            least = timedelta(microseconds=1)
            expected = _carried(last, now_s)
            if abs(moment - expected) > timedelta(seconds=MAX_LEAD_S):
                moment += least if moment == last.at else timedelta(0)
                self._steps.append(Step(expected, moment))
            elif moment <= last.at:
                slowed = timedelta(seconds=(now_s - last.monotonic_s) / 2)
                moment = last.at + max(slowed, least)
        self._last = _Reference(moment, now_s)
        return moment

    def _contradicts_proven(self, heard: _Reference) -> bool:
        if self._known is None or not self._proven:
            return False
        off = heard.at - _carried(self._known, heard.monotonic_s)
        return abs(off) > timedelta(seconds=MAX_LEAD_S)

    def _estimate(self, now_s: float) -> tuple[datetime, Clock]:
        system = self._system()
        service_error_ms = self._service_error_ms()
        if service_error_ms is not None and believable(system):
            self._known, self._had_time = _Reference(system, now_s), True
            self._proven = True
            return system, Clock(source="ntp", error_ms=round(service_error_ms, 3))
        if self._gps is not None and believable(moment := _carried(self._gps, now_s)):
            self._known, self._had_time = _Reference(moment, now_s), True
            error_ms = GPS_ERROR_MS + self._gps_drift_ms(now_s) + self._doubted_ms(moment, now_s)
            return moment, Clock(source="gps", error_ms=round(error_ms, 3))
        if self._known is not None and not self._known.at <= system <= LATEST:
            moment = _carried(self._known, now_s)
            return moment, Clock(source="system" if self._had_time else "unset", error_ms=None)
        return system, Clock(source="system" if believable(system) else "unset", error_ms=None)

    def _doubted_ms(self, moment: datetime, now_s: float) -> float:
        """How far from it reports lie that agree with each other; one alone says nothing."""
        doubt = self._doubt
        if doubt is None or not doubt.agreed_s or now_s - doubt.last.monotonic_s > DOUBT_LASTS_S:
            return 0.0
        return abs(_carried(doubt.last, now_s) - moment) / timedelta(milliseconds=1)

    def _gps_drift_ms(self, now_s: float) -> float:
        elapsed_s = 0.0 if self._gps is None else now_s - self._gps.monotonic_s
        return elapsed_s * MONOTONIC_DRIFT_PPM / 1000


def _with_lead(clock: Clock, lead: timedelta) -> Clock:
    """The error of a time that runs ahead of the best known by so much, where it is smoothed."""
    if clock.error_ms is None or not timedelta(0) < lead <= timedelta(seconds=MAX_LEAD_S):
        return clock
    lead_ms = lead / timedelta(milliseconds=1)
    return Clock(source=clock.source, error_ms=round(clock.error_ms + lead_ms, 3))


def _carried(reference: _Reference, now_s: float) -> datetime:
    return reference.at + timedelta(seconds=now_s - reference.monotonic_s)


def _prompter(one: _Reference | None, other: _Reference) -> _Reference:
    """Of two reports the one that arrived sooner after its moment."""
    return other if one is None or other.at > _carried(one, other.monotonic_s) else one


def _agree(earlier: _Reference, later: _Reference) -> bool:
    difference = later.at - _carried(earlier, later.monotonic_s)
    return abs(difference) <= timedelta(seconds=AGREEMENT_S)
