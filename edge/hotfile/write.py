"""Writing a built hot list, entry by entry, in memory that does not grow with what they hold.

The entries are first set aside, sealed under a key that is forgotten, in a file beside the list's
own; of each only numbers are kept, 24 bytes in all. Once all are there they are put in order.
"""

from __future__ import annotations

import hashlib
import os
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import IO, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge.contract.hotlist import HotlistEntry
from edge.contract.hotlist_table import MAX_WILDCARDS
from edge.contract.plates import Confusables
from edge.hotfile.errors import HotfileError
from edge.hotfile.facts import ListFacts
from edge.hotfile.keys import plate_numbers
from edge.hotfile.layout import (
    HEADER_BYTES,
    MARK_BITS,
    MARKS,
    MAX_ENTRIES,
    MAX_SLOT_BITS,
    PIECE_BYTES,
    UNIT_BYTES,
    Header,
    Listed,
    Sealer,
    entry_encoder,
    wrap_header,
)

Accept: TypeAlias = Callable[[ListFacts, ListFacts, tuple[int, ...]], ListFacts]
UNFINISHED = ("aside", "new")
"""Endings of what lies beside a target while it is built."""

_BUFFER_BYTES = 1 << 20
_SLOTS_AT_ONCE = 1 << 16
_LENGTH_BITS = 16
_DIGEST = (1 << 64) - 1
_PRIORITY_BITS = 3
_MAX_UNITS = (1 << 32) - 1

_aside_decoder = msgspec.msgpack.Decoder(tuple[str, msgspec.Raw])


