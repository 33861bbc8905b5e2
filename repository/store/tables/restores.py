"""Restores from backups, the one that is not finished included, and what they lost."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, String, Table

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

lost_records = Table(
    "lost_records",
    metadata,
    Column("unit_id", RowId, ForeignKey("units.id"), primary_key=True, autoincrement=False),
    Column("first_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("previous_root", String(64), nullable=False),
    Column("root", String(64), nullable=False),
    Column("noted_at", UtcDateTime, nullable=False),
)
"""Stretches of units' chains that the repository had receipted and lost, in the place of their
batches: ``previous_root`` is where the chain stood here, ``root`` what it goes on from
by the word of the unit's next batch."""
