"""A live camera's frames on their way to the judge of its picture, once a second at most.

Runs in the camera's thread. Takes a new reference into use when an aim check is accepted, and
hands a frame to who checks the aim. Nothing that goes wrong here stops the camera: it is said.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.aim_frame import answer_request, remove_left_behind
from edge.vision.aim_reference import load_reference
from edge.vision.camera_settings import CameraSettings
from edge.vision.errors import VisionError
from edge.vision.picture_health import PictureHealth
from edge.vision.picture_health_glance import glance
from edge.vision.picture_health_sentences import PictureFault

EVERY_S: Final = 1.0
MIN_SIDE_PX: Final = 64

Tell = Callable[[str, str | None], None]
"""Takes a part of the unit and what is wrong with it, or None where it works."""


class Clocks(Protocol):
    """The two clocks of the machine."""

    def monotonic(self) -> float:
        """Seconds that never step."""
        ...

    def time(self) -> float:
        """Seconds of the system's time, as files have it."""
        ...


class PictureWatch:
    """Judges one camera's picture while it is captured."""

    def __init__(self, camera: CameraSettings, folder: Path, tell: Tell, clocks: Clocks) -> None:
        """`folder` is that of the aim checks; what killed ones left there is removed."""
        self._camera = camera
        self._folder = folder
        self._tell = tell
        self._clocks = clocks
        self._health = PictureHealth(camera, None)
        self._looked_s = float("-inf")
        self._reference_ns: int | None = None
        self._said: set[PictureFault] = set()
        self._attempt("left behind", lambda: remove_left_behind(folder))

    def take(self, image: NDArray[np.uint8], *, plate_seen: bool) -> None:
        """The camera gave this (H, W, 3) uint8 BGR frame, in which a plate was read or not."""
        now_s = self._clocks.monotonic()
        if plate_seen:
            self._health.plate_seen(now_s)
        if now_s - self._looked_s < EVERY_S:
            return
        self._looked_s = now_s
        self._attempt("request", lambda: self._answer(image))
        self._attempt("reference", self._load_reference)
        if self._camera.picture.watched and min(image.shape[:2]) >= MIN_SIDE_PX:
            self._attempt("judge", lambda: self._judge(now_s, image))

    def _answer(self, image: NDArray[np.uint8]) -> None:
        answer_request(self._folder, self._camera.name, image, self._clocks.time)

    def _load_reference(self) -> None:
        path = self._folder / f"{self._camera.name}.json"
        try:
            written_ns: int | None = path.stat().st_mtime_ns
        except OSError:
            written_ns = None
        if written_ns != self._reference_ns:
            self._reference_ns = written_ns
            self._health.aimed(None)
            self._health.aimed(load_reference(self._folder, self._camera.name))

    def _judge(self, now_s: float, image: NDArray[np.uint8]) -> None:
        faults = self._health.look(now_s, glance(image))
        for fault in self._said - set(faults):
            self._tell(self._part(fault), None)
        for fault, sentence in faults.items():
            self._tell(self._part(fault), sentence)
        self._said = set(faults)

    def _attempt(self, what: str, step: Callable[[], None]) -> None:
        """Do a step; what fails is said until it is done again without."""
        try:
            step()
        except (VisionError, cv2.error) as error:
            said = str(error) if isinstance(error, VisionError) else "OpenCV refused the picture"
            self._tell(self._part(what), said)
        else:
            self._tell(self._part(what), None)

    def _part(self, what: str) -> str:
        return f"picture {self._camera.name} {what}"
