"""Settings of what lives after a sign-in: sessions and the tokens of services."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from repository.accounts.sessions import Kind


class SessionSettings(BaseModel):
    """Sessions and the tokens of services."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    one_session_per_person: bool = Field(
        False, description="A new sign-in ends the person's other sessions."
    )
    bound_to_address: tuple[Kind, ...] = Field(
        (),
        description='Sessions that end when they are used from another address: "desk", "vehicle", '
        "both or neither. A vehicle's address changes as it drives.",
    )
    sharing_within_min: int = Field(
        5,
        ge=1,
        le=60,
        description="Minutes within which a login used in two places is taken to be shared.",
    )
    requests_per_min: int = Field(
        600,
        ge=1,
        le=100_000,
        description="Requests that one person or token may make in a minute.",
    )
    searches_per_min: int = Field(
        60, ge=1, le=10_000, description="Searches that one person may make in a minute."
    )
    requests_per_min_and_address: int = Field(
        12_000,
        ge=1,
        le=1_000_000,
        description="Requests that may come from one address in a minute: a whole department may "
        "be behind one.",
    )
    tokens_valid_days: int = Field(
        365, ge=1, le=365, description="Days for which a service's token may be good at most."
    )
    tokens_remind_days: int = Field(
        30, ge=1, le=365, description="Days before its end that a token is listed as a finding."
    )
