"""Settings of who is alerted when: by list, hours, place, kind and urgency."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from edge.area import Area, Circle, Polygon
from edge.contract.records import HotlistKind
from edge.hotfile.alerts import AlertRule
from edge.section import Section
from edge.uplink.filter_settings import CircleSettings
from edge.uplink.upload_settings import ScheduleSettings

_Latitude = Annotated[float, Field(ge=-90, le=90)]
_Longitude = Annotated[float, Field(ge=-180, le=180)]


class AlertSettings(Section):
    """When a match of the list rings; otherwise it is put on record without a sound."""

    schedule: ScheduleSettings | None = Field(None, description="Hours in which it rings.")
    circle: CircleSettings | None = Field(None, description="Where it rings, as a circle.")
    polygon: tuple[tuple[_Latitude, _Longitude], ...] = Field(
        (), description="Where it rings, as corners: [[latitude, longitude], ...]."
    )
    kinds: tuple[HotlistKind, ...] = Field((), description="Kinds that ring; empty for all.")
    least_urgent: int = Field(5, ge=1, le=5, description="Lowest priority that rings; 1 is urgent.")
    min_probability: float = Field(
        0.001,
        ge=0,
        le=1,
        description="A plate that differs by confusable characters, other than O for 0 and I for 1,"
        " rings only where the reader itself gives it this probability.",
    )
    repeat_after_s: float = Field(
        300, ge=0, description="A plate that rang rings again after so many seconds at the soonest."
    )

    @model_validator(mode="after")
    def _require_one_area(self) -> AlertSettings:
        if self.polygon and (self.circle is not None or len(self.polygon) < 3):
            raise ValueError("give a circle, or a polygon of three corners or more")
        return self

    def rule(self) -> AlertRule:
        """The rule that these settings describe."""
        return AlertRule(
            schedule=None if self.schedule is None else self.schedule.schedule(),
            area=self._area(),
            kinds=frozenset(self.kinds),
            least_urgent=self.least_urgent,
            min_probability=self.min_probability,
            repeat_after_s=self.repeat_after_s,
        )

    def _area(self) -> Area | None:
        if self.circle is not None:
            return Circle(self.circle.latitude_deg, self.circle.longitude_deg, self.circle.radius_m)
        return Polygon(self.polygon) if self.polygon else None
