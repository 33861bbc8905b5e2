"""The use case of an import: a file becomes what its source holds, and a new version of the list.

The file is read, checked and sorted before the database is asked for anything. What makes no entry
is rejected line by line; what changes too much, or is mostly rejected, is refused whole, and the
version in use stays in use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TextIO

from sqlalchemy import Connection, Engine, select

from edge.contract.hotlist import HotlistEntry, HotlistManifest
from edge.contract.hotlist_columns import UnusableFileError
from edge.contract.hotlist_table import Rejection, entries_of
from repository.accounts.errors import NotAllowedError
from repository.accounts.roles import Power, require
from repository.accounts.user import User
from repository.hotlists import sources, staging, versions, withdrawals
from repository.hotlists.errors import HotlistError
from repository.hotlists.publish import Publisher
from repository.hotlists.settings import MANUAL, SourceSettings
from repository.hotlists.staging import Staged
from repository.ledger import log
from repository.ledger.attempt import attempt
from repository.ledger.entry import JSON, Actor, Entry, as_typed
from repository.store.tables.fleet import agencies

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
                    with self.engine.begin() as connection:
                        return self._commit(connection, source, staged, entry, accepted)
            except OSError as error:
                raise HotlistError(f"{path}: {error.strerror}") from error
            except (HotlistError, UnusableFileError) as error:
                raise HotlistError(f"{path}: {error}") from error

    def _commit(
        self,
        connection: Connection,
        source: SourceSettings,
        staged: Staged,
        entry: Entry,
        accepted: Accepted | None,
    ) -> Imported:
        now = self.clock()
        key = versions.lock_list(connection, source.agency, source.list, make_at=now)
        before = {each.name: each.entries for each in sources.of_list(connection, key.id)}
        if accepted is None:
            _require_like(before.get(source.name), staged.entries, source)
        ends_after = source.ends_after_h
        sources.put(
            connection,
            key.id,
            sources.Brought(
                name=source.name,
                owner=source.owner or _title(connection, key.agency_id),
                entries=staged.entries,
                rejected=staged.rejected,
                lines=staged.lines(),
                by_name=entry.actor.name,
                at=now,
                ends_at=None if ends_after is None else now + timedelta(hours=ends_after),
            ),
        )
        withdrawals.lift(connection, key.id, _OwnIds(source, frozenset(before), staged).gone, now)
        manifest = self.publisher.publish(
            connection, key, actor=entry.actor, origin=entry.origin, now=now
        )
        log.append(
            connection,
            replace(
                entry,
                at=now,
                request={**entry.request, "rejected": staged.rejected},
                count=staged.entries,
            ),
        )
        return Imported(manifest, staged.entries, staged.rejected, tuple(staged.rejections))


@dataclass(frozen=True, slots=True)
class _OwnIds:
    """Tells whether a withdrawn id is one of this source's that the import no longer has."""

    source: SourceSettings
    sources: frozenset[str]
    staged: Staged

    def gone(self, entry: str) -> bool:
        named = entry.partition(":")[0] if ":" in entry else ""
        others = self.sources - {self.source.list} | {MANUAL}
        mine = entry.startswith(self.source.prefix) if self.source.prefix else named not in others
        return mine and entry not in self.staged


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


def _require_like(before: int | None, after: int, source: SourceSettings) -> None:
    if before is None or before < source.change_from_entries:
        return
    if abs(after - before) > before * source.max_change_share:
        raise HotlistError(
            f"has {after} entries where the last import had {before}, a change of more than "
            f"{source.max_change_share:.0%}; nothing was imported. If it is right, a person of "
            "the agency imports it with --accept-change, --user and --reason"
        )


def _title(connection: Connection, agency_id: int) -> str:
    query = select(agencies.c.title).where(agencies.c.id == agency_id)
    title: str = connection.execute(query).scalar_one()
    return title
