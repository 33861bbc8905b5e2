"""Giving disk back after much was deleted. PostgreSQL does so by itself."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress

from sqlalchemy import Engine

_INCREMENTAL = 2


def give_back(engine: Engine) -> None:
    """Shorten an SQLite file by its free pages, and its log to nothing.

    A file that was made without that ability gets it once, by being written anew. Where others
    are at work in the file, the next call does it.
    """
    if engine.dialect.name != "sqlite":
        return
    with (
        suppress(sqlite3.OperationalError),
        closing(engine.raw_connection()) as connection,
        closing(connection.cursor()) as cursor,
    ):
        (mode,) = cursor.execute("PRAGMA auto_vacuum").fetchone()
        if mode != _INCREMENTAL:
            cursor.execute("PRAGMA auto_vacuum = INCREMENTAL")
            cursor.execute("VACUUM")
        cursor.execute("PRAGMA incremental_vacuum").fetchall()
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
