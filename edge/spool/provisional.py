"""Reads that rang before their pass ended: kept until the pass's final read takes their place.

A provisional read has no sequence. If the daemon dies before the pass ends, the next one gives it
one, and it goes up as the read that it is. It may be of a pass whose final read must not leave the
unit, and its id tells when a car was where: a read and its pictures are filed under pseudonyms, and
sealed under these. Every function works inside the caller's transaction.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from edge.contract.errors import ContractError
from edge.contract.records import AnyRecord, decode_record
from edge.spool import pictures, records
from edge.spool.encryption import DamagedBlobError, Sealed, Vault
from edge.spool.records import Owner
from edge.spool.sound_rows import Row, rows

_NO_SEQUENCE_YET = 1
"""The contract wants a sequence in every record; this one is replaced."""


@dataclass(frozen=True, slots=True)
class Provisional:
    """A read that rang before its pass ended: what is kept of it if the unit dies before.

    ``build`` is called once with a sequence that is replaced later; ``pictures`` are the bytes by
    their SHA-256 of all pictures that the read names.
    """

    build: Callable[[int], AnyRecord]
    pictures: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Taken:
    """Reads with the bytes of their pictures, in order of capture, and how many were lost."""

    reads: tuple[tuple[AnyRecord, Mapping[str, bytes]], ...]
    lost: int
    pictures_lost: int


def store(
    connection: sqlite3.Connection, vault: Vault, owner: Owner, provisional: Provisional
) -> None:
    """Store a provisional read under its id, in place of an earlier one with that id."""
    record = records.build_record(owner, provisional.build, _NO_SEQUENCE_YET)
    pictures.require_fit([record], provisional.pictures)
    keep(connection, vault, record, provisional.pictures)


def keep(
    connection: sqlite3.Connection,
    vault: Vault,
    record: AnyRecord,
    contents: Mapping[str, bytes],
) -> None:
    """Keep this record, in place of an earlier one with its id."""
    drop(connection, vault, record.id)
    row = _row_of(connection, vault, record.id)
    sealed = vault.seal(connection, _read_name(row), records.encoded(record))
    connection.execute(
        "INSERT INTO provisional (read, data_key, sealed) VALUES (?, ?, ?)",
        (row, sealed.data_key, sealed.blob),
    )
    for sha256, content in contents.items():
        picture = vault.pseudonym(connection, f"provisional/{record.id}/{sha256}")
        sealed = vault.seal(connection, _picture_name(row, picture), content)
        connection.execute(
            "INSERT INTO provisional_pictures (read, picture, data_key, sealed)"
            " VALUES (?, ?, ?, ?)",
            (row, picture, sealed.data_key, sealed.blob),
        )


def drop(connection: sqlite3.Connection, vault: Vault, read: UUID) -> None:
    """The pass ended, and its final read is stored in this transaction."""
    row = _row_of(connection, vault, read)
    connection.execute("DELETE FROM provisional_pictures WHERE read = ?", (row,))
    connection.execute("DELETE FROM provisional WHERE read = ?", (row,))


def take(connection: sqlite3.Connection, vault: Vault) -> Taken:
    """Take out the reads whose passes nobody will end; what does not open any more goes as well."""
    taken = opened(vault, rows(connection, "provisional"), rows(connection, "provisional_pictures"))
    connection.execute("DELETE FROM provisional_pictures")
    connection.execute("DELETE FROM provisional")
    return taken


def opened(vault: Vault, reads: Iterable[Row], shown: Iterable[Row]) -> Taken:
    """What opens of the rows of provisional reads and their pictures, ``shown``, of any layout."""
    lost = pictures_lost = 0
    contents: defaultdict[str, dict[str, bytes]] = defaultdict(dict)
    for row in shown:
        content = _opened(vault, _picture_name_of(row), row)
        if content is None:
            pictures_lost += 1
        else:
            contents[row["read"]][hashlib.sha256(content).hexdigest()] = content
    found: dict[UUID, tuple[AnyRecord, Mapping[str, bytes]]] = {}
    for row in reads:
        content = _opened(vault, _read_name(row["read"]), row)
        try:
            record = None if content is None else decode_record(content)
        except ContractError:
            record = None
        if record is None:
            lost += 1
        else:
            found[record.id] = record, contents[row["read"]]
    return Taken(tuple(found[read] for read in sorted(found)), lost, pictures_lost)


def _opened(vault: Vault, name: str, row: Row) -> bytes | None:
    try:
        return vault.open(name, Sealed(row["data_key"], row["sealed"]))
    except DamagedBlobError:
        return None


def _row_of(connection: sqlite3.Connection, vault: Vault, read: UUID) -> str:
    return vault.pseudonym(connection, f"provisional/{read}")


def _read_name(row: str) -> str:
    return f"provisional/{row}"


def _picture_name(row: str, picture: str) -> str:
    return f"provisional/{row}/{picture}"


def _picture_name_of(row: Row) -> str:
    if "sha256" in row:  # layout 2
        return pictures.picture_name(row["sha256"])
    return _picture_name(row["read"], row["picture"])
