"""Frames of one view agree for nothing; other views make a reading surer, and mend it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.vision.reader import CharacterReading, plate_reading
from edge.vision.vote import Ballot, Tally, vote


def reading(text: str, confidence: float = 0.8, other: str = "X"):
    return plate_reading(
        tuple(
            CharacterReading(((glyph, confidence), (other, round(1 - confidence, 6))))
            for glyph in text
        )
    )


@given(st.integers(1, 40), st.floats(0.5, 0.99))
def test_a_standing_car_is_no_surer_for_standing(frames, confidence):
    once = reading("7ABC48", confidence)
    joint = vote([Ballot(once, 3.0, view=0)] * frames)
    assert joint.confidence == pytest.approx(once.confidence)


@given(st.lists(st.tuples(st.floats(0.5, 0.95), st.floats(1, 50)), min_size=1, max_size=8))
def test_one_view_is_the_weighted_mean(ballots):
    joint = vote([Ballot(reading("AB1", sure), weight) for sure, weight in ballots])
    mean = sum(s * w for s, w in ballots) / sum(w for _, w in ballots)
    assert joint.confidence == pytest.approx(mean)


@settings(max_examples=9, deadline=None)
@given(st.integers(2, 10))
def test_views_that_agree_make_a_reading_surer_but_never_certain(views):
    few, more = (
        vote([Ballot(reading("7ABC48"), 1.0, view) for view in range(many)])
        for many in (views - 1, views)
    )
    assert few.confidence < more.confidence < 1
    independent = 0.8**views / (0.8**views + 0.2**views)
    assert more.confidence < independent, "views are worth less than independent witnesses"


def test_a_long_stand_outvotes_no_other_view():
    stands = [Ballot(reading("8ABC", 0.6, "B"), 1.0, view=0)] * 300
    passes = [Ballot(reading("BABC", 0.8, "8"), 1.0, view) for view in (1, 2)]
    assert vote([*stands, *passes]).text == "BABC"


def test_a_large_sharp_view_outvotes_two_small_blurred_ones():
    small = [Ballot(reading("8ABC", 0.7, "B"), 2.0, view) for view in (0, 1)]
    assert vote([*small, Ballot(reading("BABC", 0.7, "8"), 30.0, 2)]).text == "BABC"


def test_misreadings_of_one_length_do_not_lose_the_text_of_another():
    short = [Ballot(reading(text, 0.55), 1.0, view) for view, text in enumerate(("BC48", "AC48"))]
    right = [Ballot(reading("ABC48", 0.9), 1.0, view) for view in (2, 3)]
    assert vote([*short, *right]).text == "ABC48"


def test_every_alternative_stays_in_the_joint_reading():
    joint = vote([Ballot(reading("8", 0.9, "B"), 1.0, view) for view in range(4)])
    assert [glyph for glyph, _ in joint.characters[0].alternatives] == ["8", "B"]


@given(st.lists(st.tuples(st.sampled_from(["AB1", "A81", "AB12"]), st.integers(0, 3)), min_size=1,
                max_size=20))  # fmt: skip
def test_a_tally_counts_as_a_vote_does(ballots):
    views = sorted(view for _, view in ballots)
    cast = [
        Ballot(reading(text), 1.0, view) for (text, _), view in zip(ballots, views, strict=True)
    ]
    tally = Tally()
    for ballot in cast:
        tally.add(ballot)
    assert tally.reading() == vote(cast)
