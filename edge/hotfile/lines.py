"""The lines of a hot list's CSV file, and the entry that each makes; nothing touches a disk.

A line that makes no entry is rejected by its number and a reason, and the rest still serves.
Reasons never repeat what stood in the line: they go into logs.
"""

from __future__ import annotations

import csv
import unicodedata
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import TextIO, TypeVar
from zoneinfo import ZoneInfo

from edge.contract.hotlist import MIN_NAMED, HotlistEntry
from edge.contract.plates import normalise
from edge.contract.records import HotlistKind
from edge.hotfile.columns import KINDS, HotlistColumns
from edge.hotfile.wildcards import MAX_PLATE_CHARACTERS, MAX_WILDCARDS

MAX_LINE_CHARACTERS = 64 * 1024
MAX_LINES_OF_A_ROW = 20
"""Lines over which a quoted value may go; a quote left open would swallow the rest of the list."""

_Value = TypeVar("_Value")

_FIELDS = ("entry", "plate", "state", "kind", "priority", "entered", "expires", "note")
_DATES_REMEMBERED = 8192
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 -?*")
_DOTS = frozenset(".\uff0e\u00b7\u2022\u2027\u2219\u22c5\u30fb")
"""Dots, middle dots and bullets, which stand between the groups of a plate."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """A line that made no entry."""

    line: int
    reason: str


class UnusableFileError(Exception):
    """The whole file cannot be used; the text continues a sentence that names it."""


class _RejectedError(Exception):
    """One line cannot be used."""


def entries_of(
    file: TextIO, columns: HotlistColumns
) -> Iterator[tuple[int, HotlistEntry | Rejection]]:
    """Each line's number, and the entry that it makes or why it makes none.

    ``file`` is text opened with ``newline=""`` and ``errors="surrogateescape"``. Blank lines are
    passed over. Ids that come twice are the caller's to find.

    Raises:
        UnusableFileError: if the first line lacks a column.
    """
    rows = _rows(file)
    first = next(rows, None)
    if first is None:
        raise UnusableFileError("is empty")
    if isinstance(first[1], str):
        raise UnusableFileError(f"its first line {first[1]}")
    header = [name.strip().casefold() for name in first[1]]
    maker = _EntryMaker(_places(header, columns), len(header), columns)
    for line, row in rows:
        try:
            if isinstance(row, str):
                raise _RejectedError(row)
            if any(value and not value.isspace() for value in row):
                yield line, maker.entry(line, row)
        except _RejectedError as error:
            yield line, Rejection(line, str(error))


def _rows(file: TextIO) -> Iterator[tuple[int, list[str] | str]]:
    """Each row's last line number and its values, or what is wrong with its first line."""
    waiting: deque[str] = deque()
    number = 0

    def more() -> str:
        return waiting.popleft() if waiting else _line(file)

    while line := more():
        number += 1
        try:
            yield number, _parse(line)
            continue
        except csv.Error:
            if line.count('"') % 2 == 0 or len(line) >= MAX_LINE_CHARACTERS:
                yield number, "is not CSV"
                continue
        taken = [line]
        row: list[str] | None = None
        while row is None and len(taken) < MAX_LINES_OF_A_ROW and (line := more()):
            taken.append(line)
            if line.count('"') % 2:
                try:
                    row = _parse("".join(taken))
                except csv.Error:
                    break
        if row is None:
            waiting.extendleft(reversed(taken[1:]))
            yield number, "is not CSV"
        else:
            number += len(taken) - 1
            yield number, row


def _line(file: TextIO) -> str:
    """The next line with its end; of one that is far too long, the beginning. Empty at the end."""
    line = file.readline(MAX_LINE_CHARACTERS)
    rest = line
    while len(rest) == MAX_LINE_CHARACTERS and not rest.endswith(("\n", "\r")):
        rest = file.readline(MAX_LINE_CHARACTERS)
    return line


def _parse(text: str) -> list[str]:
    if len(text) >= MAX_LINE_CHARACTERS:
        raise csv.Error
    return next(csv.reader(_once(text), strict=True))


def _once(text: str) -> Iterable[str]:
    # csv takes the parts of one row as lines; whole, a quoted line end would be refused.
    return text.splitlines(keepends=True) if text.count("\n") + text.count("\r") > 1 else (text,)


def _places(header: list[str], columns: HotlistColumns) -> dict[str, int]:
    places: dict[str, int] = {}
    for field in _FIELDS:
        name = columns.column(field)
        found = [place for place, title in enumerate(header) if title == name.casefold()]
        if len(found) > 1:
            raise UnusableFileError(f"has column {name!r} twice")
        if found:
            places[field] = found[0]
        elif field == "plate" or field in columns.model_fields_set:
            raise UnusableFileError(f"has no column {name!r}; set columns.{field} to one it has")
    return places


