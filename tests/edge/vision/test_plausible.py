"""What looks like a plate's outline and text, test by test."""

from __future__ import annotations

import pytest

from edge.vision.geometry import Box
from edge.vision.plausible import outline_fault, text_fault

WIDTH = 640


@pytest.mark.parametrize(
    "text", ["ABC1234", "7ABC482", "12", "1268205", "5OH", "RE4L", "MYCAR8", "MOTORZ", "NUTS"]
)
def test_a_serial_is_plausible(reading_of, text):
    assert text_fault(reading_of(text), 0.95, verified=True) is None


@pytest.mark.parametrize("text", ["A", "ABCDE1234"])
def test_the_length_must_be_a_plates(reading_of, text):
    assert "length" in text_fault(reading_of(text), 0.95, verified=True)


def test_what_is_uncertain_is_no_plate(reading_of):
    assert text_fault(reading_of("ABC1234", 0.1), 0.95, verified=True) == "too uncertain"
    assert "too short" in text_fault(reading_of("A12", 0.5), 0.95, verified=True)
    assert "one kind" in text_fault(reading_of("1268205", 0.4), 0.85, verified=True)
    assert text_fault(reading_of("1268205", 0.4), 0.95, verified=True) is None


@pytest.mark.parametrize(
    ("box", "fault"),
    [
        (Box(100, 100, 22, 11), "too small"),
        (Box(100, 100, 400, 40), "not the shape"),
        (Box(100, 100, 30, 60), "not the shape"),
        (Box(0, 100, 80, 40), "cut off"),
        (Box(560, 100, 80, 40), "cut off"),
    ],
)
def test_the_outline_must_be_a_whole_plates(box, fault):
    assert fault in outline_fault(box, WIDTH)


def test_a_plate_clear_of_the_edges_is_whole():
    assert outline_fault(Box(10, 0, 80, 40), WIDTH) is None


def test_letters_alone_need_a_surer_plate(reading_of):
    assert "letters alone" in text_fault(reading_of("NUTS"), 0.5, verified=True)
    assert text_fault(reading_of("NUTS"), 0.9, verified=True) is None
    assert text_fault(reading_of("ABC1234"), 0.3, verified=True) is None


@pytest.mark.parametrize("text", ["NUTS", "ILVERAD0", "5550142"])
def test_one_kind_of_character_needs_a_surer_detection(reading_of, text):
    assert "hardly a plate" in text_fault(reading_of(text), 0.5, verified=False)
    assert text_fault(reading_of(text), 0.6, verified=False) is None
    assert text_fault(reading_of("ABC1234"), 0.46, verified=False) is None
