"""What happens in a case beside its searches, and what was shown of each read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the table, and columns that stay empty in the rows that are there."""
    op.add_column("case_search_reads", sa.Column("facts", sa.Text()))
    op.add_column("case_search_reads", sa.Column("facts_digest", sa.String(64)))
    op.create_index(
        "ix_case_search_reads_facts",
        "case_search_reads",
        ["captured_at"],
        postgresql_where=sa.text("facts IS NOT NULL"),
        sqlite_where=sa.text("facts IS NOT NULL"),
    )
    op.create_table(
        "case_events",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("case_id", _ROW_ID, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("ledger_index", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_events")),
        sa.ForeignKeyConstraint(
            ["case_id"], ["cases.id"], name=op.f("fk_case_events_case_id_cases")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_case_events_user_id_users")
        ),
    )
    op.create_index(op.f("ix_case_events_case_id_at"), "case_events", ["case_id", "at"])
    op.create_index(op.f("ix_case_events_kind_at"), "case_events", ["kind", "at"])
