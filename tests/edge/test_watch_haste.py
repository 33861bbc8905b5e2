"""A frame of a live camera that has waited is looked at once; one of a recording never hurries."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.contract.plates import load_formats
from edge.vision.detector import Detection
from edge.vision.engine import EngineParts, PlateEngine
from edge.vision.frames import Frame
from edge.vision.geometry import Box, box_corners
from edge.vision.reader import CharacterReading, PlateReading, plate_reading
from edge.vision.tracker import Tracker
from edge.watch import LOOKS_TWICE_WITHIN_S, Camera, CameraWatch
from tests.edge.instants import instant
from tests.edge.recording_parts import START, recording


class OneFrame:
    """A source of one frame."""

    dropped = unreadable = 0
    gone = None

    def __init__(self, *, live: bool, ended: threading.Event) -> None:
        self.live = live
        self._ended = ended

    def frames(self) -> Iterator[Frame]:
        image = np.zeros((180, 320, 3), dtype=np.uint8)
        yield Frame("front", 0, instant(START), image, "a street", standalone=False)
        self._ended.set()

    def close(self) -> None:
        pass


class OneUnsurePlate:
    """Finds one plate in every picture and reads it unsurely."""

    looks = 0

    def detect(self, _image: NDArray[np.uint8]) -> tuple[Detection, ...]:
        box = Box(100, 60, 80, 40)
        return (Detection(box, 0.9, box_corners(box)),)

    def read(self, _crop: NDArray[np.uint8]) -> PlateReading:
        self.looks += 1
        return plate_reading(tuple(CharacterReading(((glyph, 0.6),)) for glyph in "7ABC48"))


@pytest.mark.parametrize(
    ("live", "age_s", "looks"),
    [
        (True, LOOKS_TWICE_WITHIN_S - 0.01, 2),
        (True, LOOKS_TWICE_WITHIN_S + 0.01, 1),
        (False, 9.0, 2),
    ],
)
def test_an_old_live_frame_is_looked_at_once_and_counted(
    tmp_path: Path, live: bool, age_s: float, looks: int
) -> None:
    ended, plate = threading.Event(), OneUnsurePlate()
    (tmp_path / "street.mp4").write_bytes(b"recorded")
    camera = Camera(
        name="front",
        source=str(tmp_path / "street.mp4"),
        open=lambda _after: OneFrame(live=live, ended=ended),
        tracker=Tracker,
        engine=PlateEngine(EngineParts(plate, plate, 1.0, second_growth=1.1), load_formats()),
    )
    with recording(tmp_path, [START + timedelta(seconds=age_s)]) as recorder:
        CameraWatch(camera, recorder, recorder.health, ended).run(once=True)
        report = recorder.health.report()
    assert plate.looks == looks
    assert report.counters.get("frames_hurried", 0) == (looks == 1)
    assert report.counters["reads"] == 1
