"""Settings of the way to the repository."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, field_validator, model_validator

from edge.section import Section
from edge.uplink.filter_settings import FilterSettings
from edge.uplink.upload_settings import UploadSettings

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class TlsSettings(Section):
    """TLS to the broker with the unit's own certificate."""

    ca: Path = Field(description="PEM file of the authority that signed the broker's certificate.")
    certificate: Path = Field(description="PEM file of the unit's certificate.")
    key: Path = Field(description="PEM file of the certificate's private key, mode 0600.")


class UplinkSettings(Section):
    """The way to the repository."""

    host: str = Field(min_length=1, description="Host of the MQTT broker.")
    port: int = Field(8883, ge=1, le=65_535, description="Port of the MQTT broker.")
    tls: TlsSettings | None = Field(
        None, description="Certificates; without them the link is plain, fit for loopback alone."
    )
    username: str | None = Field(None, description="User at the broker, where it wants one.")
    password_file: Path | None = Field(None, description="File that holds the user's password.")
    repository_public_key: Path = Field(
        description="PEM file of the key that signs receipts; 'alpr-repository units add' names it."
    )
    upload: UploadSettings = Field(
        default_factory=UploadSettings, description="When and how fast the unit uploads."
    )
    filters: tuple[FilterSettings, ...] = Field(
        (), description="Reads that never leave the unit, by rules of which any may meet."
    )

    @field_validator("filters")
    @classmethod
    def _reject_twins(cls, value: tuple[FilterSettings, ...]) -> tuple[FilterSettings, ...]:
        names = [rule.name for rule in value]
        if len(names) > len(set(names)):
            raise ValueError("two rules have one name: give each its own")
        return value

    @model_validator(mode="after")
    def _require_tls_off_this_machine(self) -> UplinkSettings:
        if self.tls is None and self.host not in _LOOPBACK:
            raise ValueError(
                "a broker on another machine needs [uplink.tls]: without it reads and passwords "
                "would cross the network in the clear"
            )
        return self
