"""The purge against a small model of it, with a crash at any step among the actions."""

from __future__ import annotations

import hashlib
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import event, select

from edge.contract.configuration import config_file
from repository.ingest.aside import Bounds
from repository.ingest.take import Ingest
from repository.ledger import log
from repository.ledger.entry import Actor
from repository.retention import holds, holds_ending, purge
from repository.retention.holds_request import HoldError, HoldRequest
from repository.retention.rules import load_rule
from repository.store.engine import open_engine, reading
from repository.store.pictures import PictureStore
from repository.store.pictures_place import FolderOfPictures
from repository.store.tables.reads import hits, pictures, reads
from repository.store.tables.retention import doomed_pictures
from tests.repository.picture_files import folder_of, picture_file
from tests.repository.sender import AGENCY, Sender

START = datetime(2024, 2, 28, 12, tzinfo=UTC)  # a leap day lies ahead, and one year behind
OFFICER = Actor("u-1", "jdoe", "Jane Doe", AGENCY)
BODIES = (b"picture one", b"picture two")
# Hours since capture, the picture, whether it is a hit and whether it is held at once; most of what
# is taken in is of one day or about to expire, so that purges find something to tell apart.
PASSES = st.tuples(
    st.integers(-1, 30) | st.integers(363 * 24, 367 * 24),
    st.sampled_from(BODIES),
    st.booleans(),
    st.booleans(),
)
# Hours from one purge to the next; before it, if the clock went back.
LATER = (
    st.integers(364 * 24, 367 * 24) | st.sampled_from([0, 1, 12, 180 * 24]) | st.integers(-48, -1)
)


class CrashError(Exception):
    """The process is gone."""


@dataclass
class Expected:
    """A read as the model has it."""

    captured_at: datetime
    picture: bytes
    has_hit: bool
    holds: set[int] = field(default_factory=set)

    def expires_at(self) -> datetime:
        """The rule once more, written another way: by day and time of day."""
        day, year = self.captured_at.date(), self.captured_at.year + 1
        if (day.month, day.day) == (2, 29):
            return datetime(year, 3, 1, tzinfo=UTC)
        return datetime.combine(date(year, day.month, day.day), self.captured_at.timetz())


