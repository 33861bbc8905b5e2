"""The spool's reads that must not leave the unit: counted, and purged when they are due."""

from __future__ import annotations

import time

from edge.spool import withheld as withholds
from edge.spool.opened import OVERWRITE_EVERY, OpenedSpool, freeing, mending
from edge.spool.withheld import Age, Due, WithheldCounts

LOOKED_AT_ONCE = 1000
"""Reads that are looked at, and purged if they are due, before others get their turn."""

TURN_S = 0.001
"""Long enough for whoever waits for the lock to have it: who let go of it had it first else."""


class WithheldReads(OpenedSpool):
    """Their uses; `edge.spool.store.Spool.add` stores them."""

    @mending
    def withheld(self) -> WithheldCounts:
        """How many reads that must not leave the unit are kept, and how many there ever were.

        Raises:
            SpoolError: if the spool cannot be read.
        """
        with self._reading() as connection:
            return withholds.counts(connection)

    @mending
    def withheld_age(self) -> Age:
        """The age by which withheld reads are purged, as it was noted last.

        Raises:
            SpoolError: if the spool cannot be read.
        """
        with self._reading() as connection:
            return withholds.age(connection, self._vault)

    def purge_withheld(self, age: Age) -> int:
        """Note that age, and purge the withheld reads that are due by it; how many there were.

        They are overwritten at once: their time is over. One of which nothing says any more when
        it is due goes as well, is counted as lost, and said in ``salvages``. Each one's due age is
        opened for it, some at a time, and others get their turn in between.

        Raises:
            SpoolError: if the spool cannot be written. What was not purged by then is still due.
        """
        purged = unopened = 0
        after: str | None = ""
        try:
            while after is not None:
                over = self._purge_some(age, after)
                purged, unopened = purged + len(over.rows), unopened + over.unopened
                after = over.after
                if after is not None:
                    time.sleep(TURN_S)
        finally:
            self._say_lost(unopened)
        self._note_purged(age, purged)
        return purged

    @mending
    @freeing
    def postpone_withheld(self, after_s: float, through_s: float, by_s: float) -> int:
        """Have the reads that are kept from an age after the one and up to the other be due later.

        How many there were.

        Raises:
            SpoolError: if the spool cannot be written. Nothing is postponed then.
        """
        with self._transaction() as connection:
            return withholds.postpone(connection, self._vault, after_s, through_s, by_s)

    @mending
    @freeing
    def _purge_some(self, age: Age, after: str) -> Due:
        with self._transaction() as connection:
            over = withholds.due(connection, self._vault, age.age_s, after, LOOKED_AT_ONCE)
            if over.rows:
                withholds.purge(connection, over)
            self._count_lost(connection, over.unopened)
        return over

    @mending
    @freeing
    def _note_purged(self, age: Age, purged: int) -> None:
        with self._transaction() as connection:
            withholds.note_if_any(connection, self._vault, age)
            if purged:
                self._vault.retire(connection)
        self._overwrite(OVERWRITE_EVERY if purged else 0)