class _EntryMaker:
    """Makes entries of rows, by one file's columns."""

    def __init__(self, places: dict[str, int], width: int, columns: HotlistColumns) -> None:
        self._places = places
        self._width = width
        self._columns = columns
        self._wildcards = 0
        zone = ZoneInfo(columns.time_zone)
        self._kind = lru_cache(_DATES_REMEMBERED)(lambda word: _kind(word, columns))
        # Dates repeat from line to line, and reading one costs as much as the rest of the line.
        self._begin = lru_cache(_DATES_REMEMBERED)(lambda text: _moment(text, zone, time.min))
        self._end = lru_cache(_DATES_REMEMBERED)(lambda text: _moment(text, zone, time.max))

    def entry(self, line: int, row: list[str]) -> HotlistEntry:
        """The entry of one row.

        Raises:
            _RejectedError: if it makes none.
        """
        if len(row) != self._width:
            raise _RejectedError("has more or fewer columns than the first line")
        columns = self._columns
        plate = self._value(row, "plate", _plate)
        if plate is None:
            raise _RejectedError(f"{columns.plate}: is empty")
        entered = self._value(row, "entered", self._begin)
        expires = self._value(row, "expires", self._end)
        if entered is not None and expires is not None and expires < entered:
            raise _RejectedError(f"{columns.expires}: before {columns.entered}")
        entry = HotlistEntry(
            entry=self._value(row, "entry", lambda text: _text(text, 128)) or f"line {line}",
            plate=plate,
            state=self._value(row, "state", _state),
            kind=self._value(row, "kind", self._kind) or columns.default_kind,
            priority=self._value(row, "priority", _priority) or columns.default_priority,
            entered=entered,
            expires=expires,
            note=self._value(row, "note", lambda text: _text(text, 500)) or "",
        )
        if "?" in plate or "*" in plate:
            if self._wildcards >= MAX_WILDCARDS:
                raise _RejectedError(
                    f"{columns.plate}: {MAX_WILDCARDS} lines before it have wildcards, the most"
                    " that a list takes"
                )
            self._wildcards += 1
        return entry

    def _value(self, row: list[str], field: str, parse: Callable[[str], _Value]) -> _Value | None:
        place = self._places.get(field)
        if place is None or not (text := row[place].strip()):
            return None
        try:
            if not text.isascii():
                _require_utf8(text)
            return parse(text)
        except _RejectedError as error:
            raise _RejectedError(f"{self._columns.column(field)}: {error}") from error


def _require_utf8(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise _RejectedError("is not UTF-8; save the file as UTF-8") from error


def _plate(value: str) -> str:
    """The plate in its one spelling, with its wildcards."""
    if value.isascii() and value.isalnum():
        return _short_enough(value.upper())
    if not all(map(_is_of_a_plate, value)):
        raise _RejectedError(
            "has a character that is none of a plate's: letters, digits, spaces, hyphens, dots, "
            "and ? or * for those that are not known"
        )
    plate = _with_wildcards(value) if "?" in value or "*" in value else normalise(value)
    if not plate:
        raise _RejectedError("has no letter or digit")
    return _short_enough(plate)


def _is_of_a_plate(char: str) -> bool:
    """Whether a plate's cell may hold the character; a letter must be one that plates have."""
    if char in _PLAIN or char.isspace() or char in _DOTS:
        return True
    category = unicodedata.category(char)
    return category in ("Pd", "Mn") or (category[0] in "LN" and normalise(char) != "")


def _short_enough(plate: str) -> str:
    if len(plate) > MAX_PLATE_CHARACTERS:
        raise _RejectedError(f"is longer than {MAX_PLATE_CHARACTERS} characters")
    return plate


def _with_wildcards(value: str) -> str:
    plate = "".join(char if char in "?*" else normalise(char) for char in value)
    named = len(plate) - plate.count("?") - plate.count("*")
    if named == 0:
        raise _RejectedError("has no letter or digit")
    if named < MIN_NAMED:
        raise _RejectedError(f"names fewer than {MIN_NAMED} characters beside its wildcards")
    if plate.count("*") > 1:
        raise _RejectedError("has more than one *")
    return plate


def _state(value: str) -> str:
    code = value.upper()
    if not (len(code) == 2 and code.isascii() and code.isalpha()):
        raise _RejectedError("is not a two-letter code")
    return code


def _kind(value: str, columns: HotlistColumns) -> HotlistKind:
    kind = columns.kind_of(value)
    if kind is None:
        raise _RejectedError(f"is none of {', '.join(KINDS)}; name the list's own words in kinds")
    return kind


def _priority(value: str) -> int:
    if value not in ("1", "2", "3", "4", "5"):
        raise _RejectedError("is not 1 to 5")
    return int(value)


def _text(value: str, limit: int) -> str:
    if len(value) > limit:
        raise _RejectedError(f"is longer than {limit} characters")
    return value


def _moment(value: str, zone: ZoneInfo, time_of_a_date: time) -> datetime:
    """The UTC time that the value gives; a date alone means that time of its day."""
    try:
        try:
            moment = datetime.combine(date.fromisoformat(value), time_of_a_date)
        except ValueError:
            moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _RejectedError("is not an ISO 8601 date or time, such as 2026-03-01") from error
