"""What ingest reads from and writes to the database, all of it in the caller's transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import UNSET
from sqlalchemy import Connection, Table, exists, select, update

from edge.contract.batch import Batch, Refusal, RefusalReason, UnitStatus
from edge.contract.records import (
    Disposition,
    FixedSite,
    GpsFix,
    Hit,
    Read,
    Verification,
    record_digest,
)
from repository.ingest.verify import Judgement, Kept, RefusedRecord, UnitState
from repository.store.partitions import ensure_days
from repository.store.rows import insert_new, put
from repository.store.tables.fleet import agencies, chains, unit_status, units
from repository.store.tables.reads import (
    batches,
    hits,
    pictures,
    quarantine,
    quarantine_budgets,
    reads,
    unit_records,
)
from repository.store.tables.retention import retention_state

WHOLE_BODY_BYTES = 1024 * 1024
PART_BODY_BYTES = 64 * 1024
UNKNOWN_BODY_BYTES = 4 * 1024
UNKNOWN_BYTES_PER_DAY = 1024 * 1024
_UNKNOWN = 0
_MAX_TOPIC = 1024
_MAX_MISSING = 1000

Fold = Callable[[str], str]


def load_unit(connection: Connection, agency: str, unit: str) -> UnitState | None:
    """The unit of that name; its chain stays locked until the transaction ends."""
    query = (
        select(
            units.c.id,
            units.c.agency_id,
            units.c.public_key,
            units.c.key_id,
            units.c.revoked_at,
            chains.c.committed_through,
            chains.c.chain_root,
        )
        .join(agencies, agencies.c.id == units.c.agency_id)
        .join(chains, chains.c.unit_id == units.c.id)
        .where(agencies.c.name == agency, units.c.name == unit)
        .with_for_update(of=chains)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return UnitState(
        unit_id=row.id,
        agency_id=row.agency_id,
        public_key=Ed25519PublicKey.from_public_bytes(row.public_key),
        key_id=row.key_id,
        revoked=row.revoked_at is not None,
        committed_through=row.committed_through,
        chain_root=row.chain_root,
    )


def watermark(connection: Connection) -> datetime | None:
    """The moment of capture before which everything unheld is purged; None before any purge."""
    return connection.scalar(select(retention_state.c.watermark))


def committed_root(connection: Connection, unit_id: int, first_seq: int) -> str | None:
    """Root of the unit's committed batch that begins there; None if none does."""
    return connection.scalar(
        select(batches.c.root).where(batches.c.unit_id == unit_id, batches.c.first_seq == first_seq)
    )


