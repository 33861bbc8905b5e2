"""Hot lists of agencies in all their versions."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
)

from repository.store.tables.base import RowId, UtcDateTime, metadata

hotlists = Table(
    "hotlists",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("agency_id", RowId, ForeignKey("agencies.id"), nullable=False),
    Column("name", String(63), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("agency_id", "name"),
)

hotlist_versions = Table(
    "hotlist_versions",
    metadata,
    Column("hotlist_id", RowId, ForeignKey("hotlists.id"), primary_key=True, autoincrement=False),
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("issued_at", UtcDateTime, nullable=False),
    Column("imported_at", UtcDateTime, nullable=False),
    Column("entries", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("manifest", LargeBinary, nullable=False),
    Column("delta", LargeBinary),
)
"""``manifest`` is the signed description of the list's file; ``delta`` makes that file of the one
of the manifest's ``delta_base``, where that is shorter than the file."""

hotlist_parts = Table(
    "hotlist_parts",
    metadata,
    Column("hotlist_id", RowId, primary_key=True, autoincrement=False),
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("part", BigInteger, primary_key=True, autoincrement=False),
    Column("content", LargeBinary, nullable=False),
    ForeignKeyConstraint(
        ["hotlist_id", "version"], ["hotlist_versions.hotlist_id", "hotlist_versions.version"]
    ),
)
"""The file of a version, cut every mebibyte; part 0 is its beginning."""
