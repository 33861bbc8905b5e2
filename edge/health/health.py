"""What the unit counts, how long things take, and which parts are in trouble; never a plate.

A counter only rises while the daemon runs. Durations are kept for the last of their kind. A
trouble is one sentence for each part, said once when it begins and once when it ends, however
often it is reported between; since when it lasts is measured by a clock that never steps.

Names of parts and cameras come from the settings, so nothing here grows with time.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Literal

import structlog

from edge.contract.printable import on_one_line

Counted = Literal[
    "frames",
    "frames_dropped",
    "frames_skipped",
    "frames_hurried",
    "cameras_failed",
    "pictures_unreadable",
    "inference_failures",
    "reads",
    "hits",
    "restarts",
    "cameras_reopened",
    "messages_refused",
    "records_unfit",
    "records_not_stored",
    "records_lost",
    "pictures_lost",
    "pictures_gave_way",
    "gps_sentences",
    "gps_sentences_bad",
    "reads_withheld",
    "clock_steps",
    "unclean_ends",
    "troubles",
    "recoveries",
]

Timed = Literal["frame_ms", "frame_to_read_ms", "frame_to_alert_ms"]
"""Work on one frame; from a frame's capture to its read or alert on the console."""

Reached = Literal["ready_s", "first_frame_s", "first_read_s"]
"""Moments of a cold start: every part runs, the first frame was looked at, the first read kept."""

_FIRSTS: Mapping[str, Reached] = {"frames": "first_frame_s", "reads": "first_read_s"}

KEPT_DURATIONS = 1000
RATE_OVER_S = 10.0
_KEPT_FRAMES = 600

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Durations:
    """How often something was timed, and the median and 95th percentile of the last in ms."""

    count: int
    p50_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True)
class CameraHealth:
    """One camera: what was counted of it, frames a second now, and age of the last ones."""

    counters: Mapping[str, int]
    frames_per_s: float
    last_frame_s: float | None
    last_read_s: float | None


@dataclass(frozen=True, slots=True)
class HealthReport:
    """Counters and durations since the start, and the troubles of this moment by part.

    ``since`` says for each trouble when it began, by the unit's clock as it goes now.
    """

    counters: Mapping[str, int]
    troubles: Mapping[str, str]
    durations: Mapping[str, Durations]
    since: Mapping[str, datetime]
    lasting_s: Mapping[str, float]
    cameras: Mapping[str, CameraHealth]
    reached: Mapping[str, float]
    at: datetime
    started_at: datetime
    monotonic_s: float

    @property
    def healthy(self) -> bool:
        """Whether no part is in trouble."""
        return not self.troubles


