"""Files of old versions go, once no unit has them in use.

Kept are the newest versions, those that a unit said or fetched in the last :data:`IN_USE`, and the
deltas that lead from the oldest of these to the newest. A version's row stays, as hits name it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, delete, exists, select, update

from repository.hotlists import files
from repository.hotlists.versions import ListKey, is_issued
from repository.store.engine import reading
from repository.store.tables.fleet import unit_status, units
from repository.store.tables.hotlists import hotlist_fetches, hotlist_parts, hotlist_versions

IN_USE = timedelta(days=90)
"""A unit that was silent for longer fetches the whole list when it comes back."""

LEFT_FOR = timedelta(days=1)
"""No import takes as long: what one left behind that is older is nobody's."""

_row = hotlist_versions.c


def prune(connection: Connection, key: ListKey, keep: int, now: datetime) -> None:
    """Remove the files of a list's versions that nobody needs."""
    for version in mark(connection, key, keep, now):
        files.of_version(key.id, version).remove(connection)


def mark(connection: Connection, key: ListKey, keep: int, now: datetime) -> list[int]:
    """Mark a list's versions that nobody needs as gone; their numbers. Their files are there."""
    numbers = list(
        connection.scalars(
            select(_row.version)
            .where(_row.hotlist_id == key.id, _row.pruned_at.is_(None), is_issued())
            .order_by(_row.version.desc())
        )
    )
    in_use = set(_in_use(connection, key, now))
    needed = {*numbers[:keep], *in_use}
    oldest = min(in_use & set(numbers), default=min(numbers[:keep], default=0))
    gone = [version for version in numbers if version not in needed]
    connection.execute(
        update(hotlist_versions)
        .where(_row.hotlist_id == key.id, _row.version.in_(gone))
        .values(pruned_at=now)
    )
    connection.execute(
        update(hotlist_versions)
        .where(_row.hotlist_id == key.id, _row.version <= oldest, _row.pruned_at.is_not(None))
        .values(delta=None)
    )
    return gone


def clear(engine: Engine, hotlist_id: int, drafts: Collection[int], now: datetime) -> None:
    """Remove files of versions that are marked, and of those that were never issued, in turns.

    Of the latter go those named, and whatever is older than :data:`LEFT_FOR`: an import that was
    cut off left it.
    """
    parts = hotlist_parts.c
    has_file = exists().where(parts.hotlist_id == _row.hotlist_id, parts.version == _row.version)
    with reading(engine) as connection:
        marked = connection.scalars(
            select(_row.version).where(
                _row.hotlist_id == hotlist_id, _row.pruned_at.is_not(None), has_file
            )
        ).all()
        mine = _row.version.in_(drafts) | (_row.imported_at < now - LEFT_FOR)
        given_up = connection.scalars(
            select(_row.version).where(_row.hotlist_id == hotlist_id, ~is_issued(), mine)
        ).all()
    for version in (*marked, *given_up):
        files.of_version(hotlist_id, version).remove_in_turns(engine)
    with engine.begin() as connection:
        connection.execute(
            delete(hotlist_versions).where(
                _row.hotlist_id == hotlist_id, _row.version.in_(given_up), ~is_issued()
            )
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
