"""Tables of the case files: what was searched in each case, and what came back.

`repository.cases` says what they mean and is the only room that writes here.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from repository.store.tables.base import RowId, UtcDateTime, metadata

cases = Table(
    "cases",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("agency_id", RowId, ForeignKey("agencies.id"), nullable=False),
    Column("number", String(64), nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("opened_by", Uuid, ForeignKey("users.id"), nullable=False),
    UniqueConstraint("agency_id", "number"),
)

case_searches = Table(
    "case_searches",
    metadata,
    Column("ledger_index", BigInteger, primary_key=True, autoincrement=False),
    Column("case_id", RowId, ForeignKey("cases.id"), nullable=False),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("searched_at", UtcDateTime, nullable=False),
    Column("request", Text, nullable=False),
    Column("returned", Integer, nullable=False),
    Index(None, "case_id"),
)
"""One search, by its entry in the ledger; ``request`` is JSON as the ledger has it."""

case_search_reads = Table(
    "case_search_reads",
    metadata,
    Column(
        "ledger_index",
        BigInteger,
        ForeignKey("case_searches.ledger_index"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("unit_id", RowId, nullable=False),
    Column("captured_at", UtcDateTime, nullable=False),
    Column("read_id", Uuid, nullable=False),
    Column("facts", Text),
    Column("facts_digest", String(64)),
    Index(
        "ix_case_search_reads_facts",
        "captured_at",
        postgresql_where=text("facts IS NOT NULL"),
        sqlite_where=text("facts IS NOT NULL"),
    ),
)
"""The reads that a search returned, in the order shown. No foreign key: a read goes when its time
comes, and the case file still says that it was shown. ``facts`` is what was shown of it, as JSON
with a salt, and goes with the read; ``facts_digest`` is their SHA-256 and stays. Both are null in
rows older than these columns, and where a picture was shown."""

case_events = Table(
    "case_events",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("case_id", RowId, ForeignKey("cases.id"), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("user_id", Uuid, ForeignKey("users.id")),
    Column("detail", Text, nullable=False),
    Column("ledger_index", BigInteger),
    Index(None, "case_id", "at"),
    Index(None, "kind", "at"),
)
"""What else happened in a case; ``detail`` is JSON. ``user_id`` is null where no person of an
agency did it."""
