"""Holds on reads, certificates of purges, and the watermark below which nothing comes back."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    Uuid,
)

from repository.store.tables.base import RowId, UtcDateTime, metadata

holds = Table(
    "holds",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("agency_id", RowId, ForeignKey("agencies.id"), nullable=False),
    Column("case_number", String(128), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("reason", Text, nullable=False),
    Column("review_due", Date),
    Column("placed_by", String(64), nullable=False),
    Column("placed_by_name", String(200), nullable=False),
    Column("placed_at", UtcDateTime, nullable=False),
    Column("released_by", String(64)),
    Column("released_by_name", String(200)),
    Column("released_at", UtcDateTime),
    Column("release_reason", Text),
    Index(None, "agency_id", "case_number"),
)
"""``released_at`` is null while the hold stands; released holds are kept, since they are record."""

hold_reads = Table(
    "hold_reads",
    metadata,
    Column("hold_id", RowId, ForeignKey("holds.id"), primary_key=True, autoincrement=False),
    Column("unit_id", RowId, primary_key=True, autoincrement=False),
    Column("captured_at", UtcDateTime, primary_key=True),
    Column("read_id", Uuid, primary_key=True),
    Index(None, "unit_id", "captured_at", "read_id"),
)

purges = Table(
    "purges",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("purged_at", UtcDateTime, nullable=False),
    Column("expired_before", UtcDateTime, nullable=False),
    Column("reads_purged", BigInteger, nullable=False),
    Column("reads_held", BigInteger, nullable=False),
    Column("hits_purged", BigInteger, nullable=False),
    Column("unit_records_purged", BigInteger, nullable=False),
    Column("quarantine_purged", BigInteger, nullable=False),
    Column("pictures_purged", BigInteger, nullable=False),
    Column("ids_digest", String(64), nullable=False),
    Column("rule_digest", String(64), nullable=False),
    Column("ledger_index", BigInteger, nullable=False),
)
"""One certificate for each purge; ``ids_digest`` is over the ids of the purged reads in order."""

doomed_pictures = Table(
    "doomed_pictures",
    metadata,
    Column("day", Date, primary_key=True),
    Column("sha256", String(64), primary_key=True),
)
"""Picture files whose last read is purged and which still have to be removed from disk."""

retention_state = Table(
    "retention_state",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("watermark", UtcDateTime, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)
"""``watermark``: every unheld read captured before it is purged, and none is taken in any more."""
