"""What agencies sign, who represents them, and what must be signed anew."""

from __future__ import annotations

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Nothing yet."""
