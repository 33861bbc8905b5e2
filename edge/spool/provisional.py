"""Reads that rang before their pass ended: kept until the pass's final read takes their place.

A provisional read has no sequence. If the daemon dies before the pass ends, the next one gives it
one, and it goes up as the read that it is. Every function works inside the caller's transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

import msgspec

from edge.contract.records import AnyRecord, decode_record
from edge.spool import pictures, records
from edge.spool.encryption import DamagedBlobError, Sealed, Vault
from edge.spool.records import Owner

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


def store(
    connection: sqlite3.Connection, vault: Vault, owner: Owner, provisional: Provisional
) -> None:
    """Store a provisional read under its id, in place of an earlier one with that id."""
    record = records.build_record(owner, provisional.build, _NO_SEQUENCE_YET)
    pictures.require_fit([record], provisional.pictures)
    drop(connection, record.id)
    sealed = vault.seal(connection, provisional_name(record.id), records.encoded(record))
    connection.execute(
        "INSERT INTO provisional (read, sealed, data_key) VALUES (?, ?, ?)",
        (str(record.id), sealed.blob, sealed.data_key),
    )
    for sha256, content in provisional.pictures.items():
        sealed = vault.seal(connection, pictures.picture_name(sha256), content)
        connection.execute(
            "INSERT INTO provisional_pictures (read, sha256, sealed, data_key) VALUES (?, ?, ?, ?)",
            (str(record.id), sha256, sealed.blob, sealed.data_key),
        )


def drop(connection: sqlite3.Connection, read: UUID) -> None:
    """The pass ended, and its final read is stored in this transaction."""
    connection.execute("DELETE FROM provisional_pictures WHERE read = ?", (str(read),))
    connection.execute("DELETE FROM provisional WHERE read = ?", (str(read),))


def take(
    connection: sqlite3.Connection, vault: Vault, first_seq: int
) -> Iterator[tuple[AnyRecord, Mapping[str, bytes]]]:
    """Take out the reads whose passes nobody will end, in order of capture, with sequences.

    Each comes with the bytes of its pictures. What cannot be opened any more is left where it
    lies.
    """
    seq = first_seq
    rows = connection.execute("SELECT read, data_key, sealed FROM provisional ORDER BY read")
    for read, data_key, blob in rows.fetchall():
        try:
            content = vault.open(provisional_name(UUID(read)), Sealed(data_key, blob))
        except (DamagedBlobError, ValueError):
            continue
        contents = dict(_contents(connection, vault, read))
        drop(connection, UUID(read))
        yield msgspec.structs.replace(decode_record(content), seq=seq), contents
        seq += 1


def _contents(
    connection: sqlite3.Connection, vault: Vault, read: str
) -> Iterator[tuple[str, bytes]]:
    rows = connection.execute(
        "SELECT sha256, data_key, sealed FROM provisional_pictures WHERE read = ?", (read,)
    )
    for sha256, data_key, blob in rows.fetchall():
        with suppress(DamagedBlobError):
            yield sha256, vault.open(pictures.picture_name(sha256), Sealed(data_key, blob))


def provisional_name(read: UUID) -> str:
    """The name under which a provisional read is sealed."""
    return f"provisional/{read}"
