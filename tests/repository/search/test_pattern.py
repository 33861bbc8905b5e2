"""Plates with wildcards."""

from __future__ import annotations

import re
import sqlite3
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repository.search.errors import SearchRefusedError
from repository.search.pattern import PlatePattern
from tests.repository.sightings import FOLD

FEW = "AB80O1I"
patterns = st.text(FEW + "?*", min_size=1, max_size=8).filter(lambda text: text.strip("?*"))


@pytest.mark.parametrize(
    ("typed", "text", "adjacent", "whole"),
    [
        ("1abc-23", "1ABC23", 6, True),
        ("*ab c**", "*ABC*", 3, False),
        ("1a?-b2c?", "1A?B2C?", 3, False),
        ("??9*", "??9*", 1, False),
    ],
)
def test_what_is_typed_has_one_spelling(typed: str, text: str, adjacent: int, whole: bool) -> None:
    pattern = PlatePattern.of(typed)
    assert (pattern.text, pattern.adjacent, pattern.whole) == (text, adjacent, whole)


@pytest.mark.parametrize(
    "typed", ["", "*", "???", "ABCDEFGHIJKL?", "ABCDEFGHIJKLM", "2HKM/!52", "2HK%"]
)
def test_what_names_no_plate_is_refused(typed: str) -> None:
    with pytest.raises(SearchRefusedError, match="plate: expected"):
        PlatePattern.of(typed)


@pytest.mark.parametrize(
    ("typed", "folded", "plate", "how"),
    [
        ("1ABC20", False, "1ABC20", "exact"),
        ("1ABC20", False, "1ABC2O", None),
        ("1ABC20", True, "1ABC2O", "confusable"),
        ("1AB*", False, "1AB", "partial"),
        ("1AB?", False, "1AB", None),
        ("1AB*", True, "IA8X", "partial_confusable"),
        ("1AB*", True, "1ABX", "partial"),
        ("1AB*", True, "1ACX", None),
    ],
)
def test_how_a_plate_fits(typed: str, folded: bool, plate: str, how: str | None) -> None:
    assert PlatePattern.of(typed, folded=folded).how(plate, FOLD) == how


@given(patterns, st.text(FEW, min_size=1, max_size=8), st.booleans())
def test_both_notations_say_what_is_said(text: str, plate: str, folded: bool) -> None:
    pattern = PlatePattern.of(text, folded=folded)
    fold = FOLD if folded else None
    same = fnmatchcase(FOLD(plate) if folded else plate, FOLD(text) if folded else text)
    assert bool(re.fullmatch(pattern.regex(fold), plate)) == same
    assert (pattern.how(plate, FOLD) is not None) == same
    with sqlite3.connect(":memory:") as connection:
        (found,) = connection.execute("SELECT ? GLOB ?", (plate, pattern.glob(fold))).fetchone()
    connection.close()
    assert bool(found) == same
