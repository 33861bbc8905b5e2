"""Characters and their alternatives: decoding, voting, and the shapes of serials."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.contract.plates import load_formats
from edge.vision.ppocr.postprocess import (
    ALPHABET,
    PlateAlphabet,
    decode_characters,
    plate_character,
)
from edge.vision.reader import CharacterReading, StateReading, plate_reading
from edge.vision.serials import LOOKALIKES, NO_LOOKALIKES, SHARED_GLYPHS, weigh
from edge.vision.states import NAMES, read_state
from edge.vision.text import edit_distance
from edge.vision.vote import Ballot, vote


def of_states(text, *states, named=True):
    characters = tuple(CharacterReading(((glyph, 0.9),)) for glyph in text)
    best = states[0] if named else (None, 0.0)
    return plate_reading(characters, StateReading(*best, states))


def steps(*rows):
    """(steps, 36) probabilities from a dict of character to probability for each step."""
    folded = np.zeros((len(rows), len(ALPHABET)), dtype=np.float32)
    for step, row in enumerate(rows):
        for glyph, probability in row.items():
            folded[step, ALPHABET.index(glyph)] = probability
    return folded


@pytest.mark.parametrize(
    ("glyph", "character"),
    [
        ("A", "A"), ("a", "A"), ("\uff17", "7"), ("\uff21", "A"), ("l", "1"), ("|", "1"),
        ("Ø", "0"),
        ("-", None), (" ", None), ("·", None), ("É", None), ("粤", None), ("½", None),
    ],
)  # fmt: skip
def test_glyphs_fold_into_the_characters_of_plates(glyph, character):
    assert plate_character(glyph) == character


def test_both_cases_of_a_letter_add_up():
    alphabet = PlateAlphabet(("A", "a", "-"))
    folded = alphabet.fold(np.array([[0.1, 0.5, 0.3, 0.1]], dtype=np.float32))
    assert folded[0, ALPHABET.index("A")] == pytest.approx(0.8)
    assert folded.sum() == pytest.approx(0.8)


def test_a_run_is_one_character_and_a_gap_parts_a_repeat():
    path = steps({"A": 0.9}, {"A": 0.8}, {}, {"A": 0.7}, {"B": 0.9}, {})
    assert [c.best for c in decode_characters(path)] == ["A", "A", "B"]


def test_alternatives_are_kept_with_their_probabilities():
    (only,) = decode_characters(steps({"8": 0.4, "B": 0.2}, {"8": 0.6, "B": 0.35}))
    assert [glyph for glyph, _ in only.alternatives] == ["8", "B"]
    assert [p for _, p in only.alternatives] == pytest.approx([0.6, 0.35])


def test_steps_without_a_plates_character_decode_to_nothing():
    assert decode_characters(steps({}, {"A": 0.3}, {})) == ()


def test_the_confidence_is_the_weakest_characters():
    reading = plate_reading(tuple(CharacterReading(((g, p),)) for g, p in (("A", 0.9), ("1", 0.4))))
    assert (reading.text, reading.confidence) == ("A1", 0.4)


def test_a_vote_of_one_is_that_reading(reading_of):
    voted = vote([Ballot(reading_of("ABC123", state="MA"), 3.0)])
    assert voted.text == "ABC123"
    assert voted.confidence == pytest.approx(0.9)
    assert voted.state.code == "MA"


def test_the_heavier_reading_wins_and_the_other_stays_an_alternative(reading_of):
    voted = vote([Ballot(reading_of("A8C"), 3.0), Ballot(reading_of("ABC"), 1.0)])
    assert voted.text == "A8C"
    assert dict(voted.characters[1].alternatives)["B"] == pytest.approx(0.9 / 4)


def test_many_weak_alternatives_outvote_one_strong_misread():
    def reading(*pairs):
        return plate_reading((CharacterReading(pairs),))

    strong = Ballot(reading(("8", 0.9), ("B", 0.1)), 1.0)
    weak = Ballot(reading(("B", 0.55), ("8", 0.45)), 1.0)
    assert vote([strong] + [weak] * 9).text == "B"


def test_the_length_most_readings_have_wins(reading_of):
    ballots = [Ballot(reading_of(t), 1.0) for t in ("ABC123", "ABC123", "ABC1234")]
    assert vote(ballots).text == "ABC123"


def test_states_are_voted_by_those_who_saw_one(reading_of):
    ballots = [Ballot(reading_of("ABC123", state=s), 1.0) for s in (None, None, "MA", "MA", "ME")]
    assert vote(ballots).state.code == "MA"


def test_a_state_that_few_frames_name_is_not_named():
    unsure = of_states("1ABC", ("MA", 0.25), ("NH", 0.2), named=False)
    sure = of_states("1ABC", ("MA", 0.6), ("NH", 0.1))
    few = vote([Ballot(sure, 1.0), Ballot(unsure, 1.0), Ballot(unsure, 1.0)]).state
    assert (few.code, few.alternatives[0]) == (None, ("MA", pytest.approx(1.1 / 3)))
    assert vote([Ballot(sure, 2.0), Ballot(unsure, 1.0)]).state.code == "MA"


def test_frames_that_name_none_are_probable_together():
    unsure = of_states("1ABC", ("MA", 0.55), named=False)
    assert vote([Ballot(unsure, 1.0)] * 3).state.code == "MA"


@given(st.lists(st.text("ABC180", min_size=1, max_size=4), min_size=1, max_size=6))
def test_a_vote_gives_a_length_that_was_read_and_probabilities(texts):
    ballots = [
        Ballot(plate_reading(tuple(CharacterReading(((g, 0.8),)) for g in text)), 1.0)
        for text in texts
    ]
    voted = vote(ballots)
    assert len(voted.text) in {len(text) for text in texts}
    for character in voted.characters:
        probabilities = [p for _, p in character.alternatives]
        assert probabilities == sorted(probabilities, reverse=True)
        assert 0 < sum(probabilities) <= 1 + 1e-9


FORMATS = load_formats()


@pytest.mark.parametrize(
    ("read", "weighed"),
    [("HKOE7C", "HK0E7C"), ("CJIP5G", "CJ1P5G"), ("KAYAKER", "KAYAKER"), ("7ABC482", "7ABC482")],
)
def test_a_shape_tells_o_from_zero(reading_of, read, weighed):
    assert weigh(reading_of(read), FORMATS, LOOKALIKES).text == weighed


def test_weighing_keeps_what_was_read_as_an_alternative(reading_of):
    weighed = weigh(reading_of("HKOE7C"), FORMATS, LOOKALIKES)
    assert "O" in dict(weighed.characters[2].alternatives)
    assert sum(p for _, p in weighed.characters[2].alternatives) == pytest.approx(0.9)


@given(st.text(ALPHABET, min_size=1, max_size=8))
def test_weighing_keeps_length_and_total_probability(text):
    reading = plate_reading(tuple(CharacterReading(((g, 0.7),)) for g in text))
    weighed = weigh(reading, FORMATS, LOOKALIKES)
    assert len(weighed.text) == len(text)
    for character in weighed.characters:
        assert sum(p for _, p in character.alternatives) <= 0.7 + 1e-6


class Issued:
    """Shapes of two states: MA issues a digit and three letters, NH the other way round."""

    def states_matching(self, plate):
        shape = "".join("9" if glyph.isdigit() else "A" for glyph in plate)
        return {"9AAA": ("MA",), "AAA9": ("NH",)}.get(shape, ())


def test_a_reader_of_us_plates_is_given_no_doubts_of_others():
    sure = of_states("OABO", ("MA", 0.9))
    assert weigh(sure, Issued(), NO_LOOKALIKES).characters == sure.characters
    assert weigh(sure, Issued(), SHARED_GLYPHS).text == "0ABO"
    doubtful = plate_reading(
        (CharacterReading((("O", 0.7), ("0", 0.25))), *sure.characters[1:]), sure.state
    )
    assert weigh(doubtful, Issued(), NO_LOOKALIKES).text == "0ABO"


def test_the_probable_state_tells_which_shape_counts():
    assert weigh(of_states("OABO", ("MA", 0.9), ("NH", 0.05)), Issued(), LOOKALIKES).text == "0ABO"
    assert weigh(of_states("OABO", ("NH", 0.9), ("MA", 0.05)), Issued(), LOOKALIKES).text == "OAB0"


def test_a_plate_of_no_known_state_is_left_as_it_was_read():
    weighed = weigh(
        of_states("OABO", ("MA", 0.03), ("NH", 0.02), named=False), Issued(), LOOKALIKES
    )
    assert weighed.text == "OABO"
    assert weighed.state.code is None


def test_a_shape_raises_the_state_that_issues_it():
    weighed = weigh(of_states("1ABC", ("NH", 0.45), ("MA", 0.4)), Issued(), LOOKALIKES)
    assert weighed.state.code == "MA"
    assert weighed.state.confidence > 0.4
    assert dict(weighed.state.alternatives)["NH"] < 0.45


def test_a_text_without_a_shape_leaves_the_states_in_order():
    weighed = weigh(of_states("KAYAKER", ("NH", 0.45), ("MA", 0.4)), Issued(), LOOKALIKES)
    assert weighed.text == "KAYAKER"
    assert [code for code, _ in weighed.state.alternatives] == ["NH", "MA"]


def test_a_state_that_was_not_named_is_named_once_it_is_probable():
    sure = weigh(of_states("1ABC", ("MA", 0.48), ("NH", 0.42), named=False), Issued(), LOOKALIKES)
    assert (sure.state.code, sure.state.confidence > 0.5) == ("MA", True)
    doubtful = weigh(of_states("1ABC", ("MA", 0.2), ("NH", 0.2), named=False), Issued(), LOOKALIKES)
    assert doubtful.state.code is None


@given(
    st.text(ALPHABET, min_size=1, max_size=8),
    st.dictionaries(st.sampled_from(("MA", "NH", "NY", "PR")), st.floats(0.001, 1), max_size=4),
)
def test_weighed_states_are_probabilities_in_order(text, states):
    ranked = tuple(sorted(states.items(), key=lambda pair: -pair[1]))
    read = StateReading(*ranked[0], ranked) if ranked else StateReading(None, 0.0, ())
    characters = tuple(CharacterReading(((glyph, 0.7),)) for glyph in text)
    weighed = weigh(plate_reading(characters, read), FORMATS, LOOKALIKES).state
    assert {code for code, _ in weighed.alternatives} == set(states)
    probabilities = [p for _, p in weighed.alternatives]
    assert probabilities == sorted(probabilities, reverse=True)
    assert sum(probabilities) <= 1 + 1e-9
    assert weighed.code == (weighed.alternatives[0][0] if ranked else None)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("MASSACHUSETTS", "THESPIRITOFAMERICA"), "MA"), (("MASSACHUSETIS",), "MA"),
        (("GARDENSTATE",), "NJ"), (("VIRGINIA",), "VA"), (("WESTVIRGINIA",), "WV"),
        (("WASHINGTON",), "WA"), (("WASHINGTONDC",), "DC"), (("JAN", "12"), None), ((), None),
    ],
)  # fmt: skip
def test_the_state_is_told_from_its_words(words, code):
    assert read_state(words).code == code


@pytest.mark.parametrize("code", sorted(NAMES))
def test_every_states_own_name_tells_it(code):
    state = read_state((NAMES[code],))
    assert isinstance(state, StateReading)
    assert (state.code, state.confidence) == (code, 1.0)


@pytest.mark.parametrize(
    ("a", "b", "distance"),
    [("", "", 0), ("ABC", "", 3), ("ABC", "ABD", 1), ("ABC", "BC", 1), ("KITTEN", "SITTING", 3)],
)
def test_edit_distance(a, b, distance):
    assert edit_distance(a, b) == edit_distance(b, a) == distance
