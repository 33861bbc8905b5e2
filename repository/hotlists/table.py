"""A hot list as a table: CSV in, entries out; pure.

The first line names the columns: ``entry`` and ``plate`` must be there; ``state``, ``kind``,
``priority``, ``entered``, ``expires`` and ``note`` may. Times are ISO 8601 with a zone; a date
alone is taken in UTC, ``expires`` lasting to the end of its day. One bad line refuses the file:
the version in use stays in use.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

import msgspec

from edge.contract.errors import ContractError
from edge.contract.hotlist import HotlistEntry
from edge.contract.plates import normalise
from repository.errors import RepositoryError

_REQUIRED = frozenset({"entry", "plate"})
_OPTIONAL = frozenset({"state", "kind", "priority", "entered", "expires", "note"})
_DEFAULT_KIND = "other"
_DEFAULT_PRIORITY = 3


class HotlistError(RepositoryError):
    """A hot list cannot be imported, found or handed out; the text names the line and column."""


def read_table(data: bytes) -> list[HotlistEntry]:
    """The entries in a CSV file.

    Raises:
        HotlistError: if it is not CSV in UTF-8, lacks a column, or a line makes no entry.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise HotlistError(f"byte {error.start}: not UTF-8; save the file as UTF-8") from error
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True, restkey="", restval=None)
    entries: list[HotlistEntry] = []
    try:
        _check_columns(reader.fieldnames or ())
        for row in reader:
            if "" in row or None in row.values():
                raise HotlistError(
                    f"line {reader.line_num}: has more or fewer columns than the first line"
                )
            try:
                entries.append(_entry(row))
            except (ValueError, msgspec.ValidationError) as error:
                raise HotlistError(f"line {reader.line_num}: {error}") from error
    except csv.Error as error:
        raise HotlistError(f"line {reader.reader.line_num}: not CSV: {error}") from error
    return entries


def _check_columns(found: Any) -> None:
    names = list(found)
    for name in sorted(_REQUIRED - set(names)):
        raise HotlistError(f"line 1: has no column {name!r}")
    for name in names:
        if name not in _REQUIRED | _OPTIONAL:
            raise HotlistError(f"line 1: column {name!r} is none of a hot list's")
        if names.count(name) > 1:
            raise HotlistError(f"line 1: has column {name!r} twice")


def _entry(row: Mapping[str, str]) -> HotlistEntry:
    values = {name: text.strip() for name, text in row.items()}
    try:
        return msgspec.convert(
            {
                "type": "hotlist_entry",
                "entry": values["entry"],
                "plate": normalise(values["plate"]),
                "state": values.get("state") or None,
                "kind": values.get("kind") or _DEFAULT_KIND,
                "priority": _priority(values.get("priority", "")),
                "entered": _moment("entered", values.get("entered", ""), time.min),
                "expires": _moment("expires", values.get("expires", ""), time.max),
                "note": values.get("note", ""),
            },
            HotlistEntry,
        )
    except ContractError as error:
        raise ValueError(str(error)) from error


def _priority(text: str) -> int:
    if not text:
        return _DEFAULT_PRIORITY
    if not text.isascii() or not text.isdigit():
        raise ValueError("priority: needs 1 (most urgent) to 5")
    return int(text)


def _moment(column: str, text: str, alone: time) -> datetime | None:
    if not text:
        return None
    try:
        if len(text) == len("2026-03-01"):
            return datetime.combine(date.fromisoformat(text), alone, UTC)
        moment = datetime.fromisoformat(text)
        if moment.utcoffset() is None:
            raise ValueError("no zone")
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(
            f"{column}: needs a date, or a time with its zone, as 2026-03-01T09:00:00-05:00"
        ) from error
