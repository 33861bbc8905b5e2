"""An import on its way: read, checked and sorted before the database is asked to wait for it.

The entries lie in a private file of SQLite's that has no name in the file system: its pages beyond
the cache are on the disk, so that a list of any length takes the same memory, and the system takes
the file back when the process ends, however it ends.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from edge.contract.errors import ContractError
from edge.contract.hotlist import HotlistEntry
from edge.contract.hotlist_table import Rejection
from repository.hotlists import lines
from repository.hotlists.lines import Line

REJECTIONS_KEPT = 1000
_CACHE_KIB = 16 * 1024


@dataclass
class Staged:
    """The entries of a file, and what was rejected of it: the first ones, and how many."""

    connection: sqlite3.Connection
    entries: int = 0
    rejected: int = 0
    rejections: list[Rejection] = field(default_factory=list)

    def lines(self) -> Iterator[bytes]:
        """The lines of the list's file in order of their ids."""
        for (raw,) in self.connection.execute("SELECT raw FROM staged ORDER BY entry"):
            yield raw

    def __contains__(self, entry: str) -> bool:
        """Whether the entry of that id is among them."""
        query = "SELECT 1 FROM staged WHERE entry = ?"
        return self.connection.execute(query, (entry,)).fetchone() is not None

    def take(self, number: int, made: HotlistEntry | Rejection) -> None:
        """Take what a line of the file made."""
        if isinstance(made, Rejection):
            self._reject(number, made.reason)
            return
        try:
            line = lines.of_entry(made)
        except ContractError as error:
            self._reject(number, str(error))
            return
        if self._keep(line):
            self.entries += 1
        else:
            self._reject(number, "entry: its id is that of a line before")

    def _keep(self, line: Line) -> bool:
        done = self.connection.execute(
            "INSERT OR IGNORE INTO staged VALUES (?, ?)", (line.entry, line.raw)
        )
        return done.rowcount == 1

    def _reject(self, number: int, reason: str) -> None:
        self.rejected += 1
        if len(self.rejections) < REJECTIONS_KEPT:
            self.rejections.append(Rejection(number, reason))


@contextmanager
def staged(made: Iterable[tuple[int, HotlistEntry | Rejection]]) -> Iterator[Staged]:
    """What the lines of a file made, for as long as the import lasts."""
    connection = sqlite3.connect("", isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        connection.execute("CREATE TABLE staged (entry TEXT PRIMARY KEY, raw BLOB) WITHOUT ROWID")
        connection.execute("BEGIN")
        stage = Staged(connection)
        for number, each in made:
            stage.take(number, each)
        yield stage
    finally:
        connection.close()
