"""Rows of a table in a database that may be damaged: a bad page costs the rows on it alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from edge.spool.loose_rows import LooseRows

_ROWS_AT_ONCE = 256
_MAX_UNREADABLE = 20_000
"""Keys looked for one by one in one table: beyond the last key all of a damaged page's fail."""

_GREATEST = 2**63 - 1

Row = dict[str, Any]


def sound_rows(
    connection: sqlite3.Connection, table: str, key: str, loose: LooseRows | None = None
) -> Iterator[Row]:
    """Rows in the order of their integer key, but for those that SQLite cannot read.

    They are read some at a time. Where that fails, the range of keys is halved until what fails
    is single rows, which are left out, or taken from the ``loose`` ones. A table that is not there
    has no rows.
    """
    columns = _columns(connection, table)
    if columns:
        yield from _Table(connection, table, key, columns, loose).rows()


def rows(connection: sqlite3.Connection, table: str) -> Iterator[Row]:
    """All rows of a table, in a database that is taken for sound.

    Raises:
        sqlite3.DatabaseError: if it is not.
    """
    found = connection.execute(f"SELECT * FROM {table} ORDER BY rowid")  # noqa: S608
    columns = [column for column, *_ in found.description]
    yield from (dict(zip(columns, row, strict=True)) for row in found)


def insert_row(connection: sqlite3.Connection, table: str, row: Row) -> None:
    """Put a row into a table, unless one with its key is there."""
    connection.execute(
        f"INSERT OR IGNORE INTO {table} ({', '.join(row)})"  # noqa: S608
        f" VALUES ({', '.join('?' * len(row))})",
        tuple(row.values()),
    )


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    try:
        return [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    except sqlite3.DatabaseError:
        return []


@dataclass
class _Table:
    connection: sqlite3.Connection
    name: str
    key: str
    columns: list[str]
    loose: LooseRows | None
    unreadable: int = 0

    def rows(self) -> Iterator[Row]:
        after = -1
        while (bounds := self._next_bounds(after)) is not None:
            yield from self._between(*bounds)
            after = bounds[1]

    def _next_bounds(self, after: int) -> tuple[int, int] | None:
        """First and last key of the next rows; where that cannot be told, all that is left."""
        try:
            keys = self.connection.execute(
                f"SELECT {self.key} FROM {self.name} WHERE {self.key} > ?"  # noqa: S608
                f" ORDER BY {self.key} LIMIT ?",
                (after, _ROWS_AT_ONCE),
            ).fetchall()
        except sqlite3.DatabaseError:
            last = self._last_key()
            return (after + 1, last) if last > after else None
        return (keys[0][0], keys[-1][0]) if keys else None

    def _last_key(self) -> int:
        try:
            (last,) = self.connection.execute(
                f"SELECT max({self.key}) FROM {self.name}"  # noqa: S608
            ).fetchone()
        except sqlite3.DatabaseError:
            return _GREATEST
        return -1 if last is None else int(last)

    def _between(self, first: int, last: int) -> Iterator[Row]:
        if self.unreadable > _MAX_UNREADABLE:
            yield from self._loose(first, last)
            return
        try:
            rows = self.connection.execute(
                f"SELECT {', '.join(self.columns)} FROM {self.name}"  # noqa: S608
                f" WHERE {self.key} BETWEEN ? AND ? ORDER BY {self.key}",
                (first, last),
            ).fetchall()
        except sqlite3.DatabaseError:
            if first == last:
                self.unreadable += 1
                yield from self._loose(first, last)
                return
            middle = first + (last - first) // 2
            yield from self._between(first, middle)
            yield from self._between(middle + 1, last)
        else:
            yield from (dict(zip(self.columns, row, strict=True)) for row in rows)

    def _loose(self, first: int, last: int) -> Iterator[Row]:
        return iter(()) if self.loose is None else self.loose.between(first, last)
