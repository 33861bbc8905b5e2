"""Settings of audits: how large samples are, when audits are due, how long they are kept."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class AuditSettings(BaseModel):
    """Monthly and triennial audits."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sample_size: int = Field(
        25, ge=1, le=500, description="Searches drawn at random for each audit; fewer if there are."
    )
    monthly_due_days: int = Field(
        30, ge=1, le=60, description="Days in which a monthly audit is to be signed off."
    )
    keep_years: int = Field(
        5, ge=5, le=50, description="Years for which a signed monthly audit is kept, at least 5."
    )
    every_years: int = Field(
        3, ge=1, le=3, description="Years within which every agency is audited, at most 3."
    )
    notice_days: int = Field(
        90, ge=1, le=365, description="Days before it is due that such an audit is opened."
    )
