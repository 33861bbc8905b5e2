"""Holds against a plain model: placed, released, ended and disposed of while reads go on coming."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import insert

from repository.ledger.entry import Actor
from repository.retention import holds, holds_ending
from repository.retention.holds_request import (
    HOLD_KINDS,
    HitTarget,
    HoldError,
    HoldKind,
    HoldRequest,
    PlateTarget,
    Target,
    UnitTarget,
)
from repository.store.engine import open_engine
from repository.store.tables.fleet import agencies
from tests.repository.retention.desk import JANE, RITA, Desk, hit_on
from tests.repository.sightings import add_units

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
PLATES = ("1ABC20", "2XYZ99")
CASES = ("24-1", "24-2")
AGO = st.integers(0, 30) | st.integers(360, 366)  # days; some are about to be a year old


@dataclass
class Read:
    """A read as the model has it."""

    id: UUID
    plate: str
    unit: int
    captured_at: datetime


@dataclass
class Hold:
    """A hold as the model has it: which reads it reaches, and what has been done with it."""

    number: int
    case: str
    kind: HoldKind
    reaches: Callable[[Read], bool]
    ends_at: datetime | None = None
    disposed: bool = False
    proposed_by: Actor | None = None
    released: bool = False

    def keeps(self, read: Read, now: datetime) -> bool:
        if self.released or (self.ends_at is not None and now >= self.ends_at):
            return False
        if self.disposed and now >= a_year_after(read.captured_at):
            return False
        return self.reaches(read)


def a_year_after(moment: datetime) -> datetime:
    """The rule once more, written another way."""
    if (moment.month, moment.day) == (2, 29):
        return datetime(moment.year + 1, 3, 1, tzinfo=UTC)
    return moment.replace(year=moment.year + 1)


class Machine(RuleBasedStateMachine):
    """One site on SQLite, whose clock only goes on."""

    migrated: Path

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        shutil.copy(self.migrated, self.folder / "repository.sqlite")
        self.desk = Desk(open_engine(f"sqlite:///{self.folder / 'repository.sqlite'}"))
        self.now = START
        self.reads: list[Read] = []
        self.holds: list[Hold] = []
        row = {"id": 1, "name": "salem-pd", "title": "Salem Police", "created_at": START}
        with self.desk.engine.begin() as connection:
            connection.execute(insert(agencies), [row, row | {"id": 2, "name": "boston-pd"}])
        add_units(self.desk.engine, START)

    def teardown(self) -> None:
        self.desk.engine.dispose()
        shutil.rmtree(self.folder)

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        for _ in range(3):
            self.arrive(data.draw(st.sampled_from(PLATES)), 1, data.draw(AGO))

    @rule(plate=st.sampled_from(PLATES), unit=st.sampled_from((1, 2)), ago=AGO)
    def arrive(self, plate: str, unit: int, ago: int) -> None:
        at = self.now - ago * DAY
        self.reads.append(Read(self.desk.arrive(plate, at, unit), plate, unit, at))

    @rule(
        scope=st.sampled_from(("reads", "hit", "plate", "unit")),
        kind=st.sampled_from(HOLD_KINDS),
        case=st.sampled_from(CASES),
        which=st.integers(0, 1_000_000),
        ago=AGO,
        days=st.integers(1, 40),
    )
    def place(self, scope: str, kind: HoldKind, case: str, which: int, ago: int, days: int) -> None:
        read = self.reads[which % len(self.reads)]
        start = self.now - ago * DAY
        end = start + days * DAY
        target: Target
        reaches: Callable[[Read], bool]
        match scope:
            case "reads":
                target, reaches = (read.id,), lambda one: one.id == read.id
            case "hit":
                hit_id = hit_on(self.desk.engine, read.id, read.captured_at, read.unit)
                target, reaches = HitTarget(hit_id), lambda one: one.id == read.id
            case "plate":
                target = PlateTarget(read.plate, None, start, end)
                reaches = lambda one: (  # noqa: E731
                    one.plate == read.plate and start <= one.captured_at < end
                )
            case _:
                target = UnitTarget("salem-pd", "car-7", start, end)
                reaches = lambda one: one.unit == 1 and start <= one.captured_at < end  # noqa: E731
        directed = kind == "administrator_direction"
        last = (self.now + days * DAY).date() if directed else None
        request = HoldRequest(
            case,
            kind,
            "why",
            target,
            review_due=self.now.date() if kind == "evidence" else None,
            ends_on=last,
            direction="keep it" if directed else None,
        )
        with self.desk.engine.begin() as connection:
            number = holds.add(connection, request, actor=JANE, origin="test", now=self.now)
        ends_at = None
        if last is not None:
            ends_at = datetime(last.year, last.month, last.day, tzinfo=UTC) + DAY
        self.holds.append(Hold(number, case, kind, reaches, ends_at))

    @precondition(lambda self: self.holds)
    @rule(which=st.integers(0, 1_000_000), by=st.sampled_from((JANE, RITA)))
    def release(self, which: int, by: Actor) -> None:
        hold = self.holds[which % len(self.holds)]
        try:
            self.desk.release(hold.number, by, self.now)
        except HoldError:
            ended = hold.released or hold.disposed or hold.ends_at is not None
            assert ended or hold.proposed_by is not None
            return
        if hold.kind == "evidence":
            hold.proposed_by = by
        else:
            hold.released = True

    @precondition(lambda self: any(hold.proposed_by for hold in self.holds))
    @rule(by=st.sampled_from((JANE, RITA)))
    def confirm(self, by: Actor) -> None:
        hold = next(hold for hold in self.holds if hold.proposed_by)
        try:
            self.desk.confirm(hold.number, by)
        except HoldError:
            assert by == hold.proposed_by
            return
        assert by != hold.proposed_by
        hold.proposed_by, hold.released = None, True

    @rule(case=st.sampled_from(CASES))
    def dispose(self, case: str) -> None:
        waiting = [
            hold
            for hold in self.holds
            if (hold.case, hold.kind) == (case, "enforcement_action")
            and not (hold.released or hold.disposed)
        ]
        try:
            with self.desk.engine.begin() as connection:
                ended = holds_ending.dispose(
                    connection,
                    case,
                    on=self.now.date(),
                    disposition="guilty plea",
                    actor=JANE,
                    origin="test",
                    now=self.now,
                )
        except HoldError:
            ended = []
        assert ended == [hold.number for hold in waiting]
        for hold in waiting:
            hold.disposed = True

    @rule(hours=st.sampled_from((1, 24, 24 * 30, 24 * 300)))
    def pass_time(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @invariant()
    def what_is_held_is_what_the_model_holds(self) -> None:
        self.desk.lapse(self.now)
        expected = {
            read.id for read in self.reads if any(hold.keeps(read, self.now) for hold in self.holds)
        }
        assert self.desk.held() == expected


@pytest.mark.policy("C-7b-i")
@pytest.mark.policy("C-7b-v")
def test_whatever_is_placed_and_ended_each_read_is_held_as_long_as_it_should(
    migrated_sqlite: Path,
) -> None:
    class OnThisFile(Machine):
        migrated = migrated_sqlite

    run_state_machine_as_test(
        OnThisFile,
        settings=settings(
            max_examples=10,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
