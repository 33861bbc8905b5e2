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
from collections.abc import Iterator, Sequence
from pathlib import Path
from struct import Struct
from types import TracebackType

import msgspec
import numpy as np
from cryptography.exceptions import InvalidTag
from numpy.typing import NDArray

from edge.contract.hotlist import HotlistEntry
from edge.contract.plates import Confusables
from edge.hotfile.errors import HotfileError
from edge.hotfile.facts import ListFacts
from edge.hotfile.keys import digest_key
from edge.hotfile.layout import (
    HEADER_BYTES,
    MARK_BITS,
    MAX_SLOT_BITS,
    PIECE_BYTES,
    PLATE_CHARACTERS,
    TAG_BYTES,
    UNIT_BYTES,
    Listed,
    Sealer,
    entry_decoder,
    unwrap_header,
    wildcard_decoder,
)
from edge.hotfile.wildcards import WildcardIndex

_EDGES = Struct("<II")
"""Where an entry begins in its block, and where it ends."""


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
        self._fold_table = {ord(char): confusables.fold(char) for char in PLATE_CHARACTERS}
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
        self._wildcards = WildcardIndex(
            [one.plate.translate(self._fold_table) for _, one in wildcards]
        )

    def _read_index(self) -> None:
        header = self._header
        if not 0 <= header.slot_bits <= MAX_SLOT_BITS:
            raise ValueError("slot_bits")
        index = _large(header.index_bytes)
        for number, start in enumerate(range(0, len(index), PIECE_BYTES)):
            length = min(PIECE_BYTES, len(index) - start)
            place = header.index_at + number * (PIECE_BYTES + TAG_BYTES)
            sealed = os.pread(self._handle, length + TAG_BYTES, place)
            index[start : start + length] = self._sealer.open(place, b"index", sealed)
        slots_bytes = 4 * ((1 << header.slot_bits) + 1)
        whole = memoryview(index)
        self._starts = whole[:slots_bytes].cast("I")
        self._units = whole[slots_bytes : 2 * slots_bytes].cast("I")
        self._marks = index
        self._marks_at = 2 * slots_bytes

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
        value = int.from_bytes(digest.digest(), "big")
        slot = value >> self._slot_shift
        first, end = self._starts[slot], self._starts[slot + 1]
        mark = (value >> self._mark_shift & 0xFFFF).to_bytes(2, "little")
        begin, stop = self._marks_at + 2 * first, self._marks_at + 2 * end
        at = self._marks.find(mark, begin, stop)
        while at >= 0 and (at - begin) & 1:
            at = self._marks.find(mark, at + 1, stop)
        if at < 0:
            return ()
        row = (at - begin) // 2
        last = row + 1
        while (edge := begin + 2 * last) < stop and self._marks[edge : edge + 2] == mark:
            last += 1
        try:
            found = self._decoded(self._block(slot), row, last)
        except (OSError, InvalidTag, ValueError, msgspec.DecodeError):
            self.fault = self._damage()
            return ()
        table = self._fold_table
        return tuple(one for one in found if one.plate.translate(table) == folded)

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
        slots = np.full(total, -1, dtype=np.int64)
        starts = np.frombuffer(self._starts, dtype=np.uint32)
        counts: NDArray[np.uint32] = starts[1:] - starts[:-1]
        slots[: header.slotted] = np.repeat(np.arange(1 << header.slot_bits), counts)
        numbers[header.slotted :] = [number for number, _ in self._wild]
        try:
            for slot in np.flatnonzero(counts).tolist():
                first, count = self._starts[slot], int(counts[slot])
                content = self._block(slot)
                numbers[first : first + count] = np.frombuffer(
                    content, "<u4", count, 4 * (count + 1)
                )
            for row in map(int, np.argsort(numbers)):
                slot = int(slots[row])
                if slot < 0:
                    yield self._wild[row - header.slotted][1].as_entry()
                    continue
                place = row - self._starts[slot]
                (listed,) = self._decoded(self._block(slot), place, place + 1)
                yield listed.as_entry()
        except (OSError, InvalidTag, ValueError, msgspec.DecodeError) as error:
            self.fault = self._damage()
            raise HotfileError(self.fault) from error

    def _block(self, slot: int) -> bytes:
        """The content of one slot's block."""
        at, end = self._units[slot] * UNIT_BYTES, self._units[slot + 1] * UNIT_BYTES
        return self._sealer.open(at, b"block", os.pread(self._handle, end - at, at))

    def _decoded(self, block: bytes, first: int, end: int) -> list[Listed]:
        """Some of the entries of a block."""
        found = []
        for row in range(first, end):
            at, stop = _EDGES.unpack_from(block, 4 * row)
            found.append(entry_decoder.decode(block[at:stop]))
        return found

    def _damage(self) -> str:
        return f"{self._path}: is damaged; it has to be built again"


def _large(size_bytes: int) -> mmap.mmap:
    """Memory in pages as large as the system gives: a lookup goes anywhere in it."""
    memory = mmap.mmap(-1, max(1, size_bytes))
    with contextlib.suppress(OSError, AttributeError):
        memory.madvise(mmap.MADV_HUGEPAGE)
    return memory
