"""Hot lists of agencies: where their entries come from, their versions, and who has which.

A list's content is what its sources and the manual entries give; a version is that content as
units take it, whole and signed.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
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
    Column("pruned_at", UtcDateTime),
)
"""``manifest`` is the signed description of the list's file; ``delta`` makes that file of the one
of the manifest's ``delta_base``, where that is shorter than the file. ``issued_at`` is the moment
as of which the content was known, ``imported_at`` when the version was made. The file of a version
with ``pruned_at`` is gone, or goes soon; its row stays, since hits name it. One whose ``manifest``
is empty is on its way: see :mod:`repository.hotlists.bringing`."""

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

hotlist_sources = Table(
    "hotlist_sources",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("hotlist_id", RowId, ForeignKey("hotlists.id"), nullable=False),
    Column("name", String(63), nullable=False),
    Column("owner", String(200), nullable=False),
    Column("entries", BigInteger, nullable=False),
    Column("rejected", BigInteger, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("imported_at", UtcDateTime, nullable=False),
    Column("imported_by_name", String(200), nullable=False),
    Column("ends_at", UtcDateTime),
    UniqueConstraint("hotlist_id", "name"),
)
"""What was last imported from each source of a list; at ``ends_at`` its entries leave the list,
unless it was imported anew. A name that begins with ``~`` is none: the source is on its way in or
out, and not one of the list's."""

hotlist_source_parts = Table(
    "hotlist_source_parts",
    metadata,
    Column(
        "source_id",
        RowId,
        ForeignKey("hotlist_sources.id"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("part", BigInteger, primary_key=True, autoincrement=False),
    Column("content", LargeBinary, nullable=False),
)
"""The entries of a source as lines of a list's file, cut every mebibyte."""

hotlist_entries = Table(
    "hotlist_entries",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("hotlist_id", RowId, ForeignKey("hotlists.id"), nullable=False),
    Column("plate", String(12), nullable=False),
    Column("state", String(2)),
    Column("kind", String(32), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("note", String(500), nullable=False),
    Column("reason", Text, nullable=False),
    Column("authorized_by_name", String(200), nullable=False),
    Column("authorized_by_rank", String(64), nullable=False),
    Column("expires", UtcDateTime, nullable=False),
    Column("review_due", UtcDateTime, nullable=False),
    Column("replaces", RowId, ForeignKey("hotlist_entries.id")),
    Column("proposed_by", Uuid, nullable=False),
    Column("proposed_by_name", String(200), nullable=False),
    Column("proposed_at", UtcDateTime, nullable=False),
    Column("confirmed_by", Uuid),
    Column("confirmed_by_name", String(200)),
    Column("confirmed_at", UtcDateTime),
    Column("ended_by", Uuid),
    Column("ended_by_name", String(200)),
    Column("ended_at", UtcDateTime),
    Column("end_reason", Text),
    Column("authorized_by", Uuid),
    Index(None, "hotlist_id", "ended_at"),
)
"""Plates entered by hand. One alerts from ``confirmed_at``, when a second person checked it, until
``expires`` or ``ended_at``, whichever is first; the row stays on record. ``authorized_by`` is the
account of who authorized it, null where that was only told."""

hotlist_withdrawals = Table(
    "hotlist_withdrawals",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("hotlist_id", RowId, ForeignKey("hotlists.id"), nullable=False),
    Column("entry", String(128), nullable=False),
    Column("reason", Text, nullable=False),
    Column("withdrawn_by", Uuid, nullable=False),
    Column("withdrawn_by_name", String(200), nullable=False),
    Column("withdrawn_at", UtcDateTime, nullable=False),
    Column("lifted_at", UtcDateTime),
    Index(None, "hotlist_id", "lifted_at"),
)
"""Imported entries taken out of a list here, while their source still has them; ``lifted_at`` is
when an import came without the entry."""

hotlist_fetches = Table(
    "hotlist_fetches",
    metadata,
    Column("hotlist_id", RowId, ForeignKey("hotlists.id"), primary_key=True, autoincrement=False),
    Column("unit_id", RowId, ForeignKey("units.id"), primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
    Column("fetched_at", UtcDateTime, nullable=False),
)
"""The version that each unit last fetched to its end."""
