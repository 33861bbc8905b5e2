"""An import's way into the database: in many short transactions, so that ingest goes on.

What is written first is seen by nobody: the file of a source that has no name, and that of a
version that has no manifest. The last transaction gives the source its name and issues the
version, if the list is still what the version was made of; else the version is made anew, at last
within that transaction. What is left over goes after it, in turns as well. An import that is cut
off leaves the list as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, select

from edge.contract.hotlist import HotlistManifest
from repository.errors import RepositoryError
from repository.hotlists import files, lines, pruning, sources, versions, withdrawals
from repository.hotlists.errors import HotlistError
from repository.hotlists.publish import Content, Publisher
from repository.hotlists.settings import MANUAL, SourceSettings
from repository.hotlists.sources import Brought
from repository.hotlists.staging import Staged
from repository.hotlists.versions import Draft, ListKey
from repository.ledger import log
from repository.ledger.entry import Entry
from repository.store.engine import reading
from repository.store.tables.fleet import agencies

_DRAFTS = 3


class _OvertakenError(Exception):
    """The list is not what the draft was made of any more."""


@dataclass
class Bringing:
    """One import, from its checked file to the version that holds it."""

    engine: Engine
    publisher: Publisher
    clock: Callable[[], datetime]
    source: SourceSettings
    staged: Staged
    entry: Entry
    change_accepted: bool
    _left: list[int] = field(default_factory=list)
    _drafts: list[int] = field(default_factory=list)

    def bring(self) -> HotlistManifest:
        """Import it.

        Raises:
            HotlistError: if it changes the list by more than is allowed and nobody accepted that,
                or another source has an entry of the same id.
        """
        with self.engine.begin() as connection:
            key, _ = self._enter(connection)
            prepared = sources.prepare(connection, key.id, self.clock())
        self._left.append(prepared)
        try:
            size_bytes = files.of_source(prepared).write_in_turns(self.engine, self.staged.lines())
            for _ in range(_DRAFTS):
                with suppress(_OvertakenError):
                    return self._publish(prepared, size_bytes, self._draft(key))
            return self._publish(prepared, size_bytes, None)
        finally:
            with suppress(RepositoryError):  # the next import tries again
                self._clear(key.id)

    def _enter(self, connection: Connection) -> tuple[ListKey, frozenset[str]]:
        key = versions.lock_list(
            connection, self.source.agency, self.source.list, make_at=self.clock()
        )
        before = {each.name: each.entries for each in sources.of_list(connection, key.id)}
        if not self.change_accepted:
            _require_like(before.get(self.source.name), self.staged.entries, self.source)
        return key, frozenset(before)

    def _draft(self, key: ListKey) -> tuple[Draft, Content]:
        """A version with the import, its file written, and what else it was made of."""
        now = self.clock()
        with reading(self.engine) as seen:
            names = frozenset(each.name for each in sources.of_list(seen, key.id))
            content = Content.of(seen, key.id, now, without=self.source.name)
            withdrawn = frozenset(
                each for each in content.withdrawn if not self._no_longer_has(each, names)
            )
            content = replace(content, withdrawn=withdrawn)
            with self.engine.begin() as connection:
                locked = versions.lock_list(connection, key.agency, key.name)
                draft = versions.prepare(connection, locked, now, seen)
            self._drafts.append(draft.number)
            incoming = lines.split(self.staged.lines())
            draft.file.write_in_turns(
                self.engine, draft.through(seen, content.lines(seen, now, incoming))
            )
        return draft, content

    def _publish(
        self, prepared: int, size_bytes: int, made: tuple[Draft, Content] | None
    ) -> HotlistManifest:
        """Let the import take its place and issue the draft; without one, make a version of it."""
        with self.engine.begin() as connection:
            key, names = self._enter(connection)
            now = self.clock()
            replaced = sources.put(
                connection, key.id, prepared, self._brought(connection, key, size_bytes, now)
            )
            withdrawals.lift(connection, key.id, lambda e: self._no_longer_has(e, names), now)
            by, origin = self.entry.actor, self.entry.origin
            if made is None:
                manifest = self.publisher.publish(connection, key, actor=by, origin=origin, now=now)
            else:
                draft, content = made
                others = Content.of(connection, key.id, now, without=self.source.name)
                if others != content or not draft.follows_newest(connection):
                    raise _OvertakenError
                as_of = min([now, *content.renewed])
                manifest = self.publisher.publish_draft(
                    connection, draft, as_of=as_of, actor=by, origin=origin, now=now
                )
            request = {**self.entry.request, "rejected": self.staged.rejected}
            done = replace(self.entry, at=now, request=request, count=self.staged.entries)
            log.append(connection, done)
        self._left += [] if replaced is None else [replaced]
        return manifest

    def _brought(
        self, connection: Connection, key: ListKey, size_bytes: int, now: datetime
    ) -> Brought:
        ends_after = self.source.ends_after_h
        return Brought(
            name=self.source.name,
            owner=self.source.owner or _title(connection, key.agency_id),
            entries=self.staged.entries,
            rejected=self.staged.rejected,
            size_bytes=size_bytes,
            by_name=self.entry.actor.name,
            at=now,
            ends_at=None if ends_after is None else now + timedelta(hours=ends_after),
        )

    def _no_longer_has(self, entry: str, names: frozenset[str]) -> bool:
        """Whether a withdrawn id is one of this source's that the import does not have."""
        named = entry.partition(":")[0] if ":" in entry else ""
        others = names - {self.source.list} | {MANUAL}
        prefix = self.source.prefix
        mine = entry.startswith(prefix) if prefix else named not in others
        return mine and entry not in self.staged

    def _clear(self, hotlist_id: int) -> None:
        now = self.clock()
        with reading(self.engine) as connection:
            old = sources.unnamed(connection, hotlist_id, now - pruning.LEFT_FOR)
        for each in {*self._left, *old}:
            sources.forget(self.engine, each)
        pruning.clear(self.engine, hotlist_id, self._drafts, now)


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
