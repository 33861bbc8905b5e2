"""Holds and purges one after the other: a read is held before a purge looks, or is gone."""

from __future__ import annotations

from sqlalchemy import Connection, text

# Any constant will do, as long as nothing else in the database takes the same advisory lock.
_LOCK = 0x706C_6174_6503


def take_turn(connection: Connection) -> None:
    """Wait for whoever holds or purges now; the turn lasts until the transaction ends.

    On SQLite the transaction itself is the turn.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
