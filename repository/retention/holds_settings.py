"""Settings of holds: how far ahead one reaches, and how long it keeps other agencies' reads."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class HoldSettings(BaseModel):
    """What bounds a hold that a person places."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ahead_days: int = Field(
        31, ge=0, le=366, description="Days from now on to which the period of a hold may reach."
    )
    others_days: int = Field(
        366,
        ge=1,
        le=3653,
        description="Days for which a hold keeps other agencies' reads, from its placing or its "
        "last review.",
    )
    notice_days: int = Field(
        14,
        ge=1,
        le=366,
        description="Days after which a hold ends for the reads of an owner who ends it there.",
    )
