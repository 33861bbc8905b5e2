"""The first shape: fleet, reads, retention, hot lists."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables; on PostgreSQL ``reads`` gets its partitions as reads arrive."""
    op.create_table(
        "agencies",
        sa.Column("id", _row_id, nullable=False),
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("ori", sa.String(length=9), nullable=True),
        sa.Column("created_at", _moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agencies")),
        sa.UniqueConstraint("name", name=op.f("uq_agencies_name")),
    )
    op.create_table(
        "units",
        sa.Column("id", _row_id, nullable=False),
        sa.Column("agency_id", _row_id, nullable=False),
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", _moment, nullable=False),
        sa.Column("revoked_at", _moment, nullable=True),
        sa.ForeignKeyConstraint(
            ["agency_id"], ["agencies.id"], name=op.f("fk_units_agency_id_agencies")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_units")),
        sa.UniqueConstraint("agency_id", "name", name=op.f("uq_units_agency_id_name")),
        sa.UniqueConstraint("key_id", name=op.f("uq_units_key_id")),
    )
    op.create_table(
        "chains",
        sa.Column("unit_id", _row_id, autoincrement=False, nullable=False),
        sa.Column("committed_through", sa.BigInteger(), nullable=False),
        sa.Column("chain_root", sa.String(length=64), nullable=False),
        sa.Column("updated_at", _moment, nullable=False),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_chains_unit_id_units")),
        sa.PrimaryKeyConstraint("unit_id", name=op.f("pk_chains")),
    )
    op.create_table(
        "unit_status",
        sa.Column("unit_id", _row_id, autoincrement=False, nullable=False),
        sa.Column("state", sa.String(length=7), nullable=False),
        sa.Column("at", _moment, nullable=False),
        sa.Column("software", sa.String(length=128), nullable=False),
        sa.Column("waiting_records", sa.BigInteger(), nullable=False),
        sa.Column("received_at", _moment, nullable=False),
        sa.ForeignKeyConstraint(
            ["unit_id"], ["units.id"], name=op.f("fk_unit_status_unit_id_units")
        ),
        sa.PrimaryKeyConstraint("unit_id", name=op.f("pk_unit_status")),
    )
    op.create_table(
        "batches",
        sa.Column("unit_id", _row_id, autoincrement=False, nullable=False),
        sa.Column("first_seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("previous_root", sa.String(length=64), nullable=False),
        sa.Column("root", sa.String(length=64), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("signature", sa.String(length=128), nullable=False),
        sa.Column("record_digests", sa.LargeBinary(), nullable=False),
        sa.Column("message", sa.String(length=64), nullable=False),
        sa.Column("received_at", _moment, nullable=False),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_batches_unit_id_units")),
        sa.PrimaryKeyConstraint("unit_id", "first_seq", name=op.f("pk_batches")),
    )
    op.create_table(
        "reads",
        sa.Column("unit_id", _row_id, autoincrement=False, nullable=False),
        sa.Column("captured_at", _moment, nullable=False),
        sa.Column("read_id", sa.Uuid(), nullable=False),
        sa.Column("agency_id", _row_id, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("batch_first_seq", sa.BigInteger(), nullable=False),
        sa.Column("camera", sa.String(length=63), nullable=False),
        sa.Column("plate", sa.String(length=12), nullable=False),
        sa.Column("plate_folded", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=2), nullable=True),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("latitude_deg", sa.Float(), nullable=True),
        sa.Column("longitude_deg", sa.Float(), nullable=True),
        sa.Column("site", sa.String(length=128), nullable=True),
        sa.Column("has_hits", sa.Boolean(), nullable=False),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", _moment, nullable=False),
        sa.PrimaryKeyConstraint("unit_id", "captured_at", "read_id", name=op.f("pk_reads")),
        postgresql_partition_by="RANGE (captured_at)",
    )
    op.create_index(
        op.f("ix_reads_plate_captured_at"), "reads", ["plate", "captured_at"], unique=False
    )
    op.create_index(
        op.f("ix_reads_plate_folded_captured_at"),
        "reads",
        ["plate_folded", "captured_at"],
        unique=False,
    )
    op.create_table(
        "hits",
        sa.Column("unit_id", _row_id, autoincrement=False, nullable=False),
        sa.Column("captured_at", _moment, nullable=False),
        sa.Column("hit_id", sa.Uuid(), nullable=False),
        sa.Column("agency_id", _row_id, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("read_id", sa.Uuid(), nullable=False),
        sa.Column("camera", sa.String(length=63), nullable=False),
        sa.Column("plate", sa.String(length=12), nullable=False),
        sa.Column("list_name", sa.String(length=63), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("rang", sa.Boolean(), nullable=False),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", _moment, nullable=False),
        sa.PrimaryKeyConstraint("unit_id", "captured_at", "hit_id", name=op.f("pk_hits")),
    )
    op.create_index(op.f("ix_hits_unit_id_read_id"), "hits", ["unit_id", "read_id"], unique=False)
    op.create_table(
        "unit_records",
        sa.Column("unit_id", _row_id, autoincrement=False, nullable=False),
        sa.Column("captured_at", _moment, nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("agency_id", _row_id, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.String(length=16), nullable=False),
        sa.Column("hit_id", sa.Uuid(), nullable=True),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", _moment, nullable=False),
        sa.PrimaryKeyConstraint(
            "unit_id", "captured_at", "record_id", name=op.f("pk_unit_records")
        ),
    )
    op.create_index(
        op.f("ix_unit_records_unit_id_hit_id"), "unit_records", ["unit_id", "hit_id"], unique=False
    )
    op.create_table(
        "pictures",
        sa.Column("unit_id", _row_id, autoincrement=False, nullable=False),
        sa.Column("captured_at", _moment, nullable=False),
        sa.Column("read_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("width_px", sa.BigInteger(), nullable=False),
        sa.Column("height_px", sa.BigInteger(), nullable=False),
        sa.Column("stored_at", _moment, nullable=True),
        sa.PrimaryKeyConstraint(
            "unit_id", "captured_at", "read_id", "sha256", name=op.f("pk_pictures")
        ),
    )
    op.create_index(
        "ix_pictures_missing",
        "pictures",
        ["unit_id", "seq"],
        unique=False,
        postgresql_where=sa.text("stored_at IS NULL"),
        sqlite_where=sa.text("stored_at IS NULL"),
    )
    op.create_index(
        op.f("ix_pictures_unit_id_sha256"), "pictures", ["unit_id", "sha256"], unique=False
    )
    op.create_table(
        "picture_keys",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", _moment, nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_picture_keys")),
    )
    op.create_table(
        "quarantine",
        sa.Column("id", _row_id, nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("received_at", _moment, nullable=False),
        sa.Column("captured_at", _moment, nullable=True),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("unit_id", _row_id, nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("detail", sa.String(length=500), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["unit_id"], ["units.id"], name=op.f("fk_quarantine_unit_id_units")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_quarantine_fingerprint")),
    )
    op.create_index(op.f("ix_quarantine_received_at"), "quarantine", ["received_at"], unique=False)
    op.create_index(
        op.f("ix_quarantine_unit_id_seq"), "quarantine", ["unit_id", "seq"], unique=False
    )
    op.create_table(
        "quarantine_budgets",
        sa.Column("unit_id", _row_id, autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("spent_bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("unit_id", "day", name=op.f("pk_quarantine_budgets")),
    )
    op.create_table(
        "holds",
        sa.Column("id", _row_id, nullable=False),
        sa.Column("agency_id", _row_id, nullable=False),
        sa.Column("case_number", sa.String(length=128), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("review_due", sa.Date(), nullable=True),
        sa.Column("placed_by", sa.String(length=64), nullable=False),
        sa.Column("placed_by_name", sa.String(length=200), nullable=False),
        sa.Column("placed_at", _moment, nullable=False),
        sa.Column("released_by", sa.String(length=64), nullable=True),
        sa.Column("released_by_name", sa.String(length=200), nullable=True),
        sa.Column("released_at", _moment, nullable=True),
        sa.Column("release_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["agency_id"], ["agencies.id"], name=op.f("fk_holds_agency_id_agencies")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holds")),
    )
    op.create_index(
        op.f("ix_holds_agency_id_case_number"), "holds", ["agency_id", "case_number"], unique=False
    )
    op.create_table(
        "hold_reads",
        sa.Column("hold_id", _row_id, autoincrement=False, nullable=False),
        sa.Column("unit_id", _row_id, autoincrement=False, nullable=False),
        sa.Column("captured_at", _moment, nullable=False),
        sa.Column("read_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["hold_id"], ["holds.id"], name=op.f("fk_hold_reads_hold_id_holds")
        ),
        sa.PrimaryKeyConstraint(
            "hold_id", "unit_id", "captured_at", "read_id", name=op.f("pk_hold_reads")
        ),
    )
    op.create_index(
        op.f("ix_hold_reads_unit_id_captured_at_read_id"),
        "hold_reads",
        ["unit_id", "captured_at", "read_id"],
        unique=False,
    )
    op.create_table(
        "purges",
        sa.Column("id", _row_id, nullable=False),
        sa.Column("purged_at", _moment, nullable=False),
        sa.Column("expired_before", _moment, nullable=False),
        sa.Column("reads_purged", sa.BigInteger(), nullable=False),
        sa.Column("reads_held", sa.BigInteger(), nullable=False),
        sa.Column("hits_purged", sa.BigInteger(), nullable=False),
        sa.Column("unit_records_purged", sa.BigInteger(), nullable=False),
        sa.Column("quarantine_purged", sa.BigInteger(), nullable=False),
        sa.Column("pictures_purged", sa.BigInteger(), nullable=False),
        sa.Column("ids_digest", sa.String(length=64), nullable=False),
        sa.Column("rule_digest", sa.String(length=64), nullable=False),
        sa.Column("ledger_index", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_purges")),
    )
    op.create_table(
        "doomed_pictures",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("day", "sha256", name=op.f("pk_doomed_pictures")),
    )
    op.create_table(
        "retention_state",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("watermark", _moment, nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_retention_state_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retention_state")),
    )
    op.create_table(
        "hotlists",
        sa.Column("id", _row_id, nullable=False),
        sa.Column("agency_id", _row_id, nullable=False),
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("created_at", _moment, nullable=False),
        sa.ForeignKeyConstraint(
            ["agency_id"], ["agencies.id"], name=op.f("fk_hotlists_agency_id_agencies")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hotlists")),
        sa.UniqueConstraint("agency_id", "name", name=op.f("uq_hotlists_agency_id_name")),
    )
    op.create_table(
        "hotlist_versions",
        sa.Column("hotlist_id", _row_id, autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("issued_at", _moment, nullable=False),
        sa.Column("imported_at", _moment, nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("manifest", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["hotlist_id"], ["hotlists.id"], name=op.f("fk_hotlist_versions_hotlist_id_hotlists")
        ),
        sa.PrimaryKeyConstraint("hotlist_id", "version", name=op.f("pk_hotlist_versions")),
    )
