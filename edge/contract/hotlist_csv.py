"""The rows of a CSV file that people write: one that is wrong costs itself and no other.

Lines end with a line feed, a carriage return, or both. A quoted value may go over lines; where a
quote is never closed, its line alone is wrong, and those after it are rows of their own. A quote
within a value that does not begin with one stands for itself.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from typing import TextIO

MAX_ROW_CHARACTERS = 64 * 1024
MAX_LINES_OF_A_ROW = 20
"""Lines over which a quoted value may go; a quote left open would swallow the rest of the list."""

_WRONG = "is not CSV: a quote is not closed or stands in a wrong place, or the line is too long"


def rows(file: TextIO) -> Iterator[tuple[int, list[str] | str]]:
    """The number of each row's first line, and its values, or what is wrong with that line.

    ``file`` is text opened with ``newline=""``. A blank line is a row without values.
    """
    waiting: deque[str] = deque()
    number = 0

    def more() -> str:
        return waiting.popleft() if waiting else _line(file)

    while line := more():
        number += 1
        taken = [line]
        row = _parse(taken)
        is_open = row is None and line.count('"') % 2 == 1 and len(line) < MAX_ROW_CHARACTERS
        while is_open and len(taken) < MAX_LINES_OF_A_ROW and (line := more()):
            taken.append(line)
            if line.count('"') % 2:
                row, is_open = _parse(taken), False
        if row is None:
            waiting.extendleft(reversed(taken[1:]))
            yield number, _WRONG
        else:
            yield number, row
            number += len(taken) - 1


def _line(file: TextIO) -> str:
    """The next line with its end; of one that is far too long, the beginning. Empty at the end."""
    line = file.readline(MAX_ROW_CHARACTERS)
    rest = line
    while len(rest) == MAX_ROW_CHARACTERS and not rest.endswith(("\n", "\r")):
        rest = file.readline(MAX_ROW_CHARACTERS)
    return line


def _parse(taken: list[str]) -> list[str] | None:
    """The one row that the lines are; None if they are none, or more."""
    if sum(map(len, taken)) >= MAX_ROW_CHARACTERS:
        return None
    reader = csv.reader(taken, strict=True)
    try:
        row = next(reader, [])
    except csv.Error:
        return None
    return row if reader.line_num == len(taken) else None
