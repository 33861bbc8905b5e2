"""Files of old versions go, once no unit has them in use; in the caller's transaction.

Kept are the newest versions, those that a unit said or fetched in the last :data:`IN_USE`, and the
deltas that lead from the oldest of these to the newest. A version's row stays, as hits name it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update

from repository.hotlists import files
from repository.hotlists.versions import ListKey
from repository.store.tables.fleet import unit_status, units
from repository.store.tables.hotlists import hotlist_fetches, hotlist_versions

IN_USE = timedelta(days=90)
"""A unit that was silent for longer fetches the whole list when it comes back."""

_row = hotlist_versions.c


def prune(connection: Connection, key: ListKey, keep: int, now: datetime) -> None:
    """Remove the files of a list's versions that nobody needs."""
    numbers = list(
        connection.scalars(
            select(_row.version)
            .where(_row.hotlist_id == key.id, _row.pruned_at.is_(None))
            .order_by(_row.version.desc())
        )
    )
    in_use = set(_in_use(connection, key, now))
    needed = {*numbers[:keep], *in_use}
    oldest = min(in_use & set(numbers), default=min(numbers[:keep], default=0))
    for version in numbers:
        if version in needed:
            continue
        files.of_version(key.id, version).remove(connection)
        connection.execute(
            update(hotlist_versions)
            .where(_row.hotlist_id == key.id, _row.version == version)
            .values(pruned_at=now)
        )
    connection.execute(
        update(hotlist_versions)
        .where(_row.hotlist_id == key.id, _row.version <= oldest, _row.pruned_at.is_not(None))
        .values(delta=None)
    )


def _in_use(connection: Connection, key: ListKey, now: datetime) -> Iterator[int]:
    yield from connection.scalars(
        select(hotlist_fetches.c.version)
        .join(units, units.c.id == hotlist_fetches.c.unit_id)
        .where(
            hotlist_fetches.c.hotlist_id == key.id,
            hotlist_fetches.c.fetched_at > now - IN_USE,
            units.c.revoked_at.is_(None),
        )
    )
    health = connection.scalars(
        select(unit_status.c.health)
        .join(units, units.c.id == unit_status.c.unit_id)
        .where(
            units.c.agency_id == key.agency_id,
            units.c.revoked_at.is_(None),
            unit_status.c.health_at > now - IN_USE,
        )
    )
    for said in health:
        yield from (
            int(each["version"])
            for each in (said or {}).get("hotlists", ())
            if each["name"] == key.name and each["version"].isdecimal()
        )
