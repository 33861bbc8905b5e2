"""Reads that must not leave the unit: kept for their own time beside the records, then purged.

They have no sequence, so the chain that goes to the repository has no gap where they would be.
Their time runs by an age in seconds that the caller counts: `edge.uplink.withholding` says how.

Whoever takes the disk learns from them neither a plate nor when a car was where. A read is filed
under a pseudonym of its id, the record or picture that is a part of it under one of its own, and
the age at which it is due lies sealed. What lies in a row is sealed under the names that stand in
the row, so that it opens without the id, and does not open in another row.

A read is kept no longer than its time whatever is damaged: one whose due age does not open goes,
and if the age that was noted last does not, all that are kept are due.
Every function works inside the caller's transaction.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from edge.contract.records import AnyRecord
from edge.spool import pictures, records
from edge.spool.encryption import DamagedBlobError, Sealed, Vault
from edge.spool.records import Owner

_NO_SEQUENCE = 1
"""The contract wants a sequence in every record; this one is never sent."""

_AGE_NAME = "withheld_age"
_DUE = struct.Struct(">d")


@dataclass(frozen=True, slots=True)
class Age:
    """The age that the purge goes by, and the time of day that belonged to it, where known."""

    age_s: float
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Withheld:
    """A read and its hits that a rule keeps on the unit.

    The first builder makes the read, the others its hits. It is purged ``keep_s`` after ``age``,
    which is the age now; None keeps nothing. A ``provisional`` one is of a pass that goes on: the
    final one of the same id takes its place, its hits stay with it, and the two count once.
    """

    builders: tuple[Callable[[int], AnyRecord], ...]
    pictures: Mapping[str, bytes]
    rule: str
    age: Age
    keep_s: float | None
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class WithheldCounts:
    """Reads kept now, and reads of all time by rule."""

    kept: int
    reads: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Due:
    """Rows of reads whose time is over; of ``unopened`` of them nothing says when it is."""

    rows: Sequence[str]
    unopened: int


def store(
    connection: sqlite3.Connection, vault: Vault, owner: Owner, withheld: Withheld
) -> tuple[AnyRecord, ...]:
    """Count and keep a read with its hits and pictures, and note the age that it counts from."""
    made = tuple(records.build_record(owner, build, _NO_SEQUENCE) for build in withheld.builders)
    pictures.require_fit(made, withheld.pictures)
    read = str(made[0].id)
    row = row_of(connection, vault, read)
    known = connection.execute("SELECT 1 FROM withheld WHERE read = ?", (row,)).fetchone()
    if known is None and not (withheld.provisional and withheld.keep_s is None):
        connection.execute(
            "INSERT INTO withheld_totals VALUES (?, 1) ON CONFLICT (rule)"
            " DO UPDATE SET reads = reads + 1",
            (withheld.rule,),
        )
    if withheld.keep_s is None:
        return made
    if withheld.age.age_s >= age(connection, vault).age_s:  # else it waited for the disk
        note(connection, vault, withheld.age)
    keep(connection, vault, row, withheld.age.age_s + withheld.keep_s)
    connection.execute(
        "DELETE FROM withheld_parts WHERE read = ? AND name LIKE 'picture/%'", (row,)
    )
    for record in made:
        keep_part(connection, vault, read, f"record/{record.id}", records.encoded(record))
    for sha256, content in withheld.pictures.items():
        keep_part(connection, vault, read, f"picture/{sha256}", content)
    return made


def row_of(connection: sqlite3.Connection, vault: Vault, read: str) -> str:
    """What the read of this id is filed under."""
    return vault.pseudonym(connection, f"withheld/{read}")


def keep(connection: sqlite3.Connection, vault: Vault, row: str, due_s: float) -> None:
    """Keep a read until this age."""
    sealed = vault.seal(connection, due_name(row), _DUE.pack(due_s))
    connection.execute(
        "INSERT INTO withheld (read, data_key, sealed) VALUES (?, ?, ?) ON CONFLICT (read)"
        " DO UPDATE SET data_key = excluded.data_key, sealed = excluded.sealed",
        (row, sealed.data_key, sealed.blob),
    )


def keep_part(
    connection: sqlite3.Connection, vault: Vault, read: str, part: str, content: bytes
) -> None:
    """Keep a part of the read of this id: ``record/`` and its id, ``picture/`` and its SHA-256."""
    row = row_of(connection, vault, read)
    kind, _, _ = part.partition("/")
    name = f"{kind}/{vault.pseudonym(connection, f'withheld/{read}/{part}')}"
    sealed = vault.seal(connection, part_name(row, name), content)
    connection.execute(
        "INSERT INTO withheld_parts (read, name, data_key, sealed) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (read, name)"
        " DO UPDATE SET data_key = excluded.data_key, sealed = excluded.sealed",
        (row, name, sealed.data_key, sealed.blob),
    )


def counts(connection: sqlite3.Connection) -> WithheldCounts:
    """How many reads are kept, and how many there ever were."""
    (kept,) = connection.execute("SELECT count(*) FROM withheld").fetchone()
    return WithheldCounts(kept, dict(connection.execute("SELECT * FROM withheld_totals")))


def note(connection: sqlite3.Connection, vault: Vault, now: Age) -> None:
    """Note the age, as long as anything is kept."""
    sealed = vault.seal(connection, _AGE_NAME, msgspec.json.encode(now))
    connection.execute(
        "INSERT INTO withheld_age (one, data_key, sealed) VALUES (1, ?, ?) ON CONFLICT (one)"
        " DO UPDATE SET data_key = excluded.data_key, sealed = excluded.sealed",
        (sealed.data_key, sealed.blob),
    )


def age(connection: sqlite3.Connection, vault: Vault) -> Age:
    """The age that was noted last; if that is lost, one at which all that is kept is due."""
    row = connection.execute("SELECT data_key, sealed FROM withheld_age").fetchone()
    noted = None if row is None else opened_age(vault, Sealed(*row))
    if noted is not None:
        return noted
    dues = (due_s for _, due_s in _dues(connection, vault) if due_s is not None)
    return Age(max(dues, default=0.0), None)


def due(connection: sqlite3.Connection, vault: Vault, age_s: float) -> Due:
    """The reads that are due by this age. Each one's due age is opened for it."""
    found = [
        (row, due_s) for row, due_s in _dues(connection, vault) if due_s is None or due_s <= age_s
    ]
    return Due([row for row, _ in found], sum(due_s is None for _, due_s in found))


