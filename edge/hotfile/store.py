"""A built hot list, open: what a plate's entries are, in one look at memory.

Chosen by measuring (scripts/bench hotfile): an index of 16-bit marks that is read into memory at
opening and proven there, and entries that are read from the disk, and proven, when their mark
fits. Nothing is memory-mapped: a disk that fails is an error that is said, where a mapped page
would kill the daemon.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import struct
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from struct import Struct
from types import TracebackType

import msgspec
import numpy as np
from cryptography.exceptions import InvalidTag

from edge.contract.hotlist import HotlistEntry
from edge.contract.plates import Confusables
from edge.hotfile.errors import DamagedListError, HotfileError, UnreadListError
from edge.hotfile.facts import ListFacts
from edge.hotfile.keys import file_identity, plate_numbers
from edge.hotfile.layout import (
    HEADER_BYTES,
    MARK_BITS,
    MARKS,
    MAX_SLOT_BITS,
    PIECE_BYTES,
    SLOT_BYTES,
    TAG_BYTES,
    UNIT_BYTES,
    Group,
    Listed,
    Sealer,
    group_decoder,
    unwrap_header,
    wildcard_decoder,
)
from edge.hotfile.wildcards import WildcardIndex

_PLACES = Struct(f"<I{2 * MARKS}xI")
"""Where a slot's block begins and, past the marks of its groups, where the next one does."""
_MARKS_AT, _MARKS_END = 4, 4 + 2 * MARKS
_EDGES = Struct("<II")
"""Where a group begins in its block, and where it ends."""
_NUMBER = Struct("<I")
_MARK = (1 << MARK_BITS) - 1
_NO_MARK = bytes(2)


