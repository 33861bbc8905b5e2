"""Which version each unit fetched to its end, in the caller's transaction."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from repository.store.rows import put
from repository.store.tables.fleet import agencies, units
from repository.store.tables.hotlists import hotlist_fetches, hotlists
from repository.units.requests import KnownUnit


def keep(connection: Connection, unit: KnownUnit, name: str, version: int, now: datetime) -> None:
    """Keep that the unit has fetched that version of its agency's list."""
    row = connection.execute(
        select(hotlists.c.id.label("hotlist_id"), units.c.id.label("unit_id"))
        .join(agencies, agencies.c.id == hotlists.c.agency_id)
        .join(units, units.c.agency_id == agencies.c.id)
        .where(
            agencies.c.name == unit.agency,
            hotlists.c.name == name,
            units.c.name == unit.name,
            units.c.revoked_at.is_(None),
        )
    ).one_or_none()
    if row is not None:
        put(
            connection,
            hotlist_fetches,
            {**row._mapping, "version": version, "fetched_at": now},
        )
