"""A purge whose process is killed, again and again, at one step after another."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, select

from repository.retention import purge
from repository.retention.holds_request import HoldRequest
from repository.retention.purge import PurgeBusyError
from repository.retention.verify import verify
from repository.store.alone import alone
from repository.store.engine import open_engine, reading
from repository.store.locks import Turn
from repository.store.pictures import PictureStore
from repository.store.tables.reads import picture_keys, reads
from repository.store.tables.retention import purges
from tests.property.shelf import RULES, Shelf, load_duties

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = START + timedelta(days=365, hours=23)  # both days have passed under every rule
STEPS_APART = 9


@pytest.fixture
def shelf(engine: Engine, tmp_path: Path) -> Shelf:
    """Reads of three agencies over two days, of each one held."""
    shelf = Shelf(engine, tmp_path / "pictures", START)
    for agency in RULES:
        for back in (0, 1):
            at = START - timedelta(days=back)
            for body in (b"one", b"two"):
                read_id, _ = shelf.take(agency, at, START, picture=body, hit=back == 0)
            shelf.hold(agency, HoldRequest("24-1", "arrest", "why", (read_id,)), START)
    return shelf


def test_a_purge_that_is_killed_at_any_step_is_finished_by_the_next(shelf: Shelf) -> None:
    killed = 0
    while _in_child(shelf, killed * STEPS_APART):
        killed += 1
        found = verify(
            shelf.engine, shelf.store, load_duties, now=LATER, grace=timedelta(days=1000)
        )
        assert (found.lost, found.disagreeing) == ((), ())
    assert killed > 5
    found = verify(shelf.engine, shelf.store, load_duties, now=LATER, grace=timedelta())
    assert found.clean
    with reading(shelf.engine) as connection:
        left = len(connection.execute(select(reads.c.read_id)).all())
        certified = sum(connection.scalars(select(purges.c.reads_purged)))
        assert connection.execute(select(picture_keys)).all() == []
    assert (left, certified) == (6, 6)


def test_a_second_purge_says_who_runs_the_first(shelf: Shelf) -> None:
    purge.run(shelf.engine, shelf.store, load_duties, now=START)
    with alone(shelf.engine, Turn.PURGE) as mine:
        assert mine
        with pytest.raises(PurgeBusyError, match=r"by Repository \(system\), jobs, since 2026"):
            purge.run(shelf.engine, shelf.store, load_duties, now=LATER)
    assert purge.run(shelf.engine, shelf.store, load_duties, now=LATER).reads_purged == 5


def _in_child(shelf: Shelf, die_after: int) -> bool:
    """Purge in another process, which kills itself after so many steps; whether it did."""
    shelf.engine.dispose()  # no connection is shared with the child
    child = os.fork()
    if child == 0:
        try:
            _purge_and_die(shelf, die_after)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def _purge_and_die(shelf: Shelf, die_after: int) -> None:
    left = die_after

    def step(*_: Any) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    class Dying(PictureStore):
        def remove(self, day: date, sha256: str) -> None:
            step()
            super().remove(day, sha256)

    engine = open_engine(shelf.engine.url.render_as_string(hide_password=False))
    event.listen(engine, "before_cursor_execute", step)
    event.listen(engine, "commit", step)
    good = shelf.store
    store = Dying(good.place, good.master_key, good.random_bytes)
    _until_free(lambda: purge.run(engine, store, load_duties, now=LATER))
    os._exit(0)


def _until_free(work: Callable[[], object]) -> None:
    """Until the server has noticed that the session of the one before is gone."""
    while True:
        try:
            work()
        except PurgeBusyError:
            continue
        return
