"""The folder of built lists on the unit: one in use of each name, swapped by one rename.

``<root>/<list>/<version>.hotfile`` is a built list, ``<root>/<list>/current`` a line that names
the one in use. A crash between the two leaves the old list in use and a file that the next
installation removes. ``<root>/<list>/damaged`` names a file in use that turned out damaged after
it had opened, by its identity, so that a restart and other processes know.
``<root>/<list>/facts.json`` holds the facts of the newest list that was put in use, by which the
next is judged where that one does not open. ``<root>/<list>/lock`` is held by the one process that
changes the list; what lies there unfinished while nobody holds it was cut off.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from edge.contract.hotlist import HotlistEntry
from edge.contract.plates import Confusables
from edge.hotfile.errors import (
    BusyListError,
    DamagedListError,
    HotfileError,
    UnreadListError,
)
from edge.hotfile.facts import ListFacts
from edge.hotfile.last_facts import noted_facts, stated_facts
from edge.hotfile.store import StoredList
from edge.hotfile.write import UNFINISHED, sync_folder

CURRENT = "current"
DAMAGED = "damaged"
FACTS = "facts.json"
LOCK = "lock"
ENDING = ".hotfile"


class HotlistFolder:
    """Built lists by name."""

    def __init__(self, root: Path, key: bytes, confusables: Confusables) -> None:
        """``key`` is what :func:`edge.hotfile.keys.hotfile_key` derives."""
        self.key = key
        self.confusables = confusables
        self.root = root

    def path_for(self, name: str, version: str) -> Path:
        """Where a list of that version is built before it is installed."""
        return self.root / name / f"{version}{ENDING}"

    def pointer(self, name: str) -> Path:
        """The small file that changes whenever another list is put in use."""
        return self.root / name / CURRENT

    def current(self, name: str) -> ListFacts | None:
        """What is known of the list in use; None if there is none.

        Raises:
            HotfileError: if its file is missing, damaged or of another key.
        """
        stored = self.open(name)
        if stored is None:
            return None
        with stored:
            if stored.fault is not None:
                raise DamagedListError(stored.fault)
            return stored.facts

    def in_use(self, name: str) -> Path | None:
        """The file of the list in use; None if there is none.

        Raises:
            HotfileError: if the folder cannot be read or names something that is no list.
        """
        path = self.pointer(name)
        try:
            text = path.read_text("utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise UnreadListError(f"hot list {name}: {path} cannot be read: {error}") from error
        file = text.removesuffix("\n")
        if Path(file).name != file or not file.endswith(ENDING):
            raise HotfileError(f"hot list {name}: {path} names no list; remove it")
        return self.root / name / file

    def open(self, name: str) -> StoredList | None:
        """The list in use, open; None if there is none.

        One that is damaged as :meth:`note_damage` says opens with that fault.

        Raises:
            UnreadListError: if its file is missing, or cannot be read now.
            HotfileError: if it does not open or is of another key.
        """
        path = self.in_use(name)
        if path is None:
            return None
        stored = StoredList(path, self.key, self.confusables)
        if self._damaged(name) == stored.identity:
            stored.note_damage()
        return stored

    def last(self, name: str) -> ListFacts | None:
        """What is known of the list in use, or of the newest that was if that does not open."""
        path: Path | None = None
        with suppress(HotfileError):
            path = self.in_use(name)
            if (stored := self.open(name)) is not None:
                with stored:
                    return stored.facts
        noted = noted_facts(self.root / name / FACTS)
        return stated_facts(path) if noted is None and path is not None else noted

    @contextmanager
    def turn(self, name: str) -> Iterator[None]:
        """Be the only process that changes the list; what a build left that was cut off is removed.

        Raises:
            BusyListError: if another is at it.
            HotfileError: if the folder cannot be used.
        """
        folder = self.root / name
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self._unwritten(name, error) from error
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                for ending in UNFINISHED:
                    for left in folder.glob(f"*{ENDING}.*.{ending}"):
                        left.unlink(missing_ok=True)
            except BlockingIOError as error:
                raise BusyListError(
                    f"hot list {name}: is being changed by another process; try again in a minute"
                ) from error
            except OSError as error:
                raise self._unwritten(name, error) from error
            yield
        finally:
            os.close(handle)

    def tidy(self, name: str) -> None:
        """Remove what a build left that was cut off, unless one runs or the disk refuses."""
        with suppress(HotfileError), self.turn(name):
            pass

    def entries(self, name: str) -> Iterator[HotlistEntry]:
        """The entries of the list in use, in the order in which it was built; none without one.

        Raises:
            HotfileError: if its file is missing, damaged or of another key.
        """
        stored = self.open(name)
        if stored is None:
            return
        with stored:
            try:
                yield from stored.entries()
            except DamagedListError:
                self.note_damage(name, stored)
                raise

    def note_damage(self, name: str, stored: StoredList) -> None:
        """Keep that this file is damaged until another is in use; cheap once that is kept.

        A disk that refuses is no error here: whoever meets the damage again notes it again.
        """
        if self._damaged(name) != stored.identity:
            with suppress(OSError):
                self._write(name, DAMAGED, stored.identity)

    def _damaged(self, name: str) -> str | None:
        try:
            return (self.root / name / DAMAGED).read_text("ascii")
        except (OSError, UnicodeDecodeError):
            return None

    def install(self, name: str, built: Path) -> None:
        """Put a list that was built in this folder in use, whole or not at all.

        Raises:
            HotfileError: if it does not open, is another list or lies elsewhere, or the disk
                refuses; what was in use stays.
        """
        folder = self.root / name
        with StoredList(built, self.key, self.confusables) as stored:
            if stored.facts.name != name or built != self.path_for(name, stored.facts.version):
                raise HotfileError(f"hot list {name}: {built} is not its file; build it there")
            facts = msgspec.json.encode(stored.facts).decode("utf-8")
        try:
            self._write(name, FACTS, facts)
            self._write(name, CURRENT, f"{built.name}\n")
            (folder / DAMAGED).unlink(missing_ok=True)
            for old in folder.glob(f"*{ENDING}*"):
                if old != built:
                    old.unlink(missing_ok=True)
        except OSError as error:
            raise self._unwritten(name, error) from error

    def _unwritten(self, name: str, error: OSError) -> HotfileError:
        return HotfileError(
            f"hot list {name}: {self.root / name} cannot be written: {error.strerror}"
        )

    def _write(self, name: str, file: str, text: str) -> None:
        path = self.root / name / file
        fresh = path.with_name(f"{file}.new")
        with fresh.open("w", encoding="utf-8") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(opened.fileno())
        fresh.replace(path)
        sync_folder(path.parent)
