"""Proof that a purge left nothing and lost nothing, by questions of its own.

Nothing here is shared with the purge but the rules themselves: what is held and what has expired
is asked anew, in other words. What is looked for is what should have been gone at the last purge
that was due; what has outlived its time since then only waits for the next.

What leaves the repository is no longer in its hands. Backups are purged by their restore; evidence
packages hold what is under a hold, and are handed out and not kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Select, func, select

from repository.retention import certificates, verify_held, verify_rows
from repository.retention.duties import Bound, Duties
from repository.retention.verify_rows import LIMIT, Left
from repository.retention.watermarks import raised
from repository.store import locks
from repository.store.engine import reading
from repository.store.locks import Turn
from repository.store.pictures import PictureStore
from repository.store.pictures_leftovers import find_leftovers


@dataclass(frozen=True, slots=True)
class Verified:
    """What is left though it should be gone, what is held but missing, what does not agree.

    Each kind names at most `LIMIT` of what was found. ``held`` is the number of held reads;
    ``waiting`` that of reads that have outlived their time since the last purge that was due.
    """

    left: tuple[Left, ...]
    lost: tuple[Left, ...]
    disagreeing: tuple[str, ...]
    held: int
    waiting: int

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.left or self.lost or self.disagreeing)


def verify(
    engine: Engine,
    store: PictureStore,
    load_duties: Callable[[Connection], Duties],
    *,
    now: datetime,
    grace: timedelta,
) -> Verified:
    """Look through everything; ``grace`` is how long after its time something may be there.

    Raises:
        PictureError: if the place of pictures cannot be looked through.
    """
    with reading(engine) as connection:
        duties = load_duties(connection)
        bounds = raised(connection, duties.bounds(now - grace))
        left = list(verify_rows.leftovers(connection, duties, bounds, now - grace))
        lost = list(verify_held.losses(connection, store, now))
        disagreeing = tuple(certificates.mismatches(connection))
        held = verify_held.number(connection, now)
        waiting = _expired(connection, raised(connection, duties.bounds(now)), now)
        waiting -= _expired(connection, bounds, now - grace)
    left.extend(_among_pictures(engine, store))
    return Verified(tuple(left), tuple(lost), disagreeing, held, max(0, waiting))


def _expired(connection: Connection, bounds: tuple[Bound, ...], at: datetime) -> int:
    queries: Iterator[Select[Any]] = verify_rows.expired_reads(bounds, at)
    return sum(
        connection.scalar(select(func.count()).select_from(each.subquery())) or 0
        for each in queries
    )


def _among_pictures(engine: Engine, store: PictureStore) -> list[Left]:
    """Files and keys that should be gone; what ingest is about to commit is looked at again."""
    with reading(engine) as connection:
        if next(iter(find_leftovers(connection, store)), None) is None:
            return []
    with engine.begin() as connection:
        locks.take(connection, Turn.RETENTION)
        found = list(find_leftovers(connection, store))
    return [Left(f"picture_{each.kind}", each.name) for each in found[:LIMIT]]
