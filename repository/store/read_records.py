"""The records of a few reads, as their units signed them, by the reads' keys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Select, Uuid, bindparam, cast, func, select, true, tuple_
from sqlalchemy.dialects.postgresql import ARRAY

from repository.store.bounded import BoundedReader
from repository.store.tables.base import UtcDateTime
from repository.store.tables.reads import reads

Key = tuple[int, datetime, UUID]
"""A read's unit, moment and id."""

_KEY = (reads.c.unit_id, reads.c.captured_at, reads.c.read_id)


def _by_lists() -> Select[tuple[int, datetime, UUID, bytes]]:
    """For PostgreSQL, the records by lists of the parts of their keys.

    The offset keeps the look-up apart from the list: each key is looked up in its own day's
    partition, where a join of the two would go through all of every day.
    """
    parts = (
        ("unit_id", ARRAY(BigInteger)),
        ("captured_at", ARRAY(UtcDateTime)),
        ("read_id", ARRAY(Uuid)),
    )
    listed = (
        func.unnest(*(cast(bindparam(f"{name}s", type_=kind), kind) for name, kind in parts))
        .table_valued(*(name for name, _ in parts), name="wanted")
        .render_derived()
    )
    one = (
        select(reads.c.record)
        .where(
            reads.c.unit_id == listed.c.unit_id,
            reads.c.captured_at == listed.c.captured_at,
            reads.c.read_id == listed.c.read_id,
            reads.c.captured_at >= bindparam("oldest"),
            reads.c.captured_at <= bindparam("newest"),
        )
        .offset(0)
        .lateral("one")
    )
    return select(listed, one.c.record).join(one, true())


_BY_LISTS = _by_lists()


def records_of(reader: BoundedReader, keys: Sequence[Key]) -> dict[Key, bytes]:
    """The canonical bytes of those of the reads that are there."""
    if not keys:
        return {}
    if reader.connection.dialect.name == "postgresql":
        units, moments, ids = map(list, zip(*keys, strict=True))
        values = {"unit_ids": units, "captured_ats": moments, "read_ids": ids}
        values |= {"oldest": min(moments), "newest": max(moments)}
        rows = reader.rows(_BY_LISTS, values)
    else:
        rows = reader.rows(select(*_KEY, reads.c.record).where(tuple_(*_KEY).in_(keys)))
    return {(row.unit_id, row.captured_at, row.read_id): row.record for row in rows}
