"""Restores from backups, the one that is not finished included."""

from __future__ import annotations

from sqlalchemy import Column, String, Table

from repository.store.tables.base import RowId, UtcDateTime, metadata

restores = Table(
    "restores",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("backup", String(64), nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("begun_at", UtcDateTime, nullable=False),
    Column("opened_at", UtcDateTime),
)
"""``backup`` is the SHA-256 of the backup's manifest, ``made_at`` when it was made. While
``opened_at`` is null, what came back is not purged yet and the database opens for nobody."""
