"""Rows of the store, from records: pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from edge.contract.batch import Batch
from edge.contract.records import (
    Disposition,
    FixedSite,
    Hit,
    NoPosition,
    Verification,
)
from repository.ingest.read_facts import ReadFacts
from repository.ingest.verdicts import AnyFacts, Kept, UnitState

Fold = Callable[[str], str]
Row = dict[str, Any]

READ_COLUMNS = (
    "unit_id",
    "captured_at",
    "read_id",
    "agency_id",
    "seq",
    "batch_first_seq",
    "camera",
    "plate",
    "plate_folded",
    "state",
    "confidence",
    "latitude_deg",
    "longitude_deg",
    "site",
    "has_hits",
    "record",
    "received_at",
)
PICTURE_COLUMNS = (
    "unit_id",
    "captured_at",
    "read_id",
    "sha256",
    "seq",
    "kind",
    "size_bytes",
    "width_px",
    "height_px",
    "stored_at",
)


def batch_row(
    unit: UnitState,
    batch: Batch,
    digests: bytes,
    message: str,
    kept: Sequence[Kept],
    now: datetime,
) -> Row:
    """What is kept of a batch, to prove its records later, and to find those that are kept."""
    moments = [one.record.captured_at for one in kept]
    return {
        "unit_id": unit.unit_id,
        "first_seq": batch.first_seq,
        "last_seq": batch.last_seq,
        "previous_root": batch.previous_root,
        "root": batch.root,
        "key_id": batch.key,
        "signature": batch.signature,
        "record_digests": digests,
        "message": message,
        "received_at": now,
        "captured_from": min(moments, default=None),
        "captured_to": max(moments, default=None),
    }


def read_row(
    unit: UnitState, read: ReadFacts, data: bytes, batch_first_seq: int, fold: Fold, now: datetime
) -> tuple[Any, ...]:
    """The row of a read: its ``READ_COLUMNS``."""
    position = read.position
    placed = None if isinstance(position, NoPosition) else position
    return (
        unit.unit_id,
        read.captured_at,
        read.id,
        unit.agency_id,
        read.seq,
        batch_first_seq,
        read.camera,
        read.plate,
        fold(read.plate),
        read.state.code,
        read.confidence,
        placed.latitude_deg if placed else None,
        placed.longitude_deg if placed else None,
        storable(position.site) if isinstance(position, FixedSite) else None,
        bool(read.hits),
        data,
        now,
    )


def picture_rows(unit: UnitState, read: ReadFacts) -> list[tuple[Any, ...]]:
    """The rows of a read's pictures, which have not come yet: their ``PICTURE_COLUMNS``."""
    by_digest = {picture.sha256: picture for picture in read.pictures}
    return [
        (
            unit.unit_id,
            read.captured_at,
            read.id,
            picture.sha256,
            read.seq,
            picture.kind,
            picture.size_bytes,
            picture.width_px,
            picture.height_px,
            None,
        )
        for picture in by_digest.values()
    ]


def hit_row(unit: UnitState, hit: Hit, data: bytes, now: datetime) -> Row:
    """The row of a hit."""
    return {
        **_common(unit, hit, data, now),
        "hit_id": hit.id,
        "read_id": hit.read,
        "camera": hit.camera,
        "plate": hit.plate,
        "list_name": hit.match.list_name,
        "kind": hit.match.kind,
        "priority": hit.match.priority,
        "rang": hit.rang,
    }


def other_row(unit: UnitState, one: Kept, now: datetime) -> Row:
    """The row of a record that is neither a read nor a hit."""
    record = one.record
    return {
        **_common(unit, record, one.data, now),
        "record_id": record.id,
        "type": type(record).__struct_config__.tag,
        "hit_id": record.hit if isinstance(record, Verification | Disposition) else None,
    }


def storable(text: str) -> str:
    """The text without the one character that PostgreSQL cannot hold; the record has it all."""
    return text.replace("\x00", "")


def _common(unit: UnitState, record: AnyFacts, data: bytes, now: datetime) -> Row:
    return {
        "unit_id": unit.unit_id,
        "captured_at": record.captured_at,
        "agency_id": unit.agency_id,
        "seq": record.seq,
        "record": data,
        "received_at": now,
    }
