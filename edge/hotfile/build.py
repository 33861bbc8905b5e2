"""From the bytes of a CSV file to a hot list, line by line; nothing here touches a file.

A line that makes no entry is rejected by its number and a reason, and the rest still serves. A
file that is cut off, is not CSV or is mostly rejected is refused whole, so that what was in use
before it stays in use. Reasons never repeat what stood in the line: they go into logs.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from edge.contract.hotlist import HotlistEntry
from edge.contract.plates import Confusables, normalise
from edge.contract.records import HotlistKind
from edge.hotfile.columns import KINDS, HotlistColumns
from edge.hotfile.errors import HotfileError
from edge.hotfile.facts import ListFacts
from edge.hotfile.index import PlateIndex
from edge.hotfile.settings import HotlistSource
from edge.hotfile.write import HotfileWriter

MAX_PLATE_CHARACTERS = 12
PROGRESS_EVERY = 10_000
MAX_REJECTED_SHARE = 0.5
"""A file of which more than this is rejected is the wrong file, or was read by wrong columns."""

FUTURE_TOLERANCE_S = 300.0
"""How far ahead of the unit's clock a list may be dated before its age means nothing."""

_Value = TypeVar("_Value")

_FIELDS = ("entry", "plate", "state", "kind", "priority", "entered", "expires", "note")


@dataclass(frozen=True, slots=True)
class Rejection:
    """A line that made no entry."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Hotlist:
    """One issue of a hot list as loaded; ``version`` is the beginning of its file's SHA-256."""

    name: str
    version: str
    sha256: str
    issued_at: datetime
    source: str
    max_age_s: float
    index: PlateIndex

    @property
    def entries(self) -> int:
        """Number of entries."""
        return len(self.index)

    def age(self, now: datetime) -> timedelta:
        """Time since the list was issued; negative if it is dated ahead of the clock."""
        return now - self.issued_at

    def stale(self, now: datetime) -> bool:
        """Whether the list is too old to be relied on.

        A list dated well ahead of the clock counts as stale: it would look fresh for ever.
        """
        return not -FUTURE_TOLERANCE_S <= self.age(now).total_seconds() <= self.max_age_s


@dataclass(frozen=True, slots=True)
class Build:
    """A list that was built, and the lines of its file that were not taken into it."""

    hotlist: Hotlist
    rejected: tuple[Rejection, ...]


def build(
    data: bytes, *, source: HotlistSource, issued_at: datetime, confusables: Confusables
) -> Build:
    """The hot list in a CSV file's bytes.

    Raises:
        HotfileError: if the file is cut off, is not CSV in UTF-8, lacks a column, or is mostly
            rejected; the text names the file and says what to do.
    """
    rejected: list[Rejection] = []
    entries: dict[str, HotlistEntry] = {}
    try:
        for line, values in _rows(data, source.columns):
            try:
                entry = _entry(line, values, source.columns)
                if entry.entry in entries:
                    raise _RejectedError(f"{source.columns.entry}: an earlier line has the same id")
                entries[entry.entry] = entry
            except _RejectedError as error:
                rejected.append(Rejection(line, str(error)))
    except _RefusedError as error:
        raise HotfileError(f"hot list {source.name}: {source.path}: {error}") from error
    lines = len(entries) + len(rejected)
    if len(rejected) > lines * MAX_REJECTED_SHARE:
        first = rejected[0]
        raise HotfileError(
            f"hot list {source.name}: {source.path}: {len(rejected)} of {lines} lines make no"
            f" entry (line {first.line}: {first.reason}); check the file and its columns"
        )
    digest = hashlib.sha256(data).hexdigest()
    hotlist = Hotlist(
        name=source.name,
        version=digest[:12],
        sha256=digest,
        issued_at=issued_at,
        source=str(source.path),
        max_age_s=source.max_age_s,
        index=PlateIndex(entries.values(), confusables),
    )
    return Build(hotlist, tuple(rejected))


class _RefusedError(Exception):
    """The whole file cannot be used."""


class _RejectedError(Exception):
    """One line cannot be used."""


