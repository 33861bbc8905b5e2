"""Settings of a camera."""

from __future__ import annotations

from pydantic import Field, field_validator

from edge.section import Name, Section


class CameraSettings(Section):
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
