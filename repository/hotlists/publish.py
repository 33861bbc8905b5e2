"""Issue what a list holds now as its next version: its sources and the entries made by hand.

What has ended, was withdrawn here, or comes from a source that was not imported anew in time is
left out. A version is dated by its oldest source, one that has ended too: a list that lacks what
it should have never looks new. Old versions are pruned as new ones come.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection

from edge.contract.hotlist import HotlistManifest
from repository.hotlists import entries, lines, pruning, sources, versions, withdrawals
from repository.hotlists.versions import ListKey
from repository.ledger.entry import Actor


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
        all_sources = sources.of_list(connection, key.id)
        parts = [each for each in all_sources if not each.ended(now)]
        by_hand = entries.lines_of(connection, key.id, now)
        content = lines.alive(
            lines.merge([*(each.lines(connection) for each in parts), by_hand]),
            now,
            withdrawals.standing(connection, key.id),
        )
        # First, since what comes after the ledger's entry keeps everybody from adding theirs.
        pruning.prune(connection, key, self.keep_versions - 1, now)
        return versions.issue(
            connection,
            key,
            content,
            as_of=min((each.imported_at for each in all_sources), default=now),
            private_key=self.private_key,
            actor=actor,
            origin=origin,
            now=now,
        )
