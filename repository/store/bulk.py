"""Inserting many rows at once: COPY into a temporary table on PostgreSQL, plain inserts on SQLite.

The temporary table belongs to the connection, has no index and is emptied by every commit. COPY is
in PostgreSQL's binary form (documentation of COPY, "Binary Format"): numbers in network order, a
moment as microseconds since 2000-01-01 UTC, lengths before values, -1 for null.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

import psycopg
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    Integer,
    LargeBinary,
    String,
    Table,
    Uuid,
)
from sqlalchemy.exc import DBAPIError

from repository.store.engine import DatabaseUnavailableError
from repository.store.rows import insert_new
from repository.store.tables.base import UtcDateTime

COPY_FROM = 50
"""Rows from which COPY is cheaper than statements, whose cost is per row."""

_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TRAILER = struct.pack("!h", -1)
_NULL = struct.pack("!i", -1)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LENGTH = struct.Struct("!i").pack
_INT8 = struct.Struct("!iq").pack
_INT4 = struct.Struct("!ii").pack
_FLOAT8 = struct.Struct("!id").pack
_SIXTEEN = _LENGTH(16)
_TRUE, _FALSE = b"\x00\x00\x00\x01\x01", b"\x00\x00\x00\x01\x00"
_AT_ONCE = 500

Encode = Callable[[Any], bytes]


def insert_many(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert those of the rows that break no unique key; the others change nothing.

    Every row names the same columns.
    """
    if len(rows) < COPY_FROM or connection.dialect.name != "postgresql":
        insert_new(connection, table, rows)
        return
    columns = [table.c[name] for name in rows[0]]
    names = ", ".join(column.name for column in columns)
    incoming = f"incoming_{table.name}"
    connection.exec_driver_sql(
        f"CREATE TEMPORARY TABLE IF NOT EXISTS {incoming} (LIKE {table.name}) ON COMMIT DELETE ROWS"
    )
    _copy(connection, f"COPY {incoming} ({names}) FROM STDIN (FORMAT BINARY)", columns, rows)
    connection.exec_driver_sql(
        f"INSERT INTO {table.name} ({names}) SELECT {names} FROM {incoming} "  # noqa: S608 - names of the schema
        "ON CONFLICT DO NOTHING"
    )


def binary_rows(columns: Sequence[Column[Any]], rows: Sequence[Mapping[str, Any]]) -> bytes:
    """The rows as COPY takes them in its binary form, without header and trailer."""
    # Column by column, which costs half of what row by row does.
    fields = [list(map(_encoder(column), [row[column.name] for row in rows])) for column in columns]
    counts = [struct.pack("!h", len(columns))] * len(rows)
    return b"".join(chain.from_iterable(zip(counts, *fields, strict=True)))


def _copy(
    connection: Connection,
    statement: str,
    columns: Sequence[Column[Any]],
    rows: Sequence[Mapping[str, Any]],
) -> None:
    driver: Any = connection.connection.driver_connection
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            copy.write(_HEADER)
            for start in range(0, len(rows), _AT_ONCE):
                copy.write(binary_rows(columns, rows[start : start + _AT_ONCE]))
            copy.write(_TRAILER)
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        first_line = str(error).strip().partition("\n")[0]
        raise DatabaseUnavailableError(f"the database does not answer: {first_line}") from error
    except psycopg.Error as error:
        raise DBAPIError.instance(
            statement, None, error, psycopg.Error, hide_parameters=True, dialect=connection.dialect
        ) from error


def _encoder(column: Column[Any]) -> Encode:
    for kind, encode in _ENCODERS:
        if isinstance(column.type, kind):
            if column.nullable:
                return lambda value: _NULL if value is None else encode(value)
            return encode
    raise TypeError(f"{column}: no binary form of its type is known")


def _text(value: str) -> bytes:
    data = value.encode()
    return _LENGTH(len(data)) + data


def _bytes(value: bytes) -> bytes:
    return _LENGTH(len(value)) + value


def _moment(value: datetime) -> bytes:
    return _INT8(8, (value - _EPOCH) // _MICROSECOND)


_ENCODERS: tuple[tuple[type[Any], Encode], ...] = (
    (UtcDateTime, _moment),
    (BigInteger, lambda value: _INT8(8, value)),
    (Integer, lambda value: _INT4(4, value)),
    (Float, lambda value: _FLOAT8(8, value)),
    (Boolean, lambda value: _TRUE if value else _FALSE),
    (Uuid, lambda value: _SIXTEEN + value.bytes),
    (LargeBinary, _bytes),
    (String, _text),
)
