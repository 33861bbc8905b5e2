"""Personalised plates are spelt with 0, issued ones as their state issues them."""

from __future__ import annotations

import pytest

from edge.contract.plates import load_formats
from edge.vision.personalised import spelt
from edge.vision.reader import CharacterReading, StateReading, plate_reading

FORMATS = load_formats()
MASSACHUSETTS = (("MA", 0.9),)


def reading(text, states, others=()):
    characters = tuple(CharacterReading(((glyph, 0.8), *others)) for glyph in text)
    return plate_reading(characters, StateReading(*states[0], states))


@pytest.mark.parametrize(
    ("read", "states", "written"),
    [
        ("BOOKS", MASSACHUSETTS, "B00KS"),
        ("OCTOPUS", (("MA", 0.4), ("ME", 0.3)), "0CT0PUS"),
        ("AOK246", (("AK", 0.9),), "AOK246"),  # Alaska issues three letters, three digits
        ("AOK246", (("MA", 0.85), ("AK", 0.12)), "AOK246"),
        ("AOK246", (("MA", 0.9), ("AK", 0.02)), "A0K246"),
        ("WOB123", (("MA", 0.2), ("NY", 0.1)), "WOB123"),  # of no known state, perhaps foreign
        ("KAYAKER", MASSACHUSETTS, "KAYAKER"),
    ],
)
def test_a_plate_without_its_states_shape_is_written_with_zeros(read, states, written):
    assert spelt(reading(read, states), FORMATS).text == written


def test_the_two_change_places_and_both_stay():
    others = (("Q", 0.1), ("0", 0.06), ("D", 0.03), ("C", 0.01))
    place = spelt(reading("BOOKS", MASSACHUSETTS, others), FORMATS).characters[1]
    assert place.alternatives == (("0", 0.8), ("Q", 0.1), ("O", 0.06), ("D", 0.03), ("C", 0.01))


def test_the_letter_stays_where_the_network_had_no_doubt():
    others = (("Q", 0.1), ("D", 0.06), ("C", 0.03), ("G", 0.01))
    place = spelt(reading("BOOKS", MASSACHUSETTS, others), FORMATS).characters[1]
    assert [glyph for glyph, _ in place.alternatives] == ["0", "Q", "D", "C", "O"]
    assert place.alternatives[-1][1] == pytest.approx(0.008)


def test_confidence_stays_what_it_was():
    read = reading("BOOKS", MASSACHUSETTS)
    assert spelt(read, FORMATS).confidence == read.confidence
