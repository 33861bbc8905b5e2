"""Plates with wildcards, fitted to a plate read."""

from __future__ import annotations

import random
import re

import pytest

from edge.contract.hotlist_table import MAX_PLATE
from edge.hotfile.wildcards import WildcardIndex


def fits(pattern: str, choices: list[str]) -> bool:
    """Whether some plate of these choices fits the pattern, by regular expressions."""
    expression = pattern.replace("?", "[A-Z0-9]").replace("*", "[A-Z0-9]*")
    plates = [""]
    for chars in choices:
        plates = [plate + char for plate in plates for char in chars]
    return any(re.fullmatch(expression, plate) for plate in plates)


def test_the_index_fits_what_regular_expressions_fit() -> None:
    draw = random.Random(7)
    patterns = []
    for _ in range(300):
        pattern = [draw.choice("AB1?") for _ in range(draw.randint(1, 7))]
        if draw.random() < 0.5:
            pattern.insert(draw.randint(0, len(pattern)), "*")
        patterns.append("".join(pattern))
    index = WildcardIndex(patterns)
    assert len(index) == 300
    fitted = 0
    for _ in range(200):
        choices = [draw.choice(["A", "B", "1", "AB", "X"]) for _ in range(draw.randint(1, 9))]
        expected = [number for number, one in enumerate(patterns) if fits(one, choices)]
        assert index.find(choices) == expected
        fitted += len(expected)
    assert fitted > 500


@pytest.mark.parametrize("length", [0, MAX_PLATE + 1])
def test_a_plate_of_no_length_that_a_record_takes_fits_nothing(length: int) -> None:
    assert WildcardIndex(["*"]).find(["A"] * length) == []
    assert WildcardIndex(["*"]).find(["A"] * MAX_PLATE) == [0]


def test_no_patterns_fit_nothing() -> None:
    assert WildcardIndex([]).find(list("1ABC23")) == []
