"""Finding entries by plate."""

from __future__ import annotations

from collections.abc import Iterable

from edge.contract.hotlist import HotlistEntry
from edge.contract.plates import Confusables
from edge.contract.records import Substitution


class PlateIndex:
    """Entries by folded plate, in memory; immutable once built."""

    def __init__(self, entries: Iterable[HotlistEntry], confusables: Confusables) -> None:
        self._confusables = confusables
        by_folded: dict[str, list[HotlistEntry]] = {}
        for entry in entries:
            by_folded.setdefault(confusables.fold(entry.plate), []).append(entry)
        self._by_folded = {folded: tuple(found) for folded, found in by_folded.items()}
        self._count = sum(map(len, self._by_folded.values()))

    def __len__(self) -> int:
        return self._count

    def candidates(self, plate: str) -> Iterable[tuple[HotlistEntry, tuple[Substitution, ...]]]:
        """Entries that differ from the plate by confusable characters at most, and where."""
        for entry in self._by_folded.get(self._confusables.fold(plate), ()):
            found = self._confusables.substitutions(plate, entry.plate)
            if found is None:
                continue
            yield (
                entry,
                tuple(
                    Substitution(index=index, read=read, listed=listed)
                    for index, read, listed in found
                ),
            )
