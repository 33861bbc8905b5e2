"""A unit as the repository meets it: its key, its chain, and records made for the test."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine

from edge.contract import batch as b
from edge.contract import records as r
from edge.contract.topics import Channel, UnitTopic
from repository.units import enrolment

AGENCY = "northfield-pd"
PICTURE = b"\xff\xd8 not really a picture, but bytes all the same"


def match(plate: str = "1ABC23") -> r.HotlistMatch:
    """A match with an entry of a list of stolen vehicles."""
    return r.HotlistMatch(
        list_name="stolen",
        list_version="7",
        list_issued_at=datetime.fromisoformat("2026-01-01T00:00:00+00:00"),
        list_stale=False,
        entry="entry-1",
        kind="stolen_vehicle",
        priority=1,
        plate=plate,
        state="MA",
        how="exact",
        substitutions=(),
        state_agreement="equal",
        probability=0.9,
    )


def state_of_issuance() -> r.StateOfIssuance:
    return r.StateOfIssuance(code="MA", confidence=0.8, alternatives=())


@dataclass
class Sender:
    """A unit that sends. ``records`` grow with each one made; batches chain as they are sealed."""

    unit: str = "car-12"
    agency: str = AGENCY
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    seq: int = 0
    previous_root: str = b.GENESIS_ROOT

    def enrol(self, engine: Engine, now: datetime) -> None:
        """Enrol it, and its agency if that is not there."""
        with engine.begin() as connection:
            if enrolment.find_agency(connection, self.agency) is None:
                enrolment.add_agency(
                    connection, name=self.agency, title="An agency", ori=None, now=now
                )
            enrolment.add_unit(
                connection,
                agency=self.agency,
                name=self.unit,
                public_key=self.key.public_key(),
                now=now,
            )

    def topic(self, channel: Channel = "records", picture: str | None = None) -> str:
        return str(UnitTopic(self.agency, self.unit, channel, picture))

    def common(self, captured_at: datetime) -> dict[str, Any]:
        """What every record says; takes the next sequence."""
        self.seq += 1
        return {
            "id": r.mint_id(captured_at, secrets.token_bytes),
            "agency": self.agency,
            "unit": self.unit,
            "seq": self.seq,
            "salt": secrets.token_hex(16),
            "captured_at": captured_at,
            "clock": r.Clock(source="gps", error_ms=5.0),
        }

    def read(
        self,
        captured_at: datetime,
        plate: str = "1ABC23",
        pictures: Sequence[bytes] = (),
        position: r.Position | None = None,
    ) -> r.Read:
        return r.Read(
            **self.common(captured_at),
            camera="front",
            plate=plate,
            characters=tuple(
                r.Character(alternatives=(r.Alternative(char=char, probability=0.9),))
                for char in plate
            ),
            confidence=0.9,
            state=state_of_issuance(),
            position=position
            or r.GpsFix(
                latitude_deg=42.3,
                longitude_deg=-72.6,
                speed_mps=10.0,
                heading_deg=90.0,
                quality="3d",
                satellites=9,
                hdop=0.9,
                age_ms=100,
            ),
            hits=(),
            pictures=tuple(
                r.Picture(
                    kind="plate",
                    sha256=hashlib.sha256(picture).hexdigest(),
                    size_bytes=len(picture),
                    width_px=200,
                    height_px=60,
                    box=None,
                )
                for picture in pictures
            ),
            engine=r.Engine(software="test", models=()),
            frames=3,
            first_seen=captured_at,
            last_seen=captured_at + timedelta(seconds=1),
        )

    def hit(self, captured_at: datetime, read: UUID, plate: str = "1ABC23") -> r.Hit:
        return r.Hit(
            **self.common(captured_at),
            read=read,
            camera="front",
            plate=plate,
            state=state_of_issuance(),
            position=r.NoPosition(reason="no_fix"),
            match=match(plate),
            rang=True,
        )

    def disposition(self, captured_at: datetime, hit: UUID) -> r.Disposition:
        return r.Disposition(
            **self.common(captured_at),
            hit=hit,
            officer="badge 7",
            outcome="recovered",
            case_number="24-1187",
            note="",
        )

    def shift_check(self, captured_at: datetime) -> r.ShiftCheck:
        return r.ShiftCheck(
            **self.common(captured_at),
            officer="badge 7",
            moment="start",
            hotlists=(),
            cameras=(),
            secured=None,
        )

    def seal(self, *records: r.AnyRecord | bytes) -> b.Batch:
        """The next batch of the chain, of these records, the last ones made."""
        encoded = [each if isinstance(each, bytes) else r.encode_record(each) for each in records]
        sealed = b.seal_batch(
            agency=self.agency,
            unit=self.unit,
            first_seq=self.seq - len(records) + 1,
            previous_root=self.previous_root,
            records=encoded,
            private_key=self.key,
        )
        self.previous_root = sealed.root
        return sealed

    def message(self, *records: r.AnyRecord | bytes) -> bytes:
        """The next batch of the chain as it travels."""
        return b.encode_message(self.seal(*records))

    def notice(self, hit: r.Hit) -> bytes:
        return b.encode_message(
            b.seal_hit(
                agency=self.agency,
                unit=self.unit,
                record=r.encode_record(hit),
                private_key=self.key,
            )
        )


def altered(record: r.AnyRecord, **changes: Any) -> bytes:
    """The record's canonical bytes with fields changed, or taken out where a change is None."""
    fields = msgspec.json.decode(r.encode_record(record))
    for name, value in changes.items():
        if value is None:
            del fields[name]
        else:
            fields[name] = value
    return rfc8785.dumps(fields)
