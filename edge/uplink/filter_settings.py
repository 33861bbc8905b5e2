"""Settings of the reads that never leave the unit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from edge.area import Area, Circle, Polygon
from edge.section import Name, Section
from edge.uplink.upload_settings import ScheduleSettings

_Latitude = Annotated[float, Field(ge=-90, le=90)]
_Longitude = Annotated[float, Field(ge=-180, le=180)]


class CircleSettings(Section):
    """Everything within so many metres of a place."""

    latitude_deg: _Latitude = Field(description="Its middle, WGS 84.")
    longitude_deg: _Longitude = Field(description="Its middle, WGS 84.")
    radius_m: float = Field(gt=0, description="Its radius in metres.")


class FilterSettings(Section):
    """Reads that never leave the unit: those that meet every condition given here."""

    name: Name = Field(description="Name of the rule, as counts show it.")
    plates: Path | None = Field(
        None,
        description="File of plates, one a line, with ? and * as wildcards; mode 0600.",
    )
    circle: CircleSettings | None = Field(None, description="Where, as a circle.")
    polygon: tuple[tuple[_Latitude, _Longitude], ...] = Field(
        (), description="Where, as the corners of an area: [[latitude, longitude], ...]."
    )
    schedule: ScheduleSettings | None = Field(None, description="When.")
    cameras: tuple[Name, ...] = Field((), description="Cameras, by name.")
    keep_hours: float = Field(
        24, ge=0, description="How long the unit keeps such a read; 0 keeps none, and counts it."
    )

    @model_validator(mode="after")
    def _require_conditions(self) -> FilterSettings:
        if self.polygon and (self.circle is not None or len(self.polygon) < 3):
            raise ValueError("give a circle, or a polygon of three corners or more")
        if not any((self.plates, self.circle, self.polygon, self.schedule, self.cameras)):
            raise ValueError("a rule without a condition would keep every read: give it one")
        return self

    def area(self) -> Area | None:
        """The area of the rule."""
        if self.circle is not None:
            return Circle(self.circle.latitude_deg, self.circle.longitude_deg, self.circle.radius_m)
        return Polygon(self.polygon) if self.polygon else None
