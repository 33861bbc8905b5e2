"""The spool's reads that must not leave the unit: counted, and purged when they are due."""

from __future__ import annotations

from edge.spool import withheld as withholds
from edge.spool.opened import OVERWRITE_EVERY, OpenedSpool, freeing, mending
from edge.spool.withheld import Age, WithheldCounts


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

    @mending
    @freeing
    def purge_withheld(self, age: Age) -> int:
        """Note that age, and purge the withheld reads that are due by it; how many there were.

        They are overwritten at once: their time is over. One of which nothing says any more when
        it is due goes as well, is counted as lost, and said in ``salvages``.

        Raises:
            SpoolError: if the spool cannot be written. Nothing is purged then.
        """
        with self._reading() as connection:
            over = withholds.due(connection, self._vault, age.age_s)
        with self._transaction() as connection:
            withholds.purge(connection, self._vault, over, age)
            if over.rows:
                self._vault.retire(connection)
            self._count_lost(connection, over.unopened)
        self._say_lost(over.unopened)
        self._overwrite(OVERWRITE_EVERY if over.rows else 0)
        return len(over.rows)
