"""Approvals of broad searches, requests by others, reviews of matches and emergencies."""

from __future__ import annotations

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Nothing yet."""
