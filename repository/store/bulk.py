"""Inserting many rows at once: COPY on PostgreSQL, plain inserts on SQLite.

Rows that are new, as far as the caller knows, are copied straight into their table. Should one be
there after all, that is undone, and all of them go the way of rows that may be there: COPY into a
temporary table, which belongs to the connection, has no index and is emptied by every commit, and
from there whatever breaks no unique key.

COPY is in PostgreSQL's binary form (documentation of COPY, "Binary Format"): numbers in network
order, a moment as microseconds since 2000-01-01 UTC, lengths before values, -1 for null.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain, repeat
from operator import itemgetter
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
from sqlalchemy.exc import DBAPIError, IntegrityError

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
_AT_ONCE = 200

Encode = Callable[[Sequence[Any]], "list[Iterable[bytes]]"]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of some columns: tuples, which cost a quarter of what as many dicts do."""

    names: tuple[str, ...]
    values: list[tuple[Any, ...]] = field(default_factory=list)

    @classmethod
    def of(cls, mappings: Sequence[Mapping[str, Any]]) -> Rows:
        """The same rows; each of them names the same columns in the same order."""
        names = tuple(mappings[0]) if mappings else ()
        return cls(names, [tuple(one.values()) for one in mappings])

    def column(self, name: str) -> list[Any]:
        """One column's values."""
        return list(map(itemgetter(self.names.index(name)), self.values))

    def mappings(self) -> list[dict[str, Any]]:
        """Each row by its columns' names."""
        return [dict(zip(self.names, one, strict=True)) for one in self.values]


def insert_many(
    connection: Connection,
    table: Table,
    rows: Rows,
    *,
    all_new: bool = False,
) -> None:
    """Insert those of the rows that break no unique key; the others change nothing.

    ``all_new`` says that none is expected to be there: that costs half, and is no promise.
    """
    if len(rows.values) < COPY_FROM or connection.dialect.name != "postgresql":
        insert_new(connection, table, rows.mappings())
    elif not (all_new and _copied_straight(connection, table, rows)):
        _copy_around(connection, table, rows)


def binary_rows(columns: Sequence[Column[Any]], rows: Sequence[tuple[Any, ...]]) -> bytes:
    """Rows as COPY takes them in binary, without header and trailer."""
    # Column by column, which costs a third of what row by row does.
    counts = repeat(struct.pack("!h", len(columns)), len(rows))
    parts: list[Iterable[bytes]] = [counts]
    for column, values in zip(columns, zip(*rows, strict=True), strict=True):
        parts += _fields(column, values)
    return b"".join(chain.from_iterable(zip(*parts, strict=True)))


def _copied_straight(connection: Connection, table: Table, rows: Rows) -> bool:
    """Whether the rows are in the table now; if not, one of them was there before."""
    try:
        with connection.begin_nested():
            _copy(connection, table.name, table, rows)
    except IntegrityError as error:
        if not isinstance(error.orig, psycopg.errors.UniqueViolation):
            raise
        return False
    return True


def _copy_around(connection: Connection, table: Table, rows: Rows) -> None:
    incoming = f"incoming_{table.name}"
    connection.exec_driver_sql(
        f"CREATE TEMPORARY TABLE IF NOT EXISTS {incoming} (LIKE {table.name}) ON COMMIT DELETE ROWS"
    )
    _copy(connection, incoming, table, rows)
    names = ", ".join(rows.names)
    connection.exec_driver_sql(
        f"INSERT INTO {table.name} ({names}) SELECT {names} FROM {incoming} "  # noqa: S608 - names of the schema
        "ON CONFLICT DO NOTHING"
    )


def _copy(connection: Connection, into: str, table: Table, rows: Rows) -> None:
    columns = [table.c[name] for name in rows.names]
    statement = f"COPY {into} ({', '.join(rows.names)}) FROM STDIN (FORMAT BINARY)"
    driver: Any = connection.connection.driver_connection
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            copy.write(_HEADER)
            for start in range(0, len(rows.values), _AT_ONCE):
                copy.write(binary_rows(columns, rows.values[start : start + _AT_ONCE]))
            copy.write(_TRAILER)
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        first_line = str(error).strip().partition("\n")[0]
        raise DatabaseUnavailableError(f"the database does not answer: {first_line}") from error
    except psycopg.Error as error:
        raise DBAPIError.instance(
            statement, None, error, psycopg.Error, hide_parameters=True, dialect=connection.dialect
        ) from error


def _fields(column: Column[Any], values: Sequence[Any]) -> list[Iterable[bytes]]:
    """The binary form of a column's values, in one part or in two that follow each other."""
    form, recurring = _form(column)
    if recurring and len(distinct := set(values)) * 2 <= len(values):
        whole = map(b"".join, zip(*form(list(distinct)), strict=True))
        known = dict(zip(distinct, whole, strict=True))
        return [map(known.__getitem__, values)]
    return form(values)


@functools.cache
def _form(column: Column[Any]) -> tuple[Encode, bool]:
    """How a column's values are encoded, and whether it is worth looking for ones that recur."""
    for kind, encode, recurring in _ENCODERS:
        if isinstance(column.type, kind):
            return functools.partial(_with_nulls, encode) if column.nullable else encode, recurring
    raise TypeError(f"{column}: no binary form of its type is known")


def _with_nulls(encode: Encode, values: Sequence[Any]) -> list[Iterable[bytes]]:
    if None not in values:
        return encode(values)
    there = map(b"".join, zip(*encode([one for one in values if one is not None]), strict=True))
    return [[_NULL if one is None else next(there) for one in values]]


def _texts(values: Sequence[str]) -> list[Iterable[bytes]]:
    return _byte_strings(list(map(str.encode, values)))


def _byte_strings(values: Sequence[bytes]) -> list[Iterable[bytes]]:
    return [map(_LENGTH, map(len, values)), values]


def _moments(values: Sequence[datetime]) -> list[Iterable[bytes]]:
    return [[_INT8(8, (value - _EPOCH) // _MICROSECOND) for value in values]]


_ENCODERS: tuple[tuple[type[Any], Encode, bool], ...] = (
    (UtcDateTime, _moments, True),
    (BigInteger, lambda values: [map(_INT8, repeat(8), values)], True),
    (Integer, lambda values: [map(_INT4, repeat(4), values)], True),
    (Float, lambda values: [map(_FLOAT8, repeat(8), values)], False),
    (Boolean, lambda values: [[_TRUE if value else _FALSE for value in values]], False),
    (Uuid, lambda values: [[_SIXTEEN + value.int.to_bytes(16) for value in values]], False),
    (LargeBinary, _byte_strings, False),
    (String, _texts, True),
)
"""Of each type: how its values are encoded, and whether it is worth looking for ones that recur.
Not for floats, of which two that are equal, as 0.0 and -0.0 are, may differ in their bytes."""
