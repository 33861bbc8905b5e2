"""Settings of the ledger: its name, when it is signed, and who keeps what was signed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self, TypeAlias
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Witness(_Section):
    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9-]{0,62}$", description="What this witness is called here."
    )


class FolderWitness(_Witness):
    """A folder on another mount: one file for each checkpoint, never overwritten."""

    kind: Literal["folder"] = Field(description="A folder.")
    folder: Path = Field(description="The folder, which must be there.")


class MqttWitness(_Witness):
    """A topic at a broker on another host, which retains the newest checkpoint."""

    kind: Literal["mqtt"] = Field(description="A topic at an MQTT broker.")
    topic: str = Field(
        pattern=r"^[^#+\x00]*[^#+/\x00]$",
        max_length=200,
        description="The topic; the user at the broker also needs TOPIC/asked.",
    )
    host: str = Field("127.0.0.1", min_length=1, description="Host of the broker.")
    port: int = Field(8883, ge=1, le=65_535, description="Port of the broker.")
    ca: Path | None = Field(
        None, description="PEM file of the authority that signed the broker's certificate."
    )
    certificate: Path | None = Field(
        None, description="PEM file of the repository's certificate at this broker."
    )
    key: Path | None = Field(None, description="PEM file of its private key, mode 0600.")
    username: str | None = Field(None, description="User at the broker, where it wants one.")
    password_file: Path | None = Field(None, description="File that holds the user's password.")

    @model_validator(mode="after")
    def _secured(self) -> Self:
        given = [self.ca, self.certificate, self.key]
        if None in given and (given != [None] * 3 or self.host not in _LOOPBACK):
            raise ValueError("needs ca, certificate and key: only loopback is reached without TLS")
        return self


class HttpsWitness(_Witness):
    """A service that speaks C2SP tlog-witness: it checks the proof itself, and may sign too."""

    kind: Literal["https"] = Field(description="An HTTPS endpoint.")
    url: str = Field(description="Its address, to which /add-checkpoint is added.")
    ca: Path | None = Field(
        None, description="PEM file of the authority behind its certificate, if its own."
    )
    token_file: Path | None = Field(
        None, description="File that holds the bearer token, where it wants one."
    )

    @model_validator(mode="after")
    def _https(self) -> Self:
        address = urlsplit(self.url)
        if address.scheme != "https" or not address.hostname or address.query or address.username:
            raise ValueError("url: expected https://HOST/PATH")
        return self


WitnessSettings: TypeAlias = Annotated[
    FolderWitness | MqttWitness | HttpsWitness, Field(discriminator="kind")
]


class LedgerSettings(_Section):
    """The log of every transaction."""

    origin: str = Field(
        "plateward/ledger",
        pattern=r"^[^\s+]+$",
        max_length=200,
        description="The ledger's name in signed checkpoints, the same for its whole life.",
    )
    checkpoint_every_entries: int = Field(
        1000,
        ge=1,
        le=1_000_000,
        description="Entries after which the ledger is signed though jobs.checkpoint_every_min "
        "has not passed.",
    )
    witness_late_min: int = Field(
        60,
        ge=1,
        le=10_080,
        description="Minutes for which a witness may fail before a finding is raised.",
    )
    witnesses: tuple[WitnessSettings, ...] = Field(
        (), description="Who is given every signed checkpoint, on hosts that are not this one."
    )

    @model_validator(mode="after")
    def _once(self) -> Self:
        names = [each.name for each in self.witnesses]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"witnesses: {twice[0]!r} stands there twice")
        return self