class Machine(RuleBasedStateMachine):
    """Ingest, hold, release and purge in any order, while time passes and the process dies."""

    migrated: Path

    numbers: Bundle[int] = Bundle("numbers")
    ids: Bundle[UUID] = Bundle("ids")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        shutil.copy(self.migrated, self.folder / "repository.sqlite")
        self.engine = open_engine(f"sqlite:///{self.folder / 'repository.sqlite'}")
        self.now = START
        self.watermark = datetime.min.replace(tzinfo=UTC)
        self.expected: dict[UUID, Expected] = {}
        self.held_at_once: list[int] = []
        self.entries = 0
        self.fuse: int | None = None
        master = secrets.token_bytes(32)
        machine = self

        class Dying(PictureStore):
            def remove(self, day: date, sha256: str) -> None:
                machine.step()
                super().remove(day, sha256)
                machine.step()

        self.store = Dying(
            FolderOfPictures(self.folder / "pictures", secrets.token_bytes),
            lambda: master,
            secrets.token_bytes,
        )
        self.rule = load_rule(config_file("retention/massachusetts.toml"))
        self.ingest = Ingest(
            self.engine,
            self.store,
            Ed25519PrivateKey.generate(),
            lambda connection: Duties.load(connection, self.rule, shipped_rule),
            lambda plate: plate,
            lambda: self.now,
            Bounds(bytes_per_day=0, rows_per_day=10_000),
        )
        self.sender = Sender()
        self.sender.enrol(self.engine, self.now)
        event.listen(self.engine, "before_cursor_execute", lambda *_: self.step())
        event.listen(self.engine, "commit", lambda *_: self.step())

    def teardown(self) -> None:
        self.engine.dispose()
        shutil.rmtree(self.folder)

    def step(self) -> None:
        """One step of whatever runs; the fuse burns with each, and then the process dies."""
        if self.fuse is not None:
            self.fuse -= 1
            if self.fuse < 0:
                raise CrashError

    @contextmanager
    def crashing(self, after: int) -> Iterator[None]:
        self.fuse = after
        try:
            yield
        except CrashError:
            pass
        finally:
            self.fuse = None

    @rule(target=ids, passes=st.lists(PASSES, min_size=1, max_size=4))
    def take_in(self, passes: list[tuple[int, bytes, bool, bool]]) -> Any:
        return multiple(*(each for one in passes for each in self.take_one(*one)))

    def take_one(self, back: int, body: bytes, hit: bool, held: bool) -> list[UUID]:
        """A read of so many hours ago; its id, if it is to be kept."""
        captured_at = self.now - timedelta(hours=back)
        read = self.sender.read(captured_at, pictures=[body])
        records = [read, self.sender.hit(captured_at, read.id)] if hit else [read]
        taken = self.ingest.take(self.sender.topic(), self.sender.message(*records))
        expected = Expected(captured_at, body, hit)
        if captured_at < self.watermark or expected.expires_at() <= self.now:
            assert taken.records_kept == 0
            return []
        assert taken.records_kept == len(records)
        digest = hashlib.sha256(body).hexdigest()
        self.ingest.take(self.sender.topic("picture", digest), body)
        self.expected[read.id] = expected
        if held:
            self.held_at_once.append(self.place(read.id))
        return [read.id]

    @precondition(lambda self: self.watermark.year > 1)
    @rule(hours=st.integers(1, 48))
    def bring_back(self, hours: int) -> None:
        """What a purge has passed is not taken in, whatever the clock says by now."""
        read = self.sender.read(self.watermark - timedelta(hours=hours))
        taken = self.ingest.take(self.sender.topic(), self.sender.message(read))
        assert taken.records_kept == 0

    @rule(target=numbers, read=ids)
    def hold(self, read: UUID) -> Any:
        try:
            return self.place(read)
        except HoldError:
            assert read not in self.expected
            return multiple()

    def place(self, read: UUID) -> int:
        request = HoldRequest("24-1", "arrest", "why", (read,), None)
        with self.engine.begin() as connection:
            number = holds.add(connection, request, actor=OFFICER, origin="test", now=self.now)
        self.entries += 1
        self.expected[read].holds.add(number)
        return number

    @precondition(lambda self: self.held_at_once)
    @rule()
    def release_one_held_at_once(self) -> None:
        self.release_number(self.held_at_once.pop(0))

    @rule(number=consumes(numbers))
    def release(self, number: int) -> None:
        self.release_number(number)

    def release_number(self, number: int) -> None:
        with self.engine.begin() as connection:
            holds_ending.release(
                connection, number, reason="closed", actor=OFFICER, origin="test", now=self.now
            )
        self.entries += 1
        for each in self.expected.values():
            each.holds.discard(number)

    @rule(hours=st.integers(1, 48))
    def pass_time(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(hours=st.integers(1, 48))
    def set_the_clock_back(self, hours: int) -> None:
        self.now -= timedelta(hours=hours)

    @rule(later=LATER)
    def purge(self, later: int) -> None:
        self.now += timedelta(hours=later)
        certificate = purge.run(
            self.engine, self.store, self.rule, now=self.now, clock_confirmed=self.now.date()
        )
        assert certificate.reads_purged == self.apply_purge()
        self.check_files()

    @precondition(lambda self: self.expected)
    @rule(later=LATER, after=st.integers(0, 60))
    def purge_and_crash(self, later: int, after: int) -> None:
        self.now += timedelta(hours=later)
        with self.crashing(after):
            purge.run(
                self.engine, self.store, self.rule, now=self.now, clock_confirmed=self.now.date()
            )
        with reading(self.engine) as connection:
            committed = len(list(log.rows(connection))) > self.entries
        if committed:
            self.apply_purge()

    @precondition(lambda self: self.expected)
    @rule()
    def remove_leftovers(self) -> None:
        purge.remove_files(self.engine, self.store)
        self.check_files()

    def run_purge(self) -> purge.Certificate:
        return purge.run(
            self.engine,
            self.store,
            self.rule,
            now=self.now,
            clock_confirmed=self.now.date(),
        )

    def apply_purge(self) -> int:
        self.entries += 1
        self.watermark = max(self.watermark, self.rule.expired_before(self.now, hit=False))
        gone = [
            read_id
            for read_id, each in self.expected.items()
            if not each.holds
            and (each.expires_at() <= self.now or each.captured_at < self.watermark)
        ]
        for read_id in gone:
            del self.expected[read_id]
        return len(gone)

    @invariant()
    def the_database_holds_what_the_model_holds(self) -> None:
        with reading(self.engine) as connection:
            stored = set(connection.scalars(select(reads.c.read_id)))
            with_hits = set(connection.scalars(select(hits.c.read_id)))
            named = set(connection.scalars(select(pictures.c.read_id)))
        assert stored == named == set(self.expected)
        assert with_hits == {read for read, each in self.expected.items() if each.has_hit}

    @invariant()
    def every_picture_that_is_kept_opens(self) -> None:
        with reading(self.engine) as connection:
            for each in self.expected.values():
                digest = hashlib.sha256(each.picture).hexdigest()
                day = each.captured_at.date()
                assert self.store.get(connection, day, digest) == each.picture

    def check_files(self) -> None:
        """After a purge that was not cut off, disk and model hold the same pictures."""
        kept = {
            picture_file(
                self.store, each.captured_at.date(), hashlib.sha256(each.picture).hexdigest()
            )
            for each in self.expected.values()
        }
        assert {path for path in folder_of(self.store).rglob("*") if path.is_file()} == kept
        with reading(self.engine) as connection:
            assert connection.execute(select(doomed_pictures)).all() == []


def test_whatever_happens_the_purge_takes_what_it_should_and_nothing_else(
    migrated_sqlite: Path,
) -> None:
    class OnThisFile(Machine):
        migrated = migrated_sqlite

    run_state_machine_as_test(
        OnThisFile,
        settings=settings(
            max_examples=30,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
