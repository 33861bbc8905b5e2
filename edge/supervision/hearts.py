"""Heartbeats: which parts of the daemon still turn, told from those that hang.

A part beats each time round its loop. A thread that runs a part enters its name once; what it
calls from then on beats for it without knowing which part it serves.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

FORGIVE_OVER_S = 5.0
"""Nobody looked for so long: the whole machine slept or was starved, and no part hung alone."""


@dataclass(slots=True)
class _Heart:
    limit_s: float
    last_s: float


class Hearts:
    """Hearts by the names of their parts; safe to use from any thread."""

    def __init__(self, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._monotonic_s = monotonic_s
        self._hearts: dict[str, _Heart] = {}
        self._lock = threading.Lock()
        self._mine = threading.local()
        self._looked_s: float | None = None

    def expect(self, part: str, limit_s: float) -> None:
        """From now on this part is to beat at least this often."""
        with self._lock:
            self._hearts[part] = _Heart(limit_s, self._monotonic_s())

    def excuse(self, part: str) -> None:
        """This part has ended, or waits to be started: it need not beat."""
        with self._lock:
            self._hearts.pop(part, None)

    def enter(self, part: str) -> None:
        """The calling thread is this part's."""
        self._mine.part = part

    def beat(self, part: str | None = None) -> None:
        """A part turns: the one named, or the calling thread's; without one nothing happens."""
        name = part if part is not None else getattr(self._mine, "part", None)
        with self._lock:
            heart = self._hearts.get(name) if name is not None else None
            if heart is not None:
                heart.last_s = self._monotonic_s()

    def silent(self) -> dict[str, float]:
        """How long each part is silent that has been for longer than its limit, in seconds."""
        with self._lock:
            now_s = self._monotonic_s()
            gap_s = 0.0 if self._looked_s is None else now_s - self._looked_s
            self._looked_s = now_s
            if gap_s > FORGIVE_OVER_S:
                for heart in self._hearts.values():
                    heart.last_s = min(now_s, heart.last_s + gap_s)
            ages = {part: (now_s - one.last_s, one.limit_s) for part, one in self._hearts.items()}
        return {part: age_s for part, (age_s, limit_s) in ages.items() if age_s > limit_s}
