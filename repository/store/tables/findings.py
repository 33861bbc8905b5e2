"""What the repository found out that an administrator must see, and who takes part in ingest."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    Table,
    Text,
)

from repository.store.tables.base import RowId, UtcDateTime, metadata

findings = Table(
    "findings",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("unit_id", RowId, ForeignKey("units.id")),
    Column("subject", String(128), nullable=False),
    Column("detail", String(500), nullable=False),
    Column("times", BigInteger, nullable=False),
    Column("raised_at", UtcDateTime, nullable=False),
    Column("last_at", UtcDateTime, nullable=False),
    Column("open_key", String(64), unique=True),
    Column("closed_at", UtcDateTime),
    Column("closed_by", String(64)),
    Column("closed_by_name", String(200)),
    Column("close_reason", Text),
    Index(None, "closed_at"),
)
"""``open_key`` stands for kind, unit and subject while the finding is open, and is null after:
so there is one open finding of each. ``closed_by`` is null where what was found ended by itself."""

ingest_consumers = Table(
    "ingest_consumers",
    metadata,
    Column("client_id", String(80), primary_key=True),
    Column("host", String(255), nullable=False),
    Column("enrolled_at", UtcDateTime, nullable=False),
    Column("last_seen_at", UtcDateTime, nullable=False),
)
"""The ingest processes that the broker keeps messages for, each by its session's name."""

clock_watch = Table(
    "clock_watch",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("trusted_at", UtcDateTime, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)
"""One row: the last moment at which nothing spoke against the repository's own clock."""
