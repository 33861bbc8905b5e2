"""A repository's store for tests of time: filled as ingest fills it, with a clock of its own."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Connection, Engine, insert, select, update

from edge.contract import batch as b
from edge.contract import records as r
from repository.ledger.entry import Actor
from repository.retention import holds, holds_ending
from repository.retention.duties import Duties
from repository.retention.holds_request import HoldRequest
from repository.retention.rules import RetentionRule, shipped_rule
from repository.store import locks, plates
from repository.store.locks import Turn
from repository.store.partitions import ensure_days
from repository.store.pictures import PictureStore
from repository.store.pictures_place import FolderOfPictures
from repository.store.tables.fleet import agencies, units
from repository.store.tables.reads import batches, hits, pictures, reads, unit_records
from tests.repository.sender import Sender

DEFAULT = shipped_rule("massachusetts")
RULES = {"salem-pd": None, "nashua-pd": "new-hampshire", "bangor-pd": "maine"}
"""Agencies and the rules of their own that they have."""

_MASTER = secrets.token_bytes(32)


def load_duties(connection: Connection) -> Duties:
    return Duties.load(connection, DEFAULT, shipped_rule)


def officer(agency: str, login: str = "jdoe") -> Actor:
    return Actor(f"u-{login}", login, f"Officer {login}", agency)


@dataclass
class Shelf:
    """The store, and a unit of every agency."""

    engine: Engine
    folder: Path
    start: datetime
    senders: dict[str, Sender] = field(default_factory=dict)
    numbers: dict[str, tuple[int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        place = FolderOfPictures(self.folder, secrets.token_bytes)
        self.store = PictureStore(place, lambda: _MASTER, secrets.token_bytes)
        for agency, rule in RULES.items():
            sender = Sender(agency=agency, unit=f"car-{agency[0]}")
            sender.enrol(self.engine, self.start)
            self.senders[agency] = sender
            with self.engine.begin() as connection:
                connection.execute(
                    update(agencies).where(agencies.c.name == agency).values(retention_rule=rule)
                )
                enrolled = select(units.c.id, units.c.agency_id).join(agencies)
                row = connection.execute(enrolled.where(agencies.c.name == agency)).one()
            self.numbers[agency] = (row.id, row.agency_id)

    def rule(self, agency: str) -> RetentionRule:
        own = RULES[agency]
        return DEFAULT if own is None else shipped_rule(own)

    def take(
        self,
        agency: str,
        at: datetime,
        now: datetime,
        *,
        plate: str = "1ABC23",
        picture: bytes | None = None,
        hit: bool = False,
        outcome: str | None = None,
    ) -> tuple[UUID, UUID | None]:
        """Take in a read, with its hit and what an officer did of it; the ids of read and hit."""
        sender, (unit_id, agency_id) = self.senders[agency], self.numbers[agency]
        read = sender.read(at, plate=plate, pictures=[picture] if picture else [])
        records: list[r.AnyRecord] = [read]
        if hit:
            records.append(sender.hit(at, read.id, plate=plate))
            if outcome is not None:
                said = sender.disposition(at, records[1].id)
                records.append(msgspec.structs.replace(said, outcome=outcome, case_number=None))
        sealed = sender.seal(*records)
        common = {"unit_id": unit_id, "agency_id": agency_id, "received_at": now}
        row = _row(read, common) | {
            "read_id": read.id, "batch_first_seq": sealed.first_seq, "camera": "front",
            "plate": plate, "plate_folded": plate, "confidence": 0.9, "has_hits": hit,
        }  # fmt: skip
        with self.engine.begin() as connection:
            locks.share(connection, Turn.RETENTION)
            ensure_days(connection, [at.astimezone(UTC).date()])
            connection.execute(insert(batches), [_batch(unit_id, sealed, now)])
            connection.execute(insert(reads), [row])
            plates.remember(connection, [plate])
            if picture:
                self._keep(connection, unit_id, read, picture, now)
            for record in records[1:]:
                _keep_other(connection, record, common, read.id, plate)
            holds.catch(connection, [row])
            acted_on = [_row(each, common) for each in records[2:]]
            holds.preserve_acted_on(connection, unit_id, agency_id, acted_on, now)
        return read.id, records[1].id if hit else None

    def hold(self, agency: str, request: HoldRequest, now: datetime) -> int:
        with self.engine.begin() as connection:
            return holds.add(connection, request, actor=officer(agency), origin="test", now=now)

    def release(self, agency: str, number: int, now: datetime) -> None:
        """Release a hold; of evidence, by two people."""
        asked: dict[str, Any] = {"origin": "test", "now": now}
        with self.engine.begin() as connection:
            said = holds_ending.release(
                connection, number, reason="closed", actor=officer(agency), **asked
            )
            if said == "proposed":
                holds_ending.confirm_release(
                    connection, number, actor=officer(agency, "second"), **asked
                )

    def _keep(
        self, connection: Connection, unit_id: int, read: r.Read, body: bytes, now: datetime
    ) -> None:
        sha256 = hashlib.sha256(body).hexdigest()
        self.store.put(connection, read.captured_at.astimezone(UTC).date(), sha256, body, now)
        fact = {
            "unit_id": unit_id, "captured_at": read.captured_at, "read_id": read.id,
            "sha256": sha256, "seq": read.seq, "kind": "plate", "size_bytes": len(body),
            "width_px": 200, "height_px": 60, "stored_at": now,
        }  # fmt: skip
        connection.execute(insert(pictures), [fact])


def _row(record: r.AnyRecord, common: dict[str, Any]) -> dict[str, Any]:
    return common | {
        "captured_at": record.captured_at,
        "seq": record.seq,
        "record": r.encode_record(record),
    }


def _batch(unit_id: int, sealed: b.Batch, now: datetime) -> dict[str, Any]:
    return {
        "unit_id": unit_id,
        "first_seq": sealed.first_seq,
        "last_seq": sealed.last_seq,
        "previous_root": sealed.previous_root,
        "root": sealed.root,
        "key_id": sealed.key,
        "signature": sealed.signature,
        "record_digests": b"".join(r.record_digest(bytes(raw)) for raw in sealed.records),
        "message": "0" * 64,
        "received_at": now,
    }


def _keep_other(
    connection: Connection,
    record: r.AnyRecord,
    common: dict[str, Any],
    read_id: UUID,
    plate: str,
) -> None:
    row = _row(record, common)
    if isinstance(record, r.Hit):
        row |= {
            "hit_id": record.id, "read_id": read_id, "camera": "front", "plate": plate,
            "list_name": "stolen", "kind": "stolen_vehicle", "priority": 1, "rang": True,
        }  # fmt: skip
        connection.execute(insert(hits), [row])
    elif isinstance(record, r.Disposition):
        row |= {"record_id": record.id, "type": "disposition", "hit_id": record.hit}
        connection.execute(insert(unit_records), [row])
