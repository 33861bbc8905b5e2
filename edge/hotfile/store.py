"""A built hot list, open: what a plate's entries are, in one look at memory.

Chosen by measuring (scripts/bench hotfile): an index of 16-bit marks that is read into memory at
opening and proven there, and entries that are read from the disk, and proven, when their mark
fits. Nothing is memory-mapped: a disk that fails is an error that is said, where a mapped page
would kill the daemon.
"""

from __future__ import annotations

import contextlib
import hashlib
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
from edge.hotfile.errors import HotfileError
from edge.hotfile.facts import ListFacts
from edge.hotfile.keys import digest_key
from edge.hotfile.layout import (
    HEADER_BYTES,
    MARK_BITS,
    MARKS,
    MAX_SLOT_BITS,
    PIECE_BYTES,
    SLOT_BYTES,
    TAG_BYTES,
    UNIT_BYTES,
    Listed,
    Sealer,
    group_decoder,
    unwrap_header,
    wildcard_decoder,
)
from edge.hotfile.wildcards import WildcardIndex

_SLOT = Struct(f"<I{MARKS}HI")
"""Where a slot's block begins, the marks of its groups, and where the block after it begins."""
_EDGES = Struct("<II")
"""Where a group begins in its block, and where it ends."""
_NUMBER = Struct("<I")
_VALUE = Struct(">Q")
_MARK = (1 << MARK_BITS) - 1


class StoredList:
    """One built list. Lookups may come from any thread.

    A lookup never raises: an entry that does not open is left out, and :attr:`fault` says from
    then on that the file is damaged, for whoever keeps the lists to act on.
    """

    def __init__(self, path: Path, key: bytes, confusables: Confusables) -> None:
        """Open the file and prove its header, its index and its wildcards.

        Raises:
            HotfileError: if the file cannot be read, is none, was cut off or altered, was built
                under another key or for other confusable characters.
        """
        self._path = path
        self.fault: str | None = None
        try:
            self._handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise HotfileError(f"{path}: cannot be read: {error.strerror}") from error
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
            raise HotfileError(f"{path}: cannot be read: {error.strerror}") from error
        header, file_key = unwrap_header(block, size_bytes, key, path)
        if header.groups != confusables.groups:
            raise HotfileError(
                f"{path}: was built for other confusable characters; it has to be built again"
            )
        self._header = header
        self.facts: ListFacts = header.facts
        self._sealer = Sealer(file_key)
        keyed = digest_key(file_key)
        self._plates = hashlib.blake2b(key=keyed, digest_size=8, person=b"plate")
        self._fold = confusables.fold
        self._slot_shift = 64 - header.slot_bits
        self._mark_shift = self._slot_shift - MARK_BITS
        try:
            self._read_index()
            wild_bytes = header.size_bytes - header.wildcards_at
            sealed = os.pread(self._handle, wild_bytes, header.wildcards_at)
            content = self._sealer.open(header.wildcards_at, b"wildcards", sealed)
            wildcards = wildcard_decoder.decode(content)
        except (InvalidTag, ValueError, msgspec.DecodeError) as error:
            raise HotfileError(f"{path}: is damaged; it has to be built again") from error
        except OSError as error:
            raise HotfileError(f"{path}: cannot be read: {error.strerror}") from error
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
            self._sealer.open_into(place, b"index", sealed, opened[start : start + length])
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
        digest = self._plates.copy()
        digest.update(folded.encode("ascii"))
        (value,) = _VALUE.unpack(digest.digest())
        place, *marks, end = _SLOT.unpack_from(
            self._index, (value >> self._slot_shift) * SLOT_BYTES
        )
        mark = value >> self._mark_shift & _MARK or 1
        if mark not in marks and (marks[0] or place == end):
            return ()
        try:
            at = place * UNIT_BYTES  # as _block does: each call less is a fiftieth of the whole
            sealed = os.pread(self._handle, end * UNIT_BYTES - at, at)
            block = self._sealer.open(at, b"block", sealed)
            if marks.count(mark) != 1:
                return self._seldom(folded, block, mark, marks)
            start, stop = _EDGES.unpack_from(block, 4 * marks.index(mark))
            group = group_decoder.decode(block[start:stop])
            if len(group) == 1:  # nearly always: told without a list
                return group if self._fold(group[0].plate) == folded else ()
            return self._of_plate(folded, group)
        except (OSError, InvalidTag, ValueError, msgspec.DecodeError):
            self.fault = self._damage()
            return ()

    def find_wild(self, choices: Sequence[str]) -> tuple[Listed, ...]:
        """The entries with wildcards that fit a plate of these folded characters at each place."""
        return tuple(self._wild[number][1] for number in self._wildcards.find(choices))

    def entries(self) -> Iterator[HotlistEntry]:
        """Every entry, in the order in which they were built.

        Raises:
            HotfileError: if the file is damaged.
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
            self.fault = self._damage()
            raise HotfileError(self.fault) from error

    def _seldom(
        self, folded: str, block: bytes, mark: int, marks: Sequence[int]
    ) -> tuple[Listed, ...]:
        """The entries of the plate where groups share its mark, or the block has the marks."""
        edges = _edges(block)
        if not marks[0]:
            marks = struct.unpack_from(f"<{len(edges) - 1}H", block, 4 * len(edges))
        found: list[Listed] = []
        for one, at, end in zip(marks, edges, edges[1:], strict=False):
            if one == mark:
                found += self._of_plate(folded, group_decoder.decode(block[at:end]))
        return tuple(found)

    def _of_plate(self, folded: str, group: tuple[Listed, ...]) -> tuple[Listed, ...]:
        """Those entries of a group that are of the plate: in all likelihood all or none."""
        return tuple([one for one in group if self._fold(one.plate) == folded])

    def _block(self, place: int, end: int) -> bytes:
        """The content of the block between two places, in units of 16 bytes."""
        at = place * UNIT_BYTES
        return self._sealer.open(at, b"block", os.pread(self._handle, end * UNIT_BYTES - at, at))

    def _damage(self) -> str:
        return f"{self._path}: is damaged; it has to be built again"


def _edges(block: bytes) -> tuple[int, ...]:
    """Where the groups of a block begin, and where the last ends."""
    (first,) = _NUMBER.unpack_from(block)
    groups = first // 4 - 1
    if groups > MARKS:  # then their marks stand before the first
        groups = (first - 4) // 6
    return struct.unpack_from(f"<{groups + 1}I", block)


def _entries(block: bytes, edges: Sequence[int]) -> list[Listed]:
    """All entries of a block, in their order."""
    groups = (group_decoder.decode(block[at:end]) for at, end in pairwise(edges))
    return [one for group in groups for one in group]


def _large(size_bytes: int) -> mmap.mmap:
    """Memory in pages as large as the system gives: a lookup goes anywhere in it."""
    private = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS  # what is shared gets small pages
    memory = mmap.mmap(-1, max(1, size_bytes), flags=private)
    with contextlib.suppress(OSError, AttributeError):
        memory.madvise(mmap.MADV_HUGEPAGE)
    return memory
