"""Issue what a list holds now as its next version: its sources and the entries made by hand.

What has ended, was withdrawn here, or comes from a source that was not imported anew in time is
left out. A version is dated by its oldest source, one that has ended too: a list that lacks what
it should have never looks new. Old versions are pruned as new ones come.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection

from edge.contract.hotlist import HotlistManifest
from repository.hotlists import entries, lines, pruning, sources, versions, withdrawals
from repository.hotlists.lines import Line
from repository.hotlists.sources import Source
from repository.hotlists.versions import Draft, ListKey
from repository.ledger.entry import Actor


@dataclass(frozen=True, slots=True)
class Content:
    """What a list holds at a moment: two that are equal give the same lines.

    ``renewed`` are the moments at which its sources were last imported, also of those that ended.
    """

    sources: tuple[Source, ...]
    by_hand: tuple[Line, ...]
    withdrawn: frozenset[str]
    renewed: tuple[datetime, ...]

    @classmethod
    def of(
        cls, connection: Connection, hotlist_id: int, now: datetime, without: str | None = None
    ) -> Content:
        """What it holds now, but for the source of that name."""
        found = [each for each in sources.of_list(connection, hotlist_id) if each.name != without]
        return cls(
            tuple(each for each in found if not each.ended(now)),
            tuple(entries.lines_of(connection, hotlist_id, now)),
            withdrawals.standing(connection, hotlist_id),
            tuple(each.imported_at for each in found),
        )

    def lines(
        self, connection: Connection, now: datetime, incoming: Iterable[Line] = ()
    ) -> Iterator[Line]:
        """Its lines, with those of a source that is not in it yet."""
        of_sources = (each.lines(connection) for each in self.sources)
        return lines.alive(lines.merge([*of_sources, self.by_hand, incoming]), now, self.withdrawn)


@dataclass(frozen=True, slots=True)
class Publisher:
    """Issues versions under the repository's key, keeping the files of so many."""

    private_key: Ed25519PrivateKey
    keep_versions: int

    def publish(
        self, connection: Connection, key: ListKey, *, actor: Actor, origin: str, now: datetime
    ) -> HotlistManifest:
        """Issue a locked list's next version.

        Raises:
            HotlistError: if two of its sources have an entry of the same id.
        """
        content = Content.of(connection, key.id, now)
        # First, since what comes after the ledger's entry keeps everybody from adding theirs.
        pruning.prune(connection, key, self.keep_versions - 1, now)
        return versions.issue(
            connection,
            key,
            content.lines(connection, now),
            as_of=min(content.renewed, default=now),
            private_key=self.private_key,
            actor=actor,
            origin=origin,
            now=now,
        )

    def publish_draft(
        self,
        connection: Connection,
        draft: Draft,
        *,
        as_of: datetime,
        actor: Actor,
        origin: str,
        now: datetime,
    ) -> HotlistManifest:
        """Issue a version whose file is written, its list locked; old files are only marked."""
        pruning.mark(connection, draft.key, self.keep_versions - 1, now)
        return draft.issue(
            connection,
            as_of=as_of,
            private_key=self.private_key,
            actor=actor,
            origin=origin,
            now=now,
        )
