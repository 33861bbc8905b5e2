"""A search whose asker has left ends in the database, and leaves its entry."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import Connection, Engine, event, text

from repository.search.errors import AskerLeftError
from repository.store.bounded import BoundedReader, Stop, StoppedError
from repository.store.engine import reading
from tests.repository.people import recorded
from tests.repository.search.desk import Desk
from tests.repository.sightings import sight

ENDLESS = text(
    "WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted) "
    "SELECT count(*) FROM counted"
)


def test_a_statement_is_ended_in_the_database_by_another_thread(engine: Engine) -> None:
    begun, stop = threading.Event(), Stop()

    def tell(_connection: Connection, _cursor: object, statement: str, *_rest: object) -> None:
        if "counted" in statement:
            begun.set()

    event.listen(engine, "before_cursor_execute", tell)

    def call() -> None:
        begun.wait()
        stop.call()

    caller = threading.Thread(target=call, name="caller")
    caller.start()
    with reading(engine) as connection, pytest.raises(StoppedError):
        BoundedReader(connection, 60, stop).rows(ENDLESS)  # type: ignore[arg-type]
    caller.join()
    with reading(engine) as connection:
        assert BoundedReader(connection, 60).rows(text("SELECT 1")) == [(1,)]  # type: ignore[arg-type]
        with pytest.raises(StoppedError):
            BoundedReader(connection, 60, stop).rows(text("SELECT 1"))  # type: ignore[arg-type]


@pytest.mark.policy("C-4a")
def test_a_search_that_nobody_waits_for_is_on_the_ledger_as_refused(desk: Desk) -> None:
    sight(desk.engine, "1ABC20", desk.clock() - timedelta(hours=1))
    stop = Stop()
    stop.call()
    before = len(recorded(desk.engine))
    with pytest.raises(AskerLeftError, match="has left"):
        desk.searches.search(desk.officer, desk.asked(), "here", stop)
    (entry,) = recorded(desk.engine)[before:]
    assert (entry["outcome"], entry["count"]) == ("refused", None)
    assert entry["request"]["criteria"]["plate"] == "1ABC20"


@pytest.mark.policy("C-4a")
def test_who_leaves_when_all_is_found_but_nothing_recorded_is_shown_nothing(
    small_desk: Desk,
) -> None:
    desk, stop = small_desk, Stop()
    sight(desk.engine, "1ABC20", desk.clock() - timedelta(hours=1))
    before = len(recorded(desk.engine))
    event.listen(desk.engine, "commit", lambda _connection: stop.call())
    with pytest.raises(AskerLeftError):
        desk.searches.search(desk.officer, desk.asked(), "here", stop)
    assert [each["outcome"] for each in recorded(desk.engine)[before:]] == ["refused"]
