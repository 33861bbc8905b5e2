"""Settings of a camera: where its frames come from, how it is mounted, what of it is looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, field_validator, model_validator

from edge.section import Name, Section
from edge.vision.region import Point, area, box_polygon, crosses_itself

MIN_REGION_AREA = 0.01
MAX_REGION_POINTS = 32


def _as_polygon(value: Any) -> Any:
    """A box of four numbers as its corners; anything else as it is."""
    if isinstance(value, list | tuple) and len(value) == 4:
        numbers = [side for side in value if isinstance(side, int | float)]
        if len(numbers) == 4:
            left, top, right, bottom = numbers
            if not (left < right and top < bottom):
                raise ValueError("a box is [left, top, right, bottom], left and top the smaller")
            return box_polygon(left, top, right, bottom)
    return value


Region = Annotated[tuple[Point, ...], BeforeValidator(_as_polygon)]


class PictureSettings(Section):
    """When a camera's picture is called faulty.

    The defaults are tuned with 'scripts/bench pictures'; a camera that is called faulty too often
    or too late can be given its own.
    """

    watched: bool = Field(
        True, description="Whether the picture of a live camera is judged, once a second at most."
    )
    frozen_after_s: float = Field(
        120.0,
        ge=5,
        description="Seconds of the same picture, but for a clock drawn into it, after which it is "
        "frozen. A sensor's noise never repeats; a compressed stream of a still scene does until "
        "its next keyframe, so keep this above the camera's keyframe interval.",
    )
    covered_after_s: float = Field(
        60.0,
        ge=5,
        description="Seconds without contrast anywhere in a bright picture after which the lens is "
        "covered. A bus that stops before the camera is gone sooner.",
    )
    dark_after_s: float = Field(
        1800.0,
        ge=60,
        description="Seconds of darkness without anything in it and without a plate after which "
        "the lens may be covered. Dark is no fault at night: it shows lamps and headlights.",
    )
    partly_after_s: float = Field(
        300.0,
        ge=30,
        description="Seconds for which a large part of the picture shows nothing, where it did "
        "before, after which the lens is partly covered. Parked lorries take a while to leave.",
    )
    blurred_after_s: float = Field(
        300.0,
        ge=30,
        description="Seconds of a blurred picture after which it is said: rain and a motion blur "
        "at night pass sooner.",
    )
    blurred_below: float = Field(
        0.55,
        gt=0.1,
        lt=0.95,
        description="Sharpness, as a share of that at the aim check or else of the camera's own "
        "past, below which the picture is blurred. Out of focus by 3 pixels of 1280 is 0.5.",
    )
    shifted_after_s: float = Field(
        120.0,
        ge=20,
        description="Seconds of a shifted picture after which it is said: wind and a truck that "
        "passes shake a pole for less.",
    )
    shifted_from: float = Field(
        0.03,
        ge=0.01,
        le=0.3,
        description="Shift from the aim check, as a share of the picture's width, from which on it "
        "is said. A camera that looks 3% aside has lost a hand's breadth of a lane at its edge.",
    )
    well_after_s: float = Field(
        30.0,
        ge=1,
        description="Seconds without a fault after which it is over: a fault that comes and goes "
        "is one fault.",
    )


class CameraSettings(Section):
    """One camera."""

    name: Name = Field(description="The camera's name within the unit.")
    source: str = Field(
        min_length=1,
        description="A folder of pictures, a picture, a video file, 'device:0', or an RTSP or "
        "HTTP address without user and password.",
    )
    credentials_file: Path | None = Field(
        None,
        description="File of mode 0600 with the user on its first line and the password on its "
        "second, for a network camera that asks for them.",
    )
    kind: Literal["vehicle", "fixed"] = Field(
        "vehicle",
        description="On a vehicle that moves, or fixed to a place: only a fixed camera's whole "
        "view can be compared with its aim check.",
    )
    mounting: str = Field(
        "", max_length=128, description="Where it is mounted, in words: 'light bar, right front'."
    )
    rotation: Literal[0, 90, 180, 270] = Field(
        0, description="Degrees to turn the picture clockwise: 180 for a camera mounted head down."
    )
    max_fps: float = Field(
        10.0,
        gt=0,
        le=120,
        description="Frames a second that are looked at, at most, of a live camera; of more the "
        "newest is taken and the others are counted as skipped. Recordings are read whole.",
    )
    region: Region = Field(
        (),
        description="The part of the picture in which plates are looked for: a box [left, top, "
        "right, bottom] or a polygon [[x, y], ...] in fractions of the turned picture; empty for "
        "all of it.",
    )
    steady: Region = Field(
        (),
        description="The part of a vehicle camera's picture that never moves, such as the edge of "
        "the bonnet: box or polygon. Without it a shifted vehicle camera is not noticed.",
    )
    picture: PictureSettings = Field(
        default_factory=PictureSettings, description="When this camera's picture is called faulty."
    )

    @field_validator("source")
    @classmethod
    def _reject_blank(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("must name a folder, a file, a device or an address")
        return value

    @field_validator("source")
    @classmethod
    def _reject_password(cls, value: str) -> str:
        if "://" in value and "@" in _authority(value):
            raise ValueError(
                "holds a user or password: write them into a file and name it in credentials_file"
            )
        return value

    @field_validator("region", "steady")
    @classmethod
    def _require_part(cls, value: tuple[Point, ...]) -> tuple[Point, ...]:
        if not value:
            return value
        if not 3 <= len(value) <= MAX_REGION_POINTS:
            raise ValueError(f"a polygon has 3 to {MAX_REGION_POINTS} points")
        if any(not 0 <= side <= 1 for point in value for side in point):
            raise ValueError("points are fractions of the picture, 0 to 1")
        if crosses_itself(value):
            raise ValueError("two sides of the polygon cross: name its points in their order")
        if area(value) < MIN_REGION_AREA:
            raise ValueError("covers less than a hundredth of the picture")
        return value

    @model_validator(mode="after")
    def _require_use(self) -> CameraSettings:
        if self.credentials_file is not None and "://" not in self.source:
            raise ValueError("credentials_file is for a network camera: source names none")
        if self.steady and self.kind == "fixed":
            raise ValueError("steady is for a vehicle's camera: a fixed one never moves at all")
        return self


def _authority(url: str) -> str:
    """What stands between the slashes; a URL that is none has its own error elsewhere."""
    try:
        return urlsplit(url).netloc
    except ValueError:
        return url
