"""Turns that transactions take, each held until its transaction ends.

On SQLite a transaction that writes is alone as it is. On PostgreSQL these are advisory locks: any
numbers will do, as long as nothing else in the database takes them.
"""

from __future__ import annotations

from enum import IntEnum

from sqlalchemy import Connection, text


class Turn(IntEnum):
    """What is done by one transaction at a time."""

    MIGRATION = 0x706C_6174_6501
    PARTITIONS = 0x706C_6174_6502
    AGENCIES = 0x706C_6174_6504
    """What agencies sign, and who holds their posts."""
    SUBJECTS = 0x706C_6174_6505
    """Whom agencies' own providers mean by a login."""
    PURGE = 0x706C_6174_6510
    """The whole of a purge, with all its transactions: see ``store.alone``."""
    RETENTION = 0x706C_6174_6503
    """Holds and purges, one after the other. Ingest shares it: while records and pictures are
    taken in, nothing is purged, and the watermark stays where ingest found it."""


def take(connection: Connection, turn: Turn) -> None:
    """Wait until nobody has or shares the turn, and have it."""
    _lock(connection, "pg_advisory_xact_lock", turn)


def share(connection: Connection, turn: Turn) -> None:
    """Wait until nobody has the turn, and share it with others who share it."""
    _lock(connection, "pg_advisory_xact_lock_shared", turn)


def _lock(connection: Connection, function: str, turn: Turn) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT {function}(:turn)"), {"turn": int(turn)})
