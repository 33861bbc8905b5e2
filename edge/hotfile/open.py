"""The hot lists in use: opened when one is installed, built when a department's file changes.

What was good stays in use until what is newer has proven good. Matching never waits: it takes
:attr:`HotlistFiles.current`, which is swapped as a whole.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from edge.hotfile.build import CsvBuild, recipe_of
from edge.hotfile.errors import HotfileError, UnreadListError
from edge.hotfile.facts import Implausible, ListFacts
from edge.hotfile.folder import HotlistFolder
from edge.hotfile.match import Hotlist, Hotlists
from edge.hotfile.settings import LOCAL_LIST, HotlistSource, MatchRule
from edge.hotfile.store import StoredList

_Signature = tuple[int, int, int]


class Builder(Protocol):
    """Builds a list from a department's file; see :func:`edge.hotfile.build.build_csv`."""

    def __call__(
        self,
        source: HotlistSource,
        folder: HotlistFolder,
        in_use: ListFacts | None,
        allow: Collection[Implausible],
    ) -> CsvBuild:
        """Build the list in its place in the folder, without putting it in use."""
        ...


class OwnList(Protocol):
    """The unit's own list, of plates entered by hand."""

    @property
    def hotlist(self) -> Hotlist:
        """The list as it is now."""
        ...

    def poll(self) -> None:
        """Look for changes; raises HotfileError if the list cannot be read."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a list: ``error`` says what is wrong with it, None that nothing is.

    ``part`` is what it concerns: the list in use, or the department's file that it is built from.
    """

    name: str
    part: Literal["list", "file"]
    error: str | None
    hotlist: Hotlist | None = None
    build: CsvBuild | None = None