def _rows(data: bytes, columns: HotlistColumns) -> Iterator[tuple[int, dict[str, str | None]]]:
    """Each line's number and its values by field; None marks a line of the wrong width."""
    if not data.strip():
        raise _RefusedError("is empty")
    if not data.endswith((b"\n", b"\r")):
        raise _RefusedError("its last line has no end, so it may be cut off; write it whole")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _RefusedError(f"byte {error.start} is not UTF-8; save it as UTF-8") from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip().casefold() for name in next(reader)]
        places = _places(header, columns)
        for row in reader:
            if not any(value.strip() for value in row):
                continue
            whole = len(row) == len(header)
            yield (
                reader.line_num,
                {field: row[place].strip() if whole else None for field, place in places.items()},
            )
    except csv.Error as error:
        raise _RefusedError(f"line {reader.line_num}: not CSV: {error}") from error


def _places(header: list[str], columns: HotlistColumns) -> dict[str, int]:
    places: dict[str, int] = {}
    for field in _FIELDS:
        name = columns.column(field)
        found = [place for place, title in enumerate(header) if title == name.casefold()]
        if len(found) > 1:
            raise _RefusedError(f"has column {name!r} twice")
        if found:
            places[field] = found[0]
        elif field == "plate" or field in columns.model_fields_set:
            raise _RefusedError(f"has no column {name!r}; set columns.{field} to the one it has")
    return places


def _entry(line: int, values: dict[str, str | None], columns: HotlistColumns) -> HotlistEntry:
    if None in values.values():
        raise _RejectedError("has more or fewer columns than the first line")

    def parsed(field: str, parse: Callable[[str], _Value]) -> _Value | None:
        try:
            value = values.get(field)
            return parse(value) if value else None
        except _RejectedError as error:
            raise _RejectedError(f"{columns.column(field)}: {error}") from error

    plate = parsed("plate", _plate)
    if plate is None:
        raise _RejectedError(f"{columns.plate}: is empty")
    zone = ZoneInfo(columns.time_zone)
    entered = parsed("entered", lambda value: _moment(value, zone, time.min))
    expires = parsed("expires", lambda value: _moment(value, zone, time.max))
    if entered is not None and expires is not None and expires < entered:
        raise _RejectedError(f"{columns.expires}: before {columns.entered}")
    return HotlistEntry(
        entry=parsed("entry", lambda value: _text(value, 128)) or f"line {line}",
        plate=plate,
        state=parsed("state", _state),
        kind=parsed("kind", lambda value: _kind(value, columns)) or columns.default_kind,
        priority=parsed("priority", _priority) or columns.default_priority,
        entered=entered,
        expires=expires,
        note=parsed("note", lambda value: _text(value, 500)) or "",
    )


def _plate(value: str) -> str:
    plate = normalise(value)
    if not plate:
        raise _RejectedError("has no letter or digit")
    if len(plate) > MAX_PLATE_CHARACTERS:
        raise _RejectedError(f"is longer than {MAX_PLATE_CHARACTERS} characters")
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


def build_hotfile(
    entries: Iterable[HotlistEntry],
    *,
    facts: ListFacts,
    confusables: Confusables,
    key: bytes,
    target: Path,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Build the file of a list whose entries are known to be its own, such as a signed one's.

    ``key`` is what :func:`edge.hotfile.keys.hotfile_key` derives; ``progress`` is told now and
    then how many entries are done.

    Raises:
        HotfileError: if an id is there twice, their number is not that of the facts, or the disk
            refuses; then the target is as it was.
    """
    with HotfileWriter(target, confusables=confusables, key=key) as writer:
        for number, entry in enumerate(entries, start=1):
            writer.add(entry)
            if progress is not None and number % PROGRESS_EVERY == 0:
                progress(number)
        if writer.added != facts.entries:
            raise HotfileError(
                f"hot list {facts.name}: version {facts.version} has {writer.added} entries in"
                f" place of {facts.entries}; fetch it again"
            )
        if writer.finish(facts):
            raise HotfileError(f"hot list {facts.name}: version {facts.version} has an id twice")
