"""Sealed batches: their bounds, roots and signature are on the disk before one is handed out.

A batch is not sealed again: one that is sent again is the same batch, and the chain has one
shape. Two things make an exception: damage (`edge.spool.salvage`), and a batch that another signing
key sealed and that was refused for it, which the repository will never take. Every function works
inside the caller's transaction.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Raw

from edge.contract.batch import Batch, seal_batch
from edge.spool import records
from edge.spool.acknowledge import receipted
from edge.spool.encryption import Sealed
from edge.spool.errors import DamagedSpoolError
from edge.spool.records import Owner

MAX_BATCH_BYTES = 512 * 1024
_LAST_SEQUENCE = 2**53 - 1

OpenRecord = Callable[[int, Sealed], bytes]


def seal_next(
    connection: sqlite3.Connection,
    owner: Owner,
    private_key: Ed25519PrivateKey,
    open_record: OpenRecord,
) -> Batch | None:
    """Seal the next batch from what is in no batch yet; None where there is nothing."""
    row = connection.execute(
        "SELECT last_seq, root FROM batches ORDER BY last_seq DESC LIMIT 1"
    ).fetchone() or receipted(connection)
    last_seq, previous_root = row
    contents = _next_records(connection, last_seq + 1, open_record)
    if not contents:
        return None
    batch = seal_batch(
        agency=owner.agency,
        unit=owner.unit,
        first_seq=last_seq + 1,
        previous_root=previous_root,
        records=contents,
        private_key=private_key,
    )
    row = (
        batch.first_seq,
        batch.last_seq,
        batch.previous_root,
        batch.root,
        batch.key,
        batch.signature,
    )
    connection.execute("INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?, ?)", (*row, digest(row)))
    return batch


def sealed_otherwise(connection: sqlite3.Connection, key: str) -> bool:
    """Whether a batch that waits was sealed under another key than the one with this id."""
    row = connection.execute("SELECT 1 FROM batches WHERE key != ? LIMIT 1", (key,)).fetchone()
    return row is not None


def give_up_refused(connection: sqlite3.Connection, first_seq: int, key: str) -> bool:
    """Give up a refused batch that another key sealed, and those behind it; whether it was one.

    Their records are in no batch then and are sealed next. The ends of what is given up stay known,
    as after damage: had the repository one of them after all, its receipt is still believed.
    """
    row = connection.execute("SELECT key FROM batches WHERE first_seq = ?", (first_seq,)).fetchone()
    if row is None or row == (key,):
        return False
    connection.execute(
        "INSERT INTO given_up SELECT last_seq, root FROM batches WHERE first_seq >= ?", (first_seq,)
    )
    connection.execute("DELETE FROM batches WHERE first_seq >= ?", (first_seq,))
    return True


def digest(row: Sequence[int | str]) -> str:
    """What a batch's row is known by: a bit that flips in it is not sent to the repository."""
    return hashlib.sha256("\n".join(map(str, row)).encode()).hexdigest()


def unreceipted(
    connection: sqlite3.Connection, owner: Owner, limit: int, after: int, open_record: OpenRecord
) -> Iterator[Batch]:
    """Sealed batches that no receipt covers, in order, those that start after a sequence.

    Raises:
        DamagedSpoolError: if one is not as it was sealed, or does not follow on the one before.
    """
    last_seq, root = receipted(connection)
    before = connection.execute(
        "SELECT last_seq, root FROM batches WHERE first_seq BETWEEN ? AND ?"
        " ORDER BY first_seq DESC LIMIT 1",
        (last_seq + 1, after),
    ).fetchone()
    last_seq, root = before or (last_seq, root)
    rows = connection.execute(
        "SELECT first_seq, last_seq, previous_root, root, key, signature, digest FROM batches"
        " WHERE first_seq > ? ORDER BY first_seq LIMIT ?",
        (after, limit),
    ).fetchall()
    for *row, noted in rows:
        if noted not in ("", digest(row)) or (row[0], row[2]) != (last_seq + 1, root):
            raise DamagedSpoolError(f"batch {row[0]} is altered", "a batch is altered")
        first_seq, last_seq, previous_root, root, key, signature = row
        contents = list(
            _contents(records.between(connection, first_seq, last_seq), first_seq, open_record)
        )
        if len(contents) <= last_seq - first_seq:
            raise _gone(last_seq)
        yield Batch(
            agency=owner.agency,
            unit=owner.unit,
            key=key,
            first_seq=first_seq,
            previous_root=previous_root,
            root=root,
            signature=signature,
            records=tuple(Raw(content) for content in contents),
        )


def _next_records(
    connection: sqlite3.Connection, first_seq: int, open_record: OpenRecord
) -> list[bytes]:
    contents: list[bytes] = []
    size_bytes = 0
    rows = records.between(connection, first_seq, _LAST_SEQUENCE)
    for content in _contents(rows, first_seq, open_record):
        size_bytes += len(content)
        if contents and size_bytes > MAX_BATCH_BYTES:
            break
        contents.append(content)
    return contents


def _contents(
    rows: Iterator[tuple[int, Sealed]], first_seq: int, open_record: OpenRecord
) -> Iterator[bytes]:
    """Records' contents, found to be in sequence, as far as there are any.

    Raises:
        DamagedSpoolError: if one between them is missing.
    """
    for expected, (seq, sealed) in enumerate(rows, first_seq):
        if seq != expected:
            raise _gone(expected)
        yield open_record(seq, sealed)


def _gone(seq: int) -> DamagedSpoolError:
    return DamagedSpoolError(f"record {seq} is gone from the spool", "a record is gone")
