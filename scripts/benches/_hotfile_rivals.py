"""Other ways to hold a hot list, measured beside the one that ships; each in a process of its own.

All find the entries of a folded plate. None of them but the one that ships is encrypted.
"""

from __future__ import annotations

import hashlib
import mmap
import sqlite3
from bisect import bisect_left
from collections.abc import Callable, Iterable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import msgspec
import numpy as np

from edge.contract.hotlist import HotlistEntry
from edge.contract.plates import Confusables, load_confusables
from edge.hotfile.facts import ListFacts
from edge.hotfile.layout import Listed, entry_encoder
from edge.hotfile.match import Hotlist, Hotlists
from edge.hotfile.settings import MatchRule
from edge.hotfile.store import StoredList

KEY = b"bench" * 6 + b"--"
"""The key of the lists that a bench builds; they hold invented plates."""

_decoder = msgspec.msgpack.Decoder(Listed)

Entries = Iterable[HotlistEntry]
Find = Callable[[str], object]


class Rival(Protocol):
    """A structure: built from entries, then opened, which gives its lookup."""

    def build(self, entries: Entries, folder: Path, /) -> None:
        """Write it to the folder, as far as it lies on the disk."""
        ...

    def open(self, entries: Entries, folder: Path, /) -> Find:
        """Its lookup of one folded plate."""
        ...


class Shipped:
    """The list that ships; built by the bench from CSV, so there is nothing to build here."""

    def build(self, entries: Entries, folder: Path, /) -> None:
        """See Rival."""

    def open(self, _: Entries, folder: Path) -> Find:
        """See Rival."""
        return open_shipped(folder).find


class InDict:
    """A Python dict of the entries in memory; it has to be filled at every start."""

    def build(self, entries: Entries, folder: Path, /) -> None:
        """See Rival."""

    def open(self, entries: Entries, _: Path) -> Find:
        """See Rival."""
        fold = load_confusables().fold
        by_plate: dict[str, tuple[Listed, ...]] = {}
        for entry in entries:
            key = fold(entry.plate)
            by_plate[key] = (*by_plate.get(key, ()), Listed.of_entry(entry))
        return lambda folded: by_plate.get(folded, ())


class InSqlite:
    """SQLite with an index on the folded plate, opened to be read only."""

    def build(self, entries: Entries, folder: Path) -> None:
        """See Rival."""
        fold = load_confusables().fold
        with sqlite3.connect(folder / "list.db") as database:
            database.execute("PRAGMA journal_mode = OFF")
            database.execute("CREATE TABLE listed (folded TEXT, entry BLOB)")
            database.executemany(
                "INSERT INTO listed VALUES (?, ?)",
                ((fold(one.plate), entry_encoder.encode(Listed.of_entry(one))) for one in entries),
            )
            database.execute("CREATE INDEX by_plate ON listed (folded)")
        database.close()

    def open(self, _: Entries, folder: Path) -> Find:
        """See Rival."""
        database = sqlite3.connect(f"file:{folder / 'list.db'}?mode=ro", uri=True)
        ask = "SELECT entry FROM listed WHERE folded = ?"
        return lambda folded: [_decoder.decode(row[0]) for row in database.execute(ask, (folded,))]


class InMappedArrays:
    """Sorted digests of the plates and the places of their entries, mapped into memory."""

    def build(self, entries: Entries, folder: Path) -> None:
        """See Rival."""
        fold = load_confusables().fold
        digests: list[Any] = []
        places: list[Any] = []
        at, some_digests, some_places = 0, bytearray(), []
        with (folder / "mapped.entries").open("wb") as file:
            for entry in entries:
                content = entry_encoder.encode(Listed.of_entry(entry))
                file.write(content)
                some_digests += _digest(fold(entry.plate))
                some_places.append(at << 16 | len(content))
                at += len(content)
                if len(some_places) == 1 << 16:
                    digests.append(np.frombuffer(bytes(some_digests), dtype=">u8"))
                    places.append(np.array(some_places, dtype=np.uint64))
                    some_digests, some_places = bytearray(), []
        digests.append(np.frombuffer(bytes(some_digests), dtype=">u8"))
        places.append(np.array(some_places, dtype=np.uint64))
        whole = np.concatenate(digests).astype(np.uint64)
        order = np.argsort(whole)
        whole[order].tofile(folder / "mapped.digests")
        np.concatenate(places)[order].tofile(folder / "mapped.places")

    def open(self, _: Entries, folder: Path) -> Find:
        """See Rival."""
        digests = _mapped(folder / "mapped.digests").cast("Q")
        places = _mapped(folder / "mapped.places").cast("Q")
        content = _mapped(folder / "mapped.entries")

        def find(folded: str) -> list[Listed]:
            wanted = int.from_bytes(_digest(folded), "big")
            row, found = bisect_left(digests, wanted), []
            while row < len(digests) and digests[row] == wanted:
                at, length = places[row] >> 16, places[row] & 0xFFFF
                found.append(_decoder.decode(content[at : at + length]))
                row += 1
            return found

        return find


class InMarisaTrie:
    """marisa-trie, where it is installed: a compressed trie from plates to entries."""

    def build(self, entries: Entries, folder: Path) -> None:
        """See Rival."""
        fold = load_confusables().fold
        trie = import_module("marisa_trie").BytesTrie(
            (fold(one.plate), entry_encoder.encode(Listed.of_entry(one))) for one in entries
        )
        trie.save(str(folder / "list.marisa"))

    def open(self, _: Entries, folder: Path) -> Find:
        """See Rival."""
        trie = import_module("marisa_trie").BytesTrie().mmap(str(folder / "list.marisa"))
        return lambda folded: [_decoder.decode(one) for one in trie.get(folded, ())]


RIVALS: dict[str, type[Rival]] = {
    "hotfile": Shipped,
    "dict": InDict,
    "sqlite": InSqlite,
    "mapped": InMappedArrays,
}
if find_spec("marisa_trie") is not None:
    RIVALS["marisa"] = InMarisaTrie


def open_shipped(folder: Path) -> StoredList:
    """The list that the bench built."""
    (path,) = folder.glob("*.hotfile")
    return StoredList(path, KEY, load_confusables())


def hotlists_of(stored: StoredList, confusables: Confusables) -> Hotlists:
    """What the daemon matches reads with, of this list alone."""
    facts: ListFacts = stored.facts
    return Hotlists((Hotlist(facts, 86_400, stored),), MatchRule(), confusables)


def _digest(folded: str) -> bytes:
    return hashlib.blake2b(folded.encode("ascii"), digest_size=8).digest()


def _mapped(path: Path) -> memoryview:
    with path.open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
