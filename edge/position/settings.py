"""Settings of the unit's place."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from edge.section import Section


class SerialPosition(Section):
    """A GPS receiver on a serial port."""

    kind: Literal["serial"] = Field(description="NMEA 0183 from a serial port.")
    port: str = Field(min_length=1, description="The port, such as /dev/ttyUSB0.")
    baud: int = Field(4800, ge=300, le=921_600, description="Speed of the port.")
    fix_lasts_s: float = Field(
        10.0, gt=0, description="Age in seconds past which a fix no longer says where the unit is."
    )


class SitePosition(Section):
    """A surveyed place that does not move."""

    kind: Literal["site"] = Field(description="A fixed site.")
    site: str = Field(min_length=1, max_length=128, description="The site's name.")
    latitude_deg: float = Field(ge=-90, le=90, description="WGS 84 latitude in degrees.")
    longitude_deg: float = Field(ge=-180, le=180, description="WGS 84 longitude in degrees.")
    accuracy_m: float | None = Field(None, ge=0, description="Accuracy of the survey in metres.")


class NoReceiver(Section):
    """A unit without a receiver: its reads say so."""

    kind: Literal["none"] = Field(description="No receiver.")
