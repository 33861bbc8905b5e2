"""Settings of sign-in by an agency's own identity provider."""

from __future__ import annotations

from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def is_safe(address: str) -> bool:
    """Whether an address is reached over TLS, or on this machine."""
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        return False
    return (parts.scheme == "https" and bool(host)) or (
        parts.scheme == "http" and host in _LOOPBACK
    )


class OidcSettings(BaseModel):
    """The OpenID Connect provider of one agency."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    agency: str = Field(
        min_length=1, max_length=63, description="Short name of the agency whose people it knows."
    )
    issuer: str = Field(
        max_length=500, description="Its issuer, letter for letter, as https://login.example.gov."
    )
    client_id: str = Field(
        min_length=1, max_length=200, description="This repository's name at the provider."
    )
    client_secret_file: Path = Field(
        description="File whose first line is the secret that goes with it, mode 0600."
    )
    login_claim: str = Field(
        "preferred_username",
        min_length=1,
        max_length=100,
        description="The claim of its ID token that holds the person's login here.",
    )
    scopes: tuple[str, ...] = Field(
        ("openid", "profile"), description="Scopes that are asked for; openid is among them."
    )
    required_acr: tuple[str, ...] = Field(
        (), description="Values of the claim acr, one of which says that a second factor was shown."
    )
    required_amr: tuple[str, ...] = Field(
        (), description="Values of the claim amr that must all be there, as otp or mfa."
    )
    alone: bool = Field(
        False,
        description="Its people sign in through it alone: their passwords here open nothing, at "
        "the command line and at vehicles' consoles neither. While it is away none of them comes "
        "in; the way back is to take this out again.",
    )
    ca: Path | None = Field(
        None, description="PEM file of the authority behind its certificate, if its own."
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not is_safe(self.issuer):
            raise ValueError("issuer: only loopback is reached without TLS; write https://")
        if "openid" not in self.scopes:
            raise ValueError("scopes: openid must be among them")
        if not self.required_acr and not self.required_amr:
            raise ValueError(
                "required_acr or required_amr: say by what the provider tells that it asked for a "
                "second factor"
            )
        return self
