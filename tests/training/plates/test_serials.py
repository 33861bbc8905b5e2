import numpy as np
import pytest

from edge.contract.plates import compile_pattern
from models.training.plates import designs, serials, vanity
from models.training.plates.serials import Token


def drawn(layout, seed=0, skip=""):
    return serials.draw_layout(np.random.default_rng(seed), layout, skip)


def test_a_column_that_counts_is_read_at_its_place():
    tokens = drawn("{[L][V]}999")
    assert tokens[0] == Token("column", "LV")
    assert serials.text_of(tokens)[:2] == "LV"


def test_a_column_that_names_the_class_is_left_out():
    tokens = drawn("<BR>9999")
    assert tokens[0] == Token("class", "BR")
    assert len(serials.text_of(tokens)) == 4


def test_marks_are_not_text():
    assert [token.kind for token in drawn("A 9-A.9*A_9")][1::2] == [
        "gap",
        "dash",
        "dot",
        "emblem",
        "thin",
    ]


def test_digits_stand_where_the_format_says_digit():
    for seed in range(20):
        text = serials.text_of(drawn("9A9A", seed))
        assert [char.isdigit() for char in text] == [True, False, True, False]


def test_a_layout_of_another_notation_is_refused():
    for layout in ("9a9", "{A9", "99/99"):
        with pytest.raises(ValueError, match="layout"):
            drawn(layout)


def test_every_layout_of_the_designs_is_of_the_notation():
    for options in designs.load().values():
        for design in options:
            for layout in design.serials:
                compile_pattern(serials.pattern_of(layout))
                assert serials.text_of(drawn(layout))


def test_issued_shapes_spread_to_layouts_of_the_same_text():
    rng = np.random.default_rng(1)
    for uses in serials.issued().values():
        for shapes in uses.values():
            for shape in shapes:
                layout = serials.spread(rng, shape)
                assert layout.translate(str.maketrans("", "", " _.-*")) == shape


def test_personalised_serials_are_plates():
    rng = np.random.default_rng(2)
    for _ in range(300):
        text = serials.text_of(vanity.tokens(rng))
        assert 2 <= len(text) <= 7
        assert text.isalnum()
        assert text == text.upper()
