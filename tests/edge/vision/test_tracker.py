"""One car passing once is one reading."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import cv2
import numpy as np
import pytest

from edge.vision.capture import open_source
from edge.vision.detector import Detection
from edge.vision.engine import PlateObservation
from edge.vision.geometry import Box
from edge.vision.passes import picture_weight
from edge.vision.tracker import Tracker


@pytest.fixture
def seen(reading_of):
    def make(text, x=100, y=100, w=80, confidence=0.9, crop=None):
        box = Box(x, y, w, w // 2)
        noise = np.random.default_rng(w).integers(0, 255, (w // 2, w, 3), dtype=np.uint8)
        return PlateObservation(
            Detection(box, 0.9, None), box, reading_of(text, confidence),
            noise if crop is None else crop,
        )  # fmt: skip

    return make


def run(tracker, steps):
    """Each step is (frame, observations); all passes, those left open included."""
    passes = []
    for frame, observations in steps:
        passes += tracker.update(frame, observations).ended
    return [*passes, *tracker.flush()]


def test_a_car_passing_is_one_pass(frame, seen):
    steps = [(frame(i / 10, i), [seen("ABC123", x=10 * i)]) for i in range(20)]
    (only,) = run(Tracker(), steps)
    assert only.reading.text == "ABC123"
    assert only.frames == 20
    assert only.first_s == steps[0][0].at_s
    assert only.last == steps[-1][0].captured


def test_the_vote_mends_a_misread_frame(frame, seen):
    texts = ["ABC123"] * 6 + ["A8C123"] * 2 + ["BC123"] + ["ABC123"] * 3
    (only,) = run(Tracker(), [(frame(i / 10, i), [seen(t)]) for i, t in enumerate(texts)])
    assert only.reading.text == "ABC123"
    assert only.frames == 12
    assert "8" in dict(only.reading.characters[1].alternatives)


def test_two_cars_in_view_are_two_passes(frame, seen):
    steps = [
        (frame(i / 10, i), [seen("ABC123", x=10 * i), seen("XYZ789", x=400 - 10 * i)])
        for i in range(20)
    ]
    assert sorted(p.reading.text for p in run(Tracker(), steps)) == ["ABC123", "XYZ789"]


def test_two_cars_one_character_apart_in_view_together_are_two_passes(frame, seen):
    steps = [
        (frame(i / 10, i), [seen("ABC123", x=10 * i), seen("ABC124", x=500 + 10 * i)])
        for i in range(10)
    ]
    assert sorted(p.reading.text for p in run(Tracker(), steps)) == ["ABC123", "ABC124"]


def test_a_plate_that_jumps_further_than_its_width_is_still_one_pass(frame, seen):
    steps = [(frame(i, i), [seen("ABC123", x=300 * i)]) for i in range(4)]
    assert len(run(Tracker(), steps)) == 1


def test_another_car_in_the_same_place_is_another_pass(frame, seen):
    steps = [(frame(i / 10, i), [seen("ABC123" if i < 5 else "7KLM915")]) for i in range(10)]
    assert sorted(p.reading.text for p in run(Tracker(), steps)) == ["7KLM915", "ABC123"]


def test_a_plate_out_of_sight_for_long_passes_again(frame, seen):
    steps = [(frame(0), [seen("ABC123")]), (frame(10), []), (frame(20), [seen("ABC123")])]
    assert len(run(Tracker(), steps)) == 2


def test_a_short_gap_does_not_end_a_pass(frame, seen):
    steps = [(frame(0), [seen("ABC123")]), (frame(1), []), (frame(2), [seen("ABC123")])]
    assert len(run(Tracker(), steps)) == 1


def test_a_pass_is_given_when_its_plate_is_lost_not_at_the_end(frame, seen):
    tracker = Tracker()
    assert tracker.update(frame(0), [seen("ABC123")]).ended == ()
    (lost,) = tracker.update(frame(10), []).ended
    assert lost.reading.text == "ABC123"
    assert tracker.flush() == ()


def test_a_car_that_stays_in_view_is_given_once_and_soon(frame, seen):
    tracker = Tracker(longest_pass_s=5)
    given = [
        (i, passed)
        for i in range(100)
        for passed in tracker.update(frame(i / 2, i), [seen("ABC123")]).ended
    ]
    assert len(given) == 1
    assert given[0][0] <= 10
    assert tracker.flush() == ()


def test_a_standalone_frame_gives_each_plate_at_once(frame, seen):
    tracker = Tracker()
    still = frame(0, standalone=True)
    passes = tracker.update(still, [seen("ABC123"), seen("XYZ789", x=300)]).ended
    assert [p.reading.text for p in passes] == ["ABC123", "XYZ789"]
    again = tracker.update(frame(0.1, 1, standalone=True), [seen("ABC123")]).ended
    assert [p.reading.text for p in again] == ["ABC123"]
    assert passes[0].best_frame is still
    assert tracker.flush() == ()


def test_the_best_frame_is_the_largest_and_sharpest(frame, seen):
    steps = [(frame(i / 10, i), [seen("ABC123", w=40 + 8 * i)]) for i in range(8)]
    (only,) = run(Tracker(), steps)
    assert only.best_frame.index == 7
    assert only.best_box.w == 96
    assert only.best_crop.shape[1] == 96


def test_a_blurred_crop_weighs_less_than_the_same_crop_sharp():
    sharp = np.random.default_rng(1).integers(0, 255, (40, 80, 3), dtype=np.uint8)
    blurred = cv2.GaussianBlur(sharp, (9, 9), 4)
    assert picture_weight(blurred) < picture_weight(sharp)


def test_a_video_of_a_moving_plate_gives_exactly_one_pass(tmp_path, engine, draw, frame):
    path = tmp_path / "drive.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 5, (640, 400))
    for step in range(12):
        scene = draw.street()
        draw.plate(scene, "7ABC482", 60 + 30 * step, 150 + 5 * step, width=120 + 4 * step)
        writer.write(scene)
    writer.release()
    start = frame(0).captured
    source = open_source(str(path), "front", lambda: start, pytest.fail)
    tracker = Tracker()
    (only,) = run(tracker, ((f, engine.read_frame(f.image)) for f in source.frames()))
    assert only.reading.text == "7ABC482"
    assert only.frames >= 10
    assert only.best_frame.source == "drive.avi"


@pytest.mark.parametrize("step_s", [-3600.0, 3600.0, -5.0, 5.0])
def test_a_clock_that_steps_does_not_part_a_pass(frame, seen, step_s):
    tracker = Tracker()
    for index in range(10):
        shot = frame(index / 10, index)
        if index >= 5:
            stepped = shot.captured_at + timedelta(seconds=step_s)
            shot = replace(shot, captured=replace(shot.captured, at=stepped))
        assert tracker.update(shot, [seen("7ABC482", x=100 + 8 * index)]).ended == ()
    (only,) = tracker.flush()
    assert only.frames == 10
    assert only.last.at_s - only.first_s == pytest.approx(0.9)
