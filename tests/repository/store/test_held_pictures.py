"""Held pictures outlast the key of their day, through crashes at every step, against a model."""

from __future__ import annotations

import hashlib
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from uuid import NAMESPACE_OID, uuid5

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Connection, Engine, delete, insert, select, update

from repository.store.engine import open_engine, reading
from repository.store.partitions import ensure_days
from repository.store.pictures import (
    PictureError,
    PictureKeyError,
    PictureMissingError,
    PictureStore,
    held_name,
    name,
)
from repository.store.pictures_leftovers import Leftover, find_leftovers
from repository.store.pictures_place import FolderOfPictures
from repository.store.tables.reads import picture_keys, pictures
from repository.store.tables.retention import held_picture_keys
from tests.repository.sender import Sender

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = (date(2026, 2, 27), date(2026, 2, 28))
BODIES = (b"picture one", b"picture two", b"picture three")
DIGESTS = {hashlib.sha256(body).hexdigest(): body for body in BODIES}
DAY, DIGEST = DAYS[0], next(iter(DIGESTS))


def name_it(connection: Connection, day: date, sha256: str) -> None:
    """A read of unit 1 that names the picture."""
    ensure_days(connection, [day])
    connection.execute(
        insert(pictures).values(
            unit_id=1,
            captured_at=datetime.combine(day, time(12), UTC),
            read_id=uuid5(NAMESPACE_OID, f"{day}{sha256}"),
            sha256=sha256,
            seq=1,
            kind="plate",
            size_bytes=1,
            width_px=1,
            height_px=1,
            stored_at=NOW,
        )
    )


def put(engine: Engine, store: PictureStore, day: date = DAY, sha256: str = DIGEST) -> None:
    with engine.begin() as connection:
        store.put(connection, day, sha256, DIGESTS[sha256], NOW)


def forget_day(engine: Engine, day: date = DAY) -> None:
    with engine.begin() as connection:
        connection.execute(delete(picture_keys).where(picture_keys.c.day == day))


@pytest.mark.policy("C-7b-i")
def test_a_held_picture_opens_when_the_key_of_its_day_is_gone_and_the_others_do_not(
    store: PictureStore, engine: Engine
) -> None:
    held, other, _ = DIGESTS
    for sha256 in (held, other):
        put(engine, store, sha256=sha256)
    with engine.begin() as connection:
        for _ in range(2):
            store.keep_held(connection, DAY, held)
        connection.execute(delete(picture_keys))
    store.remove_day(DAY)
    with engine.begin() as connection:
        assert store.get(connection, DAY, held) == DIGESTS[held]
        store.keep_held(connection, DAY, held)
        store.check_master_key(connection)
        with pytest.raises(PictureKeyError):
            replace(store, master_key=lambda: bytes(32)).check_master_key(connection)
        with pytest.raises(PictureMissingError):
            store.get(connection, DAY, other)
        with pytest.raises(PictureMissingError):
            store.keep_held(connection, DAY, other)
        store.drop_held(connection, DAY, held)
        with pytest.raises(PictureMissingError):
            store.get(connection, DAY, held)
    store.remove(DAY, held)
    assert list(store.place.names()) == []


def test_held_pictures_do_not_pass_for_one_another(store: PictureStore, engine: Engine) -> None:
    first, second, _ = DIGESTS
    for sha256 in (first, second):
        put(engine, store, sha256=sha256)
    with engine.begin() as connection:
        for sha256 in (first, second):
            store.keep_held(connection, DAY, sha256)
        connection.execute(delete(picture_keys))
        store.place.write(held_name(DAY, first), store.place.read(held_name(DAY, second)))
        with pytest.raises(PictureError, match="was changed since it was kept"):
            store.get(connection, DAY, first)
        keys = held_picture_keys.c
        foreign = select(keys.wrapped_key).where(keys.sha256 == second).scalar_subquery()
        connection.execute(update(held_picture_keys).values(wrapped_key=foreign))
        with pytest.raises(PictureKeyError):
            store.get(connection, DAY, first)


