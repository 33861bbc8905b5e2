"""A small repository in which everything is as it should be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, insert, update

from edge.contract import records as r
from edge.contract.plates import load_confusables
from repository.store.ahead import ensure_coming_days
from repository.store.partitions import ensure_days
from repository.store.plates import remember
from repository.store.tables.fleet import chains
from repository.store.tables.reads import batches, hits, pictures, reads
from repository.store.tables.retention import hold_reads, holds
from tests.repository.sender import Sender

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FOLD = load_confusables().fold
PLATES = ("1ABC23", "7XYZ", "8OB0")


def fill(engine: Engine) -> list[r.Read]:
    """Three reads in two batches with a picture each, the second one's hit and the first held."""
    sender = Sender()
    sender.enrol(engine, NOW)
    made = [
        sender.read(NOW - timedelta(days=2 - number), plate, [plate.encode()])
        for number, plate in enumerate(PLATES)
    ]
    hit = sender.hit(made[1].captured_at, made[1].id, PLATES[1])
    sender.seq = 2  # batches of two records each: what `seal` counts back from
    first = sender.seal(made[0], made[1])
    sender.seq = 4
    second = sender.seal(made[2], hit)
    with engine.begin() as connection:
        ensure_coming_days(connection, NOW.date())
        ensure_days(connection, {read.captured_at.date() for read in made})
        for batch, records in ((first, made[:2]), (second, made[2:])):
            last_seq = batch.first_seq + 1
            connection.execute(
                insert(batches).values(
                    unit_id=1,
                    first_seq=batch.first_seq,
                    last_seq=last_seq,
                    previous_root=batch.previous_root,
                    root=batch.root,
                    key_id=batch.key,
                    signature=batch.signature,
                    record_digests=b"",
                    message="0" * 64,
                    received_at=NOW,
                )
            )
            connection.execute(insert(reads), [row(read, batch.first_seq) for read in records])
        connection.execute(insert(pictures), [picture(read) for read in made])
        connection.execute(insert(hits).values(**hit_row(hit)))
        remember(connection, PLATES)
        connection.execute(
            update(chains).values(committed_through=4, chain_root=second.root, updated_at=NOW)
        )
        hold(connection, made[0])
    return made


def row(read: r.Read, first_seq: int) -> dict[str, Any]:
    assert isinstance(read.position, r.GpsFix)
    return {
        "unit_id": 1,
        "captured_at": read.captured_at,
        "read_id": read.id,
        "agency_id": 1,
        "seq": read.seq,
        "batch_first_seq": first_seq,
        "camera": read.camera,
        "plate": read.plate,
        "plate_folded": FOLD(read.plate),
        "state": read.state.code,
        "confidence": read.confidence,
        "latitude_deg": read.position.latitude_deg,
        "longitude_deg": read.position.longitude_deg,
        "site": None,
        "has_hits": False,
        "record": r.encode_record(read),
        "received_at": NOW,
    }


def picture(read: r.Read) -> dict[str, Any]:
    return {
        "unit_id": 1,
        "captured_at": read.captured_at,
        "read_id": read.id,
        "sha256": read.pictures[0].sha256,
        "seq": read.seq,
        "kind": "plate",
        "size_bytes": 10,
        "width_px": 200,
        "height_px": 60,
        "stored_at": NOW,
    }


def hit_row(hit: r.Hit) -> dict[str, Any]:
    return {
        "unit_id": 1,
        "captured_at": hit.captured_at,
        "hit_id": hit.id,
        "agency_id": 1,
        "seq": hit.seq,
        "read_id": hit.read,
        "camera": hit.camera,
        "plate": hit.plate,
        "list_name": "stolen",
        "kind": "stolen_vehicle",
        "priority": 1,
        "rang": True,
        "record": r.encode_record(hit),
        "received_at": NOW,
    }


def hold(connection: Connection, read: r.Read) -> None:
    connection.execute(
        insert(holds).values(
            id=1,
            agency_id=1,
            case_number="24-1187",
            kind="arrest",
            reason="Seen near the scene",
            placed_by="u",
            placed_by_name="U",
            placed_at=NOW,
            scope="reads",
        )
    )
    connection.execute(
        insert(hold_reads).values(
            hold_id=1, unit_id=1, captured_at=read.captured_at, read_id=read.id
        )
    )
