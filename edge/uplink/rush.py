"""Whether more comes over a link than a repository and its broker say."""

from __future__ import annotations

_ALLOWED_PER_S = 100.0
_ANSWERS = 6
"""A message is taken and receipted, each perhaps twice; some room beyond that."""


class Rush:
    """Compares what came in with what was sent, over one time after another.

    Whoever can write on the unit's topic, or is the broker, could keep the unit busy with checking
    signatures. Receipts that a repository sends are answers, so there are no more of them than
    there were messages; a hundred a second beyond that are cheap to check and to throw away.
    """

    def __init__(self, over_s: float, sent: int, now: float) -> None:
        """Begin now, when nothing has come yet and ``sent`` messages were sent before."""
        self._over_s = over_s
        self._received, self._sent, self._began = 0, sent, now

    def is_on(self, received: int, sent: int, now: float) -> bool:
        """Whether too much came since the last judgement; False while it is too early to judge.

        Args:
            received: packets since the link is up.
            sent: messages, counted from wherever.
            now: the time of a monotonic clock in seconds.
        """
        passed_s = now - self._began
        if passed_s < self._over_s:
            return False
        came, went = received - self._received, sent - self._sent
        self._received, self._sent, self._began = received, sent, now
        return came > _ALLOWED_PER_S * passed_s + _ANSWERS * went
