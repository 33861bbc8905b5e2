"""Retention rules by agency, and holds on more than single reads."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the columns and the table of reviews; holds that stand are holds on single reads."""
    op.add_column("agencies", sa.Column("retention_rule", sa.String(length=63), nullable=True))
    op.add_column(
        "holds", sa.Column("scope", sa.String(length=5), nullable=False, server_default="reads")
    )
    for name, kind in (
        ("unit_id", _row_id),
        ("read_id", sa.Uuid()),
        ("hit_id", sa.Uuid()),
        ("plate", sa.String(length=12)),
        ("plate_state", sa.String(length=2)),
        ("from_at", _moment),
        ("until_at", _moment),
        ("ends_at", _moment),
        ("direction", sa.Text()),
        ("record_period", sa.Text()),
        ("disposed_on", sa.Date()),
        ("disposition", sa.Text()),
        ("disposed_by_name", sa.String(length=200)),
        ("record_id", sa.Uuid()),
        ("release_proposed_by", sa.String(length=64)),
        ("release_proposed_by_name", sa.String(length=200)),
        ("release_proposed_at", _moment),
    ):
        op.add_column("holds", sa.Column(name, kind, nullable=True))
    op.create_index(
        "ix_holds_standing",
        "holds",
        ["until_at"],
        postgresql_where=sa.text("released_at IS NULL"),
        sqlite_where=sa.text("released_at IS NULL"),
    )
    op.create_index(op.f("ix_holds_record_id"), "holds", ["record_id"])
    op.add_column("hold_reads", sa.Column("lapsed_at", _moment, nullable=True))
    op.create_table(
        "hold_reviews",
        sa.Column("id", _row_id, nullable=False),
        sa.Column("hold_id", _row_id, nullable=False),
        sa.Column("reviewed_at", _moment, nullable=False),
        sa.Column("reviewed_by", sa.String(length=64), nullable=False),
        sa.Column("reviewed_by_name", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("next_due", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["hold_id"], ["holds.id"], name=op.f("fk_hold_reviews_hold_id_holds")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hold_reviews")),
    )
    op.create_index(op.f("ix_hold_reviews_hold_id"), "hold_reviews", ["hold_id"])
