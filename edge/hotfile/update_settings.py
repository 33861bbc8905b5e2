"""Settings of how the unit fetches the lists that the repository issues."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from edge.section import Section

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class UpdateSettings(Section):
    """Where the repository's web is, and how often it is asked for newer lists."""

    url: str = Field(
        description="Address of the repository's web, such as https://alpr.example.gov; its lists"
        " lie below it at /api/v1/hotlists."
    )
    ca: Path | None = Field(
        None,
        description="PEM file of the authority that signed the web server's certificate; without"
        " it the authorities that the system trusts.",
    )
    every_s: float = Field(
        300.0, ge=10, le=86_400, description="Seconds between two looks for newer lists."
    )
    timeout_s: float = Field(
        20.0, ge=1, le=30, description="Seconds without an answer after which a try has failed."
    )
    alarm_after_s: float = Field(
        3600.0,
        ge=0,
        description="Seconds for which lists may not be had before that is a trouble of the unit;"
        " a list that is refused is one at once.",
    )

    @field_validator("url")
    @classmethod
    def _require_https(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("https", "http") or not parts.hostname:
            raise ValueError("not an address: write https://HOST")
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise ValueError("a web server on another machine is reached by https:// alone")
        if parts.query or parts.fragment or parts.username is not None:
            raise ValueError("holds more than a host, a port and a path")
        return value.rstrip("/")
