"""What the spool went through, brought to the unit's health: damage mended, pictures given up.

Troubles that last are put on record by `edge.health.malfunctions`, as malfunctions of the disk.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from edge.health.health import Health
from edge.spool.store import Spool

GIVES_WAY_FOR_S = 600.0
"""Room counts as short for so long after the last picture that gave way."""


class SpoolWatch:
    """Compares what the spool says with what it said before; used by one thread."""

    def __init__(
        self, spool: Spool, health: Health, monotonic_s: Callable[[], float] = time.monotonic
    ) -> None:
        """From now on; what was mended when the spool was opened is said at the first look."""
        self._spool = spool
        self._health = health
        self._monotonic_s = monotonic_s
        self._salvages = 0
        self._gave_way = spool.counts().gave_way
        self._short_since: float | None = None
        self._full = False

    def look(self) -> None:
        """Count what is new, and say it.

        Raises:
            SpoolError: if the spool cannot be read.
        """
        self._look_for_damage()
        self._look_for_room()
        self._look_for_full_disk()

    def _look_for_damage(self) -> None:
        salvages = self._spool.salvages
        for said in salvages[self._salvages :]:
            self._health.count("records_lost", said.records_lost)
            self._health.count("pictures_lost", said.pictures_lost)
            self._health.trouble("spool damage", said.sentence)
        self._salvages = len(salvages)

    def _look_for_room(self) -> None:
        gave_way = self._spool.counts().gave_way
        if gave_way > self._gave_way:
            self._health.count("pictures_gave_way", gave_way - self._gave_way)
            self._gave_way, self._short_since = gave_way, self._monotonic_s()
            self._health.trouble(
                "spool room",
                f"the spool is full: {gave_way} pictures gave way to newer ones so far, the oldest "
                "of reads without a hit first; the records are all kept: bring the unit in reach "
                "of its repository, or give the spool more of the disk",
            )
        elif (
            self._short_since is not None
            and self._monotonic_s() - self._short_since > GIVES_WAY_FOR_S
        ):
            self._short_since = None
            self._health.recovered("spool room")

    def _look_for_full_disk(self) -> None:
        sentence = self._spool.lacks_room()
        if sentence is not None:
            self._health.trouble("spool", sentence)
        elif self._full:
            self._health.recovered("spool")
        self._full = sentence is not None
