"""The partitions by day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from sqlalchemy import Connection, text

from repository.store.ahead import coming_days
from repository.store.checks.result import CheckResult
from repository.store.partitions import PARTITIONED, days, partition_name

_NEEDED_AHEAD = 3


def check_days(connection: Connection, today: date) -> Iterator[CheckResult]:
    """Whether the coming days have partitions, and none is adrift."""
    if connection.dialect.name != "postgresql":
        return
    coming = coming_days(today)[:_NEEDED_AHEAD]
    for table in PARTITIONED:
        there = set(days(connection, table))
        for day in sorted(set(coming) - there):
            yield CheckResult(
                "partitions.ahead",
                f"{table.name} has no partition for {day}",
                "`alpr-repository run` makes them: see that it runs, with its part `jobs`; "
                "`alpr-repository db upgrade` makes them now",
            )
        attached = {partition_name(table, day) for day in there}
        for name in sorted(_named_like(connection, table.name) - attached):
            yield CheckResult(
                "partitions.attached",
                f"table {name} is no partition of {table.name}: nothing in it is found or purged",
                f"look into it; attach it again or run: DROP TABLE {name}",
            )


def _named_like(connection: Connection, table: str) -> set[str]:
    query = text(
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relname ~ :pattern "
        "AND relnamespace = CAST(current_schema() AS regnamespace)"
    )
    return set(connection.scalars(query, {"pattern": f"^{table}_[0-9]{{8}}(_kept)?$"}))
