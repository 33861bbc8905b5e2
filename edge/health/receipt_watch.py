"""Messages on the unit's receipt topic that are not the repository's, brought to its health.

They do no harm, for a receipt counts by its signature alone; but they show that somebody else can
write there, which is the broker's administrator's to mend. What they say is never shown.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from edge.health.health import Health
from edge.uplink.kept_uplink import RunningUplink

PART = "uplink receipts"
TROUBLE_FOR_S = 3600.0
"""How long after the last such message the topic counts as sound again."""


class ReceiptWatch:
    """Compares what the uplink counts with what it counted before; used by one thread."""

    def __init__(
        self,
        uplink: RunningUplink,
        health: Health,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._uplink = uplink
        self._health = health
        self._monotonic_s = monotonic_s
        self._counted = 0
        self._strange = 0
        self._last_s = 0.0

    def look(self) -> None:
        """Say that such messages came, or that none has come for long."""
        counts = self._uplink.counts().session
        counted = counts.receipts_forged + counts.receipts_malformed + counts.links_left
        before, self._counted = self._counted, counted
        # An uplink that was made anew counts from nothing.
        new = counted - before if counted >= before else counted
        if new:
            self._strange += new
            self._last_s = self._monotonic_s()
            self._health.trouble(PART, _sentence(self._strange, counts.links_left))
        elif self._strange and self._monotonic_s() - self._last_s > TROUBLE_FOR_S:
            self._strange = 0
            self._health.recovered(PART)


def _sentence(number: int, links_left: int) -> str:
    came = "1 message" if number == 1 else f"{number} messages"
    was = "was" if number == 1 else "were"
    left = "" if not links_left else " but to make the unit leave the link, which it takes up again"
    return (
        f"{came} on this unit's receipt topic {was} not the repository's, and did nothing{left}; "
        "somebody else can write there: check the broker's access rules"
    )
