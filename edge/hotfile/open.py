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

from edge.hotfile.build import CsvBuild
from edge.hotfile.department_file import recipe_now, remove_once_built
from edge.hotfile.errors import BusyListError, HotfileError, UnreadListError
from edge.hotfile.facts import Implausible, ListFacts
from edge.hotfile.folder import HotlistFolder
from edge.hotfile.match import Hotlist, Hotlists
from edge.hotfile.remedy import remedy
from edge.hotfile.settings import LOCAL_LIST, HotlistSource, MatchRule
from edge.hotfile.store import StoredList

_Signature = tuple[int, int, int]


class Builder(Protocol):
    """Puts the list of a department's file in use; see :func:`edge.hotfile.build.build_here`."""

    def __call__(
        self,
        source: HotlistSource,
        folder: HotlistFolder,
        in_use: ListFacts | None,
        allow: Collection[Implausible],
    ) -> CsvBuild:
        """Build the list and put it in use, by what is known of the one before it."""
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
        self._unread: set[str] = set()
        self._tried: dict[str, str | None] = {}
        self._failing: set[str] = set()
        self._tidied = False
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
                    said = f"{stored.fault}; {remedy(self._sources[name])}"
                    outcomes.append(Outcome(name, "list", said))
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
        """Build every list whose file changed, which may take minutes; remove files, if so set.

        A file is removed as soon as its list is in use and sound, whoever built it and when.
        """
        if not self._tidied:
            self._tidied = True
            for name in self._sources:
                self._folder.tidy(name)
        outcomes: list[Outcome] = []
        for name in self.changed():
            try:
                build = self.build(name)
            except BusyListError:
                continue
            except HotfileError as error:
                outcomes.append(Outcome(name, "file", str(error)))
            else:
                outcomes.append(Outcome(name, "file", None, build=build))
        for source in self._sources.values():
            if self._is_built(source) and (outcome := self._settle(source)) is not None:
                outcomes.append(outcome)
        for one in outcomes:
            (self._failing.discard if one.error is None else self._failing.add)(one.name)
        return outcomes

    def changed(self) -> tuple[str, ...]:
        """Names of the lists whose file is not what is in use, nor what was last tried.

        The shortest file comes first, so that no list waits for a longer one.
        """
        news = (
            source
            for source in self._sources.values()
            if source.path is not None and self._is_news(source)
        )
        return tuple(source.name for source in sorted(news, key=_size_bytes))

    def build(self, name: str, allow: Collection[Implausible] = ()) -> CsvBuild:
        """Build the list from its file and put it in use, which :meth:`poll` then sees.

        Raises:
            BusyListError: if another process changes the list now.
            HotfileError: if there is no such list, or its file cannot be read or used; what was
                in use before stays in use.
        """
        source = self._sources.get(name)
        if source is None or source.path is None:
            raise HotfileError(f"hot list {name}: no list of that name is built from a file")
        self._tried[name] = recipe_now(source)
        hotlist = self._in_use.get(name)
        before = self._folder.last(name) if hotlist is None else hotlist.facts
        try:
            return self._builder(source, self._folder, before, allow)
        except BusyListError:
            del self._tried[name]
            raise

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

    def _is_news(self, source: HotlistSource) -> bool:
        name = source.name
        if name in self._unread or (
            name in self._tried and self._tried[name] == recipe_now(source)
        ):
            return False
        return not self._is_built(source)

    def _is_built(self, source: HotlistSource) -> bool:
        """Whether the list in use is sound, and what the file makes as it lies there."""
        stored = self._stored.get(source.name)
        if source.path is None or stored is None or stored.fault is not None:
            return False
        recipe = recipe_now(source)
        return recipe == stored.facts.recipe or (recipe is None and source.remove_once_built)

    def _settle(self, source: HotlistSource) -> Outcome | None:
        """What there is to say of a file whose list is in use: seldom anything."""
        try:
            remove_once_built(source, self._stored[source.name].facts.recipe)
        except HotfileError as error:
            return Outcome(source.name, "file", str(error))
        return Outcome(source.name, "file", None) if source.name in self._failing else None

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
        except UnreadListError as error:  # the next look tries again
            if error.for_want:
                self._unread.add(name)
                return Outcome(name, "list", str(error))
            self._unread.discard(name)
            return Outcome(name, "list", f"{error}; {remedy(self._sources[name])}")
        except HotfileError as error:
            self._opened[name] = signature
            self._unread.discard(name)
            return Outcome(name, "list", f"{error}; {remedy(self._sources[name])}")
        self._opened[name] = signature
        self._unread.discard(name)
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


def _signature(path: Path) -> _Signature | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
