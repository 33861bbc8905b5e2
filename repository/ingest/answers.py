"""What receipts say: of a message, of its records, and of their pictures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Connection, select

from edge.contract.batch import Batch, Refusal
from repository.ingest.fleet import floor_ms
from repository.ingest.read_facts import ReadFacts
from repository.ingest.verdicts import Judgement, Kept, OpenBatch, UnitState
from repository.store.tables.reads import pictures, quarantine

_MAX_EARLIER = 100
_EARLIER = timedelta(days=7)


Outcome = Literal["committed", "duplicate", "refused", "ahead"]


@dataclass(frozen=True, slots=True)
class Said:
    """What a receipt says besides where the chain stands, and of which unit."""

    outcome: Outcome
    unit: UnitState | None
    refused: tuple[Refusal, ...] = ()
    missing: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    records_kept: int = 0
    reason: str | None = None


def of_new(
    connection: Connection,
    unit: UnitState,
    opened: OpenBatch,
    judgement: Judgement,
    now: datetime,
    *,
    met: bool,
) -> Said:
    """Of a batch that is written now; ``met`` if any of its records was stored before.

    ``unit`` is as it stands after all of the transaction.
    """
    batch = opened.batch
    if met:
        found = _pictures_of(connection, unit.unit_id, opened)
    else:
        named = [
            picture.sha256
            for one in judgement.kept
            if isinstance(one.record, ReadFacts)
            for picture in one.record.pictures
        ]
        found = _Pictures((), tuple(dict.fromkeys(named)))
    earlier: tuple[str, ...] = ()
    if unit.committed_through == batch.last_seq and batch.first_seq > 1:
        earlier = _missing_before(connection, unit.unit_id, batch.first_seq, now)
    return Said(
        "committed",
        unit,
        refused=tuple(
            Refusal(seq=one.seq, reason=one.reason, detail=one.detail) for one in judgement.refused
        ),
        missing=tuple(dict.fromkeys((*found.missing, *earlier))),
        held=found.held,
        records_kept=len(judgement.kept),
    )


def again(connection: Connection, unit: UnitState, opened: OpenBatch) -> Said:
    """Of a batch that was written before."""
    found = _pictures_of(connection, unit.unit_id, opened)
    return Said(
        "duplicate",
        unit,
        refused=_refusals(connection, unit.unit_id, opened.batch),
        missing=found.missing,
        held=found.held,
    )


@dataclass(frozen=True, slots=True)
class _Pictures:
    """Pictures that records name: on disk, or still to come."""

    held: tuple[str, ...]
    missing: tuple[str, ...]


def _refusals(connection: Connection, unit_id: int, batch: Batch) -> tuple[Refusal, ...]:
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


def _pictures_of(connection: Connection, unit_id: int, opened: OpenBatch) -> _Pictures:
    """The pictures of a committed batch's records."""
    moments = [one.record.captured_at for one in opened.records if isinstance(one, Kept)]
    if not moments:
        return _Pictures((), ())
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
    return _Pictures(
        held=tuple(sorted({row.sha256 for row in rows if row.stored_at is not None})),
        missing=tuple(dict.fromkeys(row.sha256 for row in rows if row.stored_at is None)),
    )


def _missing_before(
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
