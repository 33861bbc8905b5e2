"""Inserting rows that may be there already, and long lists, the same way on both databases."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, String, Table, any_, cast, func, literal, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import ARRAY


def insert_new(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert those of the rows that break no unique key; the others change nothing.

    Every row names the same columns.
    """
    if rows:
        connection.execute(_insert(connection, table).on_conflict_do_nothing(), rows)


def put(connection: Connection, table: Table, row: Mapping[str, Any]) -> None:
    """Insert the row, or overwrite the one with its primary key."""
    statement = _insert(connection, table).values(**row)
    keys = [column.name for column in table.primary_key]
    changes = {name: statement.excluded[name] for name in row if name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changes))


def _insert(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def each(connection: Connection, texts: Sequence[str]) -> ColumnElement[str]:
    """The texts as a column to select from, in their order, whatever their number."""
    listed = json.dumps(list(texts))  # an array costs psycopg many times as much to write
    if connection.dialect.name == "postgresql":
        return func.json_array_elements_text(
            cast(literal(listed, String), postgresql.JSON)
        ).column_valued("one")
    rows = func.json_each(listed).table_valued("value", name="each_text")
    return cast(rows.c.value, String)


def among(
    connection: Connection, column: ColumnElement[str], texts: Sequence[str]
) -> ColumnElement[bool]:
    """Whether the column is one of the texts; the statement is the same for any number of them."""
    if connection.dialect.name == "postgresql":
        return column == any_(cast(literal(list(texts), ARRAY(String)), ARRAY(String)))
    return column.in_(select(each(connection, texts)))
