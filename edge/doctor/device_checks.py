"""Cameras and the place: from the running daemon, or opened here where it does not run."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable, Iterator

from edge.contract.records import FixedSite, GpsFix
from edge.doctor.findings import Finding, fail, ok, split, warning
from edge.doctor.stream_checks import stream_fault
from edge.health.health import Health
from edge.health.status import Status
from edge.position.source import PositionSource
from edge.settings import Settings
from edge.vision.camera_settings import CameraSettings
from edge.vision.capture import is_live, open_source
from edge.vision.errors import CaptureError
from edge.vision.frames import Frame, Now

SILENT_S = 10.0
SLOW_FRAMES_PER_S = 2.0
FRAME_WITHIN_S = 15.0
FIX_WITHIN_S = 12.0
_BLACK_BELOW = 4.0
_CABLE = "check its power and cable, and the camera's source in the settings"
_RECORDING = (
    "see that the camera's source names a folder of pictures or a video, which the daemon's user "
    "may read"
)
_RECEIVER = "check the receiver's cable, position.port and position.baud"
_IN_USE = (
    "end the program that uses the port, which 'fuser -v' and its name shows; where that is gpsd, "
    'set position.kind = "gpsd"'
)
_PORT_REFUSED = {
    errno.EACCES: "add the daemon's user to the port's group, with 'usermod -aG dialout plateward' "
    "where that is dialout, and start the daemon anew",
    errno.EBUSY: _IN_USE,
    errno.EAGAIN: _IN_USE,
}
"""What to do about a port that is there and does not open, by why."""

_AGAIN = "; trying again until it is back"


def judge_camera(settings: CameraSettings, status: Status) -> Iterator[Finding]:
    """What the running daemon says of a camera."""
    yield _judge_camera(settings, status)


def _judge_camera(settings: CameraSettings, status: Status) -> Finding:
    check = f"camera {settings.name}"
    trouble = status.troubles.get(check)
    if trouble is not None:
        return _fault(settings, trouble.sentence)
    fact = next((one for one in status.cameras if one.name == settings.name), None)
    if fact is None:
        return warning(
            check,
            "the running daemon does not know it",
            "restart the daemon, for it to read the settings anew",
        )
    if not is_live(settings.source):
        return ok(check, "a recording, of which the daemon reads every picture")
    if fact.last_frame_s is None or fact.last_frame_s > SILENT_S:
        ago = "never" if fact.last_frame_s is None else f"{fact.last_frame_s:.0f} s ago"
        return _fault(settings, f"its last picture came {ago}")
    if fact.frames_per_s < SLOW_FRAMES_PER_S:
        return warning(
            check,
            f"only {fact.frames_per_s:.1f} frames a second are looked at: cars may pass unseen",
            "check the machine's load and temperature, the camera's rate, and engine.threads",
        )
    return ok(check, f"{fact.frames_per_s:.1f} frames a second, as the daemon says")


def check_camera(settings: CameraSettings, now: Now) -> Iterator[Finding]:
    """Open a camera and take one frame."""
    try:
        yield _look_at(settings, now)
    except CaptureError as error:
        yield fail(f"camera {settings.name}", *split(str(error), _RECORDING))


def _look_at(settings: CameraSettings, now: Now) -> Finding:
    check = f"camera {settings.name}"
    said: list[str] = []
    source = open_source(
        settings.source,
        settings.name,
        now,
        said.append,
        rotation=settings.rotation,
        credentials=settings.credentials_file,
    )
    until_s = time.monotonic() + FRAME_WITHIN_S
    try:
        for frame in source.frames():
            if frame is not None:
                return judge_frame(check, frame)
            if time.monotonic() > until_s:
                break
    finally:
        threading.Thread(target=source.close, name=f"close {check}", daemon=True).start()
    return _fault(settings, said[-1] if said else f"no picture came in {FRAME_WITHIN_S:.0f} s")


def _fault(settings: CameraSettings, sentence: str) -> Finding:
    """A camera that does not work, as ``sentence`` says; the network's are asked why."""
    check = f"camera {settings.name}"
    if is_live(settings.source) and (fault := stream_fault(settings)) is not None:
        return fail(check, *fault)
    said = sentence.removeprefix(f"{check}: ").removesuffix(_AGAIN)
    return fail(check, *split(said, _CABLE if is_live(settings.source) else _RECORDING))


def judge_frame(check: str, frame: Frame) -> Finding:
    """What one frame shows of its camera."""
    height, width = frame.image.shape[:2]
    if float(frame.image.mean()) < _BLACK_BELOW:
        return warning(
            check,
            f"it gives a black picture of {width} by {height}",
            "take off the lens cap, clean the lens, and look at its exposure at night",
        )
    return ok(check, f"it gives pictures of {width} by {height}")


def judge_place(settings: Settings, status: Status) -> Iterator[Finding]:
    """What the running daemon says of the unit's place."""
    yield _nowhere() if settings.position.kind == "none" else _judge_place(status)


def _judge_place(status: Status) -> Finding:
    trouble = status.troubles.get("gps")
    if trouble is not None:
        return _deaf(trouble.sentence)
    place = status.position
    if place.state == "site":
        return ok("gps", "a fixed site, as the settings say")
    if place.state == "fix":
        return ok("gps", f"a fix ({place.quality}), {place.age_s or 0.0:.1f} s old")
    return _no_fix()


def check_place(
    settings: Settings,
    build: Callable[[Health], tuple[PositionSource, _Receiver | None]],
    now_s: Callable[[], float],
) -> Iterator[Finding]:
    """Listen to the receiver for a while.

    ``build`` makes what the settings name, which tells the place by the clock ``now_s``.
    """
    if settings.position.kind == "none":
        yield _nowhere()
        return
    health = Health()
    source, receiver = build(health)
    if receiver is None:
        yield ok("gps", "a fixed site, as the settings say")
        return
    stop = threading.Event()
    threading.Thread(target=receiver, args=(stop,), name="check gps", daemon=True).start()
    until_s = time.monotonic() + FIX_WITHIN_S
    position = source.at(now_s())
    while not isinstance(position, GpsFix | FixedSite) and time.monotonic() < until_s:
        time.sleep(0.2)
        position = source.at(now_s())
    stop.set()
    report = health.report()
    if isinstance(position, GpsFix):
        satellites = "" if position.satellites is None else f", {position.satellites} satellites"
        yield ok("gps", f"a fix ({position.quality}{satellites})")
    elif (sentence := report.troubles.get("gps")) is not None:
        yield _deaf(sentence)
    elif report.counters.get("gps_sentences", 0):
        yield _no_fix()
    else:
        yield fail(
            "gps",
            f"no sentence came within {FIX_WITHIN_S:.0f} s",
            _RECEIVER,
        )


_Receiver = Callable[[threading.Event], None]


def _deaf(sentence: str) -> Finding:
    """A receiver that is not heard, as ``sentence`` says."""
    found, do = split(sentence, _RECEIVER)
    for number, instead in _PORT_REFUSED.items():
        if os.strerror(number) in found:
            do = instead
    return fail("gps", found, do)


def _nowhere() -> Finding:
    return warning(
        "gps",
        "the settings name no receiver and no fixed site: reads have no place",
        "set [position], unless reads without a place are meant",
    )


def _no_fix() -> Finding:
    return warning(
        "gps",
        "the receiver is heard and has no fix: reads have no place until it has",
        "bring the antenna under open sky and wait some minutes; in a garage this is as it should",
    )
