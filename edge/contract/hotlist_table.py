"""A hot list as a CSV file: the entry that each row makes; nothing touches a disk.

A row that makes no entry is rejected by the number of its first line and a reason, and the rest
still serves. Reasons never repeat what stood in the file: they go into logs. Times are ISO 8601; a
date alone lasts from its first to its last moment.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import TextIO, TypeVar
from zoneinfo import ZoneInfo

from edge.contract.hotlist import MIN_NAMED, HotlistEntry
from edge.contract.hotlist_columns import KINDS, Columns, UnusableFileError
from edge.contract.hotlist_csv import rows
from edge.contract.plates import normalise
from edge.contract.records import MAX_LABEL, MAX_MATCH_NOTE, HotlistKind

MAX_PLATE = 12
MAX_WILDCARDS = 10_000
"""Entries with wildcards that a list takes."""

_DATES_REMEMBERED = 8192
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 -?*")
_DOTS = frozenset(".\uff0e\u00b7\u2022\u2027\u2219\u22c5\u30fb")
"""Dots, middle dots and bullets, which stand between the groups of a plate."""

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row that made no entry, by the number of its first line."""

    line: int
    reason: str


class _RejectedError(Exception):
    """One row cannot be used."""


def entries_of(
    file: TextIO, columns: Columns, *, prefix: str = "", reserved: str | None = None
) -> Iterator[tuple[int, HotlistEntry | Rejection]]:
    """The number of each row's first line, and the entry that it makes or why it makes none.

    Blank lines are passed over. Ids that come twice are the caller's to find.

    Args:
        file: text opened with ``newline=""`` and ``errors="surrogateescape"``.
        columns: which column holds what.
        prefix: what is put before each entry's id.
        reserved: how no id in the file may begin.

    Raises:
        UnusableFileError: if the first line does not name the columns.
    """
    table = rows(file)
    first = next(table, None)
    if first is None:
        raise UnusableFileError("is empty; its first line must name the columns")
    if isinstance(first[1], str):
        raise UnusableFileError(f"its first line {first[1]}")
    maker = _EntryMaker(columns, first[1], prefix, reserved)
    for line, row in table:
        try:
            if isinstance(row, str):
                raise _RejectedError(row)
            if any(value and not value.isspace() for value in row):
                yield line, maker.entry(line, row)
        except _RejectedError as error:
            yield line, Rejection(line, str(error))


class _EntryMaker:
    """Makes entries of rows, by one file's columns."""

    def __init__(
        self, columns: Columns, header: Sequence[str], prefix: str, reserved: str | None
    ) -> None:
        self._columns = columns
        self._places = columns.places(header)
        self._width = len(header)
        self._prefix = prefix
        self._reserved = reserved
        self._wildcards = 0
        zone = ZoneInfo(columns.time_zone)
        # Dates and kinds repeat from row to row, and reading one costs as much as all the rest.
        self._kind = lru_cache(_DATES_REMEMBERED)(lambda word: _kind(word, columns))
        self._begin = lru_cache(_DATES_REMEMBERED)(lambda text: _moment(text, zone, time.min))
        self._end = lru_cache(_DATES_REMEMBERED)(lambda text: _moment(text, zone, time.max))

    def entry(self, line: int, row: Sequence[str]) -> HotlistEntry:
        """The entry of one row.

        Raises:
            _RejectedError: if it makes none.
        """
        if len(row) != self._width:
            raise _RejectedError("has more or fewer columns than the first line")
        columns = self._columns
        plate = self._value(row, "plate", plate_of)
        if plate is None:
            raise _RejectedError(f"{columns.names['plate']}: is empty")
        entered = self._value(row, "entered", self._begin)
        expires = self._value(row, "expires", self._end)
        if entered is not None and expires is not None and expires < entered:
            raise _RejectedError(f"{columns.names['expires']}: before {columns.names['entered']}")
        entry = HotlistEntry(
            entry=self._prefix + (self._value(row, "entry", self._id) or f"line {line}"),
            plate=plate,
            state=self._value(row, "state", state_of),
            kind=self._value(row, "kind", self._kind) or columns.default_kind,
            priority=self._value(row, "priority", _priority) or columns.default_priority,
            entered=entered,
            expires=expires,
            note=self._value(row, "note", lambda text: _text(text, MAX_MATCH_NOTE)) or "",
        )
        if "?" in plate or "*" in plate:
            if self._wildcards >= MAX_WILDCARDS:
                raise _RejectedError(
                    f"{columns.names['plate']}: {MAX_WILDCARDS} lines before it have wildcards, "
                    "the most that a list takes"
                )
            self._wildcards += 1
        return entry

    def _id(self, text: str) -> str:
        if self._reserved is not None and text.startswith(self._reserved):
            raise ValueError("begins as those of entries by hand do")
        return _text(text, MAX_LABEL - len(self._prefix))

    def _value(
        self, row: Sequence[str], field: str, parse: Callable[[str], _Value]
    ) -> _Value | None:
        place = self._places.get(field)
        if place is None or not (text := row[place].strip()):
            return None
        try:
            if not text.isascii():
                _require_utf8(text)
            return parse(text)
        except ValueError as error:
            raise _RejectedError(f"{self._columns.names[field]}: {error}") from error


def plate_of(typed: str) -> str:
    """The plate in its one spelling, with its wildcards.

    Raises:
        ValueError: if it is none that a list can have; the text continues a sentence.
    """
    if typed.isascii() and typed.isalnum():
        return _short_enough(typed.upper())
    if not all(map(_is_of_a_plate, typed)):
        raise ValueError(
            "has a character that is none of a plate's: letters, digits, spaces, hyphens, dots, "
            "and ? or * for those that are not known"
        )
    plate = "".join(char if char in "?*" else normalise(char) for char in typed)
    wildcards = plate.count("?") + plate.count("*")
    if wildcards == len(plate):
        raise ValueError("has no letter or digit")
    if wildcards and len(plate) - wildcards < MIN_NAMED:
        raise ValueError(f"names fewer than {MIN_NAMED} characters beside its wildcards")
    if plate.count("*") > 1:
        raise ValueError("has more than one *")
    return _short_enough(plate)


def state_of(typed: str) -> str:
    """The state's code.

    Raises:
        ValueError: if it is none; the text continues a sentence.
    """
    code = typed.upper()
    if not (len(code) == 2 and code.isascii() and code.isalpha()):
        raise ValueError("is not a two-letter code")
    return code


def _is_of_a_plate(char: str) -> bool:
    """Whether a plate's cell may hold the character; a letter must be one that plates have."""
    if char in _PLAIN or char.isspace() or char in _DOTS:
        return True
    category = unicodedata.category(char)
    return category in ("Pd", "Mn") or (category[0] in "LN" and normalise(char) != "")


def _short_enough(plate: str) -> str:
    if len(plate) > MAX_PLATE:
        raise ValueError(f"is longer than {MAX_PLATE} characters")
    return plate


def _require_utf8(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError("is not UTF-8; save the file as UTF-8") from error


def _kind(word: str, columns: Columns) -> HotlistKind:
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
    """The UTC time that the text gives; a date alone means that time of its day."""
    try:
        try:
            moment = datetime.combine(date.fromisoformat(text), time_of_a_date)
        except ValueError:
            moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError("is not an ISO 8601 date or time, such as 2026-03-01") from error
