"""Rows found on the pages of a database file themselves, where no sound page leads to them.

A table is a tree of pages, and a damaged page near its root leaves all that lies behind it
unreachable for SQLite, though it is as it was. Each leaf says what is on it, so the rows are read
from there, as https://www.sqlite.org/fileformat2.html describes it (1.6, 2.1). A leaf does not say
whose table it is of: rows are known by the kinds of their columns, and what they hold is proven by
their seal. What was purged is overwritten, so it is not found again.
"""

from __future__ import annotations

import struct
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

from edge.spool.errors import SpoolError

PAGE_BYTES = 4096
"""As SQLite makes them unless it is told otherwise; a first page that would tell may be damaged."""

_TABLE_LEAF = 0x0D
_LEAF_HEADER_BYTES = 8
_LARGEST_ROW_BYTES = 8 * 1024 * 1024
_OWN_MOST = PAGE_BYTES - 35
"""Bytes of a row that fit its leaf; a larger one keeps fewer there, the rest on its own pages."""

_OWN_LEAST = (PAGE_BYTES - 12) * 32 // 255 - 23
_INTEGER_BYTES = (0, 1, 2, 3, 4, 6, 8)
_FLOAT, _ZERO, _ONE, _FIRST_BLOB = 7, 8, 9, 12

Row = dict[str, Any]


class _NoRowError(SpoolError):
    """What lies there is no row."""


@dataclass(frozen=True)
class LooseRows:
    """The rows of one table in a file.

    ``columns`` are its columns in order, each with the type of its values; None stands for the key,
    which SQLite keeps apart. A row may lack the last ones, from before they were added.
    """

    path: Path
    columns: Sequence[tuple[str, type | None]]

    def between(self, first: int, last: int) -> Iterator[Row]:
        """Rows of these keys in order; one that is found twice is given twice."""
        keys = self._keys[bisect_left(self._keys, first) : bisect_right(self._keys, last)]
        if keys:
            with self.path.open("rb") as file:
                pages = _Pages(file)
                for number, offset in (cell for key in keys for cell in self._cells[key]):
                    with suppress(_NoRowError):
                        yield self._row(pages, number, offset)

    @cached_property
    def _keys(self) -> list[int]:
        return sorted(self._cells)

    @cached_property
    def _cells(self) -> dict[int, list[tuple[int, int]]]:
        """Where the rows of each key lie: number of the page, and offset on it."""
        found: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
        if self.path.exists():
            with self.path.open("rb") as file:
                pages = _Pages(file)
                for number in range(2, pages.count + 1):
                    for offset in pages.cells(number):
                        with suppress(_NoRowError):
                            found[self._key(pages, number, offset)].append((number, offset))
        return dict(found)

    def _key(self, pages: _Pages, number: int, offset: int) -> int:
        """The key of a row that looks like one of this table, by what of it lies on its leaf."""
        key, start, size = pages.head(number, offset)
        at, kinds = _kinds(pages.page(number)[start : start + _own_bytes(size)], self.columns)
        if at + sum(map(_bytes_of, kinds)) != size:
            raise _NoRowError("its columns do not fill it")
        return key

    def _row(self, pages: _Pages, number: int, offset: int) -> Row:
        key, start, size = pages.head(number, offset)
        content = pages.content(number, start, size)
        at, kinds = _kinds(content, self.columns)
        row: Row = {}
        for (name, of), kind in zip(self.columns, kinds, strict=False):
            end = at + _bytes_of(kind)
            row[name] = key if of is None else _value(content[at:end], kind)
            at = end
        return row


class _Pages:
    """The pages of a file, of which one is kept at hand."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._at_hand: tuple[int, bytes] = (0, b"")
        self.count = file.seek(0, 2) // PAGE_BYTES

    def page(self, number: int) -> bytes:
        if self._at_hand[0] != number:
            if not 0 < number <= self.count:
                raise _NoRowError(f"no page {number}")
            self._file.seek((number - 1) * PAGE_BYTES)
            self._at_hand = number, self._file.read(PAGE_BYTES)
        return self._at_hand[1]

    def cells(self, number: int) -> list[int]:
        """Offsets of what lies on a leaf of a table; none on another page."""
        page = self.page(number)
        (count,) = struct.unpack_from(">H", page, 3)
        if page[0] != _TABLE_LEAF or _LEAF_HEADER_BYTES + 2 * count > PAGE_BYTES:
            return []
        return list(struct.unpack_from(f">{count}H", page, _LEAF_HEADER_BYTES))

    def head(self, number: int, offset: int) -> tuple[int, int, int]:
        """A row's key, where its content begins, and how many bytes that has."""
        page = self.page(number)
        size, offset = _varint(page, offset)
        key, offset = _varint(page, offset)
        if not 0 < size <= _LARGEST_ROW_BYTES:
            raise _NoRowError("its size is none")
        return key, offset, size

    def content(self, number: int, start: int, size: int) -> bytes:
        """All bytes of a row, from as many pages as it takes."""
        own = _own_bytes(size)
        content = bytearray(self.page(number)[start : start + own])
        if own < size:
            number = self._next(self.page(number), start + own)
            while len(content) < size:
                page = self.page(number)
                content += page[4 : 4 + size - len(content)]
                number = self._next(page, 0)
        if len(content) != size:
            raise _NoRowError("it is cut off")
        return bytes(content)

    def _next(self, page: bytes, offset: int) -> int:
        if offset + 4 > len(page):
            raise _NoRowError("it is cut off")
        (number,) = struct.unpack_from(">I", page, offset)
        return int(number)


def _own_bytes(size: int) -> int:
    """How many bytes of a row of that size lie on its leaf."""
    if size <= _OWN_MOST:
        return size
    own = _OWN_LEAST + (size - _OWN_LEAST) % (PAGE_BYTES - 4)
    return own if own <= _OWN_MOST else _OWN_LEAST


def _kinds(content: bytes, columns: Sequence[tuple[str, type | None]]) -> tuple[int, list[int]]:
    """Where a row's values begin, and of what kind and size each is."""
    end, at = _varint(content, 0)
    kinds: list[int] = []
    while at < end:
        kind, at = _varint(content, at)
        kinds.append(kind)
    types = [of for _, of in columns[: len(kinds)]]
    if at != end or not kinds or [_type_of(kind) for kind in kinds] != types:
        raise _NoRowError("it has other columns")
    return at, kinds


def _type_of(kind: int) -> type | None:
    if kind == 0:
        return None
    if kind >= _FIRST_BLOB:
        return str if kind % 2 else bytes
    if kind < len(_INTEGER_BYTES) or kind in (_ZERO, _ONE):
        return int
    return float


def _bytes_of(kind: int) -> int:
    if kind >= _FIRST_BLOB:
        return (kind - _FIRST_BLOB) // 2
    if kind == _FLOAT:
        return 8
    return _INTEGER_BYTES[kind] if kind < len(_INTEGER_BYTES) else 0


def _value(raw: bytes, kind: int) -> int | str | bytes:
    of = _type_of(kind)
    if of is bytes:
        return raw
    if of is str:
        return raw.decode("utf-8", "replace")
    return kind - _ZERO if kind in (_ZERO, _ONE) else int.from_bytes(raw, "big", signed=True)


def _varint(content: bytes, at: int) -> tuple[int, int]:
    """A number of one to nine bytes, and where the next begins."""
    number = 0
    for byte in content[at : at + 8]:
        at += 1
        number = number << 7 | byte & 0x7F
        if byte < 0x80:
            return number, at
    if at >= len(content):
        raise _NoRowError("it is cut off")
    return number << 8 | content[at], at + 1
