"""The quarantine: what is refused, with its bytes, within bounds.

Bounds are for each unit and UTC day. Beyond the bytes a refused message leaves its digest, size
and reason; beyond the rows it leaves nothing, since the unit still has it. A refused record of a
good batch is kept whole, because the unit gives it up once that batch is receipted; where there is
no room for its row, the batch is refused as a whole, and comes again on another day.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Connection, exists, func, select, update

from repository.ingest.arrived import Arrived
from repository.ingest.fleet import Windows
from repository.ingest.rows import storable
from repository.ingest.verdicts import Refused, RefusedRecord, UnitState
from repository.ingest.verify import oldest_capture
from repository.store.rows import insert_new
from repository.store.tables.reads import quarantine, quarantine_budgets
from repository.units.findings import raise_finding

WHOLE_BODY_BYTES = 1024 * 1024
PART_BODY_BYTES = 64 * 1024
UNKNOWN_BODY_BYTES = 4 * 1024
UNKNOWN_BYTES_PER_DAY = 1024 * 1024
UNKNOWN_ROWS_PER_DAY = 1000
_UNKNOWN = 0
_MAX_TOPIC = 1024


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is set aside for each unit and UTC day."""

    bytes_per_day: int
    rows_per_day: int


def refuse_message(
    connection: Connection,
    arrived: Arrived,
    unit: UnitState | None,
    refused: Refused,
    windows: Windows,
    bounds: Bounds,
    now: datetime,
) -> None:
    """Set a refused message aside: no pictures, and nothing that has expired."""
    window = windows.of(unit.agency_id if unit else None)
    oldest, expired = oldest_capture(arrived.body, window)
    done = _set_message_aside(
        connection,
        topic=arrived.topic,
        unit=unit,
        refused=refused,
        body=arrived.body,
        body_is_kept=not expired and "picture" not in arrived.topic.split("/"),
        captured_at=oldest,
        now=now,
        bounds=bounds,
    )
    if not done and unit is not None:
        detail = f"more is refused of the unit than is set aside in a day; last {refused.reason}"
        raise_finding(connection, "quarantine_full", unit.unit_id, detail, now)


def _set_message_aside(
    connection: Connection,
    *,
    topic: str,
    unit: UnitState | None,
    refused: Refused,
    body: bytes,
    body_is_kept: bool,
    captured_at: datetime | None,
    now: datetime,
    bounds: Bounds,
) -> bool:
    """Set a refused message aside: whole, or the beginning of a large one; False without room.

    ``captured_at`` is the earliest moment of capture in it; the row goes when that has expired.
    """
    if not body_is_kept:
        kept = b""
    elif unit is None:
        kept = body[:UNKNOWN_BODY_BYTES]
    else:
        kept = body if len(body) <= WHOLE_BODY_BYTES else body[:PART_BODY_BYTES]
    if unit is None:
        bounds = Bounds(UNKNOWN_BYTES_PER_DAY, UNKNOWN_ROWS_PER_DAY)
    row = _row(
        topic=topic,
        unit_id=unit.unit_id if unit else None,
        seq=None,
        reason=refused.reason,
        detail=refused.detail,
        sha256=hashlib.sha256(body).hexdigest(),
        size_bytes=len(body),
        body=kept,
        captured_at=captured_at,
        received_at=now,
    )
    again = exists().where(quarantine.c.fingerprint == row["fingerprint"])
    if connection.scalar(select(again)):
        return True
    budget = _Budget(connection, unit.unit_id if unit else _UNKNOWN, now)
    if not budget.spend("spent_rows", 1, bounds.rows_per_day):
        return False
    if not budget.spend("spent_bytes", len(kept), bounds.bytes_per_day):
        row["body"] = b""
    insert_new(connection, quarantine, [row])
    return True


def make_room(
    connection: Connection, unit: UnitState, rows: int, now: datetime, limit: int
) -> bool:
    """Whether so many more records of the unit may be set aside today; if so, they count."""
    return not rows or _Budget(connection, unit.unit_id, now).spend("spent_rows", rows, limit)


def set_records_aside(
    connection: Connection,
    unit: UnitState,
    topic: str,
    refused: Sequence[RefusedRecord],
    now: datetime,
) -> None:
    """Set aside records of a batch that is kept; there is room for them."""
    rows = [
        _row(
            topic=topic,
            unit_id=unit.unit_id,
            seq=one.seq,
            reason=one.reason,
            detail=one.detail,
            sha256=one.sha256,
            size_bytes=one.size_bytes,
            body=one.data,
            captured_at=one.captured_at,
            received_at=now,
        )
        for one in refused
    ]
    insert_new(connection, quarantine, rows)


@dataclass(frozen=True, slots=True)
class _Budget:
    """What was set aside for a unit on the UTC day of that moment."""

    connection: Connection
    unit_id: int
    now: datetime

    def spend(self, column: str, amount: int, limit: int) -> bool:
        """Whether that much more is within the limit; if so, it counts."""
        row = {"unit_id": self.unit_id, "day": self._day, "spent_bytes": 0, "spent_rows": 0}
        insert_new(self.connection, quarantine_budgets, [row])
        spent = func.coalesce(quarantine_budgets.c[column], 0)
        done = self.connection.execute(
            update(quarantine_budgets)
            .where(
                quarantine_budgets.c.unit_id == self.unit_id,
                quarantine_budgets.c.day == self._day,
                spent + amount <= limit,
            )
            .values({column: spent + amount})
        )
        return done.rowcount == 1

    @property
    def _day(self) -> date:
        return self.now.astimezone(UTC).date()


def _row(**row: Any) -> dict[str, Any]:
    row["topic"] = storable(row["topic"])[:_MAX_TOPIC]
    row["detail"] = storable(row["detail"])
    same = "\x00".join(str(row[name]) for name in ("topic", "seq", "reason", "sha256"))
    row["fingerprint"] = hashlib.sha256(same.encode("utf-8", "surrogatepass")).hexdigest()
    return row
