"""Where plates are found by a part of them, and reads by place or by being on a hot list."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the dictionary of the plates that are there, and the indexes."""
    op.create_table(
        "plates",
        sa.Column("plate", sa.String(length=12), nullable=False),
        sa.PrimaryKeyConstraint("plate", name=op.f("pk_plates")),
    )
    op.execute("INSERT INTO plates (plate) SELECT plate FROM reads UNION SELECT plate FROM hits")
    op.create_index(
        op.f("ix_reads_latitude_deg_longitude_deg"), "reads", ["latitude_deg", "longitude_deg"]
    )
    op.create_index(
        "ix_reads_on_hotlist",
        "reads",
        ["captured_at"],
        postgresql_where=sa.text("has_hits"),
        sqlite_where=sa.text("has_hits = 1"),
    )
    op.create_index(op.f("ix_hits_plate_captured_at"), "hits", ["plate", "captured_at"])
