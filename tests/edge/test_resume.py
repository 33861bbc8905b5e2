"""A recording that broke off is gone on with: every car is recorded exactly once."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge.contract.records import Hit, Read
from edge.instant import Instant
from edge.recording.recorder import Recorder
from edge.vision.capture import open_source
from edge.vision.engine import (
    KnownState,
    PlateEngine,
    PlateObservation,
    TimeLeft,
    no_hurry,
    nothing_known,
)
from edge.vision.tracker import Tracker
from edge.vision.video import VideoPlace
from edge.watch import Camera, CameraWatch
from tests.edge.instants import instant
from tests.edge.recording_parts import ALSO_LISTED, LISTED, START, plate, recording, stored

FRAMES = 90
FPS = 10.0
BITS = 7
# Plate, first frame, last frame, where it starts: some side by side, some one after the other,
# one that stands from the first frame to the last.
CARS = (
    ("5NA349", 0, FRAMES, 20),
    ("2879CW", 3, 12, 200),
    (LISTED, 5, 30, 400),
    ("KM37657", 8, 12, 300),
    ("9GPH77", 31, 44, 180),
    ("7FLB53", 33, 44, 420),
    ("3HKM63", 80, 90, 250),
)


class Killed(BaseException):
    """What a killed process does: nothing more."""


class ScriptedEngine(PlateEngine):
    """Sees in each frame, by the number drawn into it, what the script says."""

    def __init__(self) -> None:
        self.read: list[int] = []

    def read_frame(
        self,
        image: NDArray[np.uint8],
        known: KnownState = nothing_known,
        time_left: TimeLeft = no_hurry,
    ) -> tuple[PlateObservation, ...]:
        bits = [int(image[8, 8 + 16 * bit].mean() > 128) for bit in range(BITS)]
        number = sum(bit << place for place, bit in enumerate(bits))
        self.read.append(number)
        return tuple(
            plate(text, x=x + (0 if last == FRAMES else 6 * (number - first)))
            for text, first, last, x in CARS
            if first <= number < last
        )


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Frames that hold their own numbers, as black and white squares."""
    path = tmp_path_factory.mktemp("video") / "street.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), FPS, (640, 360))
    for number in range(FRAMES):
        image = np.full((360, 640, 3), 90, np.uint8)
        for bit in range(BITS):
            image[:16, 16 * bit : 16 * bit + 16] = 255 * (number >> bit & 1)
        writer.write(image)
    writer.release()
    return path


def begin() -> Instant:
    """The moment at which recordings begin."""
    return instant(START)


def read(recorder: Recorder, video: Path, engine: ScriptedEngine, dies: Any = None) -> None:
    """Read the recording, or as much of it as until the ``dies``-th time that it stores."""
    camera = Camera(
        "front",
        str(video),
        lambda after: open_source(str(video), "front", begin, pytest.fail, after),
        partial(Tracker, longest_pass_s=2.0),
        engine,
    )
    if dies is not None:
        kill(recorder, *dies)
    CameraWatch(camera, recorder, recorder.health, threading.Event()).run(once=True)


def kill(recorder: Recorder, number: int, after: bool) -> None:
    """Die as the spool is told to add for that time, before or after it has."""
    real, added = recorder.spool.add, [0]

    def add(*arguments: Any, **named: Any) -> Any:
        added[0] += 1
        if added[0] > number or (added[0] == number and not after):
            raise Killed
        result = real(*arguments, **named)
        if added[0] == number:
            raise Killed
        return result

    recorder.spool.add = add  # type: ignore[method-assign]


def until_read(
    folder: Path, video: Path, deaths: Sequence[tuple[int, bool]]
) -> tuple[list[object], list[int]]:
    """Read the recording with a unit that dies so often; its records, and the frames read."""
    now: list[datetime] = [START]
    engine = ScriptedEngine()
    for dies in [*deaths, None]:
        with open_again(folder, now) as recorder:
            try:
                read(recorder, video, engine, dies)
            except Killed:
                continue
            assert recorder.health.report().counters.get("cameras_failed", 0) == 0
            break  # it came to the end before it could die so often
    with open_again(folder, now) as recorder:
        assert recorder.spool.place_in(str(video)) is None, "a recording read whole begins anew"
        return list(stored(recorder.spool)), engine.read


def open_again(folder: Path, now: list[datetime]) -> Any:
    return recording(folder, now, settle=None)


