"""Signed batches of invented units, with records as full as real ones."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.contract import batch as b
from edge.contract import records as r
from edge.contract.topics import UnitTopic

AGENCY = "bench-pd"
_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"
_PLATES = 50_000
"""As many cars are met, some of them often."""


@dataclass(frozen=True, slots=True)
class Message:
    """A batch as it travels."""

    topic: str
    body: bytes
    first_seq: int
    last_seq: int


@dataclass
class Unit:
    """A unit that has read one plate a second until ``end``."""

    name: str
    rng: random.Random
    end: datetime
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    def messages(self, records: int, at_once: int) -> Iterator[Message]:
        """So many reads in batches of that size, chained and signed."""
        topic = str(UnitTopic(AGENCY, self.name, "records"))
        previous_root = b.GENESIS_ROOT
        for first in range(1, records + 1, at_once):
            last = min(first + at_once - 1, records)
            encoded = [
                r.encode_record(self._read(seq, self.end - timedelta(seconds=records - seq)))
                for seq in range(first, last + 1)
            ]
            batch = b.seal_batch(
                agency=AGENCY,
                unit=self.name,
                first_seq=first,
                previous_root=previous_root,
                records=encoded,
                private_key=self.key,
            )
            previous_root = batch.root
            yield Message(topic, b.encode_message(batch), first, last)

    def _read(self, seq: int, at: datetime) -> r.Read:
        chosen = random.Random(int(_PLATES * self.rng.random() ** 2))  # noqa: S311 - invented
        plate = "".join(chosen.choices(_LETTERS, k=7))
        return r.Read(
            id=r.mint_id(at, self.rng.randbytes),
            agency=AGENCY,
            unit=self.name,
            seq=seq,
            salt=self.rng.randbytes(16).hex(),
            captured_at=at,
            clock=r.Clock(source="gps", error_ms=2.0),
            camera="front",
            plate=plate,
            characters=tuple(self._character(char) for char in plate),
            confidence=round(self.rng.uniform(0.6, 1), 4),
            state=r.StateOfIssuance(
                code="MA",
                confidence=0.91,
                alternatives=(r.StateAlternative(code="NH", probability=0.05),),
            ),
            position=r.GpsFix(
                latitude_deg=round(self.rng.uniform(41.5, 42.8), 6),
                longitude_deg=round(self.rng.uniform(-73.4, -70.2), 6),
                speed_mps=round(self.rng.uniform(0, 30), 2),
                heading_deg=round(self.rng.uniform(0, 359), 1),
                quality="3d",
                satellites=9,
                hdop=0.9,
                age_ms=120,
                uncertainty_m=4.5,
            ),
            hits=(),
            pictures=tuple(self._picture(kind) for kind in ("plate", "scene")),
            engine=r.Engine(
                software="plateward bench",
                models=(
                    r.ModelDigest(name="detector", sha256="01" * 32),
                    r.ModelDigest(name="reader", sha256="02" * 32),
                ),
            ),
            frames=12,
            first_seen=at - timedelta(milliseconds=400),
            last_seen=at + timedelta(milliseconds=300),
        )

    def _character(self, char: str) -> r.Character:
        others = self.rng.sample("XYWV810", 2)
        found = [(char, round(self.rng.uniform(0.9, 0.99), 4))]
        found += [(other, round(self.rng.uniform(0, 0.05), 4)) for other in others if other != char]
        return r.Character(
            alternatives=tuple(r.Alternative(char=one, probability=odds) for one, odds in found)
        )

    def _picture(self, kind: str) -> r.Picture:
        return r.Picture(
            kind=kind,  # type: ignore[arg-type]
            sha256=sha256(self.rng.randbytes(16)).hexdigest(),
            size_bytes=60_000,
            width_px=1280,
            height_px=720,
            box=r.Box(x=400, y=300, w=120, h=40) if kind == "scene" else None,
        )
