"""A built hot list, open: what a plate's entries are, in one look at memory.

Chosen by measuring (scripts/bench hotfile): an index of 16-bit marks that is read into memory at
opening and proven there, and entries that are read from the disk when their mark fits. Nothing is
memory-mapped: a disk that fails is an error that is said, where a mapped page would kill the
daemon.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
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
    LENGTH_BITS,
    MARK_BITS,
    MAX_SLOT_BITS,
    PIECE_BYTES,
    PLACE_BYTES,
    PLATE_CHARACTERS,
    TAG_BYTES,
    Listed,
    Sealer,
    entry_decoder,
    unwrap_header,
    wildcard_decoder,
)
from edge.hotfile.wildcards import WildcardIndex

_CHECK_BYTES = 1 << 20


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
        self._wildcard_places = tuple(place for _, place in wildcards)
        self._wildcards = WildcardIndex([pattern for pattern, _ in wildcards])

    def _read_index(self) -> None:
        header = self._header
        if not 0 <= header.slot_bits <= MAX_SLOT_BITS:
            raise ValueError("slot_bits")
        index = bytearray(header.index_bytes)
        for number, start in enumerate(range(0, len(index), PIECE_BYTES)):
            length = min(PIECE_BYTES, len(index) - start)
            place = header.index_at + number * (PIECE_BYTES + TAG_BYTES)
            sealed = os.pread(self._handle, length + TAG_BYTES, place)
            index[start : start + length] = self._sealer.open(place, b"index", sealed)
        slots_bytes = 4 * ((1 << header.slot_bits) + 1)
        whole = memoryview(index)
        self._starts = whole[:slots_bytes].cast("I")
        self._marks = index
        self._marks_at = slots_bytes

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
        starts = self._starts
        first, end = starts[slot], starts[slot + 1]
        mark = (value >> self._mark_shift & 0xFFFF).to_bytes(2, "little")
        begin, stop = self._marks_at + 2 * first, self._marks_at + 2 * end
        at = self._marks.find(mark, begin, stop)
        while at >= 0 and (at - begin) & 1:
            at = self._marks.find(mark, at + 1, stop)
        if at < 0:
            return ()
        row = first + (at - begin) // 2
        count = 1
        while at + 2 * count < stop and self._marks[at + 2 * count : at + 2 * count + 2] == mark:
            count += 1
        return self._rows(row, count, folded)

    def find_wild(self, choices: Sequence[str]) -> tuple[Listed, ...]:
        """The entries with wildcards that fit a plate of these folded characters at each place."""
        numbers = self._wildcards.find(choices)
        found = (self._entry(self._wildcard_places[number]) for number in numbers)
        return tuple(entry for entry in found if entry is not None)

    def entries(self) -> Iterator[HotlistEntry]:
        """Every entry, in the order in which they were built.

        Raises:
            HotfileError: if one of them is damaged.
        """
        rows = np.frombuffer(b"".join(self._read_places()), dtype="<u8")
        wild = np.array(self._wildcard_places, dtype=np.uint64)
        for place in np.sort(np.concatenate([rows, wild])):
            entry = self._entry(int(place))
            if entry is None:
                raise HotfileError(self.fault or "")
            yield entry.as_entry()

    def check(self) -> None:
        """Prove the part that lookups do not: it takes a second for ten million entries.

        Raises:
            HotfileError: if the file is damaged.
        """
        digest = hashlib.blake2b(digest_size=32)
        for piece in self._read_places():
            digest.update(piece)
        if digest.hexdigest() != self._header.places_digest:
            self._damaged()
            raise HotfileError(self.fault or "")

    def _rows(self, row: int, count: int, folded: str) -> tuple[Listed, ...]:
        at = self._header.places_at + PLACE_BYTES * row
        try:
            data = os.pread(self._handle, PLACE_BYTES * count, at)
        except OSError:
            self._damaged()
            return ()
        found = []
        for number in range(0, len(data), PLACE_BYTES):
            place = int.from_bytes(data[number : number + PLACE_BYTES], "little")
            entry = self._entry(place)
            if entry is not None and entry.plate.translate(self._fold_table) == folded:
                found.append(entry)
        return tuple(found)

    def _entry(self, place: int) -> Listed | None:
        at, length = place >> LENGTH_BITS, place & ((1 << LENGTH_BITS) - 1)
        try:
            sealed = os.pread(self._handle, length, at)
            return entry_decoder.decode(self._sealer.open(at, b"entry", sealed))
        except (OSError, InvalidTag, ValueError, OverflowError, msgspec.DecodeError):
            self._damaged()
            return None

    def _read_places(self) -> Iterator[bytes]:
        start = self._header.places_at
        end = start + PLACE_BYTES * self._header.rows
        try:
            for at in range(start, end, _CHECK_BYTES):
                yield os.pread(self._handle, min(_CHECK_BYTES, end - at), at)
        except OSError as error:
            raise HotfileError(f"{self._path}: cannot be read: {error.strerror}") from error

    def _damaged(self) -> None:
        self.fault = f"{self._path}: is damaged; it has to be built again"
