"""Reads in the database for tests of searching."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Engine, insert

from edge.contract.configuration import config_file
from edge.contract.plates import load_confusables
from edge.contract.records import mint_id
from repository.retention.rules import load_rule
from repository.store.partitions import ensure_days
from repository.store.plates import remember
from repository.store.tables.fleet import units
from repository.store.tables.reads import reads

FOLD = load_confusables().fold
RULE = load_rule(config_file("retention/massachusetts.toml"))


def add_units(engine: Engine, now: datetime, agencies: Sequence[int] = (1, 2)) -> None:
    """A unit of each of these agencies, with the agency's own id."""
    rows = [
        {
            "id": agency,
            "agency_id": agency,
            "name": ("car-7", "pole-3")[agency - 1],
            "key_id": f"{agency:016x}",
            "public_key": bytes(32),
            "created_at": now,
        }
        for agency in agencies
    ]
    with engine.begin() as connection:
        connection.execute(insert(units), rows)


def sight(
    engine: Engine,
    plate: str,
    at: datetime,
    unit: int = 1,
    seq: int = 1,
    *,
    record: bytes = b"{}",
    place: tuple[float, float] | None = (42.5195, -70.8967),
) -> uuid.UUID:
    """A read of that plate, as ingest would have stored it; its id."""
    read_id = mint_id(at, lambda count: uuid.uuid4().bytes[:count])
    with engine.begin() as connection:
        ensure_days(connection, [at.date()])
        remember(connection, [plate])
        connection.execute(
            insert(reads).values(
                unit_id=unit,
                captured_at=at,
                read_id=read_id,
                agency_id=unit,
                seq=seq,
                batch_first_seq=seq,
                camera="front",
                plate=plate,
                plate_folded=FOLD(plate),
                state="MA",
                confidence=0.97,
                latitude_deg=None if place is None else place[0],
                longitude_deg=None if place is None else place[1],
                site=None,
                has_hits=False,
                record=record,
                received_at=at,
            )
        )
    return read_id
