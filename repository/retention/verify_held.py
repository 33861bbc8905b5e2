"""What is held, and whether it is there and is what its unit signed: for `verify`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, and_, func, select

from edge.contract.records import record_digest
from repository.retention.verify_rows import Left, held_reads
from repository.store.pictures import PictureError, PictureStore
from repository.store.tables.reads import batches, pictures, reads

_DIGEST_BYTES = 32
_AT_ONCE = 500


def number(connection: Connection, at: datetime) -> int:
    """How many reads a hold keeps at that moment."""
    return connection.scalar(select(func.count()).select_from(held_reads(at))) or 0


def losses(connection: Connection, store: PictureStore, at: datetime) -> Iterator[Left]:
    """Held reads that are gone or are not as signed, and their pictures that do not open."""
    held = held_reads(at)
    of_read = and_(
        reads.c.unit_id == held.c.unit_id,
        reads.c.captured_at == held.c.captured_at,
        reads.c.read_id == held.c.read_id,
    )
    of_batch = and_(
        batches.c.unit_id == reads.c.unit_id, batches.c.first_seq == reads.c.batch_first_seq
    )
    query = (
        select(
            held.c.read_id,
            reads.c.seq,
            reads.c.record,
            batches.c.first_seq,
            batches.c.record_digests,
        )
        .select_from(held.outerjoin(reads, of_read).outerjoin(batches, of_batch))
        .order_by(held.c.captured_at)
    )
    for row in connection.execute(query.execution_options(yield_per=_AT_ONCE)):
        if row.record is None:
            yield Left("held_read_missing", str(row.read_id))
        elif not _is_as_signed(row):
            yield Left("held_read_changed", str(row.read_id))
    of_picture = and_(
        pictures.c.unit_id == held.c.unit_id,
        pictures.c.captured_at == held.c.captured_at,
        pictures.c.read_id == held.c.read_id,
    )
    stored = (
        select(held.c.captured_at, pictures.c.sha256)
        .join(pictures, of_picture)
        .where(pictures.c.stored_at.is_not(None))
    )
    found = {
        (row.captured_at.astimezone(UTC).date(), row.sha256) for row in connection.execute(stored)
    }
    for day, sha256 in sorted(found):
        try:
            store.get(connection, day, sha256)
        except PictureError:
            yield Left("held_picture_lost", f"{day}/{sha256}")


def _is_as_signed(row: Any) -> bool:
    """Whether the record's digest stands at its place in its batch."""
    if row.record_digests is None:
        return False
    start = (row.seq - row.first_seq) * _DIGEST_BYTES
    signed: bytes = row.record_digests[start : start + _DIGEST_BYTES]
    return record_digest(bytes(row.record)) == signed
