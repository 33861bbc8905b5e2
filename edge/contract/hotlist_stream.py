"""Hot lists of any length, an entry at a time: writing, reading and checking files, merging deltas.

Lists run to ten million entries, more than a unit can hold as objects. Everything here takes and
gives entries in ascending order of their ids, as a list's file has them, and holds one of them,
or one delta, at a time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from edge.contract.errors import ContractError
from edge.contract.hotlist import (
    MAX_ENTRY_BYTES,
    HotlistDelta,
    HotlistEntry,
    HotlistVersion,
    decode_entry,
    encode_entry,
)


def encode_lines(entries: Iterable[HotlistEntry]) -> Iterator[bytes]:
    """The lines of the list's file, each with its end.

    Raises:
        ContractError: as they are taken, if an id does not rise or no reader would take an entry.
    """
    before: str | None = None
    for entry in entries:
        if before is not None and entry.entry <= before:
            raise ContractError(f"entry {entry.entry!r}: does not rise above the one before")
        before = entry.entry
        yield encode_entry(entry) + b"\n"


def decode_lines(pieces: Iterable[bytes]) -> Iterator[HotlistEntry]:
    """The entries in a list's file that comes in pieces, wherever these are cut.

    Raises:
        ContractError: as they are taken, if a line is no entry, out of order or cut off; the text
            has its number.
    """
    number, rest, before = 0, b"", None
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            number += 1
            entry = decode_entry(line, number)
            if before is not None and entry.entry <= before:
                raise ContractError(f"line {number}: its id does not rise above the line before")
            before = entry.entry
            yield entry
        if len(rest) > MAX_ENTRY_BYTES:
            raise ContractError(f"line {number + 1}: longer than {MAX_ENTRY_BYTES} bytes")
    if rest:
        raise ContractError(f"line {number + 1}: has no end; the file was cut off")


class ListCheck:
    """Compares the bytes of a list's file, as they pass, with what an issue of the list says."""

    def __init__(self, version: HotlistVersion) -> None:
        self._version = version
        self._digest = hashlib.sha256()
        self._size_bytes = 0

    @property
    def size_bytes(self) -> int:
        """How many bytes passed."""
        return self._size_bytes

    def add(self, piece: bytes) -> None:
        """Let the next bytes pass.

        Raises:
            ContractError: if there are more than the issue has.
        """
        self._size_bytes += len(piece)
        if self._size_bytes > self._version.size_bytes:
            raise ContractError(f"list: more than the {self._version.size_bytes} bytes it has")
        self._digest.update(piece)

    def require_whole(self) -> None:
        """Accept what passed as the very file of that issue.

        Raises:
            ContractError: if its size or SHA-256 differs.
        """
        if self._size_bytes != self._version.size_bytes:
            raise ContractError(
                f"list: {self._size_bytes} bytes, version says {self._version.size_bytes}"
            )
        if self._digest.hexdigest() != self._version.sha256:
            raise ContractError("list: its SHA-256 is not that of the version")


def merge_delta(
    entries: Iterable[HotlistEntry], name: str, version: int, delta: HotlistDelta
) -> Iterator[HotlistEntry]:
    """The list that the delta makes of these entries, which are this version of the list.

    The caller still checks the result against the manifest, with :class:`ListCheck`.

    Raises:
        ContractError: if the delta is for another list or version; and as entries are taken, if
            it removes what is not there.
    """
    if (delta.name, delta.from_version) != (name, version):
        raise ContractError(
            f"delta: for {delta.name} version {delta.from_version}, not {name} version {version}"
        )
    return _merged(entries, delta)


def _merged(entries: Iterable[HotlistEntry], delta: HotlistDelta) -> Iterator[HotlistEntry]:
    removed = set(delta.removed)
    added = iter(sorted(delta.added, key=lambda entry: entry.entry))
    coming = next(added, None)
    for entry in entries:
        while coming is not None and coming.entry < entry.entry:
            yield coming
            coming = next(added, None)
        if coming is not None and coming.entry == entry.entry:
            yield coming
            coming = next(added, None)
        elif entry.entry in removed:
            removed.discard(entry.entry)
        else:
            yield entry
    while coming is not None:
        yield coming
        coming = next(added, None)
    if removed:
        raise ContractError(
            f"removed: entry {min(removed)!r} is not in version {delta.from_version}"
        )
