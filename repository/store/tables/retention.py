"""Holds on reads, certificates of purges, and the watermark below which nothing comes back."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
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
    Column("scope", String(5), nullable=False),
    Column("unit_id", RowId),
    Column("read_id", Uuid),
    Column("hit_id", Uuid),
    Column("plate", String(12)),
    Column("plate_state", String(2)),
    Column("from_at", UtcDateTime),
    Column("until_at", UtcDateTime),
    Column("ends_at", UtcDateTime),
    Column("direction", Text),
    Column("record_period", Text),
    Column("owner_id", RowId),
    Column("others_until", UtcDateTime),
    Column("disposed_on", Date),
    Column("disposition", Text),
    Column("disposed_by_name", String(200)),
    Column("record_id", Uuid, index=True),
    Column("release_proposed_by", String(64)),
    Column("release_proposed_by_name", String(200)),
    Column("release_proposed_at", UtcDateTime),
    Index(None, "agency_id", "case_number"),
    Index(
        "ix_holds_standing",
        "until_at",
        postgresql_where=text("released_at IS NULL"),
        sqlite_where=text("released_at IS NULL"),
    ),
)
"""``released_at`` is null while the hold stands; released holds are kept, since they are record.

``scope`` is ``reads``, ``hit``, ``plate`` or ``unit``. A hold of any but the first reaches reads of
its unit, plate and read id, where it names them, captured from ``from_at`` until before
``until_at``; with ``owner_id``, of that agency alone. At ``ends_at`` it falls away, and from
``others_until`` on it keeps no reads of other agencies than its own. ``record_id`` is the unit's
record that placed it."""

hold_reads = Table(
    "hold_reads",
    metadata,
    Column("hold_id", RowId, ForeignKey("holds.id"), primary_key=True, autoincrement=False),
    Column("unit_id", RowId, primary_key=True, autoincrement=False),
    Column("captured_at", UtcDateTime, primary_key=True),
    Column("read_id", Uuid, primary_key=True),
    Column("lapsed_at", UtcDateTime),
    Index(None, "unit_id", "captured_at", "read_id"),
)
"""``lapsed_at``: when a hold that stands ceased to keep this one of its reads."""

hold_reviews = Table(
    "hold_reviews",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("hold_id", RowId, ForeignKey("holds.id"), nullable=False, index=True),
    Column("reviewed_at", UtcDateTime, nullable=False),
    Column("reviewed_by", String(64), nullable=False),
    Column("reviewed_by_name", String(200), nullable=False),
    Column("reason", Text, nullable=False),
    Column("next_due", Date, nullable=False),
)

hold_objections = Table(
    "hold_objections",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("hold_id", RowId, ForeignKey("holds.id"), nullable=False, index=True),
    Column("agency_id", RowId, ForeignKey("agencies.id"), nullable=False),
    Column("reason", Text, nullable=False),
    Column("objected_by", String(64), nullable=False),
    Column("objected_by_name", String(200), nullable=False),
    Column("objected_at", UtcDateTime, nullable=False),
    Column("ends_at", UtcDateTime, nullable=False),
    Column("withdrawn_at", UtcDateTime),
)
"""Agencies that end another's hold on their own reads, which takes effect at ``ends_at``."""

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
    Column("day", Date),
    Index(None, "purged_at"),
    Index(None, "ledger_index"),
)
"""One certificate for each purged day, as `repository.retention.certificates` says; those of before
purges went day by day have no day."""

held_picture_keys = Table(
    "held_picture_keys",
    metadata,
    Column("day", Date, primary_key=True),
    Column("sha256", String(64), primary_key=True),
    Column("wrapped_key", LargeBinary, nullable=False),
)
"""The key of each held picture that outlasted its day's, itself encrypted under the master key."""

doomed_pictures = Table(
    "doomed_pictures",
    metadata,
    Column("day", Date, primary_key=True),
    Column("sha256", String(64), primary_key=True),
)
"""Picture files whose last read is purged and which still have to be removed from disk."""

doomed_plates = Table(
    "doomed_plates",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("plates", Text, nullable=False),
)
"""Plates of purged reads and hits, many to a row and one to a line, whose places in the dictionary
still have to be looked at."""

watermarks = Table(
    "watermarks",
    metadata,
    Column("agency_id", RowId, ForeignKey("agencies.id"), primary_key=True, autoincrement=False),
    Column("hit", Boolean, primary_key=True),
    Column("purged_before", UtcDateTime, nullable=False),
)
"""Of an agency and a class of reads: none captured before it is taken in any more."""

purge_state = Table(
    "purge_state",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("who", String(400), nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    CheckConstraint("id = 1", name="one_row"),
)
"""Who purges, or purged last, from ``started_at`` on. ``finished_at`` is when the last purge that
ended well began; null before the first."""
