"""What the unit counts and which of its parts are in trouble; never a plate.

A counter only rises while the daemon runs. A trouble is one sentence for each part, said once
when it begins and once when it ends, however often it is reported between.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
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

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class HealthReport:
    """Counters since the start and the troubles of this moment, by part."""

    counters: Mapping[str, int]
    troubles: Mapping[str, str]

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

    def count(self, what: Counted, amount: int = 1) -> None:
        """Add to a counter."""
        with self._lock:
            self._counters[what] += amount

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
        """Counters and troubles now."""
        with self._lock:
            return HealthReport(
                MappingProxyType(dict(self._counters)), MappingProxyType(dict(self._troubles))
            )
