"""What changed between two versions of a list, gathered as the newer one passes; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from edge.contract.hotlist import HotlistDelta, HotlistVersion, decode_entry, encode_delta
from repository.hotlists.lines import Line

MAX_DELTA_SHARE = 0.5
"""A delta longer than this share of the list's file is not made: units fetch the file."""
MAX_DELTA_BYTES = 16 * 1024 * 1024
"""A unit holds a delta in memory while it applies it."""


@dataclass
class Gathered:
    """Changes, as long as they are few enough for a delta."""

    limit_bytes: int
    _added: list[bytes] = field(default_factory=list)
    _removed: list[str] = field(default_factory=list)
    _size_bytes: int = 0

    @classmethod
    def since(cls, size_bytes: int) -> Gathered:
        """None yet, since a list of that size.

        What is added beyond that size makes more than half of the newer list, whatever was there.
        """
        return cls(min(MAX_DELTA_BYTES, size_bytes))

    def compare(self, older: Iterable[Line], newer: Iterable[Line]) -> Iterator[Line]:
        """The newer lines as they are, the changes from the older ones gathered on the way."""
        before = iter(older)
        old = next(before, None)
        for new in newer:
            while old is not None and old.entry < new.entry:
                self._take_removed(old.entry)
                old = next(before, None)
            if old is None or old.entry != new.entry:
                self._take_added(new)
            else:
                if old.raw != new.raw:
                    self._take_added(new)
                old = next(before, None)
            yield new
        while old is not None:
            self._take_removed(old.entry)
            old = next(before, None)

    def delta(self, from_version: int, to: HotlistVersion) -> bytes | None:
        """The delta to that version; None where its file itself serves better."""
        limit = min(self.limit_bytes, int(to.size_bytes * MAX_DELTA_SHARE))
        if self._size_bytes > limit:
            return None
        delta = encode_delta(
            HotlistDelta(
                name=to.name,
                from_version=from_version,
                to_version=to.version,
                added=tuple(decode_entry(raw[:-1], 1) for raw in self._added),
                removed=tuple(self._removed),
            )
        )
        return delta if len(delta) <= limit else None

    def _take_added(self, line: Line) -> None:
        if self._has_room(len(line.raw)):
            self._added.append(line.raw)

    def _take_removed(self, entry: str) -> None:
        if self._has_room(len(entry)):
            self._removed.append(entry)

    def _has_room(self, size_bytes: int) -> bool:
        self._size_bytes += size_bytes
        if self._size_bytes <= self.limit_bytes:
            return True
        self._added.clear()
        self._removed.clear()
        return False
