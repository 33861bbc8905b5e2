"""A camera that delivers, but badly, is put on record by the unit itself."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.contract.records import Malfunction
from edge.health.malfunctions import LastingTroubles
from edge.vision.camera_settings import CameraSettings
from edge.vision.detector import Detection
from edge.vision.engine import EngineParts, PlateEngine
from edge.vision.frames import Frame
from edge.vision.picture_health_watch import PictureWatch
from edge.vision.reader import PlateReading
from edge.vision.tracker import Tracker
from edge.watch import Camera, CameraWatch
from tests.edge.instants import instant
from tests.edge.recording_parts import START, recording, stored


class StuckCamera:
    """A live source whose sensor hangs: it delivers one picture over and over, then ends."""

    live = True
    dropped = unreadable = 0
    gone = None

    def __init__(self, frames: int, ended: threading.Event) -> None:
        self._frames = frames
        self._ended = ended
        rng = np.random.default_rng(1)
        self._image = rng.integers(0, 255, (180, 320, 3), dtype=np.uint8)

    def frames(self) -> Iterator[Frame]:
        for index in range(self._frames):
            at = instant(START + timedelta(seconds=index))
            yield Frame("front", index, at, self._image, "device:0", standalone=False)
        self._ended.set()
        yield Frame("front", self._frames, at, self._image, "device:0", standalone=False)

    def close(self) -> None:
        pass


class NoPlates:
    """Finds nothing, so has nothing to read."""

    def detect(self, _image: NDArray[np.uint8]) -> tuple[Detection, ...]:
        return ()

    def read(self, _crop: NDArray[np.uint8]) -> PlateReading | None:
        return None


@pytest.mark.policy("M-D4")
def test_a_frozen_camera_is_in_the_health_and_on_record(tmp_path: Path) -> None:
    ended = threading.Event()
    seconds = iter(range(0, 10_000, 2))
    settings = CameraSettings.model_validate(
        {"name": "front", "source": "device:0", "picture": {"frozen_after_s": 20}}
    )
    with recording(tmp_path, [START]) as recorder:
        health = recorder.health

        def tell(part: str, sentence: str | None) -> None:
            if sentence is None:
                health.recovered(part)
            else:
                health.trouble(part, sentence)

        clocks = SimpleNamespace(monotonic=lambda: float(next(seconds)), time=lambda: 0.0)
        camera = Camera(
            name="front",
            source="device:0",
            open=lambda _after: StuckCamera(20, ended),
            tracker=Tracker,
            engine=PlateEngine(EngineParts(NoPlates(), NoPlates(), 1.0), {}),
            pictures=PictureWatch(settings, tmp_path / "aim", tell, clocks),
        )
        CameraWatch(camera, recorder, health, ended).run(once=True)
        report = health.report()
        assert list(report.troubles) == ["picture front frozen"]
        assert "switch the camera off and on" in report.troubles["picture front frozen"]
        lasting = LastingTroubles()
        later = partial(_later, report, 60.0)
        lasting.report(later(), recorder.report_malfunction)
        lasting.report(later(), recorder.report_malfunction)
        (record,) = stored(recorder.spool)
    assert isinstance(record, Malfunction)
    assert (record.component, record.camera) == ("camera", "front")
    assert "over and over" in record.description


def _later(report: object, seconds: float) -> object:
    from dataclasses import replace

    lasting = {part: one + seconds for part, one in report.lasting_s.items()}
    return replace(report, monotonic_s=report.monotonic_s + seconds, lasting_s=lasting)