def purge(connection: sqlite3.Connection, vault: Vault, over: Due, now: Age) -> None:
    """Purge these reads, and note the age if any are left."""
    connection.executemany("DELETE FROM withheld WHERE read = ?", [(row,) for row in over.rows])
    if connection.execute("SELECT EXISTS (SELECT 1 FROM withheld)").fetchone() == (1,):
        note(connection, vault, now)
    else:
        connection.execute("DELETE FROM withheld_age")


def _dues(connection: sqlite3.Connection, vault: Vault) -> Iterator[tuple[str, float | None]]:
    for row, data_key, blob in connection.execute("SELECT read, data_key, sealed FROM withheld"):
        yield row, opened_due(vault, row, Sealed(data_key, blob))


def opened_age(vault: Vault, sealed: Sealed) -> Age | None:
    """The age that was noted; None if that does not open any more."""
    try:
        return msgspec.json.decode(vault.open(_AGE_NAME, sealed), type=Age)
    except (DamagedBlobError, msgspec.DecodeError):
        return None


def opened_due(vault: Vault, row: str, sealed: Sealed) -> float | None:
    """The age at which a row's read is due; None if that does not open any more."""
    try:
        (due_s,) = _DUE.unpack(vault.open(due_name(row), sealed))
    except (DamagedBlobError, struct.error):
        return None
    return float(due_s)


def due_name(row: str) -> str:
    """The name under which a row's due age is sealed."""
    return f"withheld_due/{row}"


def part_name(row: str, name: str) -> str:
    """The name under which a part is sealed that is filed under this name, of this row's read."""
    return f"withheld/{row}/{name}"
