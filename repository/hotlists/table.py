"""A hot list as a table: the lines of a CSV file, and the entry that each makes; pure.

A line that makes no entry is rejected by its number and a reason, and the rest still serves.
Reasons never repeat what stood in the line. Times are ISO 8601; a date alone lasts from its first
to its last moment.
"""

from __future__ import annotations

import csv
import unicodedata
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import TextIO, TypeVar
from zoneinfo import ZoneInfo

from edge.contract.hotlist import MIN_NAMED, HotlistEntry
from edge.contract.plates import normalise
from edge.contract.records import HotlistKind
from repository.hotlists.columns import KINDS, HotlistColumns
from repository.hotlists.errors import HotlistError
from repository.hotlists.settings import MANUAL

MAX_LINE_CHARACTERS = 64 * 1024
MAX_LINES_OF_A_ROW = 20
"""Lines over which a quoted value may go; a quote left open would swallow the rest of the list."""
MAX_PLATE = 12
MAX_WILDCARDS = 10_000
"""Entries with wildcards that a unit takes."""

_RESERVED = f"{MANUAL}:"
_DATES_REMEMBERED = 8192
_DOTS = frozenset(".\uff0e\u00b7\u2022\u2027\u2219\u22c5\u30fb")
"""Dots, middle dots and bullets, which stand between the groups of a plate, as on a unit."""

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Rejection:
    """A line that made no entry."""

    line: int
    reason: str


class _RejectedError(Exception):
    """One line cannot be used."""


def read_table(
    file: TextIO, columns: HotlistColumns, prefix: str = ""
) -> Iterator[tuple[int, HotlistEntry | Rejection]]:
    """Each line's number, and the entry that it makes or why it makes none.

    Ids that come twice are the caller's to find.

    Args:
        file: text opened with ``newline=""`` and ``errors="surrogateescape"``.
        columns: which column holds what.
        prefix: what stands before each entry's id.

    Raises:
        HotlistError: if the first line lacks a column.
    """
    rows = _rows(file)
    first = next(rows, None)
    if first is None or isinstance(first[1], str):
        raise HotlistError("line 1: is empty, or not CSV; it must name the columns")
    try:
        maker = _EntryMaker(columns, columns.places(first[1]), len(first[1]), prefix)
    except ValueError as error:
        raise HotlistError(f"line 1: {error}") from error
    for number, row in rows:
        try:
            if isinstance(row, str):
                raise _RejectedError(row)
            if any(value and not value.isspace() for value in row):
                yield number, maker.entry(number, row)
        except _RejectedError as error:
            yield number, Rejection(number, str(error))


def _rows(file: TextIO) -> Iterator[tuple[int, list[str] | str]]:
    """Each row's first line number and its values, or what is wrong with that line."""
    waiting: deque[str] = deque()
    number = 0

    def more() -> str:
        return waiting.popleft() if waiting else _line(file)

    while line := more():
        number += 1
        taken = [line]
        while _open_quote(taken) and len(taken) < MAX_LINES_OF_A_ROW and (line := more()):
            taken.append(line)
        row = _parse(taken)
        if row is None:
            waiting.extendleft(reversed(taken[1:]))
            yield number, "not CSV: a quote is not closed, or the line is too long"
        else:
            yield number, row
            number += len(taken) - 1


def _line(file: TextIO) -> str:
    """The next line with its end; of one that is far too long, the beginning. Empty at the end."""
    line = file.readline(MAX_LINE_CHARACTERS)
    rest = line
    while len(rest) == MAX_LINE_CHARACTERS and not rest.endswith("\n"):
        rest = file.readline(MAX_LINE_CHARACTERS)
    return line


def _open_quote(taken: list[str]) -> bool:
    return sum(line.count('"') for line in taken) % 2 == 1


def _parse(taken: list[str]) -> list[str] | None:
    if max(map(len, taken)) >= MAX_LINE_CHARACTERS or _open_quote(taken):
        return None
    try:
        return next(csv.reader(taken, strict=True), [])
    except csv.Error:
        return None


