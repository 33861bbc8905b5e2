"""Purges day by day, and what is purged for each agency."""

from __future__ import annotations

from datetime import date, timedelta

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Give ``pictures`` partitions, purges their day, and every agency watermarks of its own."""
    if op.get_bind().dialect.name == "postgresql":
        _part_pictures()
    op.create_table(
        "watermarks",
        sa.Column("agency_id", _row_id, autoincrement=False, nullable=False),
        sa.Column("hit", sa.Boolean(), nullable=False),
        sa.Column("purged_before", _moment, nullable=False),
        sa.ForeignKeyConstraint(
            ["agency_id"], ["agencies.id"], name=op.f("fk_watermarks_agency_id_agencies")
        ),
        sa.PrimaryKeyConstraint("agency_id", "hit", name=op.f("pk_watermarks")),
    )
    for hit in ("false", "true"):
        op.execute(
            f"INSERT INTO watermarks SELECT agencies.id, {hit}, watermark "  # noqa: S608
            "FROM agencies CROSS JOIN retention_state"
        )
    op.drop_table("retention_state")
    op.create_table(
        "purge_state",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("who", sa.String(length=400), nullable=False),
        sa.Column("started_at", _moment, nullable=False),
        sa.Column("finished_at", _moment, nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_purge_state_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_purge_state")),
    )
    op.create_table(
        "doomed_plates",
        sa.Column("id", _row_id, nullable=False),
        sa.Column("plates", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_doomed_plates")),
    )
    op.add_column("purges", sa.Column("day", sa.Date(), nullable=True))
    op.create_index(op.f("ix_purges_purged_at"), "purges", ["purged_at"])
    op.create_index(op.f("ix_purges_ledger_index"), "purges", ["ledger_index"])


def _part_pictures() -> None:
    """Copy the facts of pictures into a table with a partition for each day of capture."""
    op.rename_table("pictures", "pictures_before")
    op.drop_constraint("pk_pictures", "pictures_before", type_="primary")
    op.drop_index("ix_pictures_missing", "pictures_before")
    op.drop_index("ix_pictures_unit_id_sha256", "pictures_before")
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
        postgresql_partition_by="RANGE (captured_at)",
    )
    # Every day of ``reads`` gets its partition here too, so that a day is there in both or none.
    days = op.get_bind().scalars(
        sa.text(
            "SELECT DISTINCT CAST(captured_at AT TIME ZONE 'UTC' AS date) FROM pictures_before "
            "UNION SELECT CAST(right(relname, 8) AS date) FROM pg_catalog.pg_class "
            "WHERE relispartition AND relkind = 'r' AND relname ~ '^reads_[0-9]{8}$' "
            "AND relnamespace = CAST(current_schema() AS regnamespace)"
        )
    )
    for day in days.all():
        op.execute(_partition(day))
    op.execute("INSERT INTO pictures SELECT * FROM pictures_before")
    op.drop_table("pictures_before")
    op.create_index(
        "ix_pictures_missing",
        "pictures",
        ["unit_id", "seq"],
        postgresql_where=sa.text("stored_at IS NULL"),
    )
    op.create_index("ix_pictures_unit_id_sha256", "pictures", ["unit_id", "sha256"])


def _partition(day: date) -> str:
    end = day + timedelta(days=1)
    return (
        f"CREATE TABLE pictures_{day:%Y%m%d} PARTITION OF pictures "
        f"FOR VALUES FROM ('{day} 00:00:00+00') TO ('{end} 00:00:00+00')"
    )
