"""Audits, their samples and findings, misuse reports, the register of paperwork."""

from __future__ import annotations

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Nothing yet."""
