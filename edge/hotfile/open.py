"""Opening hot lists' files, and keeping what was good when a newer file is not."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from edge.contract.plates import Confusables
from edge.hotfile.build import Build, Hotlist, build
from edge.hotfile.errors import HotfileError
from edge.hotfile.match import Hotlists
from edge.hotfile.settings import HotlistSource, MatchRule

_Signature = tuple[int, int, int]


class HotlistFiles:
    """The hot lists of these files: :attr:`current` is what reads are matched with.

    Nothing is read until :meth:`reload`. A reload swaps a whole list in at once or raises and
    leaves the one in use as it was; matching never waits for it.
    """

    def __init__(
        self, sources: Sequence[HotlistSource], confusables: Confusables, rule: MatchRule
    ) -> None:
        self._sources = {source.name: source for source in sources}
        if len(self._sources) != len(sources):
            raise HotfileError("hotlists: two lists have one name; give each its own")
        self._confusables = confusables
        self._rule = rule
        self._in_use: dict[str, Hotlist] = {}
        self._tried: dict[str, _Signature | None] = {}
        self._lock = threading.Lock()
        self._current = Hotlists((), rule)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all lists that are configured, loaded or not."""
        return tuple(self._sources)

    @property
    def current(self) -> Hotlists:
        """The lists in use, immutable; ask again for the next read."""
        return self._current

    def changed(self) -> tuple[str, ...]:
        """Names of the lists whose file is not the one last tried, so worth a reload."""
        return tuple(
            name
            for name, source in self._sources.items()
            if name not in self._tried or _signature(source.path) != self._tried[name]
        )

    def reload(self, name: str) -> Build:
        """Read the list's file and put it in use.

        Returns:
            the list now in use, with the lines of its file that were rejected.

        Raises:
            HotfileError: if there is no such list, or its file cannot be read or used; what was
                in use before stays in use.
        """
        source = self._sources.get(name)
        if source is None:
            raise HotfileError(f"hot list {name}: not among the configured {', '.join(self.names)}")
        with self._lock:
            self._tried[name] = _signature(source.path)
            data, issued_at = _read_whole(source)
            built = build(data, source=source, issued_at=issued_at, confusables=self._confusables)
            self._in_use[name] = built.hotlist
            self._current = Hotlists(
                tuple(self._in_use[one] for one in self._sources if one in self._in_use),
                self._rule,
            )
        return built


def _read_whole(source: HotlistSource) -> tuple[bytes, datetime]:
    """A file's bytes and the time it was last written, if nobody wrote to it meanwhile."""
    try:
        with source.path.open("rb") as file:
            before = os.fstat(file.fileno())
            data = file.read()
            after = os.fstat(file.fileno())
    except OSError as error:
        raise HotfileError(
            f"hot list {source.name}: {source.path} cannot be read: {error.strerror}"
        ) from error
    if (before.st_mtime_ns, len(data)) != (after.st_mtime_ns, after.st_size):
        raise HotfileError(
            f"hot list {source.name}: {source.path} is being written; it will be tried again when"
            " it has changed"
        )
    return data, datetime.fromtimestamp(after.st_mtime, UTC)


def _signature(path: Path) -> _Signature | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
