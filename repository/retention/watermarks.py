"""What is purged, and therefore never taken in again, for each agency and class of reads.

A watermark is raised before the purge that it speaks of begins, and never goes back: an old spool,
a dead letter or a clock set back cannot bring in again what is gone.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, select

from repository.retention.duties import Bound
from repository.store.rows import put
from repository.store.tables.retention import watermarks


def purged_before(connection: Connection, agency_id: int) -> dict[bool, datetime]:
    """The agency's watermarks: of reads that matched a hot list (True) and of those that did not.

    A class that nothing was ever purged of is missing. Reads captured before the watermark of
    their class are refused.
    """
    query = select(watermarks.c.hit, watermarks.c.purged_before).where(
        watermarks.c.agency_id == agency_id
    )
    return {row.hit: row.purged_before for row in connection.execute(query)}


def raised(connection: Connection, bounds: Iterable[Bound]) -> tuple[Bound, ...]:
    """These bounds, none of them before the watermark of its agency and class."""
    marks = {
        (row.agency_id, row.hit): row.purged_before
        for row in connection.execute(select(watermarks))
    }
    return tuple(
        Bound(
            bound.agency_id,
            bound.hit,
            max(
                bound.expired_before, marks.get((bound.agency_id, bound.hit), bound.expired_before)
            ),
        )
        for bound in bounds
    )


def advance(connection: Connection, bounds: Iterable[Bound]) -> None:
    """Raise the watermarks to these bounds, where they are lower."""
    for bound in raised(connection, bounds):
        row = {
            "agency_id": bound.agency_id,
            "hit": bound.hit,
            "purged_before": bound.expired_before,
        }
        put(connection, watermarks, row)