def test_a_damaged_held_file_is_mended_while_the_day_is_there(
    store: PictureStore, engine: Engine
) -> None:
    put(engine, store)
    with engine.begin() as connection:
        store.keep_held(connection, DAY, DIGEST)
    store.place.write(held_name(DAY, DIGEST), b"damaged")
    with engine.begin() as connection:
        store.keep_held(connection, DAY, DIGEST)
    forget_day(engine)
    with reading(engine) as connection:
        assert store.get(connection, DAY, DIGEST) == DIGESTS[DIGEST]


def test_only_a_digest_is_a_picture_s_name(store: PictureStore, engine: Engine) -> None:
    with engine.begin() as connection:
        for bad in ("../../etc/passwd", "A" * 64, "a" * 63, "", "a" * 62 + "/a", "a" * 64 + "\n"):
            with pytest.raises(PictureError, match="no SHA-256"):
                store.put(connection, DAY, bad, b"x", NOW)
            with pytest.raises(PictureError, match="no SHA-256"):
                store.get(connection, DAY, bad)
    assert list(store.place.names()) == []


def test_every_kind_of_leftover_is_found(store: PictureStore, engine: Engine) -> None:
    first, second, third = DIGESTS
    Sender().enrol(engine, NOW)
    for day in DAYS:
        put(engine, store, day, first)
    with engine.begin() as connection:
        for day in DAYS:
            name_it(connection, day, first)
        store.keep_held(connection, DAYS[0], first)
        assert list(find_leftovers(connection, store)) == []
        connection.execute(delete(picture_keys).where(picture_keys.c.day == DAYS[0]))
        store.put(connection, DAYS[1], second, DIGESTS[second], NOW)
        store.keep_held(connection, DAYS[1], second)
        store.place.write(held_name(DAYS[1], first), b"written just before a crash")
    store.place.write(f"{DAYS[1]}/ab/.cut.partial", b"cut off")
    put(engine, store, date(2026, 2, 20), third)
    with engine.begin() as connection:
        found = set(find_leftovers(connection, store))
    assert found == {
        Leftover("file_without_key", name(DAYS[0], first)),
        Leftover("file_without_key", held_name(DAYS[1], first)),
        Leftover("file_without_read", name(DAYS[1], second)),
        Leftover("file_without_read", held_name(DAYS[1], second)),
        Leftover("key_without_read", held_name(DAYS[1], second)),
        Leftover("file_without_read", name(date(2026, 2, 20), third)),
        Leftover("key_without_read", "2026-02-20"),
        Leftover("strange", f"{DAYS[1]}/ab/.cut.partial"),
    }


class CrashError(Exception):
    """The process is gone."""


@dataclass(frozen=True)
class Dying:
    """A place that dies before or after any step, once the fuse has burnt down."""

    inside: FolderOfPictures
    step: Callable[[], None]

    def write(self, name: str, content: bytes) -> None:
        self.step()
        self.inside.write(name, content)
        self.step()

    def remove(self, name: str) -> None:
        self.step()
        self.inside.remove(name)
        self.step()

    def remove_folder(self, name: str) -> None:
        self.step()
        self.inside.remove_folder(name)
        self.step()

    def read(self, name: str) -> bytes:
        return self.inside.read(name)

    def folders(self, below: str = "") -> list[str]:
        return self.inside.folders(below)

    def names(self, below: str = "") -> Iterator[str]:
        return self.inside.names(below)


@dataclass
class Expected:
    """A day as the model has it: whether it has a key, what was put under it, what is held.

    A put that died may have left its file all the same: where the day had a key, that opens it.
    """

    key: bool = False
    put: set[str] = field(default_factory=set)
    cut_off: set[str] = field(default_factory=set)
    held: set[str] = field(default_factory=set)


