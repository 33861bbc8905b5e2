"""Appending to the ledger, over both databases."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Connection, Engine, delete

from edge.contract import merkle
from repository.ledger import log
from repository.ledger.entry import SYSTEM, Actor, Entry, digest_of_ids, format_time, read
from repository.ledger.errors import LedgerError
from repository.store.tables.ledger import ledger_state

WHEN = datetime(2026, 3, 1, 9, 12, 44, 78_912, tzinfo=timezone(timedelta(hours=-5)))
OFFICER = Actor("u-1", "jdoe", "Jane Doe", "salem-pd")
SEARCH = Entry(
    action="search.run",
    actor=OFFICER,
    at=WHEN,
    origin="10.0.0.7",
    request={"plate": "ABC123", "purpose": "wrongdoing", "windows": ("a", "b")},
    count=2,
    result_digest=digest_of_ids(["a", "b"]),
)


def leaf_hashes(connection: Connection) -> list[bytes]:
    return [merkle.leaf_hash(row.leaf) for row in log.rows(connection)]


@pytest.mark.policy("C-4a")
@pytest.mark.policy("G-6a")
def test_an_entry_tells_person_agency_time_question_and_answer(engine: Engine) -> None:
    with engine.begin() as connection:
        appended = log.append(connection, SEARCH)
    with engine.begin() as connection:
        (row,) = log.rows(connection)
    assert appended.index == 0
    assert appended.size == 1
    content = json.loads(row.body)
    assert len(content.pop("salt")) == 32
    assert content == {
        "v": 1,
        "index": 0,
        "action": "search.run",
        "actor": {"user_id": "u-1", "login": "jdoe", "name": "Jane Doe", "agency": "salem-pd"},
        "at": "2026-03-01T09:12:44.07-05:00",
        "origin": "10.0.0.7",
        "request": {"plate": "ABC123", "purpose": "wrongdoing", "windows": ["a", "b"]},
        "outcome": "done",
        "count": 2,
        "result_digest": SEARCH.result_digest,
    }
    assert row.at == datetime(2026, 3, 1, 14, 12, 44, 70_000, tzinfo=UTC)
    back = read(row.body)
    assert back.index == 0
    assert replace(back.entry, request={}, at=WHEN) == replace(SEARCH, request={})


def test_the_root_is_that_of_the_tree_over_all_leaves(engine: Engine) -> None:
    for _ in range(9):
        with engine.begin() as connection:
            appended = log.append(connection, SEARCH)
    with engine.begin() as connection:
        hashes = leaf_hashes(connection)
        state = log.state(connection)
    assert merkle.root(hashes).hex() == appended.root_hex == state.root().hex()


def test_equal_entries_have_different_digests(engine: Engine) -> None:
    with engine.begin() as connection:
        log.append(connection, SEARCH)
        log.append(connection, SEARCH)
        first, second = log.rows(connection)
    assert first.leaf != second.leaf
    salts = [json.loads(row.body)["salt"] for row in (first, second)]
    assert salts[0] != salts[1]


def test_what_is_rolled_back_leaves_no_entry(engine: Engine) -> None:
    with engine.connect() as connection, connection.begin() as transaction:
        log.append(connection, SEARCH)
        transaction.rollback()
    with engine.begin() as connection:
        assert list(log.rows(connection)) == []
        assert log.state(connection) == merkle.Frontier()
        assert log.append(connection, SEARCH).index == 0


def test_appending_at_the_same_time_gives_each_its_own_index(engine: Engine) -> None:
    start = threading.Barrier(4)
    indexes: list[int] = []

    def append_some() -> None:
        start.wait()
        for _ in range(5):
            with engine.begin() as connection:
                appended = log.append(connection, SEARCH)
            indexes.append(appended.index)

    threads = [threading.Thread(target=append_some) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(indexes) == list(range(20))
    with engine.begin() as connection:
        assert merkle.root(leaf_hashes(connection)) == log.state(connection).root()


def test_rows_can_be_read_in_part(engine: Engine) -> None:
    with engine.begin() as connection:
        for _ in range(5):
            log.append(connection, SEARCH)
        assert [row.index for row in log.rows(connection, 1, 3)] == [1, 2]


def test_without_its_state_the_ledger_takes_nothing(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(delete(ledger_state))
    with engine.begin() as connection, pytest.raises(LedgerError, match="state is missing"):
        log.append(connection, SEARCH)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"action": "search"}, "words joined by dots"),
        ({"at": datetime(2026, 3, 1)}, "UTC offset"),  # noqa: DTZ001
        ({"outcome": "maybe"}, "done, refused or failed"),
        ({"count": -1}, "negative"),
        ({"result_digest": "00"}, "64 lower-case"),
    ],
)
def test_an_entry_that_says_too_little_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(LedgerError, match=message):
        replace(SEARCH, **change)  # type: ignore[arg-type]


@pytest.mark.parametrize("actor", [("a\0b", "", "", ""), ("", "", "n" * 201, "")])
def test_an_actor_that_no_database_holds_is_refused(actor: tuple[str, str, str, str]) -> None:
    with pytest.raises(LedgerError, match="NUL"):
        Actor(*actor)


@pytest.mark.parametrize(
    "request_", [{"x": object()}, {"x": float("nan")}, {"x": "\ud800"}, {"x": "y" * 70_000}]
)
def test_a_request_without_canonical_form_is_refused(
    engine: Engine, request_: dict[str, object]
) -> None:
    entry = replace(SEARCH, request=request_)  # type: ignore[arg-type]
    with engine.begin() as connection:
        with pytest.raises(LedgerError, match="request"):
            log.append(connection, entry)
        assert log.state(connection).size == 0


def test_times_are_written_in_hundredths_with_their_offset() -> None:
    assert format_time(WHEN) == "2026-03-01T09:12:44.07-05:00"
    assert format_time(datetime(2026, 3, 1, tzinfo=UTC)) == "2026-03-01T00:00:00.00+00:00"


def test_jobs_act_as_the_repository_itself() -> None:
    assert SYSTEM.login == "system"
