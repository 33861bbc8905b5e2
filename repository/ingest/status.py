"""What a unit says of itself, and what its word says of its clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection, select

from edge.contract.batch import UnitStatus
from repository.ingest.rows import storable
from repository.ingest.verdicts import UnitState
from repository.store.rows import put
from repository.store.tables.fleet import unit_status
from repository.units.findings import raise_finding, settle_finding

CLOCK_OFF = timedelta(minutes=5)
_KIND = "unit_clock"


def write_status(
    connection: Connection, unit: UnitState, status: UnitStatus, now: datetime, *, fresh: bool
) -> None:
    """Keep the last that the unit said of itself; ``fresh`` if it said so just now.

    The broker retains it and brings it again whenever ingest connects: the same word once more is
    no sign of life. A last will says nothing of health, so what was said before it stays; it was
    written when the unit connected, so its time says nothing of the unit's clock.
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
        "software": storable(status.software),
        "waiting_records": status.waiting_records,
        "received_at": now,
    }
    if status.health is not UNSET:
        row |= {"health": msgspec.to_builtins(status.health), "health_at": status.at}
    elif status.state == "online":
        row |= {"health": None, "health_at": None}
    put(connection, unit_status, row)
    if fresh and status.state == "online":
        _look_at_clock(connection, unit, status.at.astimezone(UTC), now)


def _look_at_clock(connection: Connection, unit: UnitState, at: datetime, now: datetime) -> None:
    if abs(at - now) <= CLOCK_OFF:
        settle_finding(connection, _KIND, unit.unit_id, "its clock agrees again", now)
        return
    way = "ahead of" if at > now else "behind"
    detail = (
        f"the unit's clock is {abs(at - now)} {way} the repository's: its reads carry that time; "
        "look at its receiver and its time server, and at the repository's own clock"
    )
    raise_finding(connection, _KIND, unit.unit_id, detail, now)
