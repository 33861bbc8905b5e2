"""What people may do: roles, positions, training, login requests, reviews of the lists."""

from __future__ import annotations

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Nothing yet."""
