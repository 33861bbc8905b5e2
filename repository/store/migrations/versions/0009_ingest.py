"""What ingest found out about units, who takes part in ingest, and bounds of the quarantine."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables and columns; of units of before nothing is known yet."""
    identifier = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "findings",
        sa.Column("id", identifier, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("unit_id", identifier),
        sa.Column("subject", sa.String(128), nullable=False),
        sa.Column("detail", sa.String(500), nullable=False),
        sa.Column("times", sa.BigInteger(), nullable=False),
        sa.Column("raised_at", _TIME, nullable=False),
        sa.Column("last_at", _TIME, nullable=False),
        sa.Column("open_key", sa.String(64)),
        sa.Column("closed_at", _TIME),
        sa.Column("closed_by", sa.String(64)),
        sa.Column("closed_by_name", sa.String(200)),
        sa.Column("close_reason", sa.Text()),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_findings_unit_id_units")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_findings")),
        sa.UniqueConstraint("open_key", name=op.f("uq_findings_open_key")),
    )
    op.create_index(op.f("ix_findings_closed_at"), "findings", ["closed_at"])
    op.create_table(
        "ingest_consumers",
        sa.Column("client_id", sa.String(80), nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("enrolled_at", _TIME, nullable=False),
        sa.Column("last_seen_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_ingest_consumers")),
    )
    op.create_table(
        "clock_watch",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("trusted_at", _TIME, nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_clock_watch_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clock_watch")),
    )
    op.add_column("chains", sa.Column("captured_through", _TIME))
    op.add_column("chains", sa.Column("ahead_since", _TIME))
    op.add_column("quarantine_budgets", sa.Column("spent_rows", sa.BigInteger()))
