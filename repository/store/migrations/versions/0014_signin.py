"""What stands before the first look: acknowledgements, second factors, old passwords."""

from __future__ import annotations

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Nothing yet."""
