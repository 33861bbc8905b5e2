"""Tables as CSV (RFC 4180) for spreadsheets, with nothing in them that a spreadsheet would run.

A cell of text that a spreadsheet may take for a formula gets an apostrophe before it, as OWASP's
page on CSV injection advises: one whose first character, blanks and invisible ones left aside, is
``=``, ``+``, ``-``, ``@`` or the full-width form of one, and one that begins with a tab or the end
of a line. Every cell of text stands in quotation marks, so that a program that parts cells at
another character finds no beginning of one within. Numbers stay numbers.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import TypeAlias

Cell: TypeAlias = str | int | float | date | datetime | None

_FORMULA_STARTS = frozenset("=+-@＝＋－＠")  # noqa: RUF001 - the full-width forms are meant
_LINE_STARTS = frozenset("\t\r\n")
# Blanks and what shows nothing: a spreadsheet may leave them out before it looks for a formula.
_UNSEEN = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf"})


def render(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """The whole table as one text; lines end in CR LF."""
    return "".join(lines(header, rows))


def lines(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    """The table line by line, for one that is too long to hold; lines end in CR LF."""
    yield _line(header)
    for row in rows:
        yield _line(row)


def harmless(text: str) -> str:
    """The text as a cell may hold it: as it is, or with an apostrophe before it."""
    seen = next((each for each in text if unicodedata.category(each) not in _UNSEEN), "")
    return f"'{text}" if seen in _FORMULA_STARTS or text[:1] in _LINE_STARTS else text


def _line(row: Sequence[Cell]) -> str:
    return ",".join(map(_cell, row)) + "\r\n"


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, (int, float)):
        return str(value)
    quoted = harmless(value).replace('"', '""')
    return f'"{quoted}"'
