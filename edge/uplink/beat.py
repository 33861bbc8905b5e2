"""When the unit says how it is: on connecting, soon after its troubles change, and now and then."""

from __future__ import annotations

EVERY_S = 300.0
LEAST_S = 10.0
"""Troubles that come and go are not told more often than this."""

LOOK_EVERY_S = 1.0
"""Asking every part how it is costs more than a message."""


class StatusBeat:
    """Moments of a monotonic clock in seconds at which the status is to be sent."""

    def __init__(self) -> None:
        self._said_s: float | None = None
        self._looked_s: float | None = None
        self._said: frozenset[str] = frozenset()

    def restart(self) -> None:
        """A new connection: the broker may hold what the last will said."""
        self._said_s = self._looked_s = None

    def is_look_due(self, now_s: float) -> bool:
        """Whether to ask now which parts are in trouble; if so, as asked."""
        if self._looked_s is not None and now_s - self._looked_s < LOOK_EVERY_S:
            return False
        self._looked_s = now_s
        return True

    def is_due(self, troubles: frozenset[str], now_s: float) -> bool:
        """Whether the status is to be sent now, these parts being in trouble; if so, as sent."""
        if self._said_s is not None:
            wait_s = EVERY_S if troubles == self._said else LEAST_S
            if now_s - self._said_s < wait_s:
                return False
        self._said_s, self._said = now_s, troubles
        return True
