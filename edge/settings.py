"""The unit's settings: one TOML file, every key documented here, unknown keys refused.

Relative paths are taken from the folder of the settings file. No secret stands in the file:
keys and passwords are files of their own, named here.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, cast

from pydantic import (
    BaseModel,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from edge.errors import EdgeError
from edge.health.settings import HealthSettings, MetricsSettings
from edge.hotfile.settings import HotlistSource, MatchRule
from edge.hotfile.update_settings import UpdateSettings
from edge.position.settings import GpsdPosition, NoReceiver, SerialPosition, SitePosition
from edge.recording.ring_rule import HELD_FOR_S, RING_AT_ONCE_FROM
from edge.section import Name, Section
from edge.spool.settings import SpoolSettings
from edge.uplink.settings import UplinkSettings
from edge.vision.camera_settings import CameraSettings
from edge.vision.settings import EngineSettings


class SettingsError(EdgeError):
    """The settings file is missing, unreadable or wrong; the text names the key."""


class UnitSettings(Section):
    """Who this unit is."""

    agency: Name = Field(description="The agency's name in topics, as the repository knows it.")
    name: Name = Field(description="The unit's name within its agency.")
    keys: Path = Field(Path("keys"), description="Folder of the keys that 'alpr-edge enrol' made.")
    data: Path = Field(Path("data"), description="Folder of the spool and of the unit's status.")


class ConsoleSettings(Section):
    """What the officer sees and hears."""

    bell: bool = Field(True, description="Ring the terminal's bell on a hit.")


class RingSettings(Section):
    """When a hit rings before its car has passed."""

    ring_at_once_from: float = Field(
        RING_AT_ONCE_FROM,
        ge=0.5,
        le=1,
        description="How probable the listed plate must be, by all frames so far, for a hit to "
        "ring at once; a less probable one waits for more frames or for the end of the pass.",
    )
    ring_held_s: float = Field(
        HELD_FOR_S,
        ge=0,
        description="A hit whose plate is read exactly as listed for so many seconds rings though "
        "it is less probable.",
    )


class Settings(Section):
    """Everything a unit is told."""

    unit: UnitSettings = Field(description="Who this unit is.")
    cameras: tuple[CameraSettings, ...] = Field(min_length=1, description="The unit's cameras.")
    engine: EngineSettings = Field(default_factory=EngineSettings, description="The plate engine.")
    hotlists: tuple[HotlistSource, ...] = Field((), description="The unit's hot lists.")
    hotlist_updates: UpdateSettings | None = Field(
        None,
        description="Where lists from the repository are fetched; without it they come from USB "
        "sticks alone.",
    )
    match: MatchRule = Field(
        default_factory=MatchRule, description="How reads are compared with the hot lists."
    )
    position: Annotated[
        SerialPosition | GpsdPosition | SitePosition | NoReceiver, Field(discriminator="kind")
    ] = Field(
        description="Where the unit is: a receiver on a serial port or behind gpsd, a fixed site, "
        "or neither."
    )
    uplink: UplinkSettings = Field(description="The way to the repository.")
    spool: SpoolSettings = Field(
        default_factory=SpoolSettings, description="How much of the disk the spool may have."
    )
    alerts: RingSettings = Field(
        default_factory=RingSettings, description="When a hit rings before its car has passed."
    )
    console: ConsoleSettings = Field(
        default_factory=ConsoleSettings, description="What the officer sees and hears."
    )
    health: HealthSettings = Field(
        default_factory=HealthSettings, description="What counts as a malfunction."
    )
    metrics: MetricsSettings = Field(
        default_factory=MetricsSettings,
        description="Prometheus metrics, over HTTP on this machine.",
    )

    @field_validator("cameras", "hotlists")
    @classmethod
    def _reject_twins(cls, value: tuple[Any, ...]) -> tuple[Any, ...]:
        names = [part.name for part in value]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two are named '{name}': give each its own name")
        return value

    @model_validator(mode="after")
    def _require_filtered_cameras(self) -> Settings:
        """A mistyped name would let reads leave the unit that must not."""
        names = {camera.name for camera in self.cameras}
        for rule in self.uplink.filters:
            for camera in rule.cameras:
                if camera not in names:
                    raise ValueError(
                        f"uplink.filters '{rule.name}' names camera '{camera}', which this unit "
                        f"does not have: it has {', '.join(sorted(names))}"
                    )
        return self


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
        raise SettingsError(_explain(path, error), lines=True) from error
    return cast(Settings, _anchor(settings, path.resolve().parent))


def _explain(path: Path, error: ValidationError) -> str:
    lines = [f"settings file {path}:"]
    problems = error.errors(include_url=False, include_input=False)
    for problem in problems:
        loc = problem["loc"]
        if problem["type"] == "too_short" and any(
            len(other["loc"]) > len(loc) and other["loc"][: len(loc)] == loc for other in problems
        ):
            continue  # it has parts, which are wrong themselves and named
        where = ""
        for depth, step in enumerate(loc):
            if depth == 1 and loc[0] == "position":
                continue  # which of the kinds it is, no key of the file
            where += f"[{step}]" if isinstance(step, int) else f".{step}" if where else str(step)
        what = problem["msg"].removeprefix("Value error, ")
        if loc == ("cameras",) and problem["type"] in ("missing", "too_short"):
            what = "name at least one camera, in a section [[cameras]]"
        elif problem["type"] == "union_tag_invalid":
            where += ".kind"
            what = f"expected one of {problem['ctx']['expected_tags']}"
        elif problem["type"] == "union_tag_not_found":
            where += ".kind"
            what = "missing; add this key"
        elif problem["type"] == "missing":
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
