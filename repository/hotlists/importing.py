"""The use case of an import: a file becomes what its source holds, and a new version of the list.

The file is read, checked and sorted before the database is asked for anything, and brought there
in turns: see :mod:`repository.hotlists.bringing`. What makes no entry is rejected line by line;
what changes too much, or is mostly rejected, is refused whole, and the version in use stays in use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TextIO

from sqlalchemy import Engine

from edge.contract.hotlist import HotlistEntry, HotlistManifest
from edge.contract.hotlist_columns import UnusableFileError
from edge.contract.hotlist_table import Rejection, entries_of
from repository.accounts.errors import NotAllowedError
from repository.accounts.roles import Power, require
from repository.accounts.user import User
from repository.hotlists import staging
from repository.hotlists.bringing import Bringing
from repository.hotlists.errors import HotlistError
from repository.hotlists.publish import Publisher
from repository.hotlists.settings import MANUAL, SourceSettings
from repository.hotlists.staging import Staged
from repository.ledger.attempt import attempt
from repository.ledger.entry import JSON, Actor, Entry, as_typed

MAX_REJECTED_SHARE = 0.5
"""A file of which more is rejected has other columns than the settings say."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A named person's word that a list which changed a lot is right."""

    user: User
    reason: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a file: the version it made, and what was rejected of it."""

    manifest: HotlistManifest
    source_entries: int
    rejected: int
    rejections: tuple[Rejection, ...]


@dataclass(frozen=True, slots=True)
class Imports:
    """Imports lists from files."""

    engine: Engine
    publisher: Publisher
    clock: Callable[[], datetime]

    def take(
        self,
        path: Path,
        source: SourceSettings,
        *,
        actor: Actor,
        origin: str,
        accepted: Accepted | None = None,
    ) -> Imported:
        """Import a file of a source; the ledger keeps who did it, also where it is refused.

        Raises:
            HotlistError: if the file cannot be used, or changes the list by more than is allowed
                and nobody accepted that.
        """
        asked: dict[str, JSON] = {
            "agency": source.agency,
            "list": source.list,
            "source": source.name,
            "file": as_typed(str(path)),
        }
        if accepted is not None:
            asked["change_accepted_because"] = as_typed(accepted.reason)
            actor = accepted.user.actor
        entry = Entry("hotlist.import", actor, self.clock(), origin, asked)
        with attempt(self.engine, entry, (HotlistError, NotAllowedError)):
            if accepted is not None:
                require(accepted.user, Power.CHECK_HOTLIST)
                _require_word(accepted, source)
            try:
                with (
                    path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file,
                    staging.staged(_entries(file, source)) as staged,
                ):
                    _require_mostly_good(staged)
                    manifest = Bringing(
                        self.engine,
                        self.publisher,
                        self.clock,
                        source,
                        staged,
                        entry,
                        change_accepted=accepted is not None,
                    ).bring()
                    rejections = tuple(staged.rejections)
                    return Imported(manifest, staged.entries, staged.rejected, rejections)
            except OSError as error:
                raise HotlistError(f"{path}: {error.strerror}") from error
            except (HotlistError, UnusableFileError) as error:
                raise HotlistError(f"{path}: {error}") from error


def _entries(
    file: TextIO, source: SourceSettings
) -> Iterator[tuple[int, HotlistEntry | Rejection]]:
    return entries_of(file, source.columns.table(), prefix=source.prefix, reserved=f"{MANUAL}:")


def _require_word(accepted: Accepted, source: SourceSettings) -> None:
    if accepted.user.agency != source.agency:
        raise HotlistError(f"only a person of {source.agency} can accept a change of its list")
    if len(accepted.reason.split()) < 2:
        raise HotlistError("reason: say in words why the change is right")


def _require_mostly_good(staged: Staged) -> None:
    lines = staged.entries + staged.rejected
    if staged.rejected > lines * MAX_REJECTED_SHARE:
        first = staged.rejections[0]
        raise HotlistError(
            f"line {first.line}: {first.reason}; {staged.rejected} of {lines} lines make no entry, "
            "so nothing was imported: check the file and the columns in the settings"
        )
    if not lines:
        raise HotlistError("has no line after its first; nothing was imported")
