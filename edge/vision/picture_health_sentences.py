"""What is said of a faulty picture: what is wrong, and what to do about it."""

from __future__ import annotations

from typing import Final, Literal

from edge.vision.aim_reference import AimReference
from edge.vision.aim_shift import Shift
from edge.vision.camera_settings import CameraSettings

PictureFault = Literal[
    "frozen", "blank", "dark", "covered", "partly-covered", "blurred", "shifted", "elsewhere"
]

_SAID: Final[dict[PictureFault, str]] = {
    "frozen": "delivers the same picture over and over: switch the camera off and on; if that "
    "does not help, replace it",
    "blank": "delivers a picture of one colour, without even a sensor's noise: check its cable and "
    "power; if that does not help, replace it",
    "dark": "has seen nothing but darkness: uncover the lens; if it stands in the dark, all is "
    "well as soon as it sees light or a plate",
    "covered": "sees no contrast anywhere: uncover or wipe the lens; fog and low sun pass by "
    "themselves",
    "partly-covered": "sees nothing in a large part of its picture where it did before: wipe the "
    "lens, and look whether something stands before it",
    "blurred": "is less sharp than it was{since}: wipe the lens, inside of the windscreen too, "
    "and check its focus",
    "shifted": "is aimed elsewhere: the picture is {shift} of the aim check{since}; check the "
    "mount, then 'alpr-edge aim {camera} --accept'",
    "elsewhere": "does not show the view of the aim check{since}: check the mount, then "
    "'alpr-edge aim {camera} --accept'",
}
_MIN_SAID_PX: Final = 3


def sentence(
    fault: PictureFault, camera: CameraSettings, reference: AimReference | None, shift: Shift | None
) -> str:
    """One sentence for the operator; of a shift, how far the picture's content has moved."""
    taken = f" of {reference.taken_at:%Y-%m-%d}" if reference is not None else ""
    since = f" at the aim check{taken}" if fault == "blurred" and taken else taken
    moved = _moved(reference, shift) if reference is not None and shift is not None else ""
    where = f" ({camera.mounting})" if camera.mounting else ""
    said = _SAID[fault].format(since=since, shift=moved, camera=camera.name)
    return f"camera {camera.name}{where} {said}"


def _moved(reference: AimReference, shift: Shift) -> str:
    """How far, in the frame's own pixels."""
    across, down = round(shift.right * reference.width_px), round(shift.down * reference.height_px)
    parts = []
    if abs(across) >= _MIN_SAID_PX:
        parts.append(f"{abs(across)} px to the {'right' if across > 0 else 'left'}")
    if abs(down) >= _MIN_SAID_PX:
        parts.append(f"{abs(down)} px {'below' if down > 0 else 'above'}")
    if shift.turned_deg:
        side = "clockwise" if shift.turned_deg > 0 else "anticlockwise"
        parts.append(f"turned {abs(shift.turned_deg):.0f} degrees {side}")
    return " and ".join(parts)
