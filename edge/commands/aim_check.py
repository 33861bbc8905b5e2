"""Look at a camera once, for an aim check: from the daemon that holds it, or by opening it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.bootstrap.daemon import build_clock
from edge.contract.plates import load_formats
from edge.errors import EdgeError
from edge.settings import Settings
from edge.vision.aim import AimCheck, check_aim, plate_in_view
from edge.vision.aim_frame import ask_daemon
from edge.vision.aim_picture import draw_aim
from edge.vision.aim_reference import (
    AIM_FOLDER,
    load_reference,
    reference_of,
    save_reference,
    write_private,
)
from edge.vision.build import build_parts
from edge.vision.camera_settings import CameraSettings
from edge.vision.capture import is_live, open_source
from edge.vision.engine import PlateEngine
from edge.vision.errors import CaptureError
from edge.vision.picture_health_glance import Glance, glance
from edge.vision.region_detector import RegionDetector

SETTLE_S = 2.0
"""A camera that was just opened takes this long to set its exposure."""
OPEN_WITHIN_S = 15.0


@dataclass(frozen=True)
class Look:
    """One frame of a camera, (H, W, 3) uint8 BGR, and what was found in it."""

    camera: CameraSettings
    folder: Path
    image: NDArray[np.uint8]
    taken_at: datetime
    seen: Glance
    check: AimCheck

    def save_picture(self, path: Path) -> None:
        """Draw what was found; the file is the owner's alone, since plates can be read in it.

        Raises CaptureError where it cannot be written.
        """
        done, encoded = cv2.imencode(".png", draw_aim(self.image, self.camera, self.check))
        if not done:
            raise CaptureError("the picture cannot be encoded as PNG")
        write_private(path, encoded.tobytes())

    def accept(self) -> Path:
        """Keep this view as the camera's reference; the path of its picture.

        Raises CaptureError where it cannot be written.
        """
        plates = [plate.box for plate in self.check.plates]
        reference = reference_of(self.image, self.taken_at, self.seen.sharpness, plates)
        return save_reference(self.folder, self.camera.name, reference)


def look(
    settings: Settings,
    camera: CameraSettings,
    *,
    runs: bool,
    patience_s: float,
    wait: Callable[[float], None],
) -> Look:
    """Take a frame and judge it; from the daemon where it `runs`.

    Raises:
        EdgeError: one sentence where there is no frame, or the engine cannot look at it.
    """
    folder = settings.unit.data / AIM_FOLDER
    if runs and is_live(camera.source):
        image = ask_daemon(folder, camera.name, patience_s, wait)
        if image is None:
            raise EdgeError(
                f"the daemon runs and gave no frame of camera {camera.name} within "
                f"{patience_s:.0f} s: 'alpr-edge status' says whether the camera works; run this "
                "as the user of the daemon"
            )
    else:
        image = _open_and_look(camera)
    parts = build_parts(settings.engine)
    if camera.region:
        parts = replace(parts, detector=RegionDetector(parts.detector, camera.region))
    plates = [
        plate_in_view(one.box, one.detection.outline)
        for one in PlateEngine(parts, load_formats()).read_frame(image)
    ]
    seen = glance(image)
    before = load_reference(folder, camera.name)
    check = check_aim(camera, plates, seen, before)
    return Look(camera, folder, image, datetime.now(UTC), seen, check)


def _open_and_look(camera: CameraSettings) -> NDArray[np.uint8]:
    """The camera's picture after its exposure has settled; a recording's first."""
    said: list[str] = []
    source = open_source(
        camera.source,
        camera.name,
        build_clock(None).instant,
        said.append,
        rotation=camera.rotation,
        credentials=camera.credentials_file,
    )
    began_s, first_s = time.monotonic(), None
    try:
        for frame in source.frames():
            now_s = time.monotonic()
            if frame is not None:
                first_s = now_s if first_s is None else first_s
                if not source.live or now_s - first_s >= SETTLE_S:
                    return frame.image
            elif now_s - began_s > OPEN_WITHIN_S or source.gone is not None:
                break
    finally:
        source.close()
    why = said[-1] if said else f"camera {camera.name} gave no picture"
    raise CaptureError(
        f"{why}. Where another program holds it, such as a daemon that was started "
        "with other settings, end that first"
    )
