"""The repository's settings: one TOML file, every key documented here, unknown keys refused.

Relative paths are taken from the folder of the settings file. No secret stands in the file:
keys and passwords are files of their own, named here.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from datetime import time
from pathlib import Path
from typing import Any, Literal, Self, TypeVar
from urllib.parse import urlsplit

import sqlalchemy
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    IPvAnyAddress,
    ValidationError,
    field_validator,
    model_validator,
)
from sqlalchemy.exc import ArgumentError

from repository.accounts.settings import AccountSettings
from repository.audits.settings import AuditSettings
from repository.errors import RepositoryError
from repository.hotlists.settings import HotlistSettings
from repository.ledger.settings import LedgerSettings
from repository.retention.holds_settings import HoldSettings
from repository.search.settings import SearchSettings

DEFAULT_FILE = Path("repository.toml")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
DEFAULT_DATA = Path("plateward-data")


class SettingsError(RepositoryError):
    """The settings file is missing, unreadable or wrong; the text names the key."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TlsSettings(_Section):
    """TLS to the broker with the repository's own certificate."""

    ca: Path = Field(description="PEM file of the authority that signed the broker's certificate.")
    certificate: Path = Field(description="PEM file of the repository's certificate.")
    key: Path = Field(description="PEM file of the certificate's private key, mode 0600.")


class BrokerLink(_Section):
    """How a broker is reached."""

    host: str = Field("127.0.0.1", min_length=1, description="Host of the broker.")
    port: int = Field(1883, ge=1, le=65_535, description="Port of the broker.")
    tls: TlsSettings | None = Field(
        None, description="Certificates; without them the link is plain, fit for loopback alone."
    )
    username: str | None = Field(None, description="User at the broker, where it wants one.")
    password_file: Path | None = Field(None, description="File that holds the user's password.")


class BrokerSettings(BrokerLink):
    """The MQTT broker that units send to, at the port that is the repository's own."""

    client_id: str = Field(
        "plateward-repository",
        min_length=1,
        max_length=64,
        description="Name of the session that the broker keeps while the repository is away.",
    )
    instance: int = Field(
        1,
        ge=1,
        le=999,
        description="Number of this ingest process among those that share the load; each has a "
        "session of its own, the first that of client_id.",
    )
    queue: int = Field(
        256,
        ge=1,
        le=10_000,
        description="Messages that the broker hands over before the first of them is committed.",
    )

    @property
    def session(self) -> str:
        """Name of this process's session at the broker."""
        return self.client_id if self.instance == 1 else f"{self.client_id}-{self.instance}"


class ForwardSettings(BrokerLink):
    """Forwarding to another repository."""

    client_id: str = Field(
        "plateward-forwarder", min_length=1, max_length=64, description="Name at the broker."
    )
    agencies: tuple[str, ...] = Field(
        min_length=1, description="Short names of the agencies whose units are forwarded."
    )
    receipts_key: Path = Field(
        description="PEM file of the other repository's public key, with which it signs receipts."
    )
    in_flight: int = Field(
        16, ge=1, le=1000, description="Units with a message under way at the same time."
    )
    retry_s: float = Field(
        60, gt=0, le=3600, description="Seconds until what was refused or not answered goes again."
    )


