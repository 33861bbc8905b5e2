"""Writing a built hot list, entry by entry, in memory that does not grow with what it holds.

Only numbers are kept of each entry until the end, 28 bytes in all.
"""

from __future__ import annotations

import hashlib
import os
from array import array
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge.contract.hotlist import HotlistEntry
from edge.contract.plates import Confusables
from edge.hotfile.errors import HotfileError
from edge.hotfile.facts import ListFacts
from edge.hotfile.keys import digest_key
from edge.hotfile.layout import (
    HEADER_BYTES,
    LENGTH_BITS,
    MARK_BITS,
    MAX_ENTRIES,
    MAX_SLOT_BITS,
    PIECE_BYTES,
    ROWS_PER_SLOT,
    Header,
    Listed,
    Sealer,
    entry_encoder,
    wrap_header,
)
from edge.hotfile.wildcards import MAX_WILDCARDS

Accept: TypeAlias = Callable[[ListFacts, ListFacts, tuple[int, ...]], None]

_BUFFER_BYTES = 1 << 20


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
        self._unfinished = target.with_name(target.name + ".new")
        self._confusables = confusables
        self._key = key
        self._random_bytes = random_bytes
        self._file_key = random_bytes(32)
        self._sealer = Sealer(self._file_key)
        keyed = digest_key(self._file_key)
        self._plates = hashlib.blake2b(key=keyed, digest_size=8, person=b"plate")
        self._ids = hashlib.blake2b(key=keyed, digest_size=8, person=b"entry")
        self._order = array("Q")
        self._places = array("Q")
        self._identities = array("Q")
        self._wildcards: list[tuple[int, str]] = []
        self._at = HEADER_BYTES
        try:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = self._unfinished.open("wb", buffering=_BUFFER_BYTES)
            self._unfinished.chmod(0o600)
            self._file.write(bytes(HEADER_BYTES))
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
        with suppress(OSError):
            self._file.close()
        with suppress(OSError):
            self._unfinished.unlink(missing_ok=True)

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
        folded = self._confusables.fold(entry.plate)
        if "?" in folded or "*" in folded:
            if len(self._wildcards) >= MAX_WILDCARDS:
                raise HotfileError(
                    f"{self._target}: a list takes {MAX_WILDCARDS} entries with wildcards at most"
                )
            self._wildcards.append((number, folded))
        identity = self._ids.copy()
        identity.update(entry.entry.encode("utf-8"))
        self._identities.append(int.from_bytes(identity.digest(), "big"))
        digest = self._plates.copy()
        digest.update(folded.encode("ascii"))
        # The urgent of one plate come first; eight digests share what this overwrites.
        self._order.append(int.from_bytes(digest.digest(), "big") & ~7 | entry.priority)
        content = entry_encoder.encode(Listed.of(entry))
        sealed = self._sealer.seal(self._at, b"entry", content)
        self._places.append(self._at << LENGTH_BITS | len(sealed))
        self._put(sealed)

    def finish(self, facts: ListFacts, accept: Accept) -> ListFacts:
        """Put the whole list in its place, with these facts and its own number of entries.

        ``accept`` is asked first, with the facts given, those of what was built, and which of the
        entries, from 0 and ascending, are left out because one before them has the same id. What
        it raises comes through, and the target is then as it was.

        Raises:
            HotfileError: if the disk refuses; the target is as it was.
        """
        kept, twins = _kept(np.frombuffer(self._identities, dtype=np.uint64))
        self._identities = array("Q")
        wildcards = [(number, text) for number, text in self._wildcards if kept[number]]
        built = msgspec.structs.replace(facts, entries=int(kept.sum()))
        accept(facts, built, twins)
        kept[[number for number, _ in self._wildcards]] = False
        order = np.frombuffer(self._order, dtype=np.uint64)[kept]
        places = np.frombuffer(self._places, dtype=np.uint64)[kept]
        by_digest = np.argsort(order, kind="stable")
        order, places = order[by_digest], places[by_digest]
        slot_bits = _slot_bits(len(order))
        places_at = self._at
        places_bytes = places.astype("<u8").tobytes()
        self._put(places_bytes)
        index_at = self._at
        self._put_index(_index(order, slot_bits))
        wildcards_at = self._at
        listed = [(text, self._places[number]) for number, text in wildcards]
        self._put(self._sealer.seal(wildcards_at, b"wildcards", msgspec.msgpack.encode(listed)))
        header = Header(
            facts=built,
            groups=self._confusables.groups,
            rows=len(order),
            slot_bits=slot_bits,
            places_at=places_at,
            places_digest=hashlib.blake2b(places_bytes, digest_size=32).hexdigest(),
            index_at=index_at,
            wildcards_at=wildcards_at,
            size_bytes=self._at,
            wrapped="",
        )
        self._put_in_place(wrap_header(header, self._file_key, self._key, self._random_bytes(12)))
        return built

    def _put_index(self, index: bytes) -> None:
        for start in range(0, len(index), PIECE_BYTES):
            piece = index[start : start + PIECE_BYTES]
            self._put(self._sealer.seal(self._at, b"index", piece))

    def _put(self, content: bytes) -> None:
        try:
            self._file.write(content)
        except OSError as error:
            raise self._unwritten(error) from error
        self._at += len(content)

    def _put_in_place(self, block: bytes) -> None:
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.seek(0)
            self._file.write(block)
            self._file.flush()
            os.fsync(self._file.fileno())
            self._unfinished.replace(self._target)
            sync_folder(self._target.parent)
        except OSError as error:
            raise self._unwritten(error) from error

    def _unwritten(self, error: OSError) -> HotfileError:
        return HotfileError(f"{self._target}: cannot be written: {error.strerror}")


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


def _slot_bits(rows: int) -> int:
    return min(MAX_SLOT_BITS, max(0, (rows // ROWS_PER_SLOT).bit_length()))


def _index(order: NDArray[np.uint64], slot_bits: int) -> bytes:
    """First rows of the slots and marks of the rows; ``order`` is (rows,) uint64, ascending."""
    slots: NDArray[Any]
    if slot_bits:
        slots = order >> np.uint64(64 - slot_bits)
    else:
        slots = np.zeros(len(order), dtype=np.uint64)
    starts = np.searchsorted(slots, np.arange((1 << slot_bits) + 1, dtype=np.uint64))
    marks = order >> np.uint64(64 - slot_bits - MARK_BITS) & np.uint64((1 << MARK_BITS) - 1)
    return starts.astype("<u4").tobytes() + marks.astype("<u2").tobytes()
