"""Moments for tests."""

from __future__ import annotations

from datetime import UTC, datetime

from edge.contract.records import Clock
from edge.instant import Instant


def instant(at: datetime) -> Instant:
    """A moment by a clock that satellites keep."""
    return Instant(at, at.timestamp(), Clock(source="gps", error_ms=1.0))


def wall_instant() -> Instant:
    """Now."""
    return instant(datetime.now(UTC))
