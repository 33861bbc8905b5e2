"""Two agencies with a unit each, and the people who hold, review and release."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select

from edge.contract.records import mint_id
from repository.ledger import log
from repository.ledger.entry import Actor
from repository.retention import holds, holds_ending, holds_review
from repository.retention.holds_listing import Filter, Hold, list_holds
from repository.retention.holds_request import HoldKind, HoldRequest, Target
from repository.store import locks
from repository.store.engine import reading
from repository.store.locks import Turn
from repository.store.tables.fleet import agencies
from repository.store.tables.reads import hits, reads
from tests.repository.sightings import RULE, add_units, sight

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
JANE = Actor("u-1", "jdoe", "Jane Doe", "salem-pd")
RITA = Actor("u-2", "rroe", "Rita Roe", "salem-pd")
BEN = Actor("u-3", "bben", "Ben Boston", "boston-pd")
NEEDS: dict[HoldKind, dict[str, Any]] = {
    "enforcement_action": {},
    "arrest": {"record_period": "permanent"},
    "criminal_investigation": {"record_period": "20 years"},
    "evidence": {"review_due": date(2026, 9, 1)},
    "administrator_direction": {"direction": "Keep it", "ends_on": date(2026, 12, 31)},
}


@dataclass
class Desk:
    """Two agencies with a unit each, and the people who hold and release."""

    engine: Engine

    def place(
        self, target: Target, kind: HoldKind = "arrest", by: Actor = JANE, **more: Any
    ) -> int:
        request = HoldRequest("24-1187", kind, "why", target, **NEEDS[kind] | more)
        with self.engine.begin() as connection:
            return holds.add(connection, request, actor=by, origin="test", now=NOW)

    def release(self, number: int, by: Actor = JANE, now: datetime = NOW) -> str:
        with self.engine.begin() as connection:
            return holds_ending.release(
                connection, number, reason="closed", actor=by, origin="test", now=now
            )

    def confirm(self, number: int, by: Actor) -> None:
        with self.engine.begin() as connection:
            holds_ending.confirm_release(connection, number, actor=by, origin="test", now=NOW)

    def review(self, number: int, until: date, now: datetime = NOW) -> None:
        with self.engine.begin() as connection:
            holds_review.review(
                connection,
                number,
                next_due=until,
                reason="trial is set",
                actor=JANE,
                origin="test",
                now=now,
            )

    def dispose(self, on: date, by: Actor = JANE, now: datetime = NOW) -> list[int]:
        with self.engine.begin() as connection:
            return holds_ending.dispose(
                connection,
                "24-1187",
                on=on,
                disposition="guilty plea",
                actor=by,
                origin="test",
                now=now,
            )

    def lapse(self, now: datetime) -> list[int]:
        with self.engine.begin() as connection:
            return holds_ending.lapse(connection, RULE, now)

    def held(self) -> set[uuid.UUID]:
        with reading(self.engine) as connection:
            return set(connection.scalars(select(reads.c.read_id).where(holds.is_held(reads))))

    def listed(self, **which: Any) -> list[Hold]:
        with reading(self.engine) as connection:
            return list_holds(connection, Filter(**which))

    def arrive(self, plate: str, at: datetime, unit: int = 1) -> uuid.UUID:
        """A read that comes after holds were placed, as ingest takes it in."""
        read_id = sight(self.engine, plate, at, unit)
        with self.engine.begin() as connection:
            locks.share(connection, Turn.RETENTION)
            rows = connection.execute(select(reads).where(reads.c.read_id == read_id))
            holds.catch(connection, [dict(row) for row in rows.mappings()])
        return read_id

    def entry(self) -> dict[str, Any]:
        """The newest entry of the ledger."""
        with reading(self.engine) as connection:
            found: dict[str, Any] = json.loads(list(log.rows(connection))[-1].body)
        return found


@pytest.fixture
def desk(engine: Engine) -> Desk:
    rows = [
        {"id": 1, "name": "salem-pd", "title": "Salem Police", "created_at": NOW},
        {"id": 2, "name": "boston-pd", "title": "Boston Police", "created_at": NOW},
    ]
    with engine.begin() as connection:
        connection.execute(insert(agencies), rows)
    add_units(engine, NOW)
    return Desk(engine)


def hit_on(engine: Engine, read_id: uuid.UUID, at: datetime, unit: int = 1) -> uuid.UUID:
    """A hit of that read, a moment after it."""
    hit_id = mint_id(at, lambda count: uuid.uuid4().bytes[:count])
    with engine.begin() as connection:
        connection.execute(
            insert(hits).values(
                unit_id=unit,
                captured_at=at,
                hit_id=hit_id,
                agency_id=unit,
                seq=9,
                read_id=read_id,
                camera="front",
                plate="1ABC20",
                list_name="stolen",
                kind="stolen_vehicle",
                priority=1,
                rang=True,
                record=b"{}",
                received_at=at,
            )
        )
    return hit_id
