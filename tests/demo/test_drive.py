import csv
import json
from dataclasses import replace
from datetime import datetime
from itertools import islice

import cv2
import numpy as np
import pytest

from demo_drive.drive import SHORT, draw_frames, write_drive
from demo_drive.hotlist import make_hotlist
from demo_drive.plates import STYLES, Plate, draw_plate, random_plate
from edge.contract.plates import load_confusables


def _frames(path):
    capture = cv2.VideoCapture(str(path))
    try:
        while True:
            there, frame = capture.read()
            if not there:
                return
            yield frame
    finally:
        capture.release()


def test_the_same_seed_draws_the_same_frames_and_another_seed_does_not():
    first, again = (next(draw_frames(SHORT)) for _ in range(2))
    other = next(draw_frames(replace(SHORT, seed=SHORT.seed + 1)))
    assert np.array_equal(first.image, again.image)
    assert first.boxes == again.boxes
    assert not np.array_equal(first.image, other.image)
    assert first.boxes.keys() != other.boxes.keys()


def test_the_video_has_every_frame_in_the_size_of_a_camera(short_drive):
    frames = list(_frames(short_drive.video))
    assert len(frames) == SHORT.frames
    assert {frame.shape for frame in frames} == {(720, 1280, 3)}


def test_every_box_lies_inside_its_frame(short_drive):
    for car in short_drive.cars:
        for index, box in car.boxes.items():
            assert 0 <= index < SHORT.frames
            assert box.x > 0
            assert box.y > 0
            assert box.x + box.w < 1280
            assert box.y + box.h < 720


def test_what_is_in_a_massachusetts_box_is_red_on_white(short_drive):
    frames = list(_frames(short_drive.video))
    for car in (car for car in short_drive.cars if car.state == "MA"):
        index = max(car.boxes, key=lambda i: car.boxes[i].w)
        box = car.boxes[index]
        plate = frames[index][box.y : box.y + box.h, box.x : box.x + box.w].astype(int)
        blue, _, red = plate.reshape(-1, 3).T
        light = (plate.min(axis=2) > 170).mean()
        assert light > 0.4, f"no white ground in the box of frame {index}"
        assert 0.08 < ((red - blue) > 60).mean() < 0.5, f"no red serial in frame {index}"


def test_a_parked_plate_grows_until_it_leaves(short_drive):
    parked = [car for car in short_drive.cars if car.last_frame < SHORT.frames - 2]
    assert parked
    for car in parked:
        widths = [car.boxes[i].w for i in sorted(car.boxes)]
        assert widths[-1] > widths[0]
        assert car.widest_px >= 100


def test_truth_says_what_the_facts_say(short_drive):
    truth = json.loads((short_drive.folder / "truth.json").read_text())
    assert [(car["plate"], car["state"]) for car in truth["cars"]] == [
        (car.plate, car.state) for car in short_drive.cars
    ]
    for written, car in zip(truth["cars"], short_drive.cars, strict=True):
        assert written["first_frame"] == min(map(int, written["boxes"]))
        assert written["last_frame"] == max(map(int, written["boxes"]))
        assert len(written["boxes"]) == len(car.boxes)
    assert len({car["plate"] for car in truth["cars"]}) == SHORT.cars


def test_two_plates_are_on_the_hot_list_one_of_them_only_when_folded(short_drive):
    with short_drive.hotlist.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["plate", "state", "kind", "priority", "entered", "expires", "note"]
    on_list = {row["plate"] for row in rows}
    fold = load_confusables().fold
    exact = {car.plate for car in short_drive.cars if car.plate in on_list}
    folded = {
        car.plate for car in short_drive.cars if fold(car.plate) in {fold(p) for p in on_list}
    }
    assert len(exact) == 1
    assert len(folded) == 2
    assert {listed.serial for listed in short_drive.listed} == folded
    for row in rows:
        entered, expires = (datetime.fromisoformat(row[key]) for key in ("entered", "expires"))
        assert entered < SHORT.started < expires
        assert row["state"] in STYLES
        assert 1 <= int(row["priority"]) <= 5


def test_a_hot_list_without_a_confusable_plate_is_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="one with a 0 or a 1"):
        make_hotlist(rng, [Plate("MA", "3AAA 44"), Plate("MA", "3AAA 77")], SHORT.started)


def test_too_many_cars_for_the_way_are_refused_with_the_number_that_fits(tmp_path):
    with pytest.raises(ValueError, match=r"cars: 9 do not fit .* at most 4 "):
        write_drive(tmp_path, replace(SHORT, cars=9))
    assert len(list(islice(draw_frames(replace(SHORT, cars=4)), 1))) == 1


@pytest.mark.parametrize("state", STYLES)
def test_a_plate_is_drawn_in_its_states_ink_on_its_states_ground(state):
    plate = random_plate(np.random.default_rng(4), state)
    picture = draw_plate(plate)
    band = picture[110:260, 40:-40, :3].reshape(-1, 3).astype(int)
    ink = np.abs(band - STYLES[state].ink).max(axis=1) < 40
    assert 0.15 < ink.mean() < 0.6
    assert picture[0, 0, 3] == 0
    assert picture[180, 360, 3] == 255
    assert plate.serial.isalnum()
