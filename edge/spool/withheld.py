"""Reads that must not leave the unit: kept for their own time beside the records, then purged.

They have no sequence, so the chain that goes to the repository has no gap where they would be.
Their time runs by an age in seconds that the caller counts: `edge.uplink.withholding` says how.

Whoever takes the disk learns from them neither a plate nor when a car was where. A read is filed
under a pseudonym of its id, the record or picture that is a part of it under one of its own, and
the age at which it is due lies sealed. What lies in a row is sealed under the names that stand in
the row, so that it opens without the id, and does not open in another row.

A read is kept no longer than its time whatever is damaged: one whose due age does not open goes,
and if the age that was noted last does not, all that are kept are due. Its pictures may go before,
where there is no room (`edge.spool.quota`).
Every function works inside the caller's transaction.
"""

from __future__ import annotations

import math
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
_STAY = struct.Struct(">dd")
_DUE_ALONE = struct.Struct(">d")
"""As it was sealed before the age from which a read is kept was."""


@dataclass(frozen=True, slots=True)
class Age:
    """The age that the purge goes by, and the time of day that belonged to it, where known.

    Of a unit that does not have the time it is the earliest that it may be.
    """

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
class Stay:
    """The ages from which a read is kept and at which it is due."""

    from_s: float
    due_s: float


@dataclass(frozen=True, slots=True)
class Due:
    """Rows of reads whose time is over; of ``unopened`` of them nothing says when it is.

    ``after`` is the last row that was looked at, None where there are no more.
    """

    rows: Sequence[str]
    unopened: int
    after: str | None


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
    from_s = withheld.age.age_s
    keep(connection, vault, row, Stay(from_s, from_s + withheld.keep_s))
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


def keep(connection: sqlite3.Connection, vault: Vault, row: str, stay: Stay) -> None:
    """Keep a read until it is due."""
    sealed = vault.seal(connection, due_name(row), _STAY.pack(stay.from_s, stay.due_s))
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
    stays = (stay for _, stay in _stays(connection, vault) if stay is not None)
    return Age(max((stay.due_s for stay in stays), default=0.0), None)


def due(connection: sqlite3.Connection, vault: Vault, age_s: float, after: str, limit: int) -> Due:
    """The reads that are due by this age, of so many rows after that one, which are opened."""
    looked_at = list(_stays(connection, vault, after, limit))
    found = [(row, stay) for row, stay in looked_at if stay is None or stay.due_s <= age_s]
    return Due(
        rows=[row for row, _ in found],
        unopened=sum(stay is None for _, stay in found),
        after=looked_at[-1][0] if len(looked_at) == limit else None,
    )


def purge(connection: sqlite3.Connection, over: Due) -> None:
    """Purge these reads."""
    connection.executemany("DELETE FROM withheld WHERE read = ?", [(row,) for row in over.rows])


def note_if_any(connection: sqlite3.Connection, vault: Vault, now: Age) -> None:
    """Note the age if any reads are left; else there is nothing to be due by it."""
    if connection.execute("SELECT EXISTS (SELECT 1 FROM withheld)").fetchone() == (1,):
        note(connection, vault, now)
    else:
        connection.execute("DELETE FROM withheld_age")


def postpone(
    connection: sqlite3.Connection, vault: Vault, after_s: float, through_s: float, by_s: float
) -> int:
    """Have the reads that are kept from an age after the one and up to the other be due later.

    How many there were.
    """
    found = [
        (row, Stay(stay.from_s + by_s, stay.due_s + by_s))
        for row, stay in _stays(connection, vault)
        if stay is not None and after_s < stay.from_s <= through_s
    ]
    for row, stay in found:
        keep(connection, vault, row, stay)
    return len(found)


def give_way(connection: sqlite3.Connection, limit: int) -> int:
    """Drop so many pictures, the oldest first; how many there were."""
    # In the order of rowid the table itself would be looked through, records and all.
    return connection.execute(
        "DELETE FROM withheld_parts WHERE rowid IN (SELECT rowid FROM withheld_parts"
        " WHERE name LIKE 'picture/%' ORDER BY +rowid LIMIT ?)",
        (limit,),
    ).rowcount


def has_pictures(connection: sqlite3.Connection) -> bool:
    """Whether any picture is left."""
    (any_left,) = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM withheld_parts WHERE name LIKE 'picture/%')"
    ).fetchone()
    return bool(any_left)


def _stays(
    connection: sqlite3.Connection, vault: Vault, after: str = "", limit: int = -1
) -> Iterator[tuple[str, Stay | None]]:
    """How long each read is kept, in the order of rows; None where that does not open any more."""
    rows = connection.execute(
        "SELECT read, data_key, sealed FROM withheld WHERE read > ? ORDER BY read LIMIT ?",
        (after, limit),
    )
    for row, data_key, blob in rows:
        yield row, opened_stay(vault, row, Sealed(data_key, blob))


def opened_age(vault: Vault, sealed: Sealed) -> Age | None:
    """The age that was noted; None if that does not open any more."""
    try:
        return msgspec.json.decode(vault.open(_AGE_NAME, sealed), type=Age)
    except (DamagedBlobError, msgspec.DecodeError):
        return None


def opened_stay(vault: Vault, row: str, sealed: Sealed) -> Stay | None:
    """How long a row's read is kept; None if that does not open any more."""
    try:
        content = vault.open(due_name(row), sealed)
        if len(content) == _DUE_ALONE.size:
            (due_s,) = _DUE_ALONE.unpack(content)
            return Stay(-math.inf, due_s)
        return Stay(*_STAY.unpack(content))
    except (DamagedBlobError, struct.error):
        return None


def due_name(row: str) -> str:
    """The name under which a row's due age is sealed."""
    return f"withheld_due/{row}"


def part_name(row: str, name: str) -> str:
    """The name under which a part is sealed that is filed under this name, of this row's read."""
    return f"withheld/{row}/{name}"
