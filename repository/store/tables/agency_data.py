"""What agencies do with their own data: corrections, withdrawals, errors reported, statistics.

`repository.agencies` says what they mean and is the only room that writes here. No foreign key
leads to ``reads``: a read goes when its time comes, and `repository.agencies.own` takes along what
is said here of it.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    ForeignKey,
    Index,
    String,
    Table,
    Text,
    Uuid,
)

from repository.store.tables.base import RowId, UtcDateTime, metadata

read_corrections = Table(
    "read_corrections",
    metadata,
    Column("unit_id", RowId, primary_key=True, autoincrement=False),
    Column("captured_at", UtcDateTime, primary_key=True),
    Column("read_id", Uuid, primary_key=True),
    Column("agency_id", RowId, ForeignKey("agencies.id"), nullable=False),
    Column("plate", String(12), nullable=False),
    Column("plate_folded", String(12), nullable=False),
    Column("state", String(2)),
    Column("corrected_by", String(64), nullable=False),
    Column("corrected_by_name", String(200), nullable=False),
    Column("corrected_at", UtcDateTime, nullable=False),
    Index(None, "plate", "captured_at"),
    Index(None, "plate_folded", "captured_at"),
)
"""What the owner says a read's plate and state are; the read itself stays as its unit signed it."""

withdrawn_reads = Table(
    "withdrawn_reads",
    metadata,
    Column("unit_id", RowId, primary_key=True, autoincrement=False),
    Column("captured_at", UtcDateTime, primary_key=True),
    Column("read_id", Uuid, primary_key=True),
    Column("agency_id", RowId, ForeignKey("agencies.id"), nullable=False),
    Column("withdrawn_by", String(64), nullable=False),
    Column("withdrawn_by_name", String(200), nullable=False),
    Column("withdrawn_at", UtcDateTime, nullable=False),
)
"""Reads that their owner releases to no other agency any more."""

error_reports = Table(
    "error_reports",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("agency_id", RowId, ForeignKey("agencies.id"), nullable=False),
    Column("unit_id", RowId, nullable=False),
    Column("captured_at", UtcDateTime, nullable=False),
    Column("read_id", Uuid, nullable=False),
    Column("reporter_agency_id", RowId, ForeignKey("agencies.id"), nullable=False),
    Column("reported_by", String(64), nullable=False),
    Column("reported_by_name", String(200), nullable=False),
    Column("reported_at", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("error", Text),
    Column("answer", String(9)),
    Column("answer_text", Text),
    Column("answered_by", String(64)),
    Column("answered_by_name", String(200)),
    Column("answered_at", UtcDateTime),
    Index(None, "agency_id", "answered_at"),
    Index(None, "reporter_agency_id"),
    Index(None, "unit_id", "captured_at", "read_id"),
)
"""Errors that people found in an agency's reads, and its answers. ``error`` and ``answer_text``
are somebody's words and may name a plate: they go with the read."""

monthly_counts = Table(
    "monthly_counts",
    metadata,
    Column("agency_id", RowId, ForeignKey("agencies.id"), primary_key=True, autoincrement=False),
    Column("month", Date, primary_key=True),
    Column("kind", String(32), primary_key=True),
    Column("number", BigInteger, nullable=False),
)
"""How many reads (kind ``reads``) and hits of each list kind an agency had in a month (its first
day, UTC) that are no longer there. It says nothing of any one of them."""