class _EntryMaker:
    """Makes entries of rows, by one file's columns."""

    def __init__(
        self, columns: HotlistColumns, places: dict[str, int], width: int, prefix: str
    ) -> None:
        self._columns = columns
        self._places = places
        self._width = width
        self._prefix = prefix
        self._wildcards = 0
        zone = ZoneInfo(columns.time_zone)
        # Dates and kinds repeat from line to line, and reading one costs as much as all the rest.
        self._kind = lru_cache(_DATES_REMEMBERED)(lambda word: _kind(word, columns))
        self._begin = lru_cache(_DATES_REMEMBERED)(lambda text: _moment(text, zone, time.min))
        self._end = lru_cache(_DATES_REMEMBERED)(lambda text: _moment(text, zone, time.max))

    def entry(self, line: int, row: list[str]) -> HotlistEntry:
        """The entry of one row.

        Raises:
            _RejectedError: if it makes none.
        """
        if len(row) != self._width:
            raise _RejectedError("has more or fewer columns than the first line")
        plate = self._value(row, "plate", plate_of)
        if plate is None:
            raise _RejectedError(f"{self._columns.plate}: is empty")
        entered = self._value(row, "entered", self._begin)
        expires = self._value(row, "expires", self._end)
        if entered is not None and expires is not None and expires < entered:
            raise _RejectedError(f"{self._columns.expires}: before {self._columns.entered}")
        room = 128 - len(self._prefix)
        own = self._value(row, "entry", lambda text: _text(text, room)) or f"line {line}"
        if own.startswith(_RESERVED):
            raise _RejectedError(f"{self._columns.entry}: begins as those of entries by hand do")
        if "?" in plate or "*" in plate:
            self._wildcards += 1
            if self._wildcards > MAX_WILDCARDS:
                raise _RejectedError(
                    f"{self._columns.plate}: {MAX_WILDCARDS} lines before it have wildcards, the "
                    "most that a list takes"
                )
        return HotlistEntry(
            entry=self._prefix + own,
            plate=plate,
            state=self._value(row, "state", state_of),
            kind=self._value(row, "kind", self._kind) or self._columns.default_kind,
            priority=self._value(row, "priority", _priority) or self._columns.default_priority,
            entered=entered,
            expires=expires,
            note=self._value(row, "note", lambda text: _text(text, 500)) or "",
        )

    def _value(self, row: list[str], field: str, parse: Callable[[str], _Value]) -> _Value | None:
        place = self._places.get(field)
        if place is None or not (text := row[place].strip()):
            return None
        try:
            if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
                raise ValueError("is not UTF-8; save the file as UTF-8")
            return parse(text)
        except ValueError as error:
            raise _RejectedError(f"{self._columns.name_of(field)}: {error}") from error


def plate_of(typed: str) -> str:
    """The plate in its one spelling, with its wildcards.

    Raises:
        ValueError: if it is none that a list can have.
    """
    if typed.isascii() and typed.isalnum() and len(typed) <= MAX_PLATE:
        return typed.upper()
    if not all(char in "?*" or _is_between(char) or normalise(char) for char in typed):
        raise ValueError("has a character that is none of a plate's")
    plate = "".join(char if char in "?*" else normalise(char) for char in typed)
    named = len(plate) - plate.count("?") - plate.count("*")
    if named == 0:
        raise ValueError("has no letter or digit")
    if len(plate) > MAX_PLATE:
        raise ValueError(f"is longer than {MAX_PLATE} characters")
    if named < len(plate) and (named < MIN_NAMED or plate.count("*") > 1):
        raise ValueError(f"needs {MIN_NAMED} named characters and one * at most")
    return plate


def _is_between(char: str) -> bool:
    """Whether it may stand between a plate's characters: a blank, a dot, a dash, an accent."""
    return char.isspace() or char in _DOTS or unicodedata.category(char) in ("Pd", "Mn")


def state_of(typed: str) -> str:
    """The state's code.

    Raises:
        ValueError: if it is none.
    """
    code = typed.upper()
    if not (len(code) == 2 and code.isascii() and code.isalpha()):
        raise ValueError("is not a two-letter code")
    return code


def _kind(word: str, columns: HotlistColumns) -> HotlistKind:
    kind = columns.kind_of(word)
    if kind is None:
        raise ValueError(f"is none of {', '.join(KINDS)}; name the list's own words in kinds")
    return kind


def _priority(text: str) -> int:
    if text not in ("1", "2", "3", "4", "5"):
        raise ValueError("is not 1 (most urgent) to 5")
    return int(text)


def _text(text: str, limit: int) -> str:
    if len(text) > limit:
        raise ValueError(f"is longer than {limit} characters")
    return text


def _moment(text: str, zone: ZoneInfo, time_of_a_date: time) -> datetime:
    try:
        try:
            moment = datetime.combine(date.fromisoformat(text), time_of_a_date)
        except ValueError:
            moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError("is not an ISO 8601 date or time, such as 2026-03-01") from error