class Health:
    """Counters and troubles, shared by the daemon's threads.

    Args:
        now: the unit's clock, UTC.
        monotonic_s: a clock that never steps, in seconds.
        running_s: how long the process runs already when this is made.
    """

    def __init__(
        self,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic_s: Callable[[], float] = time.monotonic,
        running_s: float = 0.0,
    ) -> None:
        self._now = now
        self._monotonic_s = monotonic_s
        self._started_s = monotonic_s() - running_s
        self._lock = threading.Lock()
        self._counters: Counter[str] = Counter()
        self._troubles: dict[str, _Trouble] = {}
        self._timed: Counter[str] = Counter()
        self._last_ms: dict[str, deque[float]] = {}
        self._cameras: dict[str, _Camera] = {}
        self._reached: dict[str, float] = {}

    def watch(self, camera: str) -> None:
        """Report on this camera from now on, also while nothing comes from it."""
        with self._lock:
            self._cameras.setdefault(camera, _Camera())

    def count(self, what: Counted, amount: int = 1, *, camera: str | None = None) -> None:
        """Add to a counter, and to that of the camera it comes from."""
        with self._lock:
            self._counters[what] += amount
            now_s = self._monotonic_s()
            if what in _FIRSTS and amount > 0:
                self._reach(_FIRSTS[what], now_s)
            if camera is not None:
                self._cameras.setdefault(camera, _Camera()).count(what, amount, now_s)

    def timed(self, what: Timed, milliseconds: float) -> None:
        """Note how long something took."""
        with self._lock:
            self._timed[what] += 1
            self._last_ms.setdefault(what, deque(maxlen=KEPT_DURATIONS)).append(milliseconds)

    def reached(self, what: Reached) -> None:
        """Note that a moment of the cold start has come; only the first time counts."""
        with self._lock:
            self._reach(what, self._monotonic_s())

    def trouble(self, part: str, sentence: str) -> bool:
        """Note that a part does not work; true if that is news, which is then logged.

        The sentence may name what others chose: it is kept as it prints, on one line.
        """
        sentence = on_one_line(sentence)
        with self._lock:
            known = self._troubles.get(part)
            began_s = self._monotonic_s() if known is None else known.began_s
            self._troubles[part] = _Trouble(sentence, began_s)
            if known is None:
                self._counters["troubles"] += 1
        if known is None:
            _log.warning("trouble", part=part, what=sentence)
        return known is None

    def recovered(self, part: str) -> bool:
        """Note that a part works; true if that is news, which is then logged."""
        with self._lock:
            news = self._troubles.pop(part, None) is not None
            if news:
                self._counters["recoveries"] += 1
        if news:
            _log.info("recovered", part=part)
        return news

    def tell(self, part: str, sentence: str | None) -> None:
        """Note that a part does not work, or with None that it does."""
        if sentence is None:
            self.recovered(part)
        else:
            self.trouble(part, sentence)

    def report(self) -> HealthReport:
        """Counters, durations and troubles now."""
        now = self._now()
        with self._lock:
            now_s = self._monotonic_s()
            counters, troubles = dict(self._counters), dict(self._troubles)
            last = {what: (self._timed[what], list(some)) for what, some in self._last_ms.items()}
            cameras = {name: camera.health(now_s) for name, camera in self._cameras.items()}
            reached = dict(self._reached)
        lasting_s = {part: now_s - one.began_s for part, one in troubles.items()}
        return HealthReport(
            counters=MappingProxyType(counters),
            troubles=MappingProxyType({part: one.sentence for part, one in troubles.items()}),
            durations=MappingProxyType(
                {what: _durations(count, some) for what, (count, some) in last.items()}
            ),
            since=MappingProxyType({part: _ago(now, age) for part, age in lasting_s.items()}),
            lasting_s=MappingProxyType(lasting_s),
            cameras=MappingProxyType(cameras),
            reached=MappingProxyType(reached),
            at=now,
            started_at=_ago(now, now_s - self._started_s),
            monotonic_s=now_s,
        )

    def _reach(self, what: Reached, now_s: float) -> None:
        if what not in self._reached:
            self._reached[what] = round(now_s - self._started_s, 3)


@dataclass(frozen=True, slots=True)
class _Trouble:
    sentence: str
    began_s: float


class _Camera:
    """What is counted of one camera; only used under the lock of its health."""

    def __init__(self) -> None:
        self._counters: Counter[str] = Counter()
        self._frames_s: deque[float] = deque(maxlen=_KEPT_FRAMES)
        self._last_s: dict[str, float] = {}

    def count(self, what: Counted, amount: int, now_s: float) -> None:
        self._counters[what] += amount
        if amount > 0 and what in ("frames", "reads"):
            self._last_s[what] = now_s
            if what == "frames":
                self._frames_s.append(now_s)

    def health(self, now_s: float) -> CameraHealth:
        recent = [at for at in self._frames_s if now_s - at <= RATE_OVER_S]
        seen_over_s = now_s - recent[0] if recent else 0.0
        last = {what: now_s - at for what, at in self._last_s.items()}
        return CameraHealth(
            MappingProxyType(dict(self._counters)),
            round((len(recent) - 1) / seen_over_s, 1) if seen_over_s > 0 else 0.0,
            last.get("frames"),
            last.get("reads"),
        )


def _ago(now: datetime, age_s: float) -> datetime:
    """That moment to the second, as the clock goes now: one set late moves what was before."""
    try:
        return (now - timedelta(seconds=age_s)).replace(microsecond=0)
    except OverflowError:
        return now


def _durations(count: int, last_ms: Sequence[float]) -> Durations:
    """Percentiles by nearest rank."""
    ordered = sorted(last_ms)
    return Durations(
        count,
        p50_ms=ordered[(len(ordered) - 1) // 2],
        p95_ms=ordered[max(0, -(-len(ordered) * 95 // 100) - 1)],
    )
