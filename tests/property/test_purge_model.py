"""The purge against a small model of it: agencies under their own rules, every reach of a hold,
dispositions, a clock that jumps both ways, and a crash at any step."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine, event, select

from repository.retention import purge, watermarks
from repository.retention.holds import ACTED_ON
from repository.retention.holds_request import HitTarget, HoldRequest, PlateTarget, UnitTarget
from repository.retention.purge import Confirmation
from repository.retention.verify import verify
from repository.store.engine import open_engine, reading
from repository.store.pictures import PictureStore
from repository.store.tables.reads import hits, pictures, reads
from repository.store.tables.retention import holds
from tests.property.shelf import RULES, Shelf, load_duties
from tests.servers import PostgresServer

START = datetime(2024, 2, 28, 12, tzinfo=UTC)  # a leap day lies ahead, and one year behind
HOUR = timedelta(hours=1)
NEVER = datetime.max.replace(tzinfo=UTC)
AGENCIES = sorted(RULES)
PLATES = ("1ABC23", "2DEF45")
BODIES = (None, b"picture one", b"picture two")
OUTCOMES = (None, "no_action", "arrest", "recovered")
# Hours since capture: of today, about to expire under each of the rules, or expired.
BACK = st.integers(-1, 30) | st.sampled_from([20 * 24, 21 * 24]) | st.integers(364 * 24, 366 * 24)
# Hours from one purge to the next; before it, if the clock went back.
LATER = (
    st.sampled_from([0, 1, 12, 21 * 24, 180 * 24])
    | st.integers(364 * 24, 367 * 24)
    | st.integers(-48, -1)
)
STEPS = st.integers(0, 120)


class CrashError(Exception):
    """The process is gone."""


@dataclass
class Known:
    """A read as the model has it; ``past`` once a purge has met it past its time."""

    agency: str
    captured_at: datetime
    plate: str
    hit: UUID | None
    holds: set[int] = field(default_factory=set)
    past: bool = False


@dataclass
class Model:
    """What the store keeps: everything that is not past its time, or that a hold stands on."""

    expires_at: Callable[[Known], datetime]
    reads: dict[UUID, Known] = field(default_factory=dict)
    ends: dict[int, datetime] = field(default_factory=dict)

    def purge(self, now: datetime) -> int:
        standing = {number for number, end in self.ends.items() if end > now}
        self.ends = {number: self.ends[number] for number in standing}
        for each in self.reads.values():
            each.past |= self.expires_at(each) <= now
        kept = {i: r for i, r in self.reads.items() if not r.past or r.holds & standing}
        gone, self.reads = len(self.reads) - len(kept), kept
        return gone


class Machine(RuleBasedStateMachine):
    """Reads come, are held, released and purged in any order, while time passes."""

    database: Callable[[Path], AbstractContextManager[Engine]]

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.opened = self.database(self.folder)
        self.engine = self.opened.__enter__()
        self.now = START
        self.shelf = Shelf(self.engine, self.folder / "pictures", START)
        self.model = Model(
            lambda read: self.shelf.rule(read.agency).expires_at(
                read.captured_at, hit=read.hit is not None
            )
        )
        self.reach: dict[int, Callable[[Known], bool]] = {}
        self.owner: dict[int, str] = {}
        self.fuse: int | None = None
        machine = self

        class Dying(PictureStore):
            def remove(self, day: date, sha256: str) -> None:
                machine.step()
                super().remove(day, sha256)
                machine.step()

            def keep_held(self, *arguments: Any) -> None:
                super().keep_held(*arguments)
                machine.step()

        good = self.shelf.store
        self.store = Dying(good.place, good.master_key, good.random_bytes)
        event.listen(self.engine, "before_cursor_execute", self.before_statement)
        event.listen(self.engine, "commit", lambda *_: self.step())

    def teardown(self) -> None:
        self.opened.__exit__(None, None, None)
        shutil.rmtree(self.folder)

    def before_statement(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        # Who dies gives no turn back by a statement: the end of the session does.
        if "pg_advisory_unlock" not in statement:
            self.step()

    def step(self) -> None:
        """One step of whatever runs; the fuse burns with each, and then the process dies."""
        if self.fuse is not None:
            self.fuse -= 1
            if self.fuse < 0:
                raise CrashError

    @rule(
        agency=st.sampled_from(AGENCIES),
        back=BACK,
        plate=st.sampled_from(PLATES),
        picture=st.sampled_from(BODIES),
        hit=st.booleans(),
        outcome=st.sampled_from(OUTCOMES),
    )
    def take_in(
        self,
        agency: str,
        back: int,
        plate: str,
        picture: bytes | None,
        hit: bool,
        outcome: str | None,
    ) -> None:
        at = self.now - back * HOUR
        expired = self.shelf.rule(agency).expires_at(at, hit=hit) <= self.now
        with reading(self.engine) as connection:
            marks = watermarks.purged_before(connection, self.shelf.numbers[agency][1])
        if expired or at < marks.get(hit, at):
            return  # ingest refuses it
        read_id, hit_id = self.shelf.take(
            agency, at, self.now, plate=plate, picture=picture, hit=hit, outcome=outcome
        )
        known = Known(agency, at, plate, hit_id)
        known.holds = {number for number, reaches in self.reach.items() if reaches(known)}
        self.model.reads[read_id] = known
        if hit and outcome in ACTED_ON:
            self.note_hold(self.newest_hold(), agency, NEVER, lambda each: each is known)

    @precondition(lambda self: self.model.reads)
    @rule(
        data=st.data(),
        agency=st.sampled_from(AGENCIES),
        reach=st.sampled_from(["reads", "hit", "plate", "unit"]),
        kind=st.sampled_from(["arrest", "evidence", "administrator_direction"]),
    )
    def hold(self, data: st.DataObject, agency: str, reach: str, kind: Any) -> None:
        read_id = data.draw(st.sampled_from(list(self.model.reads)))
        read = self.model.reads[read_id]
        start, end = read.captured_at - 12 * HOUR, read.captured_at + 12 * HOUR
        target: Any
        reaches: Callable[[Known], bool]
        match reach:
            case "hit" if read.hit is not None:
                target, reaches = HitTarget(read.hit), lambda each: each is read
            case "plate":
                target = PlateTarget(read.plate, None, start, end)
                reaches = lambda each: (  # noqa: E731
                    each.plate == read.plate and start <= each.captured_at < end
                )
            case "unit":
                target = UnitTarget(read.agency, self.shelf.senders[read.agency].unit, start, end)
                reaches = lambda each: (  # noqa: E731
                    each.agency == read.agency and start <= each.captured_at < end
                )
            case _:
                target, reaches = (read_id,), lambda each: each is read
        directed = kind == "administrator_direction"
        last_day = (self.now + 240 * HOUR).date()
        request = HoldRequest(
            "24-1",
            kind,
            "why",
            target,
            review_due=last_day if kind == "evidence" else None,
            ends_on=last_day if directed else None,
            direction="keep it" if directed else None,
        )
        number = self.shelf.hold(agency, request, self.now)
        ends = datetime.combine(last_day + timedelta(days=1), time(), UTC) if directed else NEVER
        self.note_hold(number, agency, ends, reaches)

    @precondition(lambda self: self.model.ends)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.model.ends)))
        self.shelf.release(self.owner[number], number, self.now)
        del self.model.ends[number], self.reach[number]

    @rule(hours=st.integers(-48, 48))
    def move_the_clock(self, hours: int) -> None:
        self.now += hours * HOUR

    @rule(later=LATER)
    def purge(self, later: int) -> None:
        self.now += later * HOUR
        before = set(self.model.reads)
        certificates = self.run().certificates
        assert sum(each.counts["reads"].purged for each in certificates) == self.model.purge(
            self.now
        )
        self.forget_ended()
        assert set(self.model.reads) <= before

    @precondition(lambda self: self.model.reads)
    @rule(later=LATER, steps=st.lists(STEPS, min_size=1, max_size=3))
    def purge_with_crashes(self, later: int, steps: list[int]) -> None:
        """Cut off again and again it loses nothing; the next run does the rest and no more."""
        self.now += later * HOUR
        before = set(self.model.reads)
        self.model.purge(self.now)
        self.forget_ended()
        for after in steps:
            with self.crashing(after):
                self.run()
            assert set(self.model.reads) <= self.stored() <= before
        self.run()

    def run(self) -> purge.Purged:
        confirmed = Confirmation(clock_is=self.now.date())
        return purge.run(self.engine, self.store, load_duties, now=self.now, confirmed=confirmed)

    @contextmanager
    def crashing(self, after: int) -> Iterator[None]:
        self.fuse = after
        try:
            yield
        except CrashError:
            pass
        finally:
            self.fuse = None

    def note_hold(
        self, number: int, agency: str, ends: datetime, reaches: Callable[[Known], bool]
    ) -> None:
        self.reach[number], self.owner[number], self.model.ends[number] = reaches, agency, ends
        for each in self.model.reads.values():
            if reaches(each):
                each.holds.add(number)

    def newest_hold(self) -> int:
        with reading(self.engine) as connection:
            return max(connection.scalars(select(holds.c.id)))

    def forget_ended(self) -> None:
        self.reach = {each: self.reach[each] for each in self.model.ends}

    def stored(self) -> set[UUID]:
        with reading(self.engine) as connection:
            return set(connection.scalars(select(reads.c.read_id)))

    @invariant()
    def the_store_keeps_what_the_model_keeps(self) -> None:
        assert self.stored() == set(self.model.reads)
        with reading(self.engine) as connection:
            named = set(connection.scalars(select(pictures.c.read_id)))
            with_hits = set(connection.scalars(select(hits.c.read_id)))
        assert named <= set(self.model.reads)
        assert with_hits == {i for i, each in self.model.reads.items() if each.hit}

    @invariant()
    def what_is_held_is_there_and_opens(self) -> None:
        found = verify(
            self.engine, self.store, load_duties, now=self.now, grace=timedelta(days=10_000)
        )
        assert (found.lost, found.disagreeing) == ((), ())


class Proven(Machine):
    """As the machine, and after each purge `verify` finds nothing left."""

    def run(self) -> purge.Purged:
        done = super().run()
        found = verify(self.engine, self.store, load_duties, now=self.now, grace=timedelta())
        assert found.left == ()
        return done


def test_whatever_happens_the_purge_takes_what_it_should_and_nothing_else(
    migrated_sqlite: Path,
) -> None:
    @contextmanager
    def database(folder: Path) -> Iterator[Engine]:
        shutil.copy(migrated_sqlite, folder / "repository.sqlite")
        engine = open_engine(f"sqlite:///{folder / 'repository.sqlite'}")
        yield engine
        engine.dispose()

    check(database, examples=8)


def test_it_does_on_postgresql_too(postgres_server: PostgresServer, migrated_postgres: str) -> None:
    @contextmanager
    def database(_folder: Path) -> Iterator[Engine]:
        name = postgres_server.create_database(template=migrated_postgres)
        engine = open_engine(postgres_server.dsn(name))
        yield engine
        engine.dispose()
        postgres_server.drop_database(name)

    check(database, examples=3)


def check(database: Callable[[Path], AbstractContextManager[Engine]], examples: int) -> None:
    class OnThis(Proven):
        pass

    OnThis.database = staticmethod(database)  # type: ignore[assignment]
    run_state_machine_as_test(
        OnThis,
        settings=settings(
            max_examples=examples,
            stateful_step_count=15,
            deadline=None,
            phases=[Phase.explicit, Phase.reuse, Phase.generate],  # to shrink takes long
            suppress_health_check=list(HealthCheck),
        ),
    )
