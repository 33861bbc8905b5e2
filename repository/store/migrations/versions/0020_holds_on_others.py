"""Holds on one owner's reads, and how long they keep those of others; owners who end them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"

_row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the columns, which bound no hold that stands, and the table, empty."""
    op.add_column("holds", sa.Column("owner_id", _row_id))
    op.add_column("holds", sa.Column("others_until", _moment))
    op.create_table(
        "hold_objections",
        sa.Column("id", _row_id, nullable=False),
        sa.Column("hold_id", _row_id, nullable=False),
        sa.Column("agency_id", _row_id, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("objected_by", sa.String(64), nullable=False),
        sa.Column("objected_by_name", sa.String(200), nullable=False),
        sa.Column("objected_at", _moment, nullable=False),
        sa.Column("ends_at", _moment, nullable=False),
        sa.Column("withdrawn_at", _moment),
        sa.ForeignKeyConstraint(
            ["agency_id"], ["agencies.id"], name=op.f("fk_hold_objections_agency_id_agencies")
        ),
        sa.ForeignKeyConstraint(
            ["hold_id"], ["holds.id"], name=op.f("fk_hold_objections_hold_id_holds")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hold_objections")),
    )
    op.create_index(op.f("ix_hold_objections_hold_id"), "hold_objections", ["hold_id"])
