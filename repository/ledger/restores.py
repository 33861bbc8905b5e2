"""What the ledger itself says of restores from a backup, at which it lost entries.

Entries after the backup went with the server that was lost, and the ledger went on from where the
backup ends with an entry that says so. A checkpoint signed over the lost ones never fits again.
Whoever can write into the database can write such an entry too: it explains, it proves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, select

from repository.ledger import entry as entries
from repository.ledger.checkpoints import Checkpoint
from repository.ledger.entry import Entry
from repository.ledger.errors import LedgerError
from repository.store.tables.ledger import ledger_entries

ACTION = "repository.restore"
"""The entry with which the ledger goes on after a restore."""


@dataclass(frozen=True, slots=True)
class RestoreEntry:
    """A restore's entry, its index and time; ``backup`` is the digest that names the backup.

    ``names_checkpoint``: it names the very checkpoint that does not fit as one from before.
    """

    index: int
    at: str
    backup: str
    backup_made_at: str
    names_checkpoint: bool

    def words(self) -> str:
        """What to say of it beside a checkpoint that does not fit."""
        made_at = datetime.fromisoformat(self.backup_made_at)
        said = (
            f"entry {self.index} is a restore, at {self.at}, of the backup {self.backup[:16]} of "
            f"{made_at:%Y-%m-%d %H:%M} UTC: what the ledger had from entry {self.index} on until "
            "then was not in the backup and is lost, and a checkpoint signed over it fits no more"
        )
        if self.names_checkpoint:
            return f"{said}. That entry names this checkpoint as one from before the restore"
        return (
            f"{said}. Compare when this checkpoint was signed: if after the restore, entries were "
            "changed or taken away since"
        )


def restores_before(
    connection: Connection, size: int, checkpoint: Checkpoint
) -> tuple[RestoreEntry, ...]:
    """The restores among the first ``size`` entries, the newest first, for that checkpoint."""
    columns = ledger_entries.c
    query = (
        select(columns.entry_index, columns.body)
        .where(columns.action == ACTION, columns.entry_index < size)
        .order_by(columns.entry_index.desc())
    )
    found = []
    for row in connection.execute(query):
        try:
            found.append(_read(row.entry_index, entries.read(row.body).entry, checkpoint))
        except (LedgerError, KeyError, TypeError, ValueError):
            continue  # an entry of that name that says nothing of a restore explains nothing
    return tuple(found)


def _read(index: int, entry: Entry, checkpoint: Checkpoint) -> RestoreEntry:
    said = entry.request
    datetime.fromisoformat(str(said["made_at"]))
    named = (said.get("later_checkpoint_size"), said.get("later_checkpoint_root"))
    return RestoreEntry(
        index=index,
        at=f"{entry.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC",
        backup=str(said["backup"]),
        backup_made_at=str(said["made_at"]),
        names_checkpoint=named == (checkpoint.size, checkpoint.root.hex()),
    )