def stored_records(
    connection: Connection, unit_id: int, records: Iterable[Kept | RefusedRecord]
) -> dict[UUID, bytes]:
    """Bytes of the unit's records that are stored under the ids of these ones."""
    wanted = [one.record for one in records if isinstance(one, Kept)]
    if not wanted:
        return {}
    # An id holds the millisecond of its capture: the bounds let PostgreSQL skip other days.
    first = min(record.captured_at for record in wanted)
    last = max(record.captured_at for record in wanted)
    first = first.replace(microsecond=first.microsecond // 1000 * 1000)
    last = last.replace(microsecond=last.microsecond // 1000 * 1000 + 999)
    ids = [record.id for record in wanted]
    found: dict[UUID, bytes] = {}
    for table, identifier in (
        (reads, reads.c.read_id),
        (hits, hits.c.hit_id),
        (unit_records, unit_records.c.record_id),
    ):
        query = select(identifier, table.c.record).where(
            table.c.unit_id == unit_id,
            table.c.captured_at.between(first, last),
            identifier.in_(ids),
        )
        found.update((row[0], row[1]) for row in connection.execute(query))
    return found


def write_batch(
    connection: Connection,
    *,
    unit: UnitState,
    topic: str,
    batch: Batch,
    message: str,
    judgement: Judgement,
    fold: Fold,
    received_at: datetime,
) -> None:
    """Keep a batch: its records, their pictures' facts, what is refused, and the unit's chain."""
    _write_records(connection, unit, batch.first_seq, judgement.kept, fold, received_at)
    for refused in judgement.refused:
        _write_refused_record(connection, unit, topic, refused, received_at)
    connection.execute(
        batches.insert().values(
            unit_id=unit.unit_id,
            first_seq=batch.first_seq,
            last_seq=batch.last_seq,
            previous_root=batch.previous_root,
            root=batch.root,
            key_id=batch.key,
            signature=batch.signature,
            record_digests=b"".join(record_digest(bytes(raw)) for raw in batch.records),
            message=message,
            received_at=received_at,
        )
    )
    connection.execute(
        update(chains)
        .where(chains.c.unit_id == unit.unit_id)
        .values(committed_through=batch.last_seq, chain_root=batch.root, updated_at=received_at)
    )


def write_hit(connection: Connection, unit: UnitState, hit: Kept, received_at: datetime) -> None:
    """Keep a hit ahead of its batch; keeping it again changes nothing."""
    if not isinstance(hit.record, Hit):
        raise TypeError(f"a {type(hit.record).__name__} is no hit")
    insert_new(connection, hits, [_hit_row(unit, hit.record, hit.data, received_at)])


def write_status(
    connection: Connection, unit: UnitState, status: UnitStatus, received_at: datetime
) -> None:
    """Keep the last that the unit said of itself.

    The broker retains it and brings it again whenever ingest connects: the same word once more is
    no sign of life. A last will says nothing of health, so what was said before it stays.
    """
    known = connection.execute(
        select(unit_status.c.state, unit_status.c.at).where(unit_status.c.unit_id == unit.unit_id)
    ).one_or_none()
    if known is not None and (known.state, known.at) == (status.state, status.at):
        return
    row: dict[str, Any] = {
        "unit_id": unit.unit_id,
        "state": status.state,
        "at": status.at,
        "software": _storable(status.software),
        "waiting_records": status.waiting_records,
        "received_at": received_at,
    }
    if status.health is not UNSET:
        row |= {"health": msgspec.to_builtins(status.health), "health_at": status.at}
    elif status.state == "online":
        row |= {"health": None, "health_at": None}
    put(connection, unit_status, row)


def picture_days(connection: Connection, unit_id: int, sha256: str) -> list[date]:
    """UTC days of capture of the unit's reads that name this picture; none if none does."""
    query = select(pictures.c.captured_at).where(
        pictures.c.unit_id == unit_id, pictures.c.sha256 == sha256
    )
    return sorted({moment.astimezone(UTC).date() for moment in connection.scalars(query)})


def mark_picture_stored(
    connection: Connection, unit_id: int, sha256: str, stored_at: datetime
) -> None:
    """Say of the unit's picture that its bytes are on disk."""
    connection.execute(
        update(pictures)
        .where(
            pictures.c.unit_id == unit_id,
            pictures.c.sha256 == sha256,
            pictures.c.stored_at.is_(None),
        )
        .values(stored_at=stored_at)
    )


def write_quarantine(
    connection: Connection,
    *,
    topic: str,
    unit_id: int | None,
    reason: RefusalReason,
    detail: str,
    body: bytes,
    body_is_kept: bool,
    bytes_per_day: int,
    captured_at: datetime | None,
    received_at: datetime,
) -> None:
    """Set a refused message aside with its bytes: whole, or the beginning of a large one.

    ``bytes_per_day`` bounds what is kept for a unit on a UTC day; of one that is not enrolled
    little is kept. Beyond that a message leaves its digest, size and reason alone.
    ``captured_at`` is the earliest moment of capture in it; the row goes when that has expired.
    """
    if not body_is_kept:
        kept = b""
    elif unit_id is None:
        kept = body[:UNKNOWN_BODY_BYTES]
    else:
        kept = body if len(body) <= WHOLE_BODY_BYTES else body[:PART_BODY_BYTES]
    limit = UNKNOWN_BYTES_PER_DAY if unit_id is None else bytes_per_day
    row = _quarantine_row(
        topic=topic,
        unit_id=unit_id,
        seq=None,
        reason=reason,
        detail=detail,
        sha256=hashlib.sha256(body).hexdigest(),
        size_bytes=len(body),
        body=kept,
        captured_at=captured_at,
        received_at=received_at,
    )
    again = exists().where(quarantine.c.fingerprint == row["fingerprint"])
    if connection.scalar(select(again)):
        return
    day = received_at.astimezone(UTC).date()
    if not _spend(connection, unit_id or _UNKNOWN, day, len(kept), limit):
        row["body"] = b""
    insert_new(connection, quarantine, [row])


def refusals(
    connection: Connection, unit_id: int, first_seq: int, last_seq: int
) -> tuple[Refusal, ...]:
    """Which records between these two were refused one by one, and why."""
    query = (
        select(quarantine.c.seq, quarantine.c.reason, quarantine.c.detail)
        .where(quarantine.c.unit_id == unit_id, quarantine.c.seq.between(first_seq, last_seq))
        .order_by(quarantine.c.seq)
    )
    return tuple(
        Refusal(seq=row.seq, reason=row.reason, detail=row.detail)
        for row in connection.execute(query)
    )


def held_pictures(
    connection: Connection, unit_id: int, first_seq: int, last_seq: int
) -> tuple[str, ...]:
    """Pictures of the records between these two whose bytes are on disk."""
    query = (
        select(pictures.c.sha256)
        .distinct()
        .where(
            pictures.c.unit_id == unit_id,
            pictures.c.seq.between(first_seq, last_seq),
            pictures.c.stored_at.is_not(None),
        )
        .order_by(pictures.c.sha256)
    )
    return tuple(connection.scalars(query))


def missing_pictures(
    connection: Connection, unit_id: int, first_seq: int, last_seq: int
) -> tuple[str, ...]:
    """Pictures whose bytes have not come: of the records between these two, and the oldest others.

    The others are at most a thousand, so that a receipt stays small after a long silence.
    """
    missing = select(pictures.c.sha256).where(
        pictures.c.unit_id == unit_id, pictures.c.stored_at.is_(None)
    )
    own = connection.scalars(
        missing.where(pictures.c.seq.between(first_seq, last_seq)).order_by(pictures.c.seq)
    )
    others = connection.scalars(
        missing.where(pictures.c.seq < first_seq).order_by(pictures.c.seq).limit(_MAX_MISSING)
    )
    return tuple(dict.fromkeys([*own, *others]))


def _write_records(
    connection: Connection,
    unit: UnitState,
    batch_first_seq: int,
    kept: Sequence[Kept],
    fold: Fold,
    received_at: datetime,
) -> None:
    rows: dict[Table, list[dict[str, Any]]] = {
        reads: [],
        pictures: [],
        hits: [],
        unit_records: [],
    }
    for one in kept:
        record = one.record
        if isinstance(record, Read):
            row = _read_row(unit, record, one.data, received_at)
            row["batch_first_seq"] = batch_first_seq
            row["plate_folded"] = fold(record.plate)
            rows[reads].append(row)
            rows[pictures].extend(_picture_rows(unit, record))
        elif isinstance(record, Hit):
            rows[hits].append(_hit_row(unit, record, one.data, received_at))
        else:
            rows[unit_records].append(_other_row(unit, one, received_at))
    ensure_days(connection, (row["captured_at"].astimezone(UTC).date() for row in rows[reads]))
    for table, new in rows.items():
        insert_new(connection, table, new)


def _read_row(unit: UnitState, read: Read, data: bytes, received_at: datetime) -> dict[str, Any]:
    position = read.position
    placed = position if isinstance(position, GpsFix | FixedSite) else None
    return {
        **_common(unit, read, data, received_at),
        "read_id": read.id,
        "camera": read.camera,
        "plate": read.plate,
        "state": read.state.code,
        "confidence": read.confidence,
        "latitude_deg": placed.latitude_deg if placed else None,
        "longitude_deg": placed.longitude_deg if placed else None,
        "site": _storable(position.site) if isinstance(position, FixedSite) else None,
        "has_hits": bool(read.hits),
    }


def _picture_rows(unit: UnitState, read: Read) -> list[dict[str, Any]]:
    by_digest = {picture.sha256: picture for picture in read.pictures}
    return [
        {
            "unit_id": unit.unit_id,
            "captured_at": read.captured_at,
            "read_id": read.id,
            "sha256": picture.sha256,
            "seq": read.seq,
            "kind": picture.kind,
            "size_bytes": picture.size_bytes,
            "width_px": picture.width_px,
            "height_px": picture.height_px,
            "stored_at": None,
        }
        for picture in by_digest.values()
    ]


def _hit_row(unit: UnitState, hit: Hit, data: bytes, received_at: datetime) -> dict[str, Any]:
    return {
        **_common(unit, hit, data, received_at),
        "hit_id": hit.id,
        "read_id": hit.read,
        "camera": hit.camera,
        "plate": hit.plate,
        "list_name": hit.match.list_name,
        "kind": hit.match.kind,
        "priority": hit.match.priority,
        "rang": hit.rang,
    }


def _other_row(unit: UnitState, one: Kept, received_at: datetime) -> dict[str, Any]:
    record = one.record
    return {
        **_common(unit, record, one.data, received_at),
        "record_id": record.id,
        "type": type(record).__struct_config__.tag,
        "hit_id": record.hit if isinstance(record, Verification | Disposition) else None,
    }


def _common(unit: UnitState, record: Any, data: bytes, received_at: datetime) -> dict[str, Any]:
    return {
        "unit_id": unit.unit_id,
        "captured_at": record.captured_at,
        "agency_id": unit.agency_id,
        "seq": record.seq,
        "record": data,
        "received_at": received_at,
    }


def _write_refused_record(
    connection: Connection,
    unit: UnitState,
    topic: str,
    refused: RefusedRecord,
    received_at: datetime,
) -> None:
    row = _quarantine_row(
        topic=topic,
        unit_id=unit.unit_id,
        seq=refused.seq,
        reason=refused.reason,
        detail=refused.detail,
        sha256=refused.sha256,
        size_bytes=refused.size_bytes,
        body=refused.data,
        captured_at=refused.captured_at,
        received_at=received_at,
    )
    insert_new(connection, quarantine, [row])


def _spend(connection: Connection, unit_id: int, day: date, size: int, limit: int) -> bool:
    """Whether that many more bytes may be kept for the unit that day; if so, they count."""
    row = {"unit_id": unit_id, "day": day, "spent_bytes": 0}
    insert_new(connection, quarantine_budgets, [row])
    spent = quarantine_budgets.c.spent_bytes
    done = connection.execute(
        update(quarantine_budgets)
        .where(
            quarantine_budgets.c.unit_id == unit_id,
            quarantine_budgets.c.day == day,
            spent + size <= limit,
        )
        .values(spent_bytes=spent + size)
    )
    return done.rowcount == 1


def _quarantine_row(**row: Any) -> dict[str, Any]:
    row["topic"] = _storable(row["topic"])[:_MAX_TOPIC]
    row["detail"] = _storable(row["detail"])
    same = "\x00".join(str(row[name]) for name in ("topic", "seq", "reason", "sha256"))
    row["fingerprint"] = hashlib.sha256(same.encode("utf-8", "surrogatepass")).hexdigest()
    return row


def _storable(text: str) -> str:
    """The text without the one character that PostgreSQL cannot hold; the record has it all."""
    return text.replace("\x00", "")
