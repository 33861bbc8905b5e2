"""A camera that fails is opened again, after ever longer waits until it gives frames again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.contract.plates import load_formats
from edge.vision.detector import Detection
from edge.vision.engine import EngineParts, PlateEngine
from edge.vision.errors import CaptureError
from edge.vision.frames import Frame
from edge.vision.reader import PlateReading
from edge.vision.tracker import Tracker
from edge.watch import Camera, CameraWatch
from tests.edge.instants import instant
from tests.edge.recording_parts import START, recording

OPENINGS = "..F...F."
"""What each opening comes to: '.' fails at once, 'F' gives a frame and breaks then."""


class Waits(threading.Event):
    """An end that notes how long it is waited for, and comes after so many times."""

    def __init__(self) -> None:
        super().__init__()
        self.waited_s: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waited_s.append(timeout)
        if len(self.waited_s) == len(OPENINGS):
            self.set()
        return self.is_set()


class Breaking:
    """A live source of one frame."""

    live = True
    dropped = unreadable = 0
    gone = None

    def frames(self) -> Iterator[Frame]:
        image = np.zeros((180, 320, 3), dtype=np.uint8)
        yield Frame("front", 0, instant(START), image, "a street", standalone=False)
        raise CaptureError("the cable was pulled")

    def close(self) -> None:
        pass


class NoPlates:
    """Finds nothing, so has nothing to read."""

    def detect(self, _image: NDArray[np.uint8]) -> tuple[Detection, ...]:
        return ()

    def read(self, _crop: NDArray[np.uint8]) -> PlateReading | None:
        return None


def test_the_wait_is_short_again_once_the_camera_has_worked(tmp_path: Path) -> None:
    ended, openings = Waits(), iter(OPENINGS)

    def open_camera(_after: str | None) -> Breaking:
        if next(openings) == ".":
            raise CaptureError("nobody answers")
        return Breaking()

    engine = PlateEngine(EngineParts(NoPlates(), NoPlates(), 1.0), load_formats())
    camera = Camera("front", "rtsp://pole", open_camera, Tracker, engine)
    with recording(tmp_path, [START]) as recorder:
        CameraWatch(camera, recorder, recorder.health, ended).run(once=False)
    assert ended.waited_s == [1, 2, 1, 2, 4, 8, 1, 2]
