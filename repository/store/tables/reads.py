"""What units sent: batches, reads, hits, other records, pictures, and what was refused.

Invariants:

- Every key that must be unique holds ``unit_id``, so that the tables can be spread over machines
  by unit; ``reads`` and ``pictures`` hold ``captured_at`` too and are partitioned by
  UTC day on PostgreSQL.
- ``record`` is the record's canonical bytes as the unit signed them; the columns beside it are
  copies for searching.
- No foreign key leaves ``reads``, ``hits``, ``unit_records`` or ``pictures``: ingest has looked
  the unit up in the same transaction, units are never deleted, and a hit's notice may come
  before its read.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    Uuid,
    text,
)

from repository.store.tables.base import RowId, UtcDateTime, metadata

batches = Table(
    "batches",
    metadata,
    Column("unit_id", RowId, ForeignKey("units.id"), primary_key=True, autoincrement=False),
    Column("first_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("previous_root", String(64), nullable=False),
    Column("root", String(64), nullable=False),
    Column("key_id", String(16), nullable=False),
    Column("signature", String(128), nullable=False),
    Column("record_digests", LargeBinary, nullable=False),
    Column("message", String(64), nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("captured_from", UtcDateTime),
    Column("captured_to", UtcDateTime),
)
"""Everything to prove one record later: ``record_digests`` holds 32 bytes for each record in order,
refused ones included, and says nothing about a record that is gone, since digests are salted.
``captured_from`` and ``captured_to`` bound the moments of the records that were kept, so that they
are found by the key; null where none was kept, and in rows older than these columns."""

reads = Table(
    "reads",
    metadata,
    Column("unit_id", RowId, primary_key=True, autoincrement=False),
    Column("captured_at", UtcDateTime, primary_key=True),
    Column("read_id", Uuid, primary_key=True),
    Column("agency_id", RowId, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("batch_first_seq", BigInteger, nullable=False),
    Column("camera", String(63), nullable=False),
    Column("plate", String(12), nullable=False),
    Column("plate_folded", String(12), nullable=False),
    Column("state", String(2)),
    Column("confidence", Float, nullable=False),
    Column("latitude_deg", Float),
    Column("longitude_deg", Float),
    Column("site", String(128)),
    Column("has_hits", Boolean, nullable=False),
    Column("record", LargeBinary, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Index(None, "plate", "captured_at"),
    Index(None, "plate_folded", "captured_at"),
    Index(None, "latitude_deg", "longitude_deg"),
    Index(
        "ix_reads_on_hotlist",
        "captured_at",
        postgresql_where=text("has_hits"),
        sqlite_where=text("has_hits = 1"),
    ),
    postgresql_partition_by="RANGE (captured_at)",
)

hits = Table(
    "hits",
    metadata,
    Column("unit_id", RowId, primary_key=True, autoincrement=False),
    Column("captured_at", UtcDateTime, primary_key=True),
    Column("hit_id", Uuid, primary_key=True),
    Column("agency_id", RowId, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("read_id", Uuid, nullable=False),
    Column("camera", String(63), nullable=False),
    Column("plate", String(12), nullable=False),
    Column("list_name", String(63), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("rang", Boolean, nullable=False),
    Column("record", LargeBinary, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Index(None, "unit_id", "read_id"),
    Index(None, "plate", "captured_at"),
)

unit_records = Table(
    "unit_records",
    metadata,
    Column("unit_id", RowId, primary_key=True, autoincrement=False),
    Column("captured_at", UtcDateTime, primary_key=True),
    Column("record_id", Uuid, primary_key=True),
    Column("agency_id", RowId, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("type", String(16), nullable=False),
    Column("hit_id", Uuid),
    Column("record", LargeBinary, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Index(None, "unit_id", "hit_id"),
)
"""Verifications, dispositions, shift checks, manual entries and malfunctions, by their ``type``;
``hit_id`` names the hit that a verification or a disposition speaks of."""

pictures = Table(
    "pictures",
    metadata,
    Column("unit_id", RowId, primary_key=True, autoincrement=False),
    Column("captured_at", UtcDateTime, primary_key=True),
    Column("read_id", Uuid, primary_key=True),
    Column("sha256", String(64), primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("kind", String(8), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("width_px", BigInteger, nullable=False),
    Column("height_px", BigInteger, nullable=False),
    Column("stored_at", UtcDateTime),
    Index(None, "unit_id", "sha256"),
    Index(
        "ix_pictures_missing",
        "unit_id",
        "seq",
        postgresql_where=text("stored_at IS NULL"),
        sqlite_where=text("stored_at IS NULL"),
    ),
    postgresql_partition_by="RANGE (captured_at)",
)
"""Facts of the pictures that reads name; ``stored_at`` is null until the bytes are on disk."""

picture_keys = Table(
    "picture_keys",
    metadata,
    Column("day", Date, primary_key=True),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)
"""The key of each UTC day of capture, itself encrypted under the master key."""

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("fingerprint", String(64), nullable=False, unique=True),
    Column("received_at", UtcDateTime, nullable=False),
    Column("captured_at", UtcDateTime),
    Column("topic", Text, nullable=False),
    Column("unit_id", RowId, ForeignKey("units.id")),
    Column("seq", BigInteger),
    Column("reason", String(32), nullable=False),
    Column("detail", String(500), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index(None, "unit_id", "seq"),
    Index(None, "received_at"),
)
"""What was refused: a whole message (``seq`` null) or one record. ``fingerprint`` is the same for
the same refusal of the same bytes, so that a message delivered again adds nothing; ``body`` may be
shorter than ``size_bytes``, which with ``sha256`` describes the whole."""

quarantine_budgets = Table(
    "quarantine_budgets",
    metadata,
    Column("unit_id", RowId, primary_key=True, autoincrement=False),
    Column("day", Date, primary_key=True),
    Column("spent_bytes", BigInteger, nullable=False),
    Column("spent_rows", BigInteger),
)
"""How much of its refused messages the repository has kept for a unit on a UTC day; ``unit_id`` 0
stands for all that is not enrolled."""
