"""Partitions by UTC day of capture, of ``reads`` and ``pictures``, on PostgreSQL alone.

A partition is a table named for its day, as in ``reads_20260301``. SQLite has none: what is done
to a day there is done to its rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import (
    ColumnElement,
    Connection,
    MetaData,
    Table,
    TableClause,
    delete,
    exists,
    insert,
    select,
    text,
    true,
)

from repository.store import locks
from repository.store.locks import Turn
from repository.store.tables.fleet import units
from repository.store.tables.reads import pictures, reads

PARTITIONED: tuple[Table, ...] = (reads, pictures)
"""The tables that have a partition for each day."""

_DAY = timedelta(days=1)
_SPAN_DAYS = 31


def ensure_days(connection: Connection, days: Iterable[date]) -> None:
    """Make the partitions of these days, where they are missing, in the caller's transaction.

    A partition is made as a table of its own and attached: that lets searches go on, which
    making it in place would not.
    """
    if connection.dialect.name != "postgresql":
        return
    wanted = {partition_name(table, day): (table, day) for day in days for table in PARTITIONED}
    if wanted.keys() <= _existing(connection, wanted):
        return
    locks.take(connection, Turn.PARTITIONS)
    for name in sorted(wanted.keys() - _existing(connection, wanted)):
        table, day = wanted[name]
        _make(connection, table, name)
        _attach(connection, table, name, day)


def replace_day(
    connection: Connection, day: date, kept: Callable[[Table], ColumnElement[bool]]
) -> None:
    """Take everything of a day out of ``reads`` and ``pictures`` but the rows that are ``kept``.

    On PostgreSQL these rows are copied to fresh tables, which take the places of the day's
    partitions in the caller's transaction; a day that keeps nothing has no partition any more.
    From the first partition that goes until that transaction ends, nobody else reads these
    tables: what takes long comes before. What is kept of ``pictures`` may depend on ``reads``.
    """
    if connection.dialect.name != "postgresql":
        for table in reversed(PARTITIONED):
            connection.execute(delete(table).where(of_day(table, day), ~kept(table)))
        return
    wanted = [partition_name(table, day) for table in PARTITIONED]
    there = _existing(connection, wanted)
    old = [(table, name) for table, name in zip(PARTITIONED, wanted, strict=True) if name in there]
    for table, name in old:
        _copy(connection, table, f"{name}_kept", of_day(table, day) & kept(table))
    if old:  # in the order in which those who search look at them, so that nobody waits in a ring
        names = ", ".join(table.name for table, _ in old)
        connection.exec_driver_sql(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE")
    for table, name in old:
        connection.exec_driver_sql(f"DROP TABLE {name}")
        if _has_rows(connection, f"{name}_kept"):
            connection.exec_driver_sql(f"ALTER TABLE {name}_kept RENAME TO {name}")
            _attach(connection, table, name, day)
        else:
            connection.exec_driver_sql(f"DROP TABLE {name}_kept")


def of_day(table: Table, day: date) -> ColumnElement[bool]:
    """Whether a row was captured on that UTC day; ``table`` has ``unit_id`` and ``captured_at``.

    The primary keys begin with the unit: naming the units lets the database walk the key.
    """
    start = datetime.combine(day, time(), UTC)
    return (
        table.c.unit_id.in_(select(units.c.id))
        & (table.c.captured_at >= start)
        & (table.c.captured_at < start + _DAY)
    )


def drop_empty(connection: Connection, before: date) -> list[date]:
    """Drop the partitions of days before this one that hold nothing; the days that lost one.

    The caller has the turn ``RETENTION``: nothing is taken in meanwhile.
    """
    if connection.dialect.name != "postgresql":
        return []
    dropped = set()
    for table in PARTITIONED:
        for day in days(connection, table):
            name = partition_name(table, day)
            if day < before and not _has_rows(connection, name):
                connection.exec_driver_sql(f"DROP TABLE {name}")
                dropped.add(day)
    return sorted(dropped)


def days(connection: Connection, table: Table) -> list[date]:
    """The days that have a partition of that table, in order; none on SQLite."""
    if connection.dialect.name != "postgresql":
        return []
    query = text(
        "SELECT child.relname FROM pg_catalog.pg_inherits "
        "JOIN pg_catalog.pg_class child ON child.oid = inhrelid "
        "WHERE inhparent = CAST(:parent AS regclass) ORDER BY 1"
    )
    names = connection.scalars(query, {"parent": table.name})
    return [date.fromisoformat(name.removeprefix(f"{table.name}_")) for name in names]


def spans(connection: Connection, table: Table) -> Iterator[ColumnElement[bool]]:
    """All time in spans of a month's partitions, the newest first; in one piece on SQLite."""
    starts = days(connection, table)[::-_SPAN_DAYS]
    until: ColumnElement[bool] = true()
    for start in starts[1:]:
        moment = datetime.combine(start + _DAY, time(), UTC)
        yield (table.c.captured_at >= moment) & until
        until = table.c.captured_at < moment
    yield until


def partition_name(table: Table, day: date) -> str:
    """The table that holds what ``table`` has of that UTC day."""
    return f"{table.name}_{day:%Y%m%d}"


def _copy(connection: Connection, table: Table, name: str, which: ColumnElement[bool]) -> None:
    _make(connection, table, name)
    fresh = table.to_metadata(MetaData(), name=name)
    rows = select(table).where(which)
    connection.execute(insert(fresh).from_select(list(table.c.keys()), rows))


def _make(connection: Connection, table: Table, name: str) -> None:
    connection.exec_driver_sql(
        f"CREATE TABLE {name} (LIKE {table.name} INCLUDING DEFAULTS INCLUDING CONSTRAINTS "
        "INCLUDING GENERATED)"
    )
    # Whoever made it, it is dropped by others who may: it belongs to whom the whole belongs to.
    query = text(
        "SELECT pg_get_userbyid(relowner) FROM pg_catalog.pg_class "
        "WHERE oid = CAST(:parent AS regclass) AND pg_get_userbyid(relowner) <> current_user"
    )
    owner = connection.scalar(query, {"parent": table.name})
    if owner is not None:
        quoted = connection.dialect.identifier_preparer.quote(owner)
        connection.exec_driver_sql(f"ALTER TABLE {name} OWNER TO {quoted}")


def _attach(connection: Connection, table: Table, name: str, day: date) -> None:
    start, end = day.isoformat(), (day + _DAY).isoformat()
    connection.exec_driver_sql(
        f"ALTER TABLE {table.name} ATTACH PARTITION {name} "
        f"FOR VALUES FROM ('{start} 00:00:00+00') TO ('{end} 00:00:00+00')"
    )


def _has_rows(connection: Connection, name: str) -> bool:
    return bool(connection.scalar(select(exists().select_from(TableClause(name)))))


def _existing(connection: Connection, names: Iterable[str]) -> set[str]:
    # The catalogue is asked as a table: to_regclass answers from a cache that, inside one
    # transaction, need not have heard of what another has committed meanwhile.
    query = text(
        "SELECT relname FROM pg_catalog.pg_class WHERE relname = ANY(:names) "
        "AND relnamespace = CAST(current_schema() AS regnamespace)"
    )
    return set(connection.scalars(query, {"names": list(names)}))