class HotfileWriter:
    """Writes a built list beside its target and puts it there when it is whole.

    Use as a context manager: what was not finished is removed.
    """

    def __init__(
        self,
        target: Path,
        *,
        confusables: Confusables,
        key: bytes,
        random_bytes: Callable[[int], bytes] = os.urandom,
    ) -> None:
        """Begin; ``key`` is what :func:`edge.hotfile.keys.hotfile_key` derives."""
        self._target = target
        self._confusables = confusables
        self._key = key
        self._random_bytes = random_bytes
        self._file_key = random_bytes(32)
        self._factor, self._summand = plate_numbers(self._file_key)
        self._ids = hashlib.blake2b(key=random_bytes(32), digest_size=8)
        self._aside = Sealer(random_bytes(32))
        self._order = array("Q")
        self._places = array("Q")
        self._identities = array("Q")
        self._wildcards: list[tuple[int, Listed]] = []
        self._at = 0
        own = random_bytes(4).hex()
        self._unfinished = [target.with_name(f"{target.name}.{own}.{end}") for end in UNFINISHED]
        try:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._files = [_open_private(path) for path in self._unfinished]
        except OSError as error:
            raise self._unwritten(error) from error

    def __enter__(self) -> HotfileWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for file, path in zip(self._files, self._unfinished, strict=True):
            with suppress(OSError):
                file.close()
            with suppress(OSError):
                path.unlink(missing_ok=True)

    @property
    def added(self) -> int:
        """Entries added so far."""
        return len(self._places)

    @property
    def wildcards(self) -> int:
        """How many of them have wildcards."""
        return len(self._wildcards)

    def add(self, entry: HotlistEntry) -> None:
        """Take one more entry.

        Raises:
            HotfileError: if the disk refuses, or there are more entries than a list may have.
        """
        number = len(self._places)
        if number >= MAX_ENTRIES:
            raise HotfileError(f"{self._target}: a list takes {MAX_ENTRIES} entries at most")
        listed = Listed.of_entry(entry)
        folded = self._confusables.fold(entry.plate)
        digest = 0
        if "?" not in folded and "*" not in folded:
            digest = (int(folded, 36) * self._factor + self._summand) >> 64 & _DIGEST
        else:
            if len(self._wildcards) >= MAX_WILDCARDS:
                raise HotfileError(
                    f"{self._target}: a list takes {MAX_WILDCARDS} entries with wildcards at most"
                )
            self._wildcards.append((number, listed))
        identity = self._ids.copy()
        identity.update(entry.entry.encode("utf-8"))
        self._identities.append(int.from_bytes(identity.digest(), "big"))
        # The urgent of one plate come first; eight digests share what this overwrites.
        self._order.append(digest >> _PRIORITY_BITS << _PRIORITY_BITS | entry.priority)
        sealed = self._aside.seal(self._at, entry_encoder.encode((folded, listed)))
        self._places.append(self._at << _LENGTH_BITS | len(sealed))
        self._put(self._files[0], sealed)

    def finish(self, facts: ListFacts, accept: Accept) -> ListFacts:
        """Put the whole list in its place; what ``accept`` gives are its facts.

        ``accept`` is asked first, with the facts given, the same with the number of entries built,
        and which of the entries, from 0 and ascending, are left out because one before them has
        the same id. What it raises comes through, and the target is then as it was.

        Raises:
            HotfileError: if the disk refuses; the target is as it was.
        """
        kept, twins = _kept(np.frombuffer(self._identities, dtype=np.uint64))
        self._identities = array("Q")
        built = msgspec.structs.replace(facts, entries=int(kept.sum()))
        built = accept(facts, built, twins)
        wildcards = tuple(one for one in self._wildcards if kept[one[0]])
        kept[[number for number, _ in self._wildcards]] = False
        numbers = np.flatnonzero(kept).astype(np.uint32)
        order = np.frombuffer(self._order, dtype=np.uint64)[numbers]
        by_digest = np.argsort(order, kind="stable")
        order, numbers = order[by_digest], numbers[by_digest]
        places = np.frombuffer(self._places, dtype=np.uint64)[numbers]
        del by_digest
        slotted, slot_bits = len(order), _slot_bits(len(order))
        groups = _groups(order)
        order = order[groups[:-1]]
        starts = _starts(order, slot_bits)
        marks = _marks(order, slot_bits)
        sealer = Sealer(self._file_key)
        self._at = 0
        self._put(self._files[1], bytes(HEADER_BYTES))
        units, telling = self._put_blocks(sealer, starts, marks, groups, numbers, places)
        index_at = self._at
        index = _index(units, starts, marks, telling)
        for start in range(0, len(index), PIECE_BYTES):
            piece = index[start : start + PIECE_BYTES].tobytes()
            self._put(self._files[1], sealer.seal(self._at, piece))
        wildcards_at = self._at
        content = msgspec.msgpack.encode(wildcards)
        self._put(self._files[1], sealer.seal(wildcards_at, content))
        header = Header(
            facts=built,
            groups=self._confusables.groups,
            slotted=slotted,
            slot_bits=slot_bits,
            index_at=index_at,
            wildcards_at=wildcards_at,
            size_bytes=self._at,
            wrapped="",
        )
        self._put_in_place(wrap_header(header, self._file_key, self._key, self._random_bytes(12)))
        return built

    def _put_blocks(
        self,
        sealer: Sealer,
        starts: NDArray[np.uint32],
        marks: NDArray[np.uint16],
        groups: NDArray[np.uint32],
        numbers: NDArray[np.uint32],
        places: NDArray[np.uint64],
    ) -> tuple[NDArray[np.uint32], NDArray[np.bool_]]:
        """Write a block for each slot.

        Returns:
            The place of each in units, and of the end; and whether its marks tell its groups.
        """
        try:
            self._files[0].flush()
            aside = self._files[0].fileno()
        except OSError as error:
            raise self._unwritten(error) from error
        units = np.zeros(len(starts), dtype="<u4")
        telling = np.zeros(len(starts), dtype=np.bool_)
        for slot, (first, end) in enumerate(_pairs(starts)):
            if self._at // UNIT_BYTES > _MAX_UNITS:
                raise HotfileError(f"{self._target}: has more entries than its file can hold")
            units[slot] = self._at // UNIT_BYTES
            if first < end:
                edges = groups[first : end + 1].tolist()
                some = slice(edges[0], edges[-1])
                entries = [self._set_aside(aside, place) for place in places[some].tolist()]
                plates = _plates(entries, edges)
                own = [
                    entry_encoder.encode((folded, [entries[row][1] for row in rows]))
                    for (_, folded), rows in plates.items()
                ]
                order = [row for rows in plates.values() for row in rows]
                self._put_block(sealer, own, numbers[some][order].tobytes())
                own_marks = set(marks[first:end].tolist())
                telling[slot] = len(own) == len(own_marks) <= MARKS
        units[-1] = self._at // UNIT_BYTES
        return units, telling

    def _put_block(self, sealer: Sealer, groups: list[bytes], numbers: bytes) -> None:
        lengths = [4 * (len(groups) + 1), *map(len, groups)]
        edges = np.cumsum(lengths, dtype="<u4").tobytes()
        block = b"".join((edges, *groups, numbers))
        block += bytes(-len(block) % UNIT_BYTES)
        self._put(self._files[1], sealer.seal(self._at, block))

    def _set_aside(self, handle: int, place: int) -> tuple[str, msgspec.Raw]:
        """The folded plate of an entry that was set aside, and the entry."""
        at, length = place >> _LENGTH_BITS, place & ((1 << _LENGTH_BITS) - 1)
        try:
            return _aside_decoder.decode(self._aside.open(at, os.pread(handle, length, at)))
        except OSError as error:
            raise self._unwritten(error) from error

    def _put(self, file: IO[bytes], content: bytes) -> None:
        try:
            file.write(content)
        except OSError as error:
            raise self._unwritten(error) from error
        self._at += len(content)

    def _put_in_place(self, block: bytes) -> None:
        file = self._files[1]
        try:
            file.flush()
            os.fsync(file.fileno())
            file.seek(0)
            file.write(block)
            file.flush()
            os.fsync(file.fileno())
            self._unfinished[1].replace(self._target)
            sync_folder(self._target.parent)
        except OSError as error:
            raise self._unwritten(error) from error

    def _unwritten(self, error: OSError) -> HotfileError:
        return HotfileError(f"{self._target}: cannot be written: {error.strerror}")


