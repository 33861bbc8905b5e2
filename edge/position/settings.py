"""Settings of the unit's place."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from edge.section import Section


def _require_port(name: str) -> str:
    if name.startswith("usb:") and not re.fullmatch(r"usb:[0-9a-fA-F]{4}:[0-9a-fA-F]{4}", name):
        raise ValueError("write a USB port as usb:VENDOR:PRODUCT, such as usb:1546:01a7")
    return name


PortName = Annotated[str, Field(min_length=1), AfterValidator(_require_port)]


class _Receiver(Section):
    fix_lasts_s: float = Field(
        10.0, gt=0, description="Age in seconds past which a fix no longer says where the unit is."
    )
    bridge_s: float = Field(
        3.0,
        ge=0,
        description="A place is taken from the line between two fixes that are no further apart "
        "than this in seconds.",
    )


class SerialPosition(_Receiver):
    """A GPS receiver on a serial port."""

    kind: Literal["serial"] = Field(description='"serial": NMEA 0183 from a serial port.')
    port: PortName | tuple[PortName, ...] = Field(
        description="The port, or a list of ports to try: a path such as /dev/ttyUSB0, a lasting "
        "link under /dev/serial/by-id, a pattern such as /dev/ttyACM*, usb:VENDOR:PRODUCT in "
        "hexadecimal, or usb-serial:NUMBER."
    )
    baud: Annotated[int, Field(ge=300, le=921_600)] | Literal["auto"] = Field(
        4800, description='Speed of the port; "auto" tries 4800, 9600, 38400 and 115200.'
    )


class GpsdPosition(_Receiver):
    """A GPS receiver that gpsd looks after."""

    kind: Literal["gpsd"] = Field(description='"gpsd": from gpsd, where one runs.')
    host: str = Field("127.0.0.1", min_length=1, description="Where gpsd listens.")
    port: int = Field(2947, ge=1, le=65_535, description="The port on which gpsd listens.")


class SitePosition(Section):
    """A surveyed place that does not move."""

    kind: Literal["site"] = Field(description='"site": a surveyed place.')
    site: str = Field(min_length=1, max_length=128, description="The site's name.")
    latitude_deg: float = Field(ge=-90, le=90, description="WGS 84 latitude in degrees.")
    longitude_deg: float = Field(ge=-180, le=180, description="WGS 84 longitude in degrees.")
    accuracy_m: float | None = Field(None, ge=0, description="Accuracy of the survey in metres.")


class NoReceiver(Section):
    """A unit without a receiver: its reads say so."""

    kind: Literal["none"] = Field(description='"none": no receiver.')
