"""A unit's next batch as it first came, byte for byte: from what is stored of it.

A batch goes as a whole or not at all: its root is over all its records, and the contract has no way
to leave one out. So a batch is kept back where one of its records is gone (purged, disposed of,
refused without its bytes), is withdrawn, or is one that its agency keeps from the other repository.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Table, select

from edge.contract.batch import Batch, encode_message
from edge.contract.records import record_digest
from repository.agencies.own import is_withdrawn
from repository.forwarding.filters import Filter, filters_of
from repository.forwarding.state import Position
from repository.store.tables.reads import batches, hits, quarantine, reads, unit_records

_DIGEST_BYTES = 32

GONE = "a record of it is gone"
WITHDRAWN = "a read of it is withdrawn"
FILTERED = "its agency keeps a record of it from the other repository"


@dataclass(frozen=True, slots=True)
class Whole:
    """A batch to forward, as its message travels."""

    last_seq: int
    message: bytes


@dataclass(frozen=True, slots=True)
class KeptBack:
    """A batch that is not forwarded, and why."""

    last_seq: int
    reason: str


def next_batch(connection: Connection, position: Position) -> Whole | KeptBack | None:
    """The first batch behind what is forwarded or kept back; None if there is none."""
    row = connection.execute(
        select(batches)
        .where(batches.c.unit_id == position.unit_id, batches.c.first_seq > position.scanned)
        .order_by(batches.c.first_seq)
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    reason = _reason(connection, position, row)
    if reason is not None:
        return KeptBack(row.last_seq, reason)
    records = _records(connection, row)
    if records is None:
        return KeptBack(row.last_seq, GONE)
    batch = Batch(
        agency=position.agency,
        unit=position.unit,
        key=row.key_id,
        first_seq=row.first_seq,
        previous_root=row.previous_root,
        root=row.root,
        signature=row.signature,
        records=tuple(msgspec.Raw(record) for record in records),
    )
    return Whole(row.last_seq, encode_message(batch))


def _reason(connection: Connection, position: Position, row: Row[Any]) -> str | None:
    for table in (reads, hits):
        query = select(table.c.seq).where(*_inside(table, row), is_withdrawn(table)).limit(1)
        if connection.execute(query).first() is not None:
            return WITHDRAWN
    filters = filters_of(connection, position.agency_id, position.unit_id)
    if filters and any(_is_kept(connection, table, row, filters) for table in _KINDS):
        return FILTERED
    return None


def _is_kept(
    connection: Connection, table: Table, row: Row[Any], filters: Iterable[Filter]
) -> bool:
    camera = (table.c.camera,) if table is not unit_records else ()
    query = select(table.c.captured_at, *camera).where(*_inside(table, row))
    return any(
        one.keeps(found[0], found[1] if camera else None)
        for found in connection.execute(query)
        for one in filters
    )


def _records(connection: Connection, row: Row[Any]) -> list[bytes] | None:
    """The batch's records in order; None if one is gone."""
    found: dict[bytes, bytes] = {}
    for table in _KINDS:
        query = select(table.c.record).where(*_inside(table, row))
        found |= {record_digest(record): record for record in connection.scalars(query)}
    refused = select(quarantine.c.body).where(
        quarantine.c.unit_id == row.unit_id,
        quarantine.c.seq.between(row.first_seq, row.last_seq),
    )
    found |= {record_digest(body): body for body in connection.scalars(refused)}
    digests = [
        row.record_digests[at : at + _DIGEST_BYTES]
        for at in range(0, len(row.record_digests), _DIGEST_BYTES)
    ]
    # Of a batch that was left out before it came here, the digests are not known either.
    whole = len(digests) == row.last_seq - row.first_seq + 1
    if not whole or any(digest not in found for digest in digests):
        return None
    return [found[digest] for digest in digests]


_KINDS = (reads, hits, unit_records)


def _inside(table: Table, row: Row[Any]) -> list[Any]:
    conditions: list[Any] = [
        table.c.unit_id == row.unit_id,
        table.c.seq.between(row.first_seq, row.last_seq),
    ]
    if row.captured_from is not None:
        conditions.append(table.c.captured_at.between(row.captured_from, row.captured_to))
    return conditions
