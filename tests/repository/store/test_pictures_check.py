"""Checking the pictures: each planted fault is found and named, and nothing else."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

from sqlalchemy import Engine, delete, update

from repository.bootstrap import build
from repository.settings import load_settings
from repository.store.pictures import PictureStore, held_name, name
from repository.store.pictures_check import PictureFault, PicturesChecked, check
from repository.store.pictures_leftovers import Leftover
from repository.store.pictures_place import FolderOfPictures, PictureMissingError
from repository.store.tables.reads import picture_keys, pictures
from tests.repository.people import CommandLine
from tests.repository.sender import Sender
from tests.repository.store.test_held_pictures import DAYS, DIGESTS, NOW, name_it, put

FIRST, SECOND, THIRD = DIGESTS
LATER = datetime(2026, 2, 28, tzinfo=UTC)
GONE = date(2026, 2, 20)


def fill(engine: Engine, store: PictureStore) -> None:
    """Every picture on each of two days."""
    Sender().enrol(engine, NOW)
    for day in DAYS:
        for sha256 in DIGESTS:
            put(engine, store, day, sha256)
            with engine.begin() as connection:
                name_it(connection, day, sha256)


def whole(engine: Engine, store: PictureStore, day: date | None = None) -> PicturesChecked:
    return check(engine, store, day=day, sample=None, progress=lambda *_: None)


def test_every_planted_fault_is_named(store: PictureStore, engine: Engine) -> None:
    assert whole(engine, store).ok
    fill(engine, store)
    told: list[tuple[int, int]] = []
    clean = check(engine, store, day=None, sample=None, progress=lambda *each: told.append(each))
    assert (clean.ok, clean.stored, clean.checked, told[-1]) == (True, 6, 6, (6, 6))
    store.place.remove(name(DAYS[0], FIRST))
    store.place.write(name(DAYS[0], SECOND), store.place.read(name(DAYS[1], SECOND)))
    with engine.begin() as connection:
        store.keep_held(connection, DAYS[0], THIRD)
        connection.execute(delete(picture_keys).where(picture_keys.c.day == DAYS[1]))
        connection.execute(
            update(pictures)
            .where(
                pictures.c.sha256 == FIRST,
                pictures.c.captured_at > datetime(2026, 2, 28, tzinfo=UTC),
            )
            .values(stored_at=None)
        )
    store.place.write(held_name(GONE, FIRST), b"x")
    found = whole(engine, store)
    assert set(found.faults) == {
        PictureFault("missing", name(DAYS[0], FIRST)),
        PictureFault("changed", name(DAYS[0], SECOND)),
        PictureFault("undecryptable", name(DAYS[1], SECOND)),
        PictureFault("undecryptable", name(DAYS[1], THIRD)),
    }
    assert set(found.leftovers) == {
        Leftover("file_without_read", held_name(GONE, FIRST)),
        *(Leftover("file_without_key", name(DAYS[1], each)) for each in DIGESTS),
    }
    one_day = whole(engine, store, DAYS[0])
    assert {each.kind for each in one_day.faults} == {"missing", "changed"}
    assert (one_day.leftovers, one_day.checked) == ((), 3)
    assert whole(engine, store, GONE).leftovers == (
        Leftover("file_without_read", held_name(GONE, FIRST)),
    )


def test_a_sample_is_drawn_from_all_days(store: PictureStore, engine: Engine) -> None:
    fill(engine, store)
    drawn = check(engine, store, day=None, sample=4, progress=lambda *_: None)
    assert (drawn.stored, drawn.checked) == (6, 4)
    for day in DAYS:
        for sha256 in DIGESTS:
            store.place.write(name(day, sha256), b"damaged")
    seen = {
        each.name[:10]
        for _ in range(20)
        for each in check(engine, store, day=None, sample=1, progress=lambda *_: None).faults
    }
    assert seen == {day.isoformat() for day in DAYS}


def test_the_command_ends_with_1_where_something_is_wrong(command_line: CommandLine) -> None:
    services = build(load_settings(command_line.settings))
    fill(command_line.engine, services.pictures)
    said = json.loads(command_line.ok("pictures", "check", "--json"))
    assert (said["ok"], said["checked"], said["faults"]) == (True, 6, [])
    services.pictures.place.remove(name(DAYS[0], FIRST))
    done = command_line.run("pictures", "check", "--all", "--day", DAYS[0].isoformat())
    assert done.exit_code == 1
    assert f"missing: {name(DAYS[0], FIRST)}" in done.stdout
    assert "3 of 3 checked" in done.stderr


def test_what_a_purge_takes_meanwhile_is_no_fault(tmp_path: Path, engine: Engine) -> None:
    folder = FolderOfPictures(tmp_path / "pictures", secrets.token_bytes)
    master = secrets.token_bytes(32)
    fill(engine, PictureStore(folder, lambda: master, secrets.token_bytes))

    class Meanwhile(FolderOfPictures):
        def names(self, below: str = "") -> Iterator[str]:
            """The purge of the first day comes between the files and the second look."""
            found = list(super().names(below))
            if not purged:
                purged.append(DAYS[0])
                with engine.begin() as connection:
                    connection.execute(delete(pictures).where(pictures.c.captured_at < LATER))
                    connection.execute(delete(picture_keys).where(picture_keys.c.day == DAYS[0]))
                self.remove_folder(DAYS[0].isoformat())
            return iter(found)

        def read(self, name: str) -> bytes:
            if not purged and name.startswith(DAYS[0].isoformat()):
                raise PictureMissingError(name)
            return super().read(name)

    purged: list[date] = []
    place = Meanwhile(folder.folder, secrets.token_bytes)
    found = whole(engine, PictureStore(place, lambda: master, secrets.token_bytes))
    assert (found.faults, found.leftovers) == ((), ())
