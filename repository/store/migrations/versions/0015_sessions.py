"""Sessions that lock and end, tokens of services, sign-in by an agency's own provider."""

from __future__ import annotations

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Nothing yet."""
