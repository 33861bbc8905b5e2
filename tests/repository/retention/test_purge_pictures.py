"""The purge of pictures and of their keys, whatever comes or fails meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import Engine

from repository.ingest.take import Ingest
from repository.retention import purge
from repository.store.engine import reading
from repository.store.pictures import PictureError, PictureStore
from repository.store.tables.reads import picture_keys, reads
from repository.store.tables.retention import doomed_pictures
from tests.repository.ingest.conftest import NOW
from tests.repository.ingest.taking import count
from tests.repository.picture_files import picture_file
from tests.repository.retention.purging import A_YEAR_ON, MINUTE, begin, hold, run
from tests.repository.sender import PICTURE, Sender


class Stuck(PictureStore):
    """A store whose disk is gone when a picture is to be removed."""

    def remove(self, day: date, sha256: str) -> None:
        raise PictureError("the disk is gone")


def purge_without_disk(ingest: Ingest) -> None:
    good = ingest.pictures
    with pytest.raises(PictureError):
        run(ingest, A_YEAR_ON, Stuck(good.place, good.master_key, good.random_bytes))


def test_files_that_a_purge_could_not_remove_go_with_the_next(
    ingest: Ingest, sender: Sender, engine: Engine
) -> None:
    old = sender.read(NOW - MINUTE, pictures=[PICTURE])
    ingest.take(sender.topic(), sender.message(old))
    digest = old.pictures[0].sha256
    ingest.take(sender.topic("picture", digest), PICTURE)
    purge_without_disk(ingest)
    assert (count(engine, reads), count(engine, doomed_pictures)) == (0, 1)
    with reading(engine) as connection, pytest.raises(PictureError, match="key of its day is gone"):
        ingest.pictures.get(connection, NOW.date(), digest)
    purge.remove_leftovers(engine, ingest.pictures)
    assert count(engine, doomed_pictures) == 0
    assert not picture_file(ingest.pictures, NOW.date(), digest).exists()


def test_a_key_goes_with_the_day_and_not_after_it(
    ingest: Ingest, sender: Sender, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = sender.read(NOW - MINUTE, pictures=[PICTURE])
    ingest.take(sender.topic(), sender.message(old))
    ingest.take(sender.topic("picture", old.pictures[0].sha256), PICTURE)
    monkeypatch.setattr(purge.purge_pictures, "retire_keys", lambda *_: None)
    run(ingest, datetime(2027, 3, 2, tzinfo=UTC))
    assert count(engine, picture_keys) == 0


def test_half_written_files_of_a_day_without_a_key_go_with_the_next_purge(
    ingest: Ingest, sender: Sender, engine: Engine
) -> None:
    leftover = picture_file(ingest.pictures, NOW.date(), "ab" * 32).with_name(".cut.partial")
    leftover.parent.mkdir(parents=True)
    leftover.write_bytes(b"cut off")
    run(ingest, NOW)
    assert not leftover.exists()


class Meanwhile(PictureStore):
    """A store that lets something else begin while a picture is put or a day removed."""

    begin: Callable[[], None]

    def put(self, *arguments: Any) -> None:
        self.begin()
        super().put(*arguments)

    def remove_day(self, day: date) -> None:
        self.begin()
        super().remove_day(day)


@pytest.fixture
def meanwhile(pictures: PictureStore) -> Meanwhile:
    return Meanwhile(pictures.place, pictures.master_key, pictures.random_bytes)


def test_a_purge_waits_for_the_picture_that_is_being_put(
    ingest: Ingest, sender: Sender, engine: Engine, meanwhile: Meanwhile
) -> None:
    old = sender.read(NOW - MINUTE, pictures=[PICTURE])
    ingest.take(sender.topic(), sender.message(old))
    threads: list[threading.Thread] = []
    meanwhile.__dict__["begin"] = lambda: begin(lambda: run(ingest, A_YEAR_ON), engine, threads)
    digest = old.pictures[0].sha256

    replace(ingest, pictures=meanwhile).take(sender.topic("picture", digest), PICTURE)
    threads[0].join()

    assert [count(engine, table) for table in (reads, picture_keys, doomed_pictures)] == [0] * 3
    assert not picture_file(ingest.pictures, NOW.date(), digest).exists()


def test_a_held_picture_that_comes_while_its_day_is_cleared_stays(
    ingest: Ingest, sender: Sender, engine: Engine, meanwhile: Meanwhile
) -> None:
    held = sender.read(NOW - MINUTE, pictures=[PICTURE])
    ingest.take(sender.topic(), sender.message(held))
    hold(engine, held.id)
    leftover = picture_file(ingest.pictures, NOW.date(), "ab" * 32).with_name(".cut.partial")
    leftover.parent.mkdir(parents=True)
    leftover.write_bytes(b"cut off")
    threads: list[threading.Thread] = []
    digest = held.pictures[0].sha256
    topic = sender.topic("picture", digest)
    meanwhile.__dict__["begin"] = lambda: begin(
        lambda: ingest.take(topic, PICTURE), engine, threads
    )

    run(ingest, datetime(2027, 3, 2, tzinfo=UTC), meanwhile)
    for thread in threads:
        thread.join()
    ingest.take(topic, PICTURE)

    with reading(engine) as connection:
        assert ingest.pictures.get(connection, NOW.date(), digest) == PICTURE


def test_a_picture_that_came_back_after_it_was_doomed_stays(
    ingest: Ingest, sender: Sender, engine: Engine
) -> None:
    early = sender.read(NOW - MINUTE, pictures=[PICTURE])
    ingest.take(sender.topic(), sender.message(early))
    digest = early.pictures[0].sha256
    ingest.take(sender.topic("picture", digest), PICTURE)
    purge_without_disk(ingest)
    late = sender.read(NOW + MINUTE, pictures=[PICTURE])  # of the same day, not expired
    ingest.take(sender.topic(), sender.message(late))
    ingest.take(sender.topic("picture", digest), PICTURE)

    purge.remove_leftovers(engine, ingest.pictures)

    with reading(engine) as connection:
        assert ingest.pictures.get(connection, NOW.date(), digest) == PICTURE
    assert count(engine, doomed_pictures) == 0
