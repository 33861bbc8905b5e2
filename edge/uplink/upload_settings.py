"""Settings of when the unit uploads, how fast, and over which links pictures go."""

from __future__ import annotations

from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from edge.schedule import DAYS, Day, Hours, Schedule
from edge.section import Section

PictureRule = Literal["now", "unmetered", "hits", "command"]


class ScheduleSettings(Section):
    """Days and hours of a week."""

    time_zone: str = Field(description="Zone of the hours, such as America/New_York.")
    days: tuple[Day, ...] = Field(DAYS, min_length=1, description="Days on which the hours begin.")
    hours: tuple[str, ...] = Field(
        ("00:00-24:00",), min_length=1, description="Hours as 22:00-06:00, also past midnight."
    )

    @field_validator("time_zone")
    @classmethod
    def _require_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError("not a time zone of this system; use one such as 'UTC'") from error
        return value

    @field_validator("hours")
    @classmethod
    def _require_hours(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            Hours.parse(text)
        return value

    def schedule(self) -> Schedule:
        """The schedule that these settings describe."""
        return Schedule.of(self.time_zone, self.days, self.hours)


class UploadSettings(Section):
    """When the unit uploads what it holds, as the agency's administrator sets it."""

    when: Literal["continuous", "schedule", "command"] = Field(
        "continuous",
        description="'continuous', in the hours of 'schedule', or on 'alpr-edge upload' alone.",
    )
    schedule: ScheduleSettings | None = Field(
        None, description="Hours of upload, where 'when' is 'schedule'."
    )
    hits_at_once: bool = Field(
        True, description="Tell the repository of hits at once, whatever the time."
    )
    pictures: PictureRule = Field(
        "now",
        description="'now' over any link; 'unmetered' links alone; those of 'hits' over any link, "
        "others over unmetered ones; or on 'alpr-edge upload' ('command') alone.",
    )
    metered: tuple[str, ...] = Field(
        (), description="Network interfaces that cost by the byte, such as 'wwan*'."
    )
    unmetered: tuple[str, ...] = Field(
        (), description="Interfaces that do not; where some are named, all others are metered."
    )
    backlog_bytes_per_s: float = Field(
        1024 * 1024,
        ge=1024,
        description="Most bytes a second for records and pictures; hits do not wait for it.",
    )

    @model_validator(mode="after")
    def _require_hours_of_a_schedule(self) -> UploadSettings:
        if (self.when == "schedule") != (self.schedule is not None):
            raise ValueError("'schedule' needs its hours in [uplink.upload.schedule], and they it")
        return self
