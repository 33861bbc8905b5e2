"""What is looked at under load: a region, so many frames a second, and text without the state."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.vision.detector import Detection
from edge.vision.errors import ModelError
from edge.vision.geometry import Box, box_corners
from edge.vision.manifest import find_model, known_models
from edge.vision.onnx_part import cut_to
from edge.vision.pace import Pace
from edge.vision.reader import StateReading
from edge.vision.region import box_polygon
from edge.vision.region_detector import RegionDetector
from edge.vision.settings import PLATE_READER

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Everything:
    """Finds a plate in the middle of what it is shown."""

    def __init__(self) -> None:
        self.shown: list[tuple[int, ...]] = []

    def detect(self, image):
        self.shown.append(image.shape)
        height, width = image.shape[:2]
        box = Box(width // 2 - 10, height // 2 - 5, 20, 10)
        return (Detection(box, 0.9, box_corners(box)),)


def test_a_region_is_cut_out_before_the_detector_and_boxes_are_of_the_whole_picture():
    detector = Everything()
    region = RegionDetector(detector, box_polygon(0.5, 0.25, 1.0, 0.75))
    (found,) = region.detect(np.zeros((200, 400, 3), np.uint8))
    assert detector.shown == [(100, 200, 3)]
    assert found.box == Box(290, 95, 20, 10)
    assert (found.corners == box_corners(found.box)).all()


def test_a_plate_in_the_box_but_outside_the_polygon_is_none():
    corner = ((0.0, 0.0), (1.0, 0.0), (0.0, 0.4))
    assert RegionDetector(Everything(), corner).detect(np.zeros((200, 400, 3), np.uint8)) == ()


def test_a_plate_in_the_region_is_read_as_in_the_whole_picture(plateward, draw):
    scene = draw.street(1280, 720)
    draw.plate(scene, "7ABC482", 900, 450, width=120)
    (whole,) = plateward.read_frame(scene)
    parts = plateward._parts
    near = replace(parts, detector=RegionDetector(parts.detector, box_polygon(0.5, 0.5, 1, 1)))
    (part,) = type(plateward)(near, plateward._shapes).read_frame(scene)
    assert part.reading.text == whole.reading.text == "7ABC482"
    assert abs(part.box.x - whole.box.x) < 8
    left = replace(parts, detector=RegionDetector(parts.detector, box_polygon(0, 0, 0.5, 1)))
    assert type(plateward)(left, plateward._shapes).read_frame(scene) == ()


@given(
    st.floats(1, 60),
    st.lists(st.floats(0.005, 0.2), min_size=20, max_size=200),
)
def test_no_more_frames_are_taken_than_asked_for(max_fps, gaps):
    pace, at_s, taken = Pace(max_fps), 0.0, 0
    for gap in gaps:
        at_s += gap
        taken += pace.takes(at_s)
    assert taken <= at_s * max_fps + 2
    fastest = min(max_fps, 1 / max(gaps))
    assert taken >= at_s * fastest / 2 - 2


@given(st.lists(st.floats(-0.04, 0.04), min_size=30, max_size=100))
def test_a_camera_of_just_that_rate_loses_no_frame_by_its_jitter(jitter):
    pace = Pace(10.0)
    assert all(pace.takes(number / 10 + off) for number, off in enumerate(jitter))


def test_text_alone_is_the_same_text_and_a_known_state_is_not_read_again(plateward, draw):
    scene = draw.street()
    draw.plate(scene, "7ABC482", 200, 150)
    (whole,) = plateward.read_frame(scene)
    asked: list[Box] = []

    def known(box):
        asked.append(box)
        return StateReading("CA", 0.9, (("CA", 0.9),))

    (short,) = plateward.read_frame(scene, known)
    assert asked == [whole.box]
    assert short.reading.text == whole.reading.text
    assert short.reading.state.alternatives == ()
    reader = plateward._parts.reader
    full, text = reader.read(whole.crop), reader.read_text(whole.crop)
    assert text.characters == full.characters


def test_a_cut_network_gives_what_the_whole_one_gave_and_refuses_what_it_lacks():
    model = find_model(known_models(None), PLATE_READER).load(threads=1)
    batch = np.random.default_rng(1).integers(0, 255, (1, 96, 192, 3), dtype=np.uint8)
    states = model.only("states")
    assert [output.name for output in states.outputs] == ["states"]
    assert (states.run(batch) == model.run_all(batch)["states"]).all()
    with pytest.raises(ModelError, match="cannot be cut to colour"):
        model.only("colour")


@given(st.binary(max_size=200))
def test_what_is_no_model_is_refused_or_left_as_it_is(content):
    with contextlib.suppress(ValueError):
        cut_to(content, ())


def test_one_engine_serves_the_threads_of_two_cameras(plateward, draw):
    scenes = []
    for text in ("7ABC482", "5NA349", "KM37657", "2YBS89"):
        scene = draw.street()
        draw.plate(scene, text, 180, 140)
        scenes.append(scene)
    alone = [[seen.reading for seen in plateward.read_frame(scene)] for scene in scenes]
    with ThreadPoolExecutor(2) as pool:
        for _ in range(2):
            together = list(pool.map(plateward.read_frame, scenes))
            assert [[seen.reading for seen in one] for one in together] == alone
