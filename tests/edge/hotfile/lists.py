"""What the hot lists' tests share: lists that were built and are open, entries made short."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from edge.contract.hotlist import HotlistEntry
from edge.contract.plates import Confusables
from edge.contract.records import Alternative, Character
from edge.hotfile.build import CsvBuild, build_hotfile
from edge.hotfile.facts import ListFacts
from edge.hotfile.match import Hotlist
from edge.hotfile.open import HotlistFiles, Outcome
from edge.hotfile.store import StoredList

ISSUED = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)
GROUPS = ("0ODQ", "1I", "2Z", "5S", "8B", "6G")
KEY = b"k" * 32


@dataclass(frozen=True)
class Built:
    """A list built from CSV text, and open."""

    build: CsvBuild
    stored: StoredList

    @property
    def hotlist(self) -> Hotlist:
        return Hotlist(self.build.facts, 3600, self.stored)

    @property
    def entries(self) -> list[HotlistEntry]:
        return list(self.stored.entries())

    @property
    def rejected(self) -> list[tuple[int, str]]:
        return [(one.line, one.reason) for one in self.build.rejections]


Files = Callable[..., HotlistFiles]
Builds = Callable[..., Built]


def listed(entry: str, plate: str, **others: Any) -> HotlistEntry:
    """An entry with everything else plain."""
    values: dict[str, Any] = {
        "state": None,
        "kind": "other",
        "priority": 3,
        "entered": None,
        "expires": None,
        "note": "",
    }
    return HotlistEntry(entry=entry, plate=plate, **{**values, **others})


def csv_file(path: Path, text: str, at: datetime = ISSUED) -> Path:
    """A department's file, put in place whole, last written at that time."""
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    os.utime(fresh, (at.timestamp(), at.timestamp()))
    fresh.replace(path)
    return path


def facts_of(entries: int, **others: Any) -> ListFacts:
    """Facts of a list that the repository issued."""
    values: dict[str, Any] = {
        "name": "state",
        "version": "1",
        "number": 1,
        "sha256": "0" * 64,
        "issued_at": ISSUED,
        "source": "repository",
        "entries": entries,
    }
    return ListFacts(**{**values, **others})


def store(path: Path, entries: Iterable[HotlistEntry], confusables: Confusables) -> StoredList:
    """Those entries, built into that file and opened."""
    entries = list(entries)
    build_hotfile(
        entries, facts=facts_of(len(entries)), confusables=confusables, key=KEY, target=path
    )
    return StoredList(path, KEY, confusables)


def load(hotlists: HotlistFiles) -> list[Outcome]:
    """Everything that the daemon does in one round."""
    return [*hotlists.tend(), *hotlists.poll()]


def errors(outcomes: list[Outcome]) -> list[str]:
    """What is wrong by these outcomes."""
    return [one.error for one in outcomes if one.error is not None]


def surely(plate: str) -> tuple[Character, ...]:
    """What a reader gives that has no doubt."""
    return tuple(Character(alternatives=(Alternative(char, 1.0),)) for char in plate)
