"""Whose account it is that authorized an entry by hand."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Add the column, empty for entries whose authority was only told."""
    op.add_column("hotlist_entries", sa.Column("authorized_by", sa.Uuid()))


def downgrade() -> None:
    """Remove it."""
    op.drop_column("hotlist_entries", "authorized_by")