class StoredList:
    """One built list. Lookups may come from any thread.

    A lookup never raises: an entry that does not open is left out, and :attr:`fault` says from
    then on that the file is damaged, for whoever keeps the lists to act on.
    """

    def __init__(self, path: Path, key: bytes, confusables: Confusables) -> None:
        """Open the file and prove its header, its index and its wildcards.

        Raises:
            UnreadListError: if the file cannot be read now.
            HotfileError: if it is none, was cut off or altered, was built under another key or
                for other confusable characters.
        """
        self._path = path
        self.fault: str | None = None
        """What is wrong with the file, once that is known."""
        try:
            self._handle = _open(path)
        except OSError as error:
            raise UnreadListError(f"{path}: cannot be read: {error.strerror}") from error
        try:
            self._open(key, confusables)
        except BaseException:
            self.close()
            raise

    def _open(self, key: bytes, confusables: Confusables) -> None:
        path = self._path
        try:
            block = os.pread(self._handle, HEADER_BYTES, 0)
            size_bytes = os.fstat(self._handle).st_size
        except OSError as error:
            raise UnreadListError(f"{path}: cannot be read: {error.strerror}") from error
        header, file_key = unwrap_header(block, size_bytes, key, path)
        if header.groups != confusables.groups:
            raise HotfileError(
                f"{path}: was built for other confusable characters; it has to be built again"
            )
        self._header = header
        self.facts: ListFacts = header.facts
        self.identity = file_identity(file_key)
        """Tells this file from every other, also from another of the same version."""
        self._sealer = Sealer(file_key)
        self._decrypt = self._sealer.decrypt
        self._factor, self._summand = plate_numbers(file_key)
        self._slot_shift = 128 - header.slot_bits
        self._slots = (1 << header.slot_bits) - 1
        self._mark_shift = self._slot_shift - MARK_BITS
        try:
            self._read_index()
            wild_bytes = header.size_bytes - header.wildcards_at
            sealed = os.pread(self._handle, wild_bytes, header.wildcards_at)
            content = self._sealer.open(header.wildcards_at, sealed)
            wildcards = wildcard_decoder.decode(content)
        except (InvalidTag, ValueError, msgspec.DecodeError) as error:
            raise DamagedListError(self.note_damage()) from error
        except OSError as error:
            raise UnreadListError(f"{path}: cannot be read: {error.strerror}") from error
        self._wild = wildcards
        self._wildcards = WildcardIndex([confusables.fold(one.plate) for _, one in wildcards])

    def _read_index(self) -> None:
        header = self._header
        if not 0 <= header.slot_bits <= MAX_SLOT_BITS:
            raise ValueError("slot_bits")
        index = _large(header.index_bytes)
        opened = memoryview(index)
        for number, start in enumerate(range(0, len(index), PIECE_BYTES)):
            length = min(PIECE_BYTES, len(index) - start)
            place = header.index_at + number * (PIECE_BYTES + TAG_BYTES)
            sealed = os.pread(self._handle, length + TAG_BYTES, place)
            self._sealer.open_into(place, sealed, opened[start : start + length])
        self._index = index

    def __enter__(self) -> StoredList:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the file go; the list must not be used after."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def __del__(self) -> None:
        # Readers may still hold a list that another has replaced, so nobody closes it for them.
        if getattr(self, "_handle", -1) >= 0:
            self.close()

    @property
    def wildcards(self) -> int:
        """Number of entries with wildcards."""
        return len(self._wildcards)

    def find(self, folded: str) -> tuple[Listed, ...]:
        """The entries whose folded plate this is, the most urgent first."""
        # Each call left out here is a fiftieth of the whole.
        try:
            value = int(folded, 36) * self._factor + self._summand
        except ValueError:
            return ()  # nothing that is listed has such characters
        at = (value >> self._slot_shift & self._slots) * SLOT_BYTES
        slot = self._index[at : at + _PLACES.size]
        mark = (value >> self._mark_shift & _MARK or 1).to_bytes(2, "little")
        found = slot.find(mark, _MARKS_AT, _MARKS_END)
        if found < 0 and (slot[4:6] != _NO_MARK or slot[:4] == slot[_MARKS_END:]):
            return ()
        try:
            place, end = _PLACES.unpack(slot)
            at = place * UNIT_BYTES
            sealed = os.pread(self._handle, end * UNIT_BYTES - at, at)
            block = self._decrypt(at.to_bytes(12, "big"), sealed, None)
            if found & 1:  # seldom: nowhere, or across two marks
                return _look_through(block, folded)
            start, stop = _EDGES.unpack_from(block, 2 * (found - _MARKS_AT))
            group = group_decoder.decode(block[start:stop])
        except (OSError, InvalidTag, ValueError, msgspec.DecodeError):
            self.note_damage()
            return ()
        return group.entries if group.folded == folded else ()

    def find_wild(self, choices: Sequence[str]) -> tuple[Listed, ...]:
        """The entries with wildcards that fit a plate of these folded characters at each place."""
        return tuple(self._wild[number][1] for number in self._wildcards.find(choices))

    def entries(self) -> Iterator[HotlistEntry]:
        """Every entry, in the order in which they were built.

        Raises:
            DamagedListError: if the file is damaged.
        """
        header = self._header
        total = header.slotted + len(self._wild)
        numbers = np.zeros(total, dtype=np.uint32)
        slots = np.full(total, -1, dtype=np.int32)
        rows = np.arange(-header.slotted, len(self._wild), dtype=np.int32)
        numbers[header.slotted :] = [number for number, _ in self._wild]
        places = np.frombuffer(self._index, "<u4")[:: SLOT_BYTES // 4]
        try:
            first = 0
            for slot in np.flatnonzero(np.diff(places)).tolist():
                block = self._block(*places[slot : slot + 2].tolist())
                edges = _edges(block)
                end = first + (count := len(_entries(block, edges)))
                numbers[first:end] = np.frombuffer(block, "<u4", count, edges[-1])
                slots[first:end], rows[first:end] = slot, range(count)
                first = end
            if first != header.slotted:
                raise ValueError("slotted")
            for one in map(int, np.argsort(numbers)):
                slot, row = int(slots[one]), int(rows[one])
                if slot < 0:
                    yield self._wild[row][1].as_entry()
                    continue
                block = self._block(*places[slot : slot + 2].tolist())
                yield _entries(block, _edges(block))[row].as_entry()
        except (OSError, InvalidTag, ValueError, msgspec.DecodeError) as error:
            raise DamagedListError(self.note_damage()) from error

    def note_damage(self) -> str:
        """Note that the file is damaged; what :attr:`fault` says from then on."""
        self.fault = f"{self._path}: is damaged; it has to be built again"
        return self.fault

    def _block(self, place: int, end: int) -> bytes:
        """The content of the block between two places, in units of 16 bytes."""
        at = place * UNIT_BYTES
        return self._sealer.open(at, os.pread(self._handle, end * UNIT_BYTES - at, at))


def _open(path: Path) -> int:
    """Open the file for reading that leaves no trace in its times, where that is ours to say."""
    flags = os.O_RDONLY | os.O_CLOEXEC
    try:
        return os.open(path, flags | os.O_NOATIME)
    except PermissionError:
        return os.open(path, flags)


def _look_through(block: bytes, folded: str) -> tuple[Listed, ...]:
    """The entries of the plate in a block, whatever the index says of its marks."""
    for group in _groups(block, _edges(block)):
        if group.folded == folded:
            return group.entries
    return ()


def _edges(block: bytes) -> tuple[int, ...]:
    """Where the groups of a block begin, and where the last ends."""
    (first,) = _NUMBER.unpack_from(block)
    return struct.unpack_from(f"<{first // 4}I", block)


def _groups(block: bytes, edges: Sequence[int]) -> Iterator[Group]:
    return (group_decoder.decode(block[at:end]) for at, end in pairwise(edges))


def _entries(block: bytes, edges: Sequence[int]) -> list[Listed]:
    """All entries of a block, in their order."""
    return [one for group in _groups(block, edges) for one in group.entries]


def _large(size_bytes: int) -> mmap.mmap:
    """Memory in pages as large as the system gives: a lookup goes anywhere in it."""
    private = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS  # what is shared gets small pages
    memory = mmap.mmap(-1, max(1, size_bytes), flags=private)
    with contextlib.suppress(OSError, AttributeError):
        memory.madvise(mmap.MADV_HUGEPAGE)
    return memory
