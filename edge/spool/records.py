"""The records in the spool: built with their sequence, stored, cut into batches, told as hits.

Every function works inside the caller's transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from edge.contract.batch import MAX_BATCH_RECORDS
from edge.contract.errors import ContractError
from edge.contract.records import AnyRecord, Hit, encode_record
from edge.spool.encryption import Sealed, Vault
from edge.spool.errors import UnfitRecordError


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose records a spool takes."""

    agency: str
    unit: str


@dataclass(frozen=True, slots=True)
class WaitingHit:
    """A hit of which the repository was not yet told, as its canonical bytes."""

    seq: int
    record: bytes


def build_record(owner: Owner, build: Callable[[int], AnyRecord], seq: int) -> AnyRecord:
    """The record that a builder makes for a sequence.

    Raises:
        UnfitRecordError: if it does not fit the contract, or is another's.
    """
    try:
        record = build(seq)
    except ContractError as error:
        raise UnfitRecordError(f"a record does not fit the contract: {error}") from error
    if (record.agency, record.unit, record.seq) != (owner.agency, owner.unit, seq):
        raise UnfitRecordError(
            f"a record of {record.agency}/{record.unit} with sequence {record.seq} was given for "
            f"sequence {seq} of {owner.agency}/{owner.unit}"
        )
    return record


def encoded(record: AnyRecord) -> bytes:
    """A record's canonical bytes.

    Raises:
        UnfitRecordError: if the contract does not admit them.
    """
    try:
        return encode_record(record)
    except ContractError as error:
        raise UnfitRecordError(f"a record cannot be stored: {error}") from error


def store(connection: sqlite3.Connection, vault: Vault, record: AnyRecord) -> None:
    """Store a record under its sequence."""
    sealed = vault.seal(connection, record_name(record.seq), encoded(record))
    connection.execute(
        "INSERT INTO records (seq, hit_waiting, sealed, data_key) VALUES (?, ?, ?, ?)",
        (record.seq, isinstance(record, Hit), sealed.blob, sealed.data_key),
    )


def between(
    connection: sqlite3.Connection, first_seq: int, last_seq: int, limit: int = MAX_BATCH_RECORDS
) -> Iterator[tuple[int, Sealed]]:
    """Records of these sequences in order, each with its sequence."""
    rows = connection.execute(
        "SELECT seq, data_key, sealed FROM records WHERE seq BETWEEN ? AND ? ORDER BY seq LIMIT ?",
        (first_seq, last_seq, limit),
    )
    for seq, data_key, blob in rows:
        yield seq, Sealed(data_key, blob)


def waiting_hits(
    connection: sqlite3.Connection, limit: int, skip: Collection[int]
) -> Iterator[tuple[int, Sealed]]:
    """Hits, oldest first, that are neither marked sent nor receipted, but for those skipped."""
    rows = connection.execute(
        "SELECT seq FROM records WHERE hit_waiting = 1 ORDER BY seq LIMIT ?",
        (limit + len(skip),),
    ).fetchall()
    for seq in [seq for (seq,) in rows if seq not in skip][:limit]:
        yield from between(connection, seq, seq)


def record_name(seq: int) -> str:
    """The name under which a record is sealed."""
    return f"record/{seq}"
