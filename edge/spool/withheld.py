"""Reads that must not leave the unit: kept for their own time beside the records, then purged.

They have no sequence, so the chain that goes to the repository has no gap where they would be.
Their time runs by an age in seconds that the caller counts: `edge.uplink.withholding` says how.
Every function works inside the caller's transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from edge.contract.records import AnyRecord
from edge.spool import pictures, records
from edge.spool.encryption import Vault
from edge.spool.records import Owner

_NO_SEQUENCE = 1
"""The contract wants a sequence in every record; this one is never sent."""


@dataclass(frozen=True, slots=True)
class Withheld:
    """A read and its hits that a rule keeps on the unit.

    The first builder makes the read, the others its hits. ``due_s`` is the age at which they are
    purged; None keeps nothing. A ``provisional`` one is of a pass that goes on: the final one of
    the same id takes its place, its hits stay with it, and the two count once.
    """

    builders: tuple[Callable[[int], AnyRecord], ...]
    pictures: Mapping[str, bytes]
    rule: str
    due_s: float | None
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class Age:
    """The age that the purge goes by, and the time of day that belonged to it, where known."""

    age_s: float
    at: datetime | None


@dataclass(frozen=True, slots=True)
class WithheldCounts:
    """Reads kept now, and reads of all time by rule."""

    kept: int
    reads: Mapping[str, int]


def store(
    connection: sqlite3.Connection, vault: Vault, owner: Owner, withheld: Withheld
) -> tuple[AnyRecord, ...]:
    """Count and keep a read with its hits and pictures."""
    made = tuple(records.build_record(owner, build, _NO_SEQUENCE) for build in withheld.builders)
    pictures.require_fit(made, withheld.pictures)
    read = str(made[0].id)
    known = connection.execute("SELECT 1 FROM withheld WHERE read = ?", (read,)).fetchone()
    if known is None and not (withheld.provisional and withheld.due_s is None):
        connection.execute(
            "INSERT INTO withheld_totals VALUES (?, 1) ON CONFLICT (rule)"
            " DO UPDATE SET reads = reads + 1",
            (withheld.rule,),
        )
    if withheld.due_s is None:
        return made
    connection.execute(
        "INSERT INTO withheld VALUES (?, ?) ON CONFLICT (read)"
        " DO UPDATE SET due_s = excluded.due_s",
        (read, withheld.due_s),
    )
    connection.execute(
        "DELETE FROM withheld_parts WHERE read = ? AND name LIKE 'picture/%'", (read,)
    )
    parts = {f"withheld/{record.id}": records.encoded(record) for record in made}
    parts |= {pictures.picture_name(sha256): data for sha256, data in withheld.pictures.items()}
    for name, content in parts.items():
        sealed = vault.seal(connection, name, content)
        connection.execute(
            "INSERT INTO withheld_parts VALUES (?, ?, ?, ?) ON CONFLICT (read, name)"
            " DO UPDATE SET sealed = excluded.sealed, data_key = excluded.data_key",
            (read, name, sealed.blob, sealed.data_key),
        )
    return made


def counts(connection: sqlite3.Connection) -> WithheldCounts:
    """How many reads are kept, and how many there ever were."""
    (kept,) = connection.execute("SELECT count(*) FROM withheld").fetchone()
    return WithheldCounts(kept, dict(connection.execute("SELECT * FROM withheld_totals")))


def age(connection: sqlite3.Connection) -> Age:
    """The age that was noted last; without a time of day that is damaged."""
    row = connection.execute("SELECT age_s, at FROM withheld_age").fetchone()
    if row is None:
        return Age(0.0, None)
    try:
        return Age(row[0], datetime.fromisoformat(row[1]))
    except (TypeError, ValueError):
        return Age(row[0], None)


def purge(connection: sqlite3.Connection, now: Age) -> int:
    """Note the age, and purge the reads that are due by it; how many there were."""
    connection.execute(
        "INSERT INTO withheld_age VALUES (1, ?, ?) ON CONFLICT (one)"
        " DO UPDATE SET age_s = excluded.age_s, at = excluded.at",
        (now.age_s, None if now.at is None else now.at.isoformat()),
    )
    return connection.execute("DELETE FROM withheld WHERE due_s <= ?", (now.age_s,)).rowcount
