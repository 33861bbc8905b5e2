"""The lines of lists' files on their way, each with its end; pure.

A list at the centre is merged, compared and written as lines, whose bytes are what is signed: of
each only the id and the end are looked at. Lines come in ascending order of their ids.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

import msgspec

from edge.contract.hotlist import HotlistEntry, encode_entry


class Line(NamedTuple):
    """An entry's line in a list's file, its id, and when the entry ends."""

    entry: str
    expires: datetime | None
    raw: bytes


class _Head(msgspec.Struct):
    entry: str
    expires: datetime | None


_head = msgspec.json.Decoder(_Head)


def of_entry(entry: HotlistEntry) -> Line:
    """The line of an entry.

    Raises:
        ContractError: if no unit would take it.
    """
    return Line(entry.entry, entry.expires, encode_entry(entry) + b"\n")


def of_entries(entries: Iterable[HotlistEntry]) -> list[Line]:
    """The lines of entries that come in any order.

    Raises:
        ContractError: if there is one that no unit would take.
    """
    return sorted(map(of_entry, entries))


def split(pieces: Iterable[bytes]) -> Iterator[Line]:
    """The lines in a list's file that comes in pieces, wherever these are cut."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        for raw in whole:
            head = _head.decode(raw)
            yield Line(head.entry, head.expires, raw + b"\n")


def merge(sources: Iterable[Iterable[Line]]) -> Iterator[Line]:
    """The lines of all sources, in order."""
    return heapq.merge(*sources, key=lambda line: line.entry)


def alive(lines: Iterable[Line], now: datetime, withdrawn: Collection[str]) -> Iterator[Line]:
    """Those that have not ended and were not withdrawn."""
    for line in lines:
        if (line.expires is None or line.expires > now) and line.entry not in withdrawn:
            yield line