def _pairs(starts: NDArray[np.uint32]) -> Iterator[tuple[int, int]]:
    """Where the groups of each slot begin and end, without all of it as Python's numbers."""
    for at in range(0, len(starts) - 1, _SLOTS_AT_ONCE):
        yield from pairwise(starts[at : at + _SLOTS_AT_ONCE + 1].tolist())


def _open_private(path: Path) -> IO[bytes]:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    return os.fdopen(handle, "w+b", buffering=_BUFFER_BYTES)


def sync_folder(folder: Path) -> None:
    """Make the renames in a folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _kept(identities: NDArray[np.uint64]) -> tuple[NDArray[np.bool_], tuple[int, ...]]:
    """Which entries are the first of their id, and the numbers of those that are not.

    Equal digests of 64 bits are taken for equal ids: among ten million ids two different ones
    meet in one list of 370,000, and the later is then left out and said, never silently.
    """
    order = np.argsort(identities, kind="stable")
    ranked = identities[order]
    again = order[1:][ranked[1:] == ranked[:-1]]
    kept = np.ones(len(identities), dtype=np.bool_)
    kept[again] = False
    return kept, tuple(sorted(again.tolist()))


def _groups(order: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """Where the entries of each digest begin, and their number; ``order`` is ascending."""
    digests = order >> np.uint64(_PRIORITY_BITS)
    starts = np.flatnonzero(digests[1:] != digests[:-1]) + 1
    return np.concatenate(([0] if len(order) else [], starts, [len(order)])).astype(np.uint32)


def _slot_bits(entries: int) -> int:
    """For 1.25 to 2.5 entries a slot: of these, 1 in 15,000 at most has more than its marks."""
    return min(MAX_SLOT_BITS, max(1, 4 * entries // 5).bit_length() - 1)


def _plates(
    entries: Sequence[tuple[str, msgspec.Raw]], edges: Sequence[int]
) -> dict[tuple[int, str], list[int]]:
    """The rows of each plate, in order: of each digest, which ``edges`` part, and folded plate."""
    plates: dict[tuple[int, str], list[int]] = {}
    for digest, (first, end) in enumerate(pairwise(edge - edges[0] for edge in edges)):
        for row in range(first, end):
            plates.setdefault((digest, entries[row][0]), []).append(row)
    return plates


def _starts(order: NDArray[np.uint64], slot_bits: int) -> NDArray[np.uint32]:
    """Groups before each slot and in all; ``order`` is (groups,) uint64, ascending."""
    edges = np.arange(1 << slot_bits, dtype=np.uint64) << np.uint64((64 - slot_bits) % 64)
    return np.append(np.searchsorted(order, edges), len(order)).astype("<u4")


def _marks(order: NDArray[np.uint64], slot_bits: int) -> NDArray[np.uint16]:
    shift = np.uint64(64 - slot_bits - MARK_BITS)
    marks: NDArray[np.uint16] = (order >> shift & np.uint64((1 << MARK_BITS) - 1)).astype("<u2")
    marks[marks == 0] = 1
    return marks


def _index(
    units: NDArray[np.uint32],
    starts: NDArray[np.uint32],
    marks: NDArray[np.uint16],
    telling: NDArray[np.bool_],
) -> NDArray[np.uint8]:
    """The bytes of the index; all but ``marks`` have one for each slot and the end."""
    index = np.zeros(len(units), dtype=[("unit", "<u4"), ("marks", "<u2", MARKS)])
    index["unit"] = units
    counts = np.diff(starts, append=starts[-1])
    for row in range(MARKS):
        some = np.flatnonzero((counts > row) & telling)
        index["marks"][some, row] = marks[starts[some] + np.uint32(row)]
    return index.view(np.uint8)
