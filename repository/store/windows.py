"""Finding reads by time alone, the same way on both databases."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, select, true

from repository.store.tables.fleet import units
from repository.store.tables.reads import reads


def of_any_unit(connection: Connection) -> ColumnElement[bool]:
    """True of every read; for a query that knows no more than a window of time.

    SQLite, which keeps no statistics here, would go through all reads: this leads it to the primary
    key, in which the time comes after the unit. PostgreSQL has a partition for each day.
    """
    if connection.dialect.name == "postgresql":
        return true()
    return reads.c.unit_id.in_(select(units.c.id))
