"""Two years on a moved clock, with every kind and reach of hold: clean on each day that is looked
at, and a leftover that is planted is found on the day on which it is planted.

By default the clock goes on by 41 days at a time; with ``PURGE_EVERY_DAY=1`` by one.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, delete, insert, select

from repository.retention import holds_ending, purge
from repository.retention.holds_request import (
    HOLD_KINDS,
    HitTarget,
    HoldRequest,
    PlateTarget,
    Target,
    UnitTarget,
)
from repository.retention.verify import Verified, verify
from repository.store.engine import reading
from repository.store.partitions import ensure_days
from repository.store.tables.plates import plates
from repository.store.tables.reads import pictures, quarantine, reads
from repository.store.tables.retention import holds, purges
from tests.property.shelf import RULES, Shelf, load_duties, officer

START = datetime(2023, 6, 1, 9, 30, tzinfo=UTC)
END = START + timedelta(days=2 * 365 + 1)
STEP = timedelta(days=1 if os.environ.get("PURGE_EVERY_DAY") else 41)
HOUR = timedelta(hours=1)
AGENCIES = sorted(RULES)
PLATES = tuple(f"{number}SIM{number}" for number in range(8))


@dataclass
class Life:
    """What happens in the two years, from one seed."""

    shelf: Shelf
    rng: random.Random
    now: datetime = START
    hits: list[tuple[str, UUID]] = field(default_factory=list)
    standing: list[tuple[str, int]] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(10_000)))

    def day(self) -> None:
        """Reads of every agency, now and then a hit, a disposition, a hold or a release."""
        for agency in AGENCIES:
            hit = self.rng.random() < 0.4
            outcome = self.rng.choice((None, "no_action", "arrest")) if hit else None
            read_id, hit_id = self.shelf.take(
                agency, self.now, self.now, plate=self.rng.choice(PLATES),
                picture=self.rng.choice((None, b"one", b"two")), hit=hit, outcome=outcome,
            )  # fmt: skip
            number = next(self.numbers)
            if number % 5 == 0:
                self.place(agency, number, read_id, hit_id)
        if self.standing and self.rng.random() < 0.3:
            agency, hold = self.standing.pop(self.rng.randrange(len(self.standing)))
            with suppress(holds_ending.HoldError):  # its end may have come
                self.shelf.release(agency, hold, self.now)
        if self.rng.random() < 0.3:
            self.dispose()

    def place(self, agency: str, number: int, read_id: UUID, hit_id: UUID | None) -> None:
        """A hold: kinds and reaches take turns."""
        kind = HOLD_KINDS[number // 5 % len(HOLD_KINDS)]
        unit = self.shelf.senders[agency].unit
        span = (self.now - 30 * 24 * HOUR, self.now + 30 * 24 * HOUR)
        reaches: list[Target] = [
            (read_id,),
            HitTarget(hit_id) if hit_id else (read_id,),
            PlateTarget(self.rng.choice(PLATES), None, *span),
            UnitTarget(agency, unit, self.now - HOUR, self.now + HOUR),
        ]
        directed = kind == "administrator_direction"
        later = (self.now + timedelta(days=self.rng.randrange(20, 500))).date()
        request = HoldRequest(
            f"24-{number}", kind, "why", reaches[number // 5 % len(reaches)],
            review_due=later if kind == "evidence" else None,
            ends_on=later if directed else None,
            direction="keep these" if directed else None,
        )  # fmt: skip
        self.standing.append((agency, self.shelf.hold(agency, request, self.now)))

    def dispose(self) -> None:
        """The case of one hold for an enforcement action is disposed of."""
        with self.shelf.engine.begin() as connection:
            query = select(holds.c.case_number).where(
                holds.c.kind == holds_ending.UNTIL_DISPOSITION,
                holds.c.released_at.is_(None),
                holds.c.disposed_on.is_(None),
                holds.c.agency_id == self.shelf.numbers["salem-pd"][1],
            )
            case = connection.scalars(query.order_by(holds.c.id)).first()
            if case is not None:
                holds_ending.dispose(
                    connection, case, on=self.now.date(), disposition="convicted",
                    actor=officer("salem-pd"), origin="test", now=self.now,
                )  # fmt: skip

    def purge(self) -> None:
        purge.run(self.shelf.engine, self.shelf.store, load_duties, now=self.now)

    def look(self) -> Verified:
        return verify(
            self.shelf.engine, self.shelf.store, load_duties, now=self.now, grace=timedelta()
        )

    def plant(self, turn: int) -> None:
        """Something that should not be there, is found, and goes again."""
        day = date(2023, 6, 2)
        unit_id, agency_id = self.shelf.numbers["nashua-pd"]
        at = datetime(2023, 6, 2, tzinfo=UTC)
        read = {
            "unit_id": unit_id, "captured_at": at, "read_id": UUID(int=1), "agency_id": agency_id,
            "seq": 0, "batch_first_seq": 0, "camera": "front", "plate": PLATES[0],
            "plate_folded": PLATES[0], "confidence": 1.0, "has_hits": False, "record": b"{}",
            "received_at": at,
        }  # fmt: skip
        picture = {
            "unit_id": unit_id, "captured_at": at, "read_id": UUID(int=1), "sha256": "ab" * 32,
            "seq": 0, "kind": "plate", "size_bytes": 1, "width_px": 1, "height_px": 1,
        }  # fmt: skip
        refused = {
            "fingerprint": "ab" * 32, "received_at": at, "topic": "t", "reason": "malformed",
            "detail": "", "sha256": "ab" * 32, "size_bytes": 1, "body": b"x",
        }  # fmt: skip
        kind, table, row = (
            ("read", reads, read),
            ("picture_row", pictures, picture),
            ("quarantine", quarantine, refused),
            ("dictionary", plates, {"plate": "9GONE9"}),
        )[turn % 4]
        with self.shelf.engine.begin() as connection:
            ensure_days(connection, [day])
            connection.execute(insert(table), [row])
        found = {each.kind for each in self.look().left}
        assert kind in found
        with self.shelf.engine.begin() as connection:
            self.pull_up(connection)

    def pull_up(self, connection: Connection) -> None:
        for table in (reads, pictures):
            connection.execute(delete(table).where(table.c.read_id == UUID(int=1)))
        connection.execute(delete(quarantine).where(quarantine.c.fingerprint == "ab" * 32))
        connection.execute(delete(plates).where(plates.c.plate == "9GONE9"))


@pytest.mark.policy("C-7b")
@pytest.mark.policy("G-14")
@pytest.mark.policy("M-V-C2")
@pytest.mark.timeout(14_400 if os.environ.get("PURGE_EVERY_DAY") else 300)
def test_two_years_are_clean_on_each_day(engine: Engine, tmp_path: Path) -> None:
    shelf = Shelf(engine, tmp_path / "pictures", START)
    life = Life(shelf, random.Random(7))
    turn = 0
    while life.now < END:
        life.day()
        life.now += STEP
        life.purge()
        found = life.look()
        assert (found.left, found.lost, found.disagreeing) == ((), (), ())
        turn += 1
        if turn % 3 == 0:
            life.plant(turn // 3)
            assert life.look().clean
    with reading(engine) as connection:
        kinds = set(connection.scalars(select(holds.c.kind)))
        assert kinds == set(HOLD_KINDS)
        assert connection.execute(select(purges)).first() is not None
        ended = select(holds.c.id).where(holds.c.released_at.is_not(None))
        assert len(connection.scalars(ended).all()) > 3
