"""Hot lists and deltas held whole in memory: what is done to them piece by piece must agree."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from itertools import pairwise

from edge.contract.errors import ContractError
from edge.contract.hotlist import (
    HotlistDelta,
    HotlistEntry,
    HotlistVersion,
    decode_entry,
    encode_entry,
)


def encode_list(entries: Iterable[HotlistEntry]) -> bytes:
    """The file of a list with these entries, in whatever order they come.

    Raises:
        ContractError: if two entries have one id, or one is larger than a reader would take.
    """
    ordered = sorted(entries, key=lambda entry: entry.entry)
    for before, after in pairwise(ordered):
        if before.entry == after.entry:
            raise ContractError(f"entry {after.entry!r}: is in the list twice")
    return b"".join(encode_entry(entry) + b"\n" for entry in ordered)


def decode_list(data: bytes) -> tuple[HotlistEntry, ...]:
    """The entries in a list's file, ascending by id.

    Raises:
        ContractError: if any line is no entry, out of order or cut off; the text has its number.
    """
    lines = data.split(b"\n")
    if lines.pop() != b"":
        raise ContractError(f"line {len(lines) + 1}: has no end; the file was cut off")
    entries: list[HotlistEntry] = []
    for number, line in enumerate(lines, start=1):
        entry = decode_entry(line, number)
        if entries and entry.entry <= entries[-1].entry:
            raise ContractError(f"line {number}: its id does not rise above the line before")
        entries.append(entry)
    return tuple(entries)


def verify_list(data: bytes, version: HotlistVersion) -> tuple[HotlistEntry, ...]:
    """The entries of a list's file, if it is the very file of that issue.

    Raises:
        ContractError: if its size, SHA-256 or number of entries differs, or it cannot be read.
    """
    if len(data) != version.size_bytes:
        raise ContractError(f"list: {len(data)} bytes, version says {version.size_bytes}")
    if hashlib.sha256(data).hexdigest() != version.sha256:
        raise ContractError("list: its SHA-256 is not that of the version")
    entries = decode_list(data)
    if len(entries) != version.entries:
        raise ContractError(f"list: {len(entries)} entries, version says {version.entries}")
    return entries


def delta_between(
    older: Iterable[HotlistEntry],
    newer: Iterable[HotlistEntry],
    *,
    name: str,
    from_version: int,
    to_version: int,
) -> HotlistDelta:
    """The delta that makes the newer list out of the older."""
    before, after = _by_id(older), _by_id(newer)
    return HotlistDelta(
        name=name,
        from_version=from_version,
        to_version=to_version,
        added=tuple(entry for key, entry in sorted(after.items()) if before.get(key) != entry),
        removed=tuple(sorted(before.keys() - after.keys())),
    )


def apply_delta(
    entries: Iterable[HotlistEntry], name: str, version: int, delta: HotlistDelta
) -> tuple[HotlistEntry, ...]:
    """The list that the delta makes of these entries, ascending by id.

    The caller still checks the result's file against the manifest, with :func:`verify_list`.

    Raises:
        ContractError: if the delta is for another list or version, or removes what is not there.
    """
    if (delta.name, delta.from_version) != (name, version):
        raise ContractError(
            f"delta: for {delta.name} version {delta.from_version}, not {name} version {version}"
        )
    result = _by_id(entries)
    for identifier in delta.removed:
        if result.pop(identifier, None) is None:
            raise ContractError(f"removed: entry {identifier!r} is not in version {version}")
    result.update(_by_id(delta.added))
    return tuple(entry for _, entry in sorted(result.items()))


def _by_id(entries: Iterable[HotlistEntry]) -> dict[str, HotlistEntry]:
    return {entry.entry: entry for entry in entries}
