"""How fast the server's own COPY takes rows that it has, into twins of their tables."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Table, text

from repository.store.tables.reads import pictures, reads

_TIMES = 3


def copy_rates(
    connection: Connection, number: int, processor_s: Callable[[], float]
) -> dict[str, Any]:
    """Reads a second of COPY: of the reads with their pictures' facts, and of the reads alone.

    The twins have the same columns, partitions and indexes and are empty; the rows are in memory
    in binary form; each table is committed. ``number`` is how many reads there are, and
    ``processor_s`` says how much processor time the server has had.
    """
    data = {table.name: _copied_out(connection, table) for table in (reads, pictures)}
    everything, alone, processor = [], [], []
    for _ in range(_TIMES):
        began = processor_s()
        reads_s = _copied_in(connection, reads, data["reads"])
        pictures_s = _copied_in(connection, pictures, data["pictures"])
        everything.append(number / (reads_s + pictures_s))
        alone.append(number / reads_s)
        processor.append((processor_s() - began) / number * 1e6)
    return {
        "copy_per_s": round(statistics.median(everything)),
        "copy_of_reads_alone_per_s": round(statistics.median(alone)),
        "copy_processor_us_per_read": round(statistics.median(processor), 1),
    }


def _copied_out(connection: Connection, table: Table) -> bytes:
    """The table's rows in binary form; a twin of the table is made, empty, with all indexes."""
    name, twin = table.name, f"copied_{table.name}"
    connection.execute(
        text(f"CREATE TABLE {twin} (LIKE {name} INCLUDING ALL) PARTITION BY RANGE (captured_at)")
    )
    bounds = connection.scalars(
        text(
            "SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE oid IN "
            "(SELECT inhrelid FROM pg_inherits WHERE inhparent = CAST(:name AS regclass))"
        ),
        {"name": name},
    )
    for number, bound in enumerate(bounds.all()):
        connection.execute(text(f"CREATE TABLE {twin}_{number} PARTITION OF {twin} {bound}"))
    connection.commit()
    taking = f"COPY (SELECT {_names(table)} FROM {name}) TO STDOUT (FORMAT BINARY)"  # noqa: S608 - names of the schema
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(taking) as copy:
        return b"".join(bytes(part) for part in copy)


def _copied_in(connection: Connection, table: Table, data: bytes) -> float:
    """Seconds that COPY into the empty twin takes, with its commit."""
    twin = f"copied_{table.name}"
    connection.execute(text(f"TRUNCATE {twin}"))
    connection.commit()
    driver: Any = connection.connection.driver_connection
    began = time.perf_counter()
    with driver.cursor() as cursor:
        with cursor.copy(f"COPY {twin} ({_names(table)}) FROM STDIN (FORMAT BINARY)") as copy:
            for first in range(0, len(data), 1 << 20):
                copy.write(data[first : first + (1 << 20)])
        driver.commit()
    return time.perf_counter() - began


def _names(table: Table) -> str:
    return ", ".join(column.name for column in table.c)