class Machine(RuleBasedStateMachine):
    """Pictures come, are held, let go and purged day by day, while the process dies."""

    migrated: Path

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        shutil.copy(self.migrated, self.folder / "repository.sqlite")
        self.engine = open_engine(f"sqlite:///{self.folder / 'repository.sqlite'}")
        Sender().enrol(self.engine, NOW)
        with self.engine.begin() as connection:
            for day in DAYS:
                for sha256 in DIGESTS:
                    name_it(connection, day, sha256)
        self.expected = {day: Expected() for day in DAYS}
        self.fuse: int | None = None
        place = FolderOfPictures(self.folder / "pictures", secrets.token_bytes)
        master = secrets.token_bytes(32)
        self.store = PictureStore(Dying(place, self.step), lambda: master, secrets.token_bytes)

    def step(self) -> None:
        if self.fuse is not None:
            self.fuse -= 1
            if self.fuse < 0:
                self.fuse = None
                raise CrashError

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One that may die as it is about to commit."""
        with self.engine.begin() as connection:
            yield connection
            self.step()

    @rule(day=st.sampled_from(DAYS), sha256=st.sampled_from(list(DIGESTS)), fuse=st.integers(0, 6))
    def put(self, day: date, sha256: str, fuse: int) -> None:
        if self.expected[day].key:
            self.expected[day].cut_off.add(sha256)
        with self.dying(fuse):
            with self.transaction() as connection:
                self.store.put(connection, day, sha256, DIGESTS[sha256], NOW)
            self.expected[day].key = True
            self.expected[day].put.add(sha256)

    @rule(day=st.sampled_from(DAYS), held=st.sets(st.sampled_from(list(DIGESTS))),
          fuse=st.integers(0, 12))  # fmt: skip
    def purge_day(self, day: date, held: set[str], fuse: int) -> None:
        """As a purge does: keep what is held, drop the rest and the day's key; then the files."""
        expected = self.expected[day]
        there = expected.put | expected.held
        kept = held & there
        with self.dying(fuse):
            with self.transaction() as connection:
                for sha256 in sorted(kept):
                    self.store.keep_held(connection, day, sha256)
                for sha256 in sorted(there - kept):
                    self.store.drop_held(connection, day, sha256)
                connection.execute(delete(picture_keys).where(picture_keys.c.day == day))
            self.expected[day] = Expected(held=kept)
            self.store.remove_day(day)
            for sha256 in sorted(there - kept):
                self.store.remove(day, sha256)

    @rule(day=st.sampled_from(DAYS))
    def clean_up(self, day: date) -> None:
        """The next purge's files: what no key opens goes, and nothing else is lost by it."""
        with self.engine.begin() as connection:
            for each in find_leftovers(connection, self.store):
                if each.kind == "file_without_key":
                    self.store.place.remove(each.name)
            files = set(self.store.place.names())
        assert files == {
            file
            for day, expected in self.expected.items()
            for file in [
                *(name(day, each) for each in expected.put),
                *(held_name(day, each) for each in expected.held),
            ]
        } | self.of_keyed_days(files)

    def of_keyed_days(self, files: set[str]) -> set[str]:
        """Files whose put was cut off, or came back: the day's key opens or overwrites them."""
        return {
            file for file in files for day, each in self.expected.items()
            if each.key and file.startswith(day.isoformat())
        }  # fmt: skip

    @contextmanager
    def dying(self, fuse: int) -> Iterator[None]:
        self.fuse = fuse
        try:
            yield
        except CrashError:
            self.engine.dispose()
        finally:
            self.fuse = None

    @invariant()
    def what_should_open_does_and_the_rest_does_not(self) -> None:
        with reading(self.engine) as connection:
            for day, expected in self.expected.items():
                for sha256, body in DIGESTS.items():
                    if sha256 in expected.held or sha256 in expected.put:
                        assert self.store.get(connection, day, sha256) == body
                    elif sha256 not in expected.cut_off:
                        with pytest.raises(PictureError):
                            self.store.get(connection, day, sha256)

    def teardown(self) -> None:
        self.engine.dispose()
        shutil.rmtree(self.folder)


def test_whatever_happens_what_is_held_opens_and_what_is_purged_does_not(
    migrated_sqlite: Path,
) -> None:
    class OnThisFile(Machine):
        migrated = migrated_sqlite

    run_state_machine_as_test(
        OnThisFile, settings=settings(max_examples=25, stateful_step_count=20, deadline=None)
    )
