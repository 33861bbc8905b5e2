"""The record that takes the sequence of one that damage destroyed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from edge.contract.records import Clock, Malfunction, mint_id
from edge.spool.records import Owner


def lost_record(
    owner: Owner,
    seq: int,
    sentence: str,
    *,
    random_bytes: Callable[[int], bytes],
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    clock: Callable[[], Clock] = lambda: Clock(source="system", error_ms=None),
) -> Malfunction:
    """A malfunction of the disk under this sequence, at the time of this clock."""
    at = now()
    return Malfunction(
        id=mint_id(at, random_bytes),
        agency=owner.agency,
        unit=owner.unit,
        seq=seq,
        salt=random_bytes(16).hex(),
        captured_at=at,
        clock=clock(),
        component="disk",
        camera=None,
        description=sentence,
        reported_by="unit",
    )
