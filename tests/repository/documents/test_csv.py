"""Tables for spreadsheets: read back they say the same, and none of their cells is a formula."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repository.documents.csv import Cell, harmless, lines, render

STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001
DANGER = st.text(alphabet="=+-@＝＋－＠\t\r\n \u00a0\u200b\ufeff\0\"',;|a1", max_size=12)  # noqa: RUF001


def read_back(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


FORMULAS = [f"{start}1+1" for start in STARTS]
FORMULAS += [
    f"{unseen}{start}1+1"
    for unseen in (" ", "\u00a0", "\u200b", "\ufeff", "\0", " \t")
    for start in STARTS
    if start not in "\t\r\n"
]


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_formula_of_every_kind_is_made_harmless(formula: str) -> None:
    (_header, row) = read_back(render(("a", "b"), [(formula, "rest")]))
    assert row == [f"'{formula}", "rest"]


@given(st.lists(st.lists(DANGER | st.text(max_size=8), min_size=2, max_size=3), max_size=4))
def test_what_is_read_back_is_what_was_written_and_no_cell_begins_as_a_formula(
    rows: list[list[str]],
) -> None:
    found = read_back(render(("one", "two"), rows))
    assert found[0] == ["one", "two"]
    assert len(found) == len(rows) + 1
    for row, back in zip(rows, found[1:], strict=True):
        for value, cell in zip(row, back, strict=True):
            assert cell in (value, f"'{value}")
            assert not cell.startswith(STARTS)
            assert not cell.strip().startswith(STARTS)


@given(st.text(alphabet="=+-@;|\t ab\"'", max_size=12))
def test_a_program_that_parts_cells_elsewhere_finds_no_formula_either(text: str) -> None:
    line = render(("a",), [(text,)]).splitlines()[1]
    for mark in (";", "|", "\t"):
        (cell, *_rest) = next(csv.reader([line], delimiter=mark))
        assert cell == harmless(text)


def test_numbers_and_moments_stay_what_they_are() -> None:
    row: tuple[Cell, ...] = (
        -3,
        -70.8,
        True,
        None,
        date(2026, 3, 1),
        datetime(2026, 3, 1, 9, tzinfo=UTC),
        "-3",
    )
    written = render(("i", "f", "b", "n", "d", "t", "s"), [row]).splitlines()[1]
    assert written == '-3,-70.8,yes,,2026-03-01,2026-03-01T09:00:00+00:00,"\'-3"'


def test_a_long_table_comes_line_by_line() -> None:
    endless = ((number,) for number in iter(int, 1))
    table = lines(("number",), endless)
    assert [next(table) for _ in range(3)] == ['"number"\r\n', "0\r\n", "0\r\n"]
