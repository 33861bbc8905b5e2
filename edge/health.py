"""What the unit counts, how long things take, and which parts are in trouble; never a plate.

A counter only rises while the daemon runs. Durations are kept for the last of their kind. A
trouble is one sentence for each part, said once when it begins and once when it ends, however
often it is reported between.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

import structlog

Counted = Literal[
    "frames",
    "frames_dropped",
    "cameras_failed",
    "pictures_unreadable",
    "inference_failures",
    "reads",
    "hits",
    "restarts",
    "messages_refused",
    "records_unfit",
]

Timed = Literal["frame_ms", "frame_to_read_ms", "frame_to_alert_ms"]
"""Work on one frame; from a frame's capture to its read or alert on the console."""

KEPT_DURATIONS = 1000

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Durations:
    """How often something was timed, and the median and 95th percentile of the last in ms."""

    count: int
    p50_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True)
class HealthReport:
    """Counters and durations since the start, and the troubles of this moment by part."""

    counters: Mapping[str, int]
    troubles: Mapping[str, str]
    durations: Mapping[str, Durations] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def healthy(self) -> bool:
        """Whether no part is in trouble."""
        return not self.troubles


class Health:
    """Counters and troubles, shared by the daemon's threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counters: Counter[str] = Counter()
        self._troubles: dict[str, str] = {}
        self._timed: Counter[str] = Counter()
        self._last_ms: dict[str, deque[float]] = {}

    def count(self, what: Counted, amount: int = 1) -> None:
        """Add to a counter."""
        with self._lock:
            self._counters[what] += amount

    def timed(self, what: Timed, milliseconds: float) -> None:
        """Note how long something took."""
        with self._lock:
            self._timed[what] += 1
            self._last_ms.setdefault(what, deque(maxlen=KEPT_DURATIONS)).append(milliseconds)

    def trouble(self, part: str, sentence: str) -> bool:
        """Note that a part does not work; true if that is news, which is then logged."""
        with self._lock:
            news = part not in self._troubles
            self._troubles[part] = sentence
        if news:
            _log.warning("trouble", part=part, what=sentence)
        return news

    def recovered(self, part: str) -> bool:
        """Note that a part works; true if that is news, which is then logged."""
        with self._lock:
            news = self._troubles.pop(part, None) is not None
        if news:
            _log.info("recovered", part=part)
        return news

    def report(self) -> HealthReport:
        """Counters, durations and troubles now."""
        with self._lock:
            counters, troubles = dict(self._counters), dict(self._troubles)
            last = {what: (self._timed[what], list(some)) for what, some in self._last_ms.items()}
        return HealthReport(
            MappingProxyType(counters),
            MappingProxyType(troubles),
            MappingProxyType(
                {what: _durations(count, some) for what, (count, some) in last.items()}
            ),
        )


def _durations(count: int, last_ms: Sequence[float]) -> Durations:
    """Percentiles by nearest rank."""
    ordered = sorted(last_ms)
    return Durations(
        count,
        p50_ms=ordered[(len(ordered) - 1) // 2],
        p95_ms=ordered[max(0, -(-len(ordered) * 95 // 100) - 1)],
    )
