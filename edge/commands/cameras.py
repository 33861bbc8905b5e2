"""The commands ``alpr-edge cameras`` and ``alpr-edge aim``."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge.commands.options import json_array_option, json_option, require_owner, settings_option
from edge.commands.say import say, say_json
from edge.errors import EdgeError
from edge.health.status import STATUS_FILE, Status, StatusError, read_status
from edge.health.status_text import Standing
from edge.settings import Settings, load_settings

if TYPE_CHECKING:
    from edge.vision.aim import AimCheck
    from edge.vision.camera_settings import CameraSettings

NOT_GOOD = 3
"""Exit status of ``aim`` where something is wrong with the aim, or no plate was in view."""

DAEMON_PATIENCE_S = 10.0


@click.group()
def cameras() -> None:
    """Show the unit's cameras.

    Example: alpr-edge cameras list --settings /etc/plateward/edge.toml
    """


@cameras.command("list")
@settings_option
@json_array_option
def list_cameras(settings: Path, as_json: bool) -> None:
    """List each camera: how it is set, when its aim was checked, and what the daemon says of it.

    Example: alpr-edge cameras list --settings /etc/plateward/edge.toml --json
    """
    loaded = load_settings(settings)
    said, runs = _daemon(loaded)
    shown = [_shown(camera, loaded, said, runs) for camera in loaded.cameras]
    if as_json:
        say_json(shown)
        return
    for one in shown:
        where = f", {one['mounting']}" if one["mounting"] else ""
        say(f"{one['name']}: {one['source']} ({one['kind']}{where})")
        say(f"  {one['state']}")
        for trouble in one["troubles"]:
            say(f"  TROUBLE: {trouble}")
        say(f"  aim checked: {one['aim_checked_at'] or 'never'}; {one['compared']}")
        say(f"  region: {one['region'] or 'all of the picture'}; turned {one['rotation']}")


@click.command()
@click.argument("camera")
@settings_option
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Save the picture with what was found, as PNG. Plates can be read in it.",
)
@click.option(
    "--accept", is_flag=True, help="Keep this view as the reference that later ones are held to."
)
@json_option
def aim(camera: str, settings: Path, out: Path | None, accept: bool, as_json: bool) -> None:
    """Check a camera's aim on a live picture: are plates large, sharp, lit and level enough?

    While the daemon runs it hands over its next frame; otherwise the camera is opened here. The
    reference that --accept keeps is small and grey: no plate can be read in it.

    \b
    Exit status:
      0  all is good, and a plate was in view
      1  the camera gives no picture, or something cannot be read or written
      3  something is not good yet

    Example: alpr-edge aim front --settings /etc/plateward/edge.toml --out front.png --accept
    """
    if out is not None and out.suffix != ".png":
        raise click.UsageError("--out: name a file that ends in .png")
    loaded = load_settings(settings)
    chosen = next((one for one in loaded.cameras if one.name == camera), None)
    if chosen is None:
        names = ", ".join(one.name for one in loaded.cameras)
        raise EdgeError(f"no camera is named {camera}: the settings name {names}")
    require_owner(loaded.unit.data)
    # What looks at pictures takes a second to load.
    from edge.commands.aim_check import look

    _, runs = _daemon(loaded)
    found = look(loaded, chosen, runs=runs, patience_s=DAEMON_PATIENCE_S, wait=time.sleep)
    if out is not None:
        found.save_picture(out)
    reference = found.accept() if accept else None
    check = found.check
    if as_json:
        say_json(_found(camera, check, out, reference))
    else:
        say(f"camera {camera}: {'good' if check.good else 'NOT GOOD YET'}")
        for finding in check.findings:
            mark = {True: "+", False: "!", None: "?"}[finding.good]
            say(f"  {mark} {finding.what}: {finding.sentence}")
        if out is not None:
            say(f"picture: {out}; plates can be read in it: remove it when done")
        if reference is not None:
            say(f"accepted; the reference is {reference}")
    if not check.good:
        sys.exit(NOT_GOOD)


def _found(
    camera: str, check: AimCheck, out: Path | None, reference: Path | None
) -> dict[str, Any]:
    return {
        "camera": camera,
        "good": check.good,
        "plates": [
            {
                "box": [plate.box.x, plate.box.y, plate.box.w, plate.box.h],
                "height_px": plate.box.h,
                "tilt_deg": round(plate.tilt_deg, 1),
            }
            for plate in check.plates
        ],
        "sharpness": None if check.sharpness is None else round(check.sharpness, 3),
        "brightness": round(check.brightness, 1),
        "findings": [
            {"what": one.what, "good": one.good, "sentence": one.sentence} for one in check.findings
        ],
        "picture": None if out is None else str(out),
        "reference": None if reference is None else str(reference),
    }


def _daemon(settings: Settings) -> tuple[Status | None, bool]:
    """What the daemon last said of itself, and whether it runs."""
    try:
        said, written_s = read_status(settings.unit.data / STATUS_FILE)
    except StatusError:
        return None, False
    return said, Standing.of(said, written_s, time.time()).runs


def _shown(
    camera: CameraSettings, settings: Settings, said: Status | None, runs: bool
) -> dict[str, Any]:
    from edge.vision.aim_reference import AIM_FOLDER, load_reference
    from edge.vision.capture import stream_label
    from edge.vision.errors import CaptureError

    troubles = _troubles_of(camera.name, said)
    checked = None
    try:
        reference = load_reference(settings.unit.data / AIM_FOLDER, camera.name)
        checked = None if reference is None else reference.taken_at.isoformat()
    except CaptureError as error:
        troubles.append(str(error))
    fact = next((one for one in said.cameras if one.name == camera.name), None) if said else None
    return {
        "name": camera.name,
        "source": stream_label(camera.source),
        "kind": camera.kind,
        "mounting": camera.mounting,
        "rotation": camera.rotation,
        "region": list(camera.region),
        "steady": list(camera.steady),
        "compared": _compared(camera, checked),
        "aim_checked_at": checked,
        "state": _state(said, runs, troubles, None if fact is None else fact.last_frame_s),
        "running": runs,
        "frames_per_s": None if fact is None else fact.frames_per_s,
        "last_frame_s": None if fact is None else fact.last_frame_s,
        "troubles": troubles,
    }


def _troubles_of(camera: str, said: Status | None) -> list[str]:
    if said is None:
        return []
    return [
        one.sentence
        for part, one in said.troubles.items()
        if part.split()[0] in ("camera", "picture", "engine") and part.split()[1:2] == [camera]
    ]


def _compared(camera: CameraSettings, checked: str | None) -> str:
    if camera.kind == "vehicle" and not camera.steady:
        return "its aim is not compared: a vehicle's camera without a steady part"
    if checked is None:
        return f"its aim is compared once 'alpr-edge aim {camera.name} --accept' is run"
    return "its aim is compared with that"


def _state(said: Status | None, runs: bool, troubles: list[str], last_frame_s: float | None) -> str:
    if said is None:
        return "the daemon has not run here yet"
    last = "no frame yet" if last_frame_s is None else f"last frame {last_frame_s:.0f} s before"
    if not runs:
        return f"the daemon does not run; as of {said.at:%Y-%m-%d %H:%M:%S} UTC {last}"
    return f"{'in trouble' if troubles else 'works'}; {last}"
