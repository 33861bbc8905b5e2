"""What a unit says of its health beside whether it is online."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns; units of before have said nothing yet."""
    op.add_column("unit_status", sa.Column("health", sa.JSON(), nullable=True))
    op.add_column("unit_status", sa.Column("health_at", sa.DateTime(timezone=True), nullable=True))