class PictureSettings(_Section):
    """Where pictures lie, encrypted either way."""

    store: Literal["folder", "s3"] = Field(
        "folder", description='"folder" on this host, or "s3" for a bucket of an S3-compatible '
        "store, which needs the extra s3.",
    )  # fmt: skip
    folder: Path | None = Field(None, description="The folder; data/pictures unless set.")
    endpoint: str | None = Field(
        None,
        pattern=r"^https?://[^/?#@\s]+/?$",
        description="Address of the store, as in https://s3.example.gov:9000; http is for loopback "
        "alone.",
    )
    bucket: str | None = Field(
        None, pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", description="The bucket's name."
    )
    region: str = Field("us-east-1", min_length=1, description="The region, as the store names it.")
    credentials: Path | None = Field(
        None,
        description="File with aws_access_key_id and aws_secret_access_key under [default], mode "
        "0600; without it AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of the environment count.",
    )
    ca: Path | None = Field(
        None, description="PEM file of the authority behind the store's certificate, if its own."
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.store == "s3" and (self.endpoint is None or self.bucket is None):
            raise ValueError("the store s3 needs endpoint and bucket")
        if self.endpoint is not None:
            address = urlsplit(self.endpoint)
            if address.scheme == "http" and address.hostname not in _LOOPBACK:
                raise ValueError("endpoint: only loopback is reached without TLS; write https://")
        return self


class RetentionSettings(_Section):
    """How long reads are kept."""

    rule: str = Field(
        "massachusetts",
        pattern=r"^[a-z0-9-]+$",
        description="Name of a rule that ships in config/retention.",
    )
    rule_file: Path | None = Field(None, description="A rule of your own instead.")


class QuarantineSettings(_Section):
    """What is kept of messages that are refused."""

    bytes_per_day: int = Field(
        16 * 1024 * 1024,
        ge=0,
        description="Bytes of refused messages kept for each unit and UTC day; of further ones "
        "the digest, size and reason are.",
    )
    rows_per_day: int = Field(
        10_000,
        ge=1,
        description="Refused messages and records kept for each unit and UTC day; beyond them "
        "nothing is kept of messages, and batches with such records stay with their unit.",
    )


class AgencySettings(_Section):
    """What agencies do with their data, and what the public is told of it."""

    answer_days: int = Field(
        10, ge=1, le=365, description="Days in which an agency answers an error reported to it."
    )
    smallest_number: int = Field(
        10, ge=2, le=1000, description="Statistics show no number of reads or hits below this."
    )
    suspend_unsigned: bool = Field(
        False,
        description="Whether an agency that has not signed anew in time is suspended by itself; "
        "else the operator is told, and suspends it with `agencies suspend`.",
    )
    policy_review_days: int = Field(
        365, ge=1, le=3650, description="Days after which a policy is to be reviewed again."
    )
    secure_within_h: int = Field(
        24, ge=1, le=168, description="Hours from a shift's start in which a unit is secured."
    )


class JobSettings(_Section):
    """What happens by the clock."""

    purge_at: time | None = Field(
        time(7, 30),
        description='Time of day in UTC of the daily purge, or "never". Where a rule keeps '
        "anything for less than a week, there is a purge every minute instead.",
    )
    checkpoint_every_min: int = Field(
        60, ge=1, le=1440, description="Minutes between signed checkpoints of the ledger."
    )

    @field_validator("purge_at", mode="before")
    @classmethod
    def _never(cls, value: object) -> object:
        return None if value == "never" else value


class WebSettings(_Section):
    """The web server: an API, and no pages of its own."""

    host: str = Field("127.0.0.1", min_length=1, description="Address to listen on.")
    port: int = Field(8080, ge=1, le=65_535, description="Port to listen on.")
    proxies: tuple[IPvAnyAddress, ...] = Field(
        (),
        description="Addresses of reverse proxies that stand before it. What they say of where a "
        "request came from is believed, and goes into the ledger; nobody else's word is.",
    )


class Settings(_Section):
    """Everything the repository is told."""

    data: Path = Field(DEFAULT_DATA, description="Folder for whatever has no place of its own.")
    database: str | None = Field(
        None,
        description="Address of the database: sqlite:///FILE or "
        "postgresql+psycopg://USER@HOST/NAME (its password from PGPASSFILE or PGPASSWORD); "
        "a SQLite file in the data folder unless set.",
    )
    accounts_database: str | None = Field(
        None,
        description="Address of the same PostgreSQL database for accounts alone, under a role that "
        "reads passwords as no other does: see `alpr-repository db roles`; database unless set.",
    )
    keys: Path | None = Field(None, description="Folder of keys; data/keys unless set.")
    pictures: PictureSettings = Field(
        default_factory=PictureSettings, description="Where pictures lie."
    )
    broker: BrokerSettings = Field(
        default_factory=BrokerSettings, description="The MQTT broker that units send to."
    )
    retention: RetentionSettings = Field(
        default_factory=RetentionSettings, description="How long reads are kept."
    )
    forward: ForwardSettings | None = Field(
        None, description="Forwarding to another repository; none unless set."
    )
    holds: HoldSettings = Field(
        default_factory=lambda: HoldSettings(), description="What bounds a hold on reads."
    )
    quarantine: QuarantineSettings = Field(
        default_factory=QuarantineSettings,
        description="What is kept of messages that are refused.",
    )
    hotlists: HotlistSettings = Field(
        default_factory=lambda: HotlistSettings(),
        description="Hot lists: their sources, entries by hand, versions and reminders.",
    )
    accounts: AccountSettings = Field(
        default_factory=lambda: AccountSettings(),
        description="People, passwords, second factors and sessions.",
    )
    agencies: AgencySettings = Field(
        default_factory=AgencySettings, description="What agencies do with their data."
    )
    audits: AuditSettings = Field(
        default_factory=lambda: AuditSettings(), description="Monthly and triennial audits."
    )
    jobs: JobSettings = Field(default_factory=JobSettings, description="What happens by the clock.")
    ledger: LedgerSettings = Field(
        default_factory=LedgerSettings, description="The log of every transaction."
    )
    search: SearchSettings = Field(
        default_factory=SearchSettings, description="What searches need an approval, and reviews."
    )
    web: WebSettings = Field(default_factory=WebSettings, description="The web server.")

    @field_validator("database", "accounts_database")
    @classmethod
    def _reject_password(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                password = sqlalchemy.make_url(value).password
            except ArgumentError as error:
                raise ValueError("not an address") from error
            if password is not None:
                raise ValueError("holds a password: give it in PGPASSFILE or PGPASSWORD instead")
        return value

    @property
    def database_address(self) -> str:
        """Address of the database."""
        return self.database or f"sqlite:///{self.data / 'repository.sqlite'}"

    @property
    def keys_folder(self) -> Path:
        """Folder of keys."""
        return self.keys or self.data / "keys"

    @property
    def pictures_folder(self) -> Path:
        """Folder of pictures."""
        return self.pictures.folder or self.data / "pictures"


def load_settings(path: Path) -> Settings:
    """The settings in a TOML file, its relative paths made absolute.

    Raises:
        SettingsError: one line for each wrong key: its full path, what is wrong, what to do.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(
            f"settings file {path}: {error.strerror}; name one with --settings"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"settings file {path}: not TOML: {error}") from error
    try:
        settings = Settings.model_validate(raw)
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(path, error))) from error
    return _absolute(settings, path.absolute().parent)


def default_settings() -> Settings:
    """Embedded defaults for one small site: everything in ./plateward-data, SQLite, loopback."""
    return _absolute(Settings(), Path.cwd())


_S = TypeVar("_S", bound=BaseModel)


def _absolute(section: _S, folder: Path) -> _S:
    changes: dict[str, Any] = {}
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, Path):
            changes[name] = folder / value
        elif isinstance(value, BaseModel):
            changes[name] = _absolute(value, folder)
        elif isinstance(value, tuple) and all(isinstance(each, BaseModel) for each in value):
            changes[name] = tuple(_absolute(each, folder) for each in value)
    return section.model_copy(update=changes)


def _explain(path: Path, error: ValidationError) -> Iterator[str]:
    for problem in error.errors():
        place = ".".join(str(part) for part in problem["loc"])
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            message = "not a setting; remove it or mend its spelling"
        yield f"settings file {path}: {place}: {message}"
