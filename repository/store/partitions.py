"""The partitions of ``reads``: one for each UTC day of capture, on PostgreSQL alone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from sqlalchemy import Connection, text

from repository.store import locks
from repository.store.locks import Turn


def ensure_days(connection: Connection, days: Iterable[date]) -> None:
    """Make the partitions of these days, where they are missing, in the caller's transaction.

    A partition is made as a table of its own and attached: that lets searches go on, which
    making it in place would not.
    """
    if connection.dialect.name != "postgresql":
        return
    for day in sorted(set(days)):
        if _exists(connection, day):
            continue
        locks.take(connection, Turn.PARTITIONS)
        if _exists(connection, day):  # another transaction made it while this one waited
            continue
        name = partition_name(day)
        start, end = day.isoformat(), (day + timedelta(days=1)).isoformat()
        connection.exec_driver_sql(
            f"CREATE TABLE {name} (LIKE reads INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"
        )
        connection.exec_driver_sql(
            f"ALTER TABLE reads ATTACH PARTITION {name} "
            f"FOR VALUES FROM ('{start} 00:00:00+00') TO ('{end} 00:00:00+00')"
        )


def partition_name(day: date) -> str:
    """The table that holds the reads captured on that UTC day."""
    return f"reads_{day:%Y%m%d}"


def _exists(connection: Connection, day: date) -> bool:
    # The catalogue is asked as a table: to_regclass answers from a cache that, inside one
    # transaction, need not have heard of what another has committed meanwhile.
    query = text(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_class WHERE relname = :name "
        "AND relnamespace = CAST(current_schema() AS regnamespace))"
    )
    return bool(connection.scalar(query, {"name": partition_name(day)}))