def test_a_recording_is_read_once_where_nothing_happens(tmp_path: Path, video: Path) -> None:
    records, frames = until_read(tmp_path, video, [])
    assert plates(records) == sorted(text for text, *_ in CARS)
    assert frames == list(range(FRAMES))


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(deaths=st.lists(st.tuples(st.integers(1, 8), st.booleans()), min_size=1, max_size=3))
def test_wherever_the_unit_dies_every_car_is_recorded_exactly_once(
    tmp_path_factory: pytest.TempPathFactory, video: Path, deaths: list[tuple[int, bool]]
) -> None:
    records, frames = until_read(tmp_path_factory.mktemp("unit"), video, deaths)
    assert plates(records) == sorted(text for text, *_ in CARS)
    reads = {one.id: one for one in records if isinstance(one, Read)}
    (hit,) = [one for one in records if isinstance(one, Hit)]
    assert reads[hit.read].plate == LISTED
    for one in reads.values():
        assert START <= one.first_seen <= one.last_seen, "times go on from the first opening"
        assert (one.last_seen - START).total_seconds() <= FRAMES / FPS
    assert frames[-1] == FRAMES - 1


@pytest.mark.parametrize("first", [20, 35], ids=["long in view", "lost"])
@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("after", [False, True])
def test_a_pass_that_ends_as_another_rings_is_not_lost_if_the_unit_dies_between(
    tmp_path: Path,
    video: Path,
    monkeypatch: pytest.MonkeyPatch,
    first: int,
    number: int,
    after: bool,
) -> None:
    cars = (("5NA349", 0, 5, 20), (LISTED, first, 60, 400))
    monkeypatch.setattr(f"{__name__}.CARS", cars)
    records, _ = until_read(tmp_path, video, [(number, after)])
    assert plates(records) == sorted(text for text, *_ in cars)


@pytest.mark.parametrize(
    "cars",
    [
        (("5NA349", 0, 12, 20), (LISTED, 0, 12, 400)),
        ((LISTED, 0, 5, 20), (ALSO_LISTED, 20, 60, 400)),
    ],
    ids=["beside one that did not ring", "as another rings"],
)
@pytest.mark.parametrize("number", [1, 2, 3, 4])
@pytest.mark.parametrize("after", [False, True])
def test_a_pass_that_rang_and_ended_is_not_recorded_again_if_the_unit_dies_before_its_last_read(
    tmp_path: Path,
    video: Path,
    monkeypatch: pytest.MonkeyPatch,
    cars: tuple[tuple[str, int, int, int], ...],
    number: int,
    after: bool,
) -> None:
    monkeypatch.setattr(f"{__name__}.CARS", cars)
    records, _ = until_read(tmp_path, video, [(number, after)])
    assert plates(records) == sorted(text for text, *_ in cars)
    listed = sorted(text for text, *_ in cars if text in (LISTED, ALSO_LISTED))
    assert sorted(one.plate for one in records if isinstance(one, Hit)) == listed


def test_a_recording_stopped_in_the_middle_goes_on_there(tmp_path: Path, video: Path) -> None:
    now: list[datetime] = [START]
    engine = ScriptedEngine()
    ended = threading.Event()

    class Stopping(ScriptedEngine):
        def read_frame(
            self,
            image: NDArray[np.uint8],
            known: KnownState = nothing_known,
            time_left: TimeLeft = no_hurry,
        ) -> tuple[PlateObservation, ...]:
            seen = engine.read_frame(image)
            if engine.read[-1] == 10:
                ended.set()
            return seen

    with open_again(tmp_path, now) as recorder:
        camera = Camera(
            "front", str(video),
            lambda after: open_source(str(video), "front", begin, pytest.fail, after),
            Tracker, Stopping(),
        )  # fmt: skip
        CameraWatch(camera, recorder, recorder.health, ended).run(once=True)
        assert engine.read == list(range(11))
        read(recorder, video, engine)
        assert engine.read[11] == 10, "one frame again, to know what was in view"
        assert plates(stored(recorder.spool)) == sorted(text for text, *_ in CARS)


def test_another_recording_under_the_same_name_is_read_from_its_start(
    tmp_path: Path, video: Path
) -> None:
    copied = tmp_path / "street.avi"
    copied.write_bytes(video.read_bytes())
    now: list[datetime] = [START]
    engine = ScriptedEngine()
    with open_again(tmp_path, now) as recorder, pytest.raises(Killed):
        read(recorder, copied, engine, (4, True))
    copied.write_bytes(video.read_bytes() + b"\0" * 8)
    engine.read.clear()
    with open_again(tmp_path, now) as recorder:
        read(recorder, copied, engine)
    assert engine.read[0] == 0


@given(st.text(max_size=40))
def test_the_name_of_a_picture_is_no_place_in_a_video(name: str) -> None:
    assert VideoPlace.of(f"{name}.png") is None


def plates(records: Sequence[object]) -> list[str]:
    return sorted(one.plate for one in records if isinstance(one, Read))
