"""The records of a few reads, as their units signed them, by the reads' keys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Uuid, cast, func, literal, select, true, tuple_
from sqlalchemy.dialects.postgresql import ARRAY

from repository.store.bounded import BoundedReader
from repository.store.tables.base import UtcDateTime
from repository.store.tables.reads import reads

Key = tuple[int, datetime, UUID]
"""A read's unit, moment and id."""

_KEY = (reads.c.unit_id, reads.c.captured_at, reads.c.read_id)


def records_of(reader: BoundedReader, keys: Sequence[Key]) -> dict[Key, bytes]:
    """The canonical bytes of those of the reads that are there."""
    if not keys:
        return {}
    if reader.connection.dialect.name == "postgresql":
        units, moments, ids = zip(*keys, strict=True)
        listed = (
            func.unnest(
                cast(literal(list(units), ARRAY(BigInteger)), ARRAY(BigInteger)),
                cast(literal(list(moments), ARRAY(UtcDateTime)), ARRAY(UtcDateTime)),
                cast(literal(list(ids), ARRAY(Uuid)), ARRAY(Uuid)),
            )
            .table_valued("unit_id", "captured_at", "read_id", name="wanted")
            .render_derived()
        )
        # The offset keeps this apart from the list: each key is looked up in its own day's
        # partition, where a join of the two would go through all of every day.
        one = (
            select(reads.c.record)
            .where(
                reads.c.unit_id == listed.c.unit_id,
                reads.c.captured_at == listed.c.captured_at,
                reads.c.read_id == listed.c.read_id,
                reads.c.captured_at >= min(moments),
                reads.c.captured_at <= max(moments),
            )
            .offset(0)
            .lateral("one")
        )
        query = select(listed, one.c.record).join(one, true())
    else:
        query = select(*_KEY, reads.c.record).where(tuple_(*_KEY).in_(keys))
    return {(row.unit_id, row.captured_at, row.read_id): row.record for row in reader.rows(query)}
