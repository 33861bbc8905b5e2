"""What looks like a plate, test by test."""

from __future__ import annotations

import numpy as np
import pytest

from edge.vision.geometry import Box
from edge.vision.plausible import ground_difference, is_vehicle_or_street_word, judge

BOX = Box(100, 100, 120, 60)


@pytest.fixture
def plate_crop(draw):
    scene = draw.street()
    draw.plate(scene, "ABC1234", 100, 100, width=120)
    return scene[92:168, 86:234]


@pytest.fixture
def paint_crop(draw):
    scene = draw.street()
    draw.text(scene, "KWIKSET", 100, 100, 120, 60)
    return scene[92:168, 86:234]


def verdict(reading, crop, box=BOX):
    return judge(box, crop, reading).reason


@pytest.mark.parametrize("text", ["ABC1234", "7ABC482", "12", "1268205", "5OH", "RE4L", "MYCAR8"])
def test_a_serial_is_plausible(reading_of, plate_crop, text):
    assert judge(BOX, plate_crop, reading_of(text)).plausible


@pytest.mark.parametrize("text", ["MOTORZ", "NUTS", "CEMENTER"])
def test_a_personalised_plate_is_plausible_on_a_plate(reading_of, plate_crop, paint_crop, text):
    assert verdict(reading_of(text), plate_crop) == ""
    assert "same ground" in verdict(reading_of(text), paint_crop)
    assert verdict(reading_of(text, state="MA"), paint_crop) == ""


@pytest.mark.parametrize("text", ["A", "ABCDE1234"])
def test_the_length_must_be_a_plates(reading_of, plate_crop, text):
    assert "length" in verdict(reading_of(text), plate_crop)


@pytest.mark.parametrize(
    "text", ["TOYOTA", "T0Y0TA", "TOYOTB", "FORD", "4X4", "STOP", "EXIT", "SUGURBAN", "V6"]
)
def test_a_known_word_is_no_plate(reading_of, plate_crop, text):
    assert verdict(reading_of(text, state="MA"), plate_crop) == "a known word"


@pytest.mark.parametrize("text", ["FORD99", "7ABC482", "TOYO7A1", "MOTORZ"])
def test_a_plate_near_a_word_is_no_word(text):
    assert not is_vehicle_or_street_word(text)


@pytest.mark.parametrize("text", ["CALIFORNIA", "TEXAS", "TEXA5", "SHOWMESTATE"])
def test_a_states_name_or_slogan_is_no_plate(reading_of, plate_crop, text):
    assert not judge(BOX, plate_crop, reading_of(text)).plausible


def test_what_is_uncertain_is_no_plate(reading_of, plate_crop):
    assert verdict(reading_of("ABC1234", 0.1), plate_crop) == "too uncertain"
    assert "too short" in verdict(reading_of("A12", 0.5), plate_crop)
    assert "one kind" in verdict(reading_of("1268205", 0.4), plate_crop)


def test_eight_digits_are_a_date(reading_of, plate_crop):
    assert "date" in verdict(reading_of("20260102"), plate_crop)


@pytest.mark.parametrize("text", ["GT", "XLE"])
def test_few_letters_alone_are_a_trim_level(reading_of, plate_crop, text):
    assert not judge(BOX, plate_crop, reading_of(text)).plausible


@pytest.mark.parametrize("box", [Box(0, 0, 30, 15), Box(0, 0, 400, 40), Box(0, 0, 30, 60)])
def test_the_outline_must_be_a_plates(reading_of, plate_crop, box):
    assert not judge(box, plate_crop, reading_of("ABC1234")).plausible


def test_a_patch_without_contrast_is_no_plate(reading_of):
    flat = np.full((60, 120, 3), 90, dtype=np.uint8)
    assert verdict(reading_of("ABC1234"), flat) == "no contrast"


def test_ground_difference_is_of_colour_too():
    crop = np.full((60, 120, 3), (200, 60, 60), dtype=np.uint8)
    assert ground_difference(crop) == 0
    crop[10:50, 15:105] = (60, 60, 200)
    assert ground_difference(crop) > 50
