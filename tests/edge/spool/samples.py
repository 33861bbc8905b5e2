"""Small valid records, pictures and receipts for tests of the spool and the uplink."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.contract import records as r
from edge.contract.batch import Receipt, Refusal, seal_receipt

AGENCY = "boston-pd"
UNIT = "car-7"
SPOOL_KEY = bytes(range(32))
UNIT_KEY = Ed25519PrivateKey.from_private_bytes(b"u" * 32)
REPOSITORY_KEY = Ed25519PrivateKey.from_private_bytes(b"r" * 32)
MOMENT = datetime(2026, 3, 4, 5, 6, 7, 890123, UTC)
PLATE = "7QXZ31"


def picture_bytes(number: int) -> bytes:
    """A distinct picture for each number, each of a few kilobytes."""
    return b"".join(hashlib.sha256(f"{number}/{part}".encode()).digest() for part in range(64))


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def read(seq: int, *, pictures: Sequence[bytes] = (), plate: str = PLATE, **changes: Any) -> r.Read:
    fields: dict[str, Any] = {
        **_header(seq),
        "camera": "front",
        "plate": plate,
        "characters": tuple(
            r.Character(alternatives=(r.Alternative(char=char, probability=0.9),)) for char in plate
        ),
        "confidence": 0.9,
        "state": r.StateOfIssuance(code="MA", confidence=0.5, alternatives=()),
        "position": r.NoPosition(reason="no_receiver"),
        "hits": (),
        "pictures": tuple(
            r.Picture(
                kind="plate",
                sha256=sha256(content),
                size_bytes=len(content),
                width_px=10,
                height_px=10,
                box=None,
            )
            for content in pictures
        ),
        "engine": r.Engine(software="plateward test", models=()),
        "frames": 1,
        "first_seen": MOMENT,
        "last_seen": MOMENT,
    }
    return r.Read(**{**fields, **changes})


def matched_read(seq: int, **changes: Any) -> r.Read:
    """A read that a hot list matched."""
    return read(seq, hits=(hit(1, r.mint_id(MOMENT, bytes)).match,), **changes)


def hit(seq: int, read_id: UUID) -> r.Hit:
    return r.Hit(
        **_header(seq),
        read=read_id,
        camera="front",
        plate=PLATE,
        state=r.StateOfIssuance(code=None, confidence=0.5, alternatives=()),
        position=r.NoPosition(reason="no_fix"),
        match=r.HotlistMatch(
            list_name="state",
            list_version="1",
            list_issued_at=MOMENT,
            list_stale=False,
            entry="1",
            kind="stolen_vehicle",
            priority=1,
            plate=PLATE,
            state=None,
            how="exact",
            substitutions=(),
            state_agreement="unknown",
            probability=0.9,
        ),
        rang=True,
    )


def malfunction(seq: int) -> r.Malfunction:
    return r.Malfunction(
        **_header(seq), component="gps", camera=None, description="no fix", reported_by="unit"
    )


def read_with(*pictures: bytes) -> Callable[[int], r.Read]:
    return lambda seq: read(seq, pictures=pictures)


def read_and_hit(*pictures: bytes) -> list[Callable[[int], r.AnyRecord]]:
    """Builders of a read and its hit, the second knowing the first's id."""
    made: list[r.Read] = []

    def build_read(seq: int) -> r.Read:
        made.append(read(seq, pictures=pictures))
        return made[0]

    return [build_read, lambda seq: hit(seq, made[0].id)]


def by_digest(*contents: bytes) -> dict[str, bytes]:
    return {sha256(content): content for content in contents}


def receipt(
    through: int,
    root: str,
    *,
    message: str = "0" * 64,
    refused: Sequence[Refusal] = (),
    missing: Sequence[str] = (),
    held: Sequence[str] = (),
    unit: str = UNIT,
    key: Ed25519PrivateKey = REPOSITORY_KEY,
    issued_at: datetime = MOMENT,
) -> Receipt:
    return seal_receipt(
        agency=AGENCY,
        unit=unit,
        message=message,
        committed_through=through,
        chain_root=root,
        refused=refused,
        missing_pictures=missing,
        held_pictures=held,
        issued_at=issued_at,
        private_key=key,
    )


def sealing_tables(connection: sqlite3.Connection) -> list[str]:
    """The tables that have something sealed under data keys."""
    rows = connection.execute(
        "SELECT tables.name FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns"
        " WHERE tables.type = 'table' AND columns.name = 'data_key'"
    )
    return [name for (name,) in rows]


def wanting_data_keys(connection: sqlite3.Connection) -> set[int]:
    """The data keys that something lies under and that are not there."""
    return {
        number
        for table in sealing_tables(connection)
        for (number,) in connection.execute(
            f"SELECT data_key FROM {table} EXCEPT SELECT number FROM data_keys"  # noqa: S608
        )
    }


def _header(seq: int) -> dict[str, Any]:
    return {
        "id": r.mint_id(MOMENT, lambda count: seq.to_bytes(count, "big")),
        "agency": AGENCY,
        "unit": UNIT,
        "seq": seq,
        "salt": f"{seq:032x}",
        "captured_at": MOMENT,
        "clock": r.Clock(source="gps", error_ms=1.0),
    }
