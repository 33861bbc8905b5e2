"""What is hidden cannot be worked out from what is shown."""

from __future__ import annotations

from itertools import combinations_with_replacement

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repository.agencies.suppression import Shown, suppress

KINDS = ("amber_alert", "bolo", "other", "stolen_plate", "stolen_vehicle")


@pytest.mark.parametrize(
    ("cells", "expected", "total"),
    [
        ({"bolo": 12, "other": 30}, {"bolo": 12, "other": 30}, 42),
        ({"bolo": 3, "other": 30}, {"bolo": None, "other": None}, 33),
        ({"bolo": 3, "other": 30, "atl": 20}, {"bolo": None, "other": 30, "atl": None}, 53),
        ({"bolo": 9, "other": 9}, {"bolo": None, "other": None}, 18),
        ({"bolo": 3}, {"bolo": None}, None),
        ({"bolo": 3, "other": 4}, {"bolo": None, "other": None}, None),
        (dict.fromkeys("abcdefghij", 1), dict.fromkeys("abcdefghij"), None),
    ],
)
def test_what_is_shown(
    cells: dict[str, int], expected: dict[str, int | None], total: int | None
) -> None:
    assert suppress(cells, 10) == Shown(expected, total)


@given(
    st.dictionaries(st.sampled_from(KINDS), st.integers(1, 14), min_size=1),
    st.integers(2, 8),
)
def test_a_small_number_may_be_any_up_to_the_smallest_shown(
    cells: dict[str, int], smallest: int
) -> None:
    shown = suppress(cells, smallest)
    hidden = [kind for kind, number in shown.cells.items() if number is None]
    assert {kind for kind, number in cells.items() if number < smallest} <= set(hidden)
    assert all(number in (None, cells[kind]) for kind, number in shown.cells.items())
    if shown.total is None or not hidden:
        return
    assert shown.total == sum(cells.values())
    # What somebody with a table of all possibilities finds out: nothing.
    rest = shown.total - sum(number for number in shown.cells.values() if number is not None)
    possible = {
        each
        for guess in combinations_with_replacement(range(1, rest + 1), len(hidden) - 1)
        if (last := rest - sum(guess)) >= 1
        for each in (*guess, last)
    }
    assert set(range(1, smallest + 1)) <= possible