class HotlistFiles:
    """The hot lists of these settings. :meth:`poll` and :meth:`tend` may run in two threads."""

    def __init__(
        self,
        sources: Sequence[HotlistSource],
        folder: HotlistFolder,
        rule: MatchRule,
        *,
        builder: Builder,
        own: OwnList | None = None,
    ) -> None:
        self._sources = {source.name: source for source in sources}
        if len(self._sources) != len(sources):
            raise HotfileError("hotlists: two lists have one name; give each its own")
        self._folder = folder
        self._rule = rule
        self._builder = builder
        self._own = own
        self._own_failed = False
        self._stored: dict[str, StoredList] = {}
        self._in_use: dict[str, Hotlist] = {}
        self._opened: dict[str, _Signature | None] = {}
        self._tried: dict[str, str | None] = {}
        self._mended: dict[str, StoredList] = {}
        self._untold: list[Outcome] = []
        self._lock = threading.Lock()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all lists that are configured, in use or not."""
        return tuple(self._sources)

    @property
    def current(self) -> Hotlists:
        """The lists in use, immutable; ask again for the next read."""
        lists = tuple(self._in_use.values())
        if self._own is not None and self._own.hotlist.entries:
            lists = (*lists, self._own.hotlist)
        return Hotlists(lists, self._rule, self._folder.confusables)

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the lists that are configured and not in use: no read is compared with them."""
        return tuple(name for name in self._sources if name not in self._in_use)

    @property
    def complete(self) -> bool:
        """Whether every list that is configured is in use."""
        return not self.missing

    def poll(self) -> list[Outcome]:
        """Open every list that was newly installed, and say which lists turned out damaged."""
        with self._lock:
            self._open_installed()
            outcomes, self._untold = self._untold, []
            for name, stored in self._stored.items():
                if stored.fault is not None:
                    outcomes.append(Outcome(name, "list", stored.fault))
                    self._folder.note_damage(name, stored)
                    if self._mended.get(name) is not stored:
                        self._mended[name] = stored
                        self._tried.pop(name, None)
            if self._own is not None:
                outcomes += self._poll_own(self._own)
        return outcomes

    def take_in(self) -> None:
        """Open every list that was newly installed at once; :meth:`poll` says what came of it."""
        with self._lock:
            self._open_installed()

    def tend(self) -> list[Outcome]:
        """Build every list whose file changed, which may take minutes."""
        outcomes: list[Outcome] = []
        for name in self.changed():
            try:
                build = self.build(name)
            except HotfileError as error:
                outcomes.append(Outcome(name, "file", str(error)))
            else:
                outcomes.append(Outcome(name, "file", None, build=build))
        return outcomes

    def changed(self) -> tuple[str, ...]:
        """Names of the lists whose file is not what is in use, nor what was last tried.

        The shortest file comes first, so that no list waits for a longer one.
        """
        news = (
            source
            for source in self._sources.values()
            if source.path is not None and self._is_news(source, self._recipe(source))
        )
        return tuple(source.name for source in sorted(news, key=_size_bytes))

    def build(self, name: str, allow: Collection[Implausible] = ()) -> CsvBuild:
        """Build the list from its file and put it in use, which :meth:`poll` then sees.

        Raises:
            HotfileError: if there is no such list, or its file cannot be read or used; what was
                in use before stays in use.
        """
        source = self._sources.get(name)
        if source is None or source.path is None:
            raise HotfileError(f"hot list {name}: no list of that name is built from a file")
        self._tried[name] = self._recipe(source)
        in_use = self._in_use.get(name)
        build = self._builder(source, self._folder, None if in_use is None else in_use.facts, allow)
        self._folder.install(name, build.file)
        if source.remove_once_built and self._recipe(source) == build.facts.recipe:
            _remove(source)
        return build

    def _poll_own(self, own: OwnList) -> list[Outcome]:
        before, failed = own.hotlist, self._own_failed
        try:
            own.poll()
        except HotfileError as error:
            self._own_failed = True
            return [Outcome(LOCAL_LIST, "list", str(error))]
        self._own_failed = False
        if own.hotlist is before and not failed:
            return []
        return [Outcome(LOCAL_LIST, "list", None, hotlist=own.hotlist)]

    def _recipe(self, source: HotlistSource) -> str | None:
        try:
            return recipe_of(source, source.csv_path.stat())
        except OSError:
            return None

    def _is_news(self, source: HotlistSource, recipe: str | None) -> bool:
        name = source.name
        if name in self._tried and self._tried[name] == recipe:
            return False
        stored = self._stored.get(name)
        if stored is None or stored.fault is not None:
            return True
        if recipe is None and source.remove_once_built:
            return False
        return stored.facts.recipe != recipe

    def _open_installed(self) -> None:
        for name in self._sources:
            if (outcome := self._open_if_installed(name)) is not None:
                self._untold.append(outcome)

    def _open_if_installed(self, name: str) -> Outcome | None:
        signature = _signature(self._folder.pointer(name))
        if name in self._opened and self._opened[name] == signature:
            return None
        try:
            stored = self._folder.open(name)
        except UnreadListError as error:
            return Outcome(name, "list", str(error))  # the next look tries again
        except HotfileError as error:
            self._opened[name] = signature
            return Outcome(name, "list", str(error))
        self._opened[name] = signature
        if stored is None:
            return None
        hotlist = Hotlist(stored.facts, self._sources[name].max_age_s, stored)
        self._stored[name] = stored
        fresh = {**self._in_use, name: hotlist}
        self._in_use = {one: fresh[one] for one in self._sources if one in fresh}
        return Outcome(name, "list", None, hotlist=hotlist)


def _size_bytes(source: HotlistSource) -> int:
    try:
        return source.csv_path.stat().st_size
    except OSError:
        return 0


def _remove(source: HotlistSource) -> None:
    try:
        source.csv_path.unlink()
    except OSError as error:
        raise HotfileError(
            f"hot list {source.name}: {source.path} is built and cannot be removed:"
            f" {error.strerror}; it holds plates in the clear"
        ) from error


def _signature(path: Path) -> _Signature | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
