"""What a receipt says of a batch besides where the chain stands, asked of the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from edge.contract.batch import Batch, Refusal
from repository.ingest.fleet import floor_ms
from repository.ingest.verify import Kept, OpenBatch
from repository.store.tables.reads import pictures, quarantine

_MAX_EARLIER = 100
_EARLIER = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Pictures:
    """Pictures that records name: on disk, or still to come."""

    held: tuple[str, ...]
    missing: tuple[str, ...]


def refusals(connection: Connection, unit_id: int, batch: Batch) -> tuple[Refusal, ...]:
    """Which records of a committed batch were refused one by one, and why."""
    query = (
        select(quarantine.c.seq, quarantine.c.reason, quarantine.c.detail)
        .where(
            quarantine.c.unit_id == unit_id,
            quarantine.c.seq.between(batch.first_seq, batch.last_seq),
        )
        .order_by(quarantine.c.seq)
    )
    return tuple(
        Refusal(seq=row.seq, reason=row.reason, detail=row.detail)
        for row in connection.execute(query)
    )


def pictures_of(connection: Connection, unit_id: int, opened: OpenBatch) -> Pictures:
    """The pictures of a committed batch's records."""
    moments = [one.record.captured_at for one in opened.records if isinstance(one, Kept)]
    if not moments:
        return Pictures((), ())
    # The bounds of capture let PostgreSQL skip other days.
    query = (
        select(pictures.c.sha256, pictures.c.stored_at)
        .where(
            pictures.c.unit_id == unit_id,
            pictures.c.captured_at.between(floor_ms(min(moments)), max(moments)),
            pictures.c.seq.between(opened.batch.first_seq, opened.batch.last_seq),
        )
        .order_by(pictures.c.seq, pictures.c.sha256)
    )
    rows = connection.execute(query).all()
    return Pictures(
        held=tuple(sorted({row.sha256 for row in rows if row.stored_at is not None})),
        missing=tuple(dict.fromkeys(row.sha256 for row in rows if row.stored_at is None)),
    )


def missing_before(
    connection: Connection, unit_id: int, first_seq: int, now: datetime
) -> tuple[str, ...]:
    """The oldest pictures of records before that one that have not come, of the last days.

    At most a hundred, so that a receipt stays small after a long silence. A unit sends every
    picture that no receipt said is held; being asked makes it send one again that was refused.
    """
    query = (
        select(pictures.c.sha256)
        .where(
            pictures.c.unit_id == unit_id,
            pictures.c.captured_at >= now - _EARLIER,
            pictures.c.seq < first_seq,
            pictures.c.stored_at.is_(None),
        )
        .order_by(pictures.c.seq)
        .limit(_MAX_EARLIER)
    )
    return tuple(connection.scalars(query))
