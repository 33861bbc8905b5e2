"""A filled store of an older schema keeps every row when it is brought to this version's."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from alembic import command
from sqlalchemy import Connection, Engine

from repository.store import migrate
from repository.store.checks import shape
from repository.store.engine import open_engine

AT = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
PLATES = ("1ABC23", "7XYZ", "8OB0")
ROWS = len(PLATES)
ONE_ROW = ("retention_state", "ledger_state", "purge_state", "clock_watch")
# What no pattern of types gives: values that constraints or later migrations look at.
SAID: dict[str, Any] = {
    "reads.plate": lambda number: PLATES[number - 1],
    "hits.plate": lambda number: f"HIT{number}",
    "ledger_entries.leaf": lambda number: hashlib.sha256(bytes([number])).digest(),
    "ledger_entries.entry_index": lambda number: number - 1,
    "hotlist_versions.body": lambda number: bytes([number]) * (2**20 + number),
    "unit_status.state": lambda _: "online",
}
MOVED = {("hotlist_versions", "body"), ("users", "previous_hash")}
"""Columns that a migration replaced; where their content went is tested by itself."""

EMPTIED = {each: ["sessions"] for each in ("0001", "0004", "0008", "0011")} | {
    "0021": ["oidc_sign_ins"]
}
"""Tables of which an upgrade from there keeps nothing: whoever was in, or coming, begins anew."""

REPLACED = {"retention_state": "watermarks"}
"""Tables that a migration dropped, and which has their content."""

Content = dict[str, list[dict[str, Any]]]


@pytest.fixture
def empty(dsn: str) -> Iterator[Engine]:
    engine = open_engine(dsn)
    yield engine
    engine.dispose()


@pytest.mark.parametrize("revision", EMPTIED)
def test_every_row_of_an_older_store_is_there_afterwards(empty: Engine, revision: str) -> None:
    with empty.begin() as connection:
        to(connection, revision)
        fill(connection)
        before = content(connection)
    assert all(len(before[name]) == (1 if name in ONE_ROW else ROWS) for name in before)
    migrate.upgrade(empty)
    migrate.require_current(empty)
    with empty.connect() as connection:
        after = content(connection)
        assert list(shape.check_tables(connection)) == []
        assert list(shape.check_indexes(connection, everything=True)) == []
        plates = [row["plate"] for row in after["plates"]]
        parts = [row["content"] for row in after["hotlist_parts"]]
    for table, rows in before.items():
        lost = {column for name, column in MOVED if name == table}
        if table in EMPTIED[revision]:
            assert after[table] == []
            continue
        if table not in after:
            assert after[REPLACED[table]], table
            continue
        if table == "hotlist_parts" and "body" in before["hotlist_versions"][0]:
            continue
        kept = [{name: row[name] for name in row.keys() - lost} for row in rows]
        now = [{name: row[name] for name in kept[0]} for row in after[table]]
        assert sorted(now, key=repr) == sorted(kept, key=repr), table
    if "plates" not in before:
        assert sorted(plates) == sorted([*PLATES, "HIT1", "HIT2", "HIT3"])
    if "body" in before["hotlist_versions"][0]:
        whole = sum(len(row["body"]) for row in before["hotlist_versions"])
        assert sum(map(len, parts)) == whole


def to(connection: Connection, revision: str) -> None:
    config = migrate._config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def fill(connection: Connection) -> None:
    """Three rows in every table, each column with a value of its own type."""
    if connection.dialect.name == "postgresql":
        for table in ("reads", "pictures"):
            kind = sa.text("SELECT relkind FROM pg_class WHERE relname = :name")
            if connection.scalar(kind, {"name": table}) == "p":
                connection.exec_driver_sql(
                    f"CREATE TABLE {table}_20260301 PARTITION OF {table} FOR VALUES "
                    "FROM ('2026-03-01 00:00:00+00') TO ('2026-03-02 00:00:00+00')"
                )
    for table in tables(connection):
        if connection.scalar(sa.select(sa.func.count()).select_from(table)):
            continue
        numbers = range(1, 2 if table.name in ONE_ROW else ROWS + 1)
        rows = [{column.name: value(column, number) for column in table.c} for number in numbers]
        connection.execute(sa.insert(table), rows)


def tables(connection: Connection) -> list[sa.Table]:
    """All tables of the schema as it is now, those first that others point to."""
    reflected = sa.MetaData()
    reflected.reflect(connection)
    return [
        table
        for table in reflected.sorted_tables
        if table.name != "alembic_version" and not table.name.endswith("_20260301")
    ]


def value(column: sa.Column[Any], number: int) -> Any:
    said = SAID.get(f"{column.table.name}.{column.name}")
    if said is not None:
        return said(number)
    kind = column.type
    if isinstance(kind, sa.Uuid):
        return UUID(int=number)
    if isinstance(kind, sa.Boolean):
        return number % 2 == 0
    if isinstance(kind, sa.DateTime):
        return AT if kind.timezone else AT.replace(tzinfo=None)
    if isinstance(kind, sa.Date):
        return date(2026, 3, number)
    if isinstance(kind, sa.JSON):
        return {"number": number}
    if isinstance(kind, sa.Float):
        return number + 0.5
    if isinstance(kind, sa.Integer):
        return number
    if isinstance(kind, sa.LargeBinary):
        return bytes([number]) * 32
    return f"{number:032x}"[-(kind.length or 32) :]  # type: ignore[attr-defined]


def content(connection: Connection) -> Content:
    """Every row of every table as the driver gives it."""
    return {
        table.name: [
            dict(row)
            for row in connection.execute(
                sa.text(f"SELECT * FROM {table.name}")  # noqa: S608 - names of the schema
            ).mappings()
        ]
        for table in tables(connection)
    }
