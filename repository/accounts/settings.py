"""Settings of accounts: how people sign in, and for how long an account stays good.

The defaults are the values of the FBI CJIS Security Policy, version 6.0, where it sets one; each
setting names the control that it comes from.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from repository.accounts.oidc_settings import OidcSettings
from repository.accounts.sessions_settings import SessionSettings

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class AccountSettings(BaseModel):
    """People, passwords, second factors and sessions."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_failures: int = Field(
        5, ge=1, le=20, description="Failed sign-ins that lock an account (CJIS 6.0, AC-7)."
    )
    failure_window_min: int = Field(
        15, ge=1, le=1440, description="Minutes within which they count (CJIS 6.0, AC-7)."
    )
    idle_lock_min: int = Field(
        30, ge=1, le=1440, description="Minutes unused that lock a session (CJIS 6.0, AC-11)."
    )
    idle_exempt_units: bool = Field(
        True,
        description="Sessions opened as in a patrol vehicle do not lock for being unused, as CJIS "
        "6.0, AC-11 allows of devices in enclosed criminal justice conveyances.",
    )
    sign_in_every_h: int = Field(
        12, ge=1, le=24, description="Hours after which a session ends, used or not (CJIS 6.0, IA)."
    )
    disuse_days: int = Field(
        90, ge=1, le=365, description="Days unused that close an account (CJIS 6.0, AC-2 (3))."
    )
    training_valid_days: int = Field(
        365, ge=1, le=1095, description="Days for which training is good (CJIS 6.0, AT-2 and AT-3)."
    )
    acknowledgement_valid_days: int = Field(
        365,
        ge=1,
        le=1095,
        description="Days for which a signed acknowledgement is good (CJIS 6.0, PL-4 and PS-6).",
    )
    password_history: int = Field(
        10, ge=1, le=50, description="Passwords of before that are refused (CJIS 6.0, IA-5)."
    )
    min_length: int = Field(
        8, ge=8, le=64, description="Characters that a password needs (CJIS 6.0, IA-5 (1))."
    )
    web_origin: str = Field(
        "http://localhost:8080",
        description="Where browsers find the pages, as in https://alpr.example.gov: passkeys are "
        "made for that host alone, and made anew where it changes.",
    )
    sessions: SessionSettings = Field(
        default_factory=lambda: SessionSettings(),
        description="Sessions and the tokens of services.",
    )
    oidc: tuple[OidcSettings, ...] = Field(
        (), description="Identity providers of agencies that have their own."
    )

    @property
    def by_provider_alone(self) -> frozenset[str]:
        """The agencies whose people sign in by their own provider alone."""
        return frozenset(each.agency for each in self.oidc if each.alone)

    def lets_in_by_password(self, agency: str) -> bool:
        """Whether a password opens an account of that agency."""
        return agency not in self.by_provider_alone

    @field_validator("web_origin")
    @classmethod
    def _an_origin(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
            raise ValueError("expected the scheme and host alone, as in https://alpr.example.gov")
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise ValueError("only loopback is reached without TLS; write https://")
        return value.rstrip("/")
