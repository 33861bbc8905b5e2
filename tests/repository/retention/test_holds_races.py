"""Holds that are placed while a purge runs or reads arrive."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, insert, select, text

from edge.contract.records import mint_id
from repository.retention import holds, purge
from repository.retention.duties import Duties
from repository.retention.holds_request import (
    HoldError,
    HoldRequest,
    PlateTarget,
)
from repository.retention.rules import shipped_rule
from repository.store import locks
from repository.store.engine import reading
from repository.store.locks import Turn
from repository.store.partitions import ensure_days
from repository.store.pictures import PictureStore
from repository.store.tables.reads import reads
from tests.repository.retention.desk import (
    DAY,
    JANE,
    NOW,
    Desk,
)
from tests.repository.sightings import FOLD, RULE, sight


def begin(work: Callable[[], object], engine: Engine) -> threading.Thread:
    """It, begun, and done or waiting for its turn."""
    thread = threading.Thread(target=work, name="meanwhile")
    thread.start()
    waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    while thread.is_alive():
        with reading(engine) as connection:
            if connection.scalar(waiting):
                break
    return thread


@pytest.fixture
def postgres_desk(desk: Desk) -> Desk:
    if desk.engine.dialect.name != "postgresql":
        pytest.skip("on SQLite one writer is alone as it is")
    return desk


def purge_all(engine: Engine, store: PictureStore) -> None:
    """A purge when everything has expired."""
    now = NOW + 366 * DAY
    purge.run(
        engine,
        store,
        lambda connection: Duties.load(connection, RULE, shipped_rule),
        now=now,
        confirmed=purge.Confirmation(now.date(), 1),
    )


@pytest.mark.policy("C-7b-iv")
def test_a_hold_that_is_placed_while_a_purge_begins_keeps_its_reads(
    postgres_desk: Desk, pictures: PictureStore
) -> None:
    engine = postgres_desk.engine
    read = sight(engine, "1ABC20", NOW)
    sight(engine, "2XYZ99", NOW)
    with engine.begin() as connection:
        request = HoldRequest("24-1", "arrest", "why", (read,))
        holds.add(connection, request, actor=JANE, origin="test", now=NOW)
        thread = begin(lambda: purge_all(engine, pictures), engine)
        assert thread.is_alive()  # it waits for the hold, and sees it then
    thread.join()
    with reading(engine) as connection:
        assert set(connection.scalars(select(reads.c.read_id))) == {read}


def test_a_hold_that_waited_for_a_purge_says_what_is_gone_and_holds_nothing(
    postgres_desk: Desk, pictures: PictureStore
) -> None:
    engine = postgres_desk.engine
    read = sight(engine, "1ABC20", NOW)
    refused: list[str] = []
    threads: list[threading.Thread] = []

    def place() -> None:
        try:
            postgres_desk.place((read,))
        except HoldError as error:
            refused.append(str(error))

    @event.listens_for(engine, "before_cursor_execute")
    def certify(_connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("INSERT INTO purges"):  # the reads are gone, not yet for good
            threads.append(begin(place, engine))
            assert threads[0].is_alive()

    purge_all(engine, pictures)
    threads[0].join()
    assert refused == [f"reads: not in the repository: {read}"]
    assert postgres_desk.listed() == []


def test_a_read_that_arrives_while_a_hold_is_placed_comes_under_it(postgres_desk: Desk) -> None:
    engine = postgres_desk.engine
    target = PlateTarget("1ABC20", None, NOW, NOW + DAY)
    with engine.begin() as connection:
        ensure_days(connection, [NOW.date()])
    with engine.begin() as connection:  # ingest, which has not committed
        locks.share(connection, Turn.RETENTION)
        row = {
            "unit_id": 1,
            "captured_at": NOW,
            "read_id": mint_id(NOW, lambda count: uuid.uuid4().bytes[:count]),
            "agency_id": 1,
            "seq": 1,
            "batch_first_seq": 1,
            "camera": "front",
            "plate": "1ABC20",
            "plate_folded": FOLD("1ABC20"),
            "state": "MA",
            "confidence": 0.9,
            "has_hits": False,
            "record": b"{}",
            "received_at": NOW,
        }
        connection.execute(insert(reads).values(**row))
        assert holds.catch(connection, [row]) == 0  # there is no hold yet
        thread = begin(lambda: postgres_desk.place(target), engine)
        assert thread.is_alive()
    thread.join()
    assert postgres_desk.held() == {row["read_id"]}
