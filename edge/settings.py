"""The unit's settings: one TOML file, every key documented here, unknown keys refused.

Relative paths are taken from the folder of the settings file. No secret stands in the file:
keys and passwords are files of their own, named here.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from edge.errors import EdgeError
from edge.hotfile.settings import HotlistSource, MatchRule
from edge.vision.settings import EngineSettings

_LOOPBACK = ("127.0.0.1", "::1", "localhost")

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]


class SettingsError(EdgeError):
    """The settings file is missing, unreadable or wrong; the text names the key."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class UnitSettings(_Section):
    """Who this unit is."""

    agency: Name = Field(description="The agency's name in topics, as the repository knows it.")
    name: Name = Field(description="The unit's name within its agency.")
    keys: Path = Field(Path("keys"), description="Folder of the keys that 'alpr-edge enrol' made.")
    data: Path = Field(Path("data"), description="Folder of the spool and of the unit's status.")


class CameraSettings(_Section):
    """One camera."""

    name: Name = Field(description="The camera's name within the unit.")
    source: str = Field(
        min_length=1,
        description="A folder of pictures, a picture, a video file, 'device:0', or an RTSP or "
        "HTTP address.",
    )

    @field_validator("source")
    @classmethod
    def _reject_blank(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("must name a folder, a file, a device or an address")
        return value


class SerialPosition(_Section):
    """A GPS receiver on a serial port."""

    kind: Literal["serial"] = Field(description="NMEA 0183 from a serial port.")
    port: str = Field(min_length=1, description="The port, such as /dev/ttyUSB0.")
    baud: int = Field(4800, ge=300, le=921_600, description="Speed of the port.")
    fix_lasts_s: float = Field(
        10.0, gt=0, description="Age in seconds past which a fix no longer says where the unit is."
    )


class SitePosition(_Section):
    """A surveyed place that does not move."""

    kind: Literal["site"] = Field(description="A fixed site.")
    site: str = Field(min_length=1, max_length=128, description="The site's name.")
    latitude_deg: float = Field(ge=-90, le=90, description="WGS 84 latitude in degrees.")
    longitude_deg: float = Field(ge=-180, le=180, description="WGS 84 longitude in degrees.")
    accuracy_m: float | None = Field(None, ge=0, description="Accuracy of the survey in metres.")


class NoReceiver(_Section):
    """A unit without a receiver: its reads say so."""

    kind: Literal["none"] = Field(description="No receiver.")


class TlsSettings(_Section):
    """TLS to the broker with the unit's own certificate."""

    ca: Path = Field(description="PEM file of the authority that signed the broker's certificate.")
    certificate: Path = Field(description="PEM file of the unit's certificate.")
    key: Path = Field(description="PEM file of the certificate's private key, mode 0600.")


class UplinkSettings(_Section):
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

    @model_validator(mode="after")
    def _require_tls_off_this_machine(self) -> UplinkSettings:
        if self.tls is None and self.host not in _LOOPBACK:
            raise ValueError(
                "a broker on another machine needs [uplink.tls]: without it reads and passwords "
                "would cross the network in the clear"
            )
        return self


class ConsoleSettings(_Section):
    """What the officer sees and hears."""

    bell: bool = Field(True, description="Ring the terminal's bell on a hit.")


class Settings(_Section):
    """Everything a unit is told."""

    unit: UnitSettings = Field(description="Who this unit is.")
    cameras: tuple[CameraSettings, ...] = Field(min_length=1, description="The unit's cameras.")
    engine: EngineSettings = Field(default_factory=EngineSettings, description="The plate engine.")
    hotlists: tuple[HotlistSource, ...] = Field((), description="The unit's hot lists.")
    match: MatchRule = Field(
        default_factory=MatchRule, description="How reads are compared with the hot lists."
    )
    position: Annotated[SerialPosition | SitePosition | NoReceiver, Field(discriminator="kind")] = (
        Field(description="Where the unit is: a serial receiver, a fixed site, or neither.")
    )
    uplink: UplinkSettings = Field(description="The way to the repository.")
    console: ConsoleSettings = Field(
        default_factory=ConsoleSettings, description="What the officer sees and hears."
    )

    @field_validator("cameras", "hotlists")
    @classmethod
    def _reject_twins(cls, value: tuple[Any, ...]) -> tuple[Any, ...]:
        names = [part.name for part in value]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two are named '{name}': give each its own name")
        return value


def load_settings(path: Path) -> Settings:
    """The settings in a TOML file, its relative paths made absolute.

    Raises:
        SettingsError: one line for each wrong key: its full path, what is wrong, what to do.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(
            f"settings file {path}: {error.strerror}; name one with --settings, "
            "'alpr-edge settings' explains every key"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"settings file {path}: not TOML: {error}") from error
    try:
        settings = Settings.model_validate(raw)
    except ValidationError as error:
        raise SettingsError(_explain(path, error)) from error
    return cast(Settings, _anchor(settings, path.resolve().parent))


def _explain(path: Path, error: ValidationError) -> str:
    lines = [f"settings file {path}:"]
    for problem in error.errors(include_url=False, include_input=False):
        where = ""
        for step in problem["loc"]:
            if where == "position" and step in ("serial", "site", "none"):
                continue  # which of the three it is, no key of the file
            where += f"[{step}]" if isinstance(step, int) else f".{step}" if where else str(step)
        what = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "missing":
            what = "missing; add this key"
        elif problem["type"] == "extra_forbidden":
            what = "no such setting; remove it or correct its spelling"
        elif problem["type"] == "string_pattern_mismatch":
            what = "lower-case letters, digits and hyphens only, a letter or digit first"
        lines.append(f"  {where or 'file'}: {what}")
    lines.append("'alpr-edge settings' explains every key.")
    return "\n".join(lines)


def _anchor(section: Any, folder: Path) -> Any:
    """The same settings with every relative path made absolute, sources that are paths too."""
    changes: dict[str, Any] = {}
    for key in type(section).model_fields:
        value = getattr(section, key)
        if isinstance(value, Path):
            changes[key] = folder / value
        elif isinstance(value, BaseModel):
            changes[key] = _anchor(value, folder)
        elif isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
            changes[key] = tuple(_anchor(part, folder) for part in value)
    if isinstance(section, CameraSettings) and _is_path(section.source):
        changes["source"] = str(folder / section.source)
    return section.model_copy(update=changes)


def _is_path(source: str) -> bool:
    return "://" not in source and not source.startswith("device:")
