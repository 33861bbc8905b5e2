"""A search from the question to the answer, over both databases, always on the ledger."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection, Engine, delete, event, select, text
from sqlalchemy.engine.interfaces import CacheStats

from repository.accounts.errors import SessionEndedError
from repository.accounts.service import Accounts
from repository.accounts.user import User
from repository.cases import shown
from repository.cases.service import CaseFiles
from repository.ledger.entry import digest_of_ids
from repository.retention import holds, holds_ending
from repository.retention.holds_request import HoldRequest
from repository.search.asking import SearchRequest
from repository.search.errors import SearchRefusedError
from repository.search.present import as_mapping
from repository.search.result import LEAD_ONLY, LOOKALIKES
from repository.search.service import Searches
from repository.search.settings import SearchSettings
from repository.store import locks
from repository.store.engine import DatabaseNotMadeError
from repository.store.locks import Turn
from repository.store.tables.cases import case_search_reads
from repository.store.tables.reads import reads
from tests.repository.ingest.conftest import load_duties
from tests.repository.people import OPERATOR, Clock, hire, recorded
from tests.repository.queries import statements
from tests.repository.retention.purging import begin
from tests.repository.sightings import FOLD, RULE, add_units, sight

FACTS = "Blue sedan left the robbery on Essex Street at 21:40, plate given by a clerk"


@pytest.fixture
def searches(engine: Engine, accounts: Accounts, clock: Clock) -> Searches:
    add_units(engine, clock())
    return Searches(engine, clock, FOLD, RULE)


@pytest.fixture
def request_(clock: Clock) -> SearchRequest:
    return SearchRequest(
        plate="1ABC20",
        start=(clock() - timedelta(days=2)).isoformat(),
        end=clock().isoformat(),
        purpose="criminal_investigation",
        facts=FACTS,
        case_number="24-1187",
        affirmed=True,
    )


@pytest.mark.policy("F-lead")
@pytest.mark.policy("C-5a")
@pytest.mark.policy("C-6a")
@pytest.mark.policy("C-6b")
def test_reads_of_every_agency_come_with_their_source_and_as_leads(
    searches: Searches, officer: User, request_: SearchRequest, engine: Engine, clock: Clock
) -> None:
    older = sight(engine, "1ABC20", clock() - timedelta(hours=30))
    newer = sight(engine, "1ABC20", clock() - timedelta(hours=2), unit=2)
    sight(engine, "1ABC21", clock() - timedelta(hours=1))
    sight(engine, "1ABC20", clock() - timedelta(days=3))
    sight(engine, "1ABC20", clock())
    result = searches.search(officer, request_, "10.0.0.7")
    assert [each.read_id for each in result.reads] == [newer, older]
    assert not result.more
    assert result.notice == LEAD_ONLY
    shown = as_mapping(result)
    assert json.loads(json.dumps(shown)) == shown
    assert shown["notice"] == LEAD_ONLY
    boston, salem = shown["reads"]
    assert boston["source"] == {
        "agency": "boston-pd",
        "title": "Boston Police",
        "ori": None,
        "unit": "pole-3",
        "camera": "front",
    }
    assert "confirm this read with Boston Police" in boston["how_to_confirm"]
    assert "Salem Police (ORI MA0051600)" in salem["how_to_confirm"]
    assert salem["place"] == {"latitude_deg": 42.5195, "longitude_deg": -70.8967, "site": None}
    assert (salem["how"], salem["confidence"], salem["state"]) == ("exact", 0.97, "MA")


def test_folded_finds_what_is_easily_taken_for_it_and_says_so(
    searches: Searches, officer: User, request_: SearchRequest, engine: Engine, clock: Clock
) -> None:
    sight(engine, "1ABC20", clock() - timedelta(hours=1))
    sight(engine, "IA8C2O", clock() - timedelta(hours=2))
    sight(engine, "1AXC20", clock() - timedelta(hours=3))
    exact = searches.search(officer, request_, "here")
    assert [each.plate for each in exact.reads] == ["1ABC20"]
    folded = searches.search(officer, replace(request_, folded=True), "here")
    assert [(each.plate, each.how) for each in folded.reads] == [
        ("1ABC20", "exact"),
        ("IA8C2O", "confusable"),
    ]


@pytest.mark.policy("C-4a")
def test_an_exact_search_in_vain_says_that_lookalikes_are_there_and_shows_none(
    searches: Searches, officer: User, request_: SearchRequest, engine: Engine, clock: Clock
) -> None:
    expired = replace(request_, plate="4XYZ0O")
    sight(engine, "0YBS89", clock() - timedelta(hours=1))
    sight(engine, "4XYZOO", clock() - timedelta(days=500))
    asked = replace(request_, plate="OYBS89")
    found = searches.search(officer, asked, "here")
    assert (found.reads, found.hint) == ((), LOOKALIKES)
    assert as_mapping(found)["hint"] == LOOKALIKES
    entry = recorded(engine)[-1]
    assert (entry["index"], entry["count"]) == (found.ledger_index, 0)
    assert entry["request"]["lookalikes"] is True
    before = len(recorded(engine))
    for in_vain in (
        replace(asked, folded=True),
        replace(asked, plate="0YBS89"),
        replace(asked, plate="OYBS88"),
        replace(asked, agency="boston-pd"),
        replace(expired, start=None, end=None),
    ):
        said = searches.search(officer, in_vain, "here")
        assert said.hint is None
        assert "lookalikes" not in recorded(engine)[-1]["request"]
    assert len(recorded(engine)) == before + 5


def test_a_search_asks_the_database_little_and_builds_nothing_anew(
    searches: Searches, officer: User, request_: SearchRequest, engine: Engine, clock: Clock
) -> None:
    sight(engine, "1ABC20", clock() - timedelta(hours=1))
    sight(engine, "1ABC21", clock() - timedelta(hours=2))
    searches.search(officer, request_, "here")
    with statements(engine) as asked:
        searches.search(officer, replace(request_, plate="1ABC21"), "here")
    assert len(asked) <= 19
    assert {each.cache_hit for each in asked} == {CacheStats.CACHE_HIT}


@pytest.mark.policy("C-7b")
def test_what_has_expired_is_shown_only_if_it_is_held(
    searches: Searches, officer: User, request_: SearchRequest, engine: Engine, clock: Clock
) -> None:
    expired = RULE.expired_before(clock(), hit=False)
    kept = sight(engine, "1ABC20", expired)
    held = sight(engine, "1ABC20", expired - timedelta(milliseconds=1))
    sight(engine, "1ABC20", expired - timedelta(milliseconds=2))
    hold = HoldRequest("24-1187", "arrest", "Seen near the scene", (held,), None)
    with engine.begin() as connection:
        number = holds.add(connection, hold, actor=officer.actor, origin="here", now=clock())
    whole = replace(request_, start=(clock() - timedelta(days=366)).isoformat())
    result = searches.search(officer, whole, "here")
    assert [each.read_id for each in result.reads] == [kept, held]
    with engine.begin() as connection:
        holds_ending.release(
            connection, number, reason="Closed", actor=officer.actor, origin="here", now=clock()
        )
    result = searches.search(officer, whole, "here")
    assert [each.read_id for each in result.reads] == [kept]


def test_what_the_limit_cuts_off_is_said(
    searches: Searches, officer: User, request_: SearchRequest, engine: Engine, clock: Clock
) -> None:
    for hours in (1, 2, 3):
        sight(engine, "1ABC20", clock() - timedelta(hours=hours))
    cut = searches.search(officer, replace(request_, limit=2), "here")
    assert (len(cut.reads), cut.more) == (2, True)
    whole = searches.search(officer, replace(request_, limit=3), "here")
    assert (len(whole.reads), whole.more) == (3, False)


@pytest.mark.policy("C-4a")
@pytest.mark.policy("G-6a")
def test_the_ledger_says_who_asked_what_why_and_what_came_back(
    searches: Searches, officer: User, request_: SearchRequest, engine: Engine, clock: Clock
) -> None:
    read_id = sight(engine, "1ABC20", clock() - timedelta(hours=1))
    result = searches.search(officer, request_, "10.0.0.7")
    entry = recorded(engine)[-1]
    assert entry["index"] == result.ledger_index
    assert (entry["action"], entry["outcome"], entry["origin"]) == (
        "search.run",
        "done",
        "10.0.0.7",
    )
    assert entry["actor"] == {
        "user_id": str(officer.id),
        "login": "jdoe",
        "name": "Officer jdoe",
        "agency": "salem-pd",
    }
    assert entry["at"] == "2026-03-01T12:00:00.00+00:00"
    assert entry["request"]["criteria"]["plate"] == "1ABC20"
    assert entry["request"]["purpose"]["purpose"] == "criminal_investigation"
    assert entry["request"]["purpose"]["facts"] == FACTS
    assert entry["request"]["purpose"]["case"] == "24-1187"
    assert (entry["count"], entry["result_digest"]) == (1, digest_of_ids([str(read_id)]))


@pytest.mark.policy("C-4b")
def test_the_case_file_holds_the_search_and_what_it_returned(
    searches: Searches,
    officer: User,
    accounts: Accounts,
    request_: SearchRequest,
    engine: Engine,
    clock: Clock,
) -> None:
    first = sight(engine, "1ABC20", clock() - timedelta(hours=1))
    second = sight(engine, "1ABC20", clock() - timedelta(hours=2), unit=2)
    one = searches.search(officer, request_, "here")
    none = searches.search(officer, replace(request_, plate="NONE"), "here")
    colleague = hire(accounts, "roe", "boston-pd")
    searches.search(colleague, request_, "here")
    files = CaseFiles(engine, clock, load_duties)
    case = files.show("salem-pd", "24-1187", OPERATOR, "here")
    assert [(each.ledger_index, each.login) for each in case.searches] == [
        (one.ledger_index, "jdoe"),
        (none.ledger_index, "jdoe"),
    ]
    assert [each.read_id for each in case.searches[0].reads] == [first, second]
    assert case.searches[1].reads == ()
    assert case.searches[0].request["purpose"]["facts"] == FACTS
    assert len(files.show("boston-pd", "24-1187", OPERATOR, "here").searches) == 1


@pytest.mark.policy("C-1a")
@pytest.mark.policy("C-4a")
@pytest.mark.parametrize(
    "change",
    [
        {"plate": "?"},
        {"purpose": "curiosity"},
        {"facts": "none"},
        {"facts": "\ud800"},
        {"case_number": ""},
        {"affirmed": False},
        {"limit": 10**30},
        {"plate": "A" * 100_000, "facts": "\0" * 100_000, "case_number": "x" * 100_000},
    ],
)
def test_a_refused_search_is_on_the_ledger_too(
    searches: Searches,
    officer: User,
    request_: SearchRequest,
    engine: Engine,
    change: dict[str, object],
) -> None:
    with pytest.raises(SearchRefusedError) as refused:
        searches.search(officer, replace(request_, **change), "here")  # type: ignore[arg-type]
    entry = recorded(engine)[-1]
    assert (entry["action"], entry["outcome"]) == ("search.run", "refused")
    assert entry["actor"]["login"] == "jdoe"
    assert entry["request"]["reason"] == str(refused.value)
    assert entry["count"] is None


@pytest.mark.policy("C-3b")
def test_an_account_closed_meanwhile_searches_no_more(
    searches: Searches,
    accounts: Accounts,
    officer: User,
    request_: SearchRequest,
    engine: Engine,
) -> None:
    accounts.close_account("jdoe", OPERATOR, "here")
    with pytest.raises(SessionEndedError):
        searches.search(officer, request_, "here")
    assert recorded(engine)[-1]["outcome"] == "refused"


def test_a_search_that_fails_is_on_the_ledger_too(
    searches: Searches, officer: User, request_: SearchRequest, engine: Engine
) -> None:
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE reads RENAME TO reads_away"))
    with pytest.raises(DatabaseNotMadeError):
        searches.search(officer, request_, "here")
    entry = recorded(engine)[-1]
    assert (entry["outcome"], entry["actor"]["login"]) == ("failed", "jdoe")
    assert entry["request"]["criteria"]["plate"] == "1ABC20"


def test_a_search_that_takes_too_long_is_refused_with_what_to_do(
    searches: Searches, officer: User, request_: SearchRequest, engine: Engine
) -> None:
    with pytest.raises(SearchRefusedError, match="longer than 1e-09 s; give more"):
        replace(searches, settings=SearchSettings(longest_s=1e-9)).search(officer, request_, "here")
    assert recorded(engine)[-1]["outcome"] == "refused"


@pytest.mark.policy("C-7a")
def test_what_is_disposed_of_while_a_search_ends_stays_in_no_case_file(
    searches: Searches,
    officer: User,
    request_: SearchRequest,
    engine: Engine,
    clock: Clock,
) -> None:
    """Neither transaction sees what the other has not committed, so that one has to wait."""
    if engine.dialect.name == "sqlite":
        pytest.skip("on SQLite one writer is alone as it is")
    read_id = sight(engine, "1ABC20", clock() - timedelta(hours=1))
    threads: list[threading.Thread] = []
    with engine.begin() as connection:
        locks.take(connection, Turn.RETENTION)
        connection.execute(delete(reads).where(reads.c.read_id == read_id))
        shown.forget(connection, case_search_reads.c.read_id == read_id)
        begin(lambda: searches.search(officer, request_, "here"), engine, threads)
    threads[0].join()
    with engine.connect() as connection:
        rows = connection.execute(select(case_search_reads)).all()
    assert [(row.read_id, row.facts) for row in rows] == [(read_id, None)]


class PulledPlugError(Exception):
    """The database went away."""


def on_statement(fragment: str) -> Callable[..., None]:
    def listen(_connection: Connection, _cursor: object, statement: str, *_rest: object) -> None:
        if fragment in statement:
            raise PulledPlugError

    return listen


@pytest.mark.policy("C-4a")
@pytest.mark.parametrize("fragment", ["INTO ledger_entries", "UPDATE ledger_state"])
def test_no_entry_no_result(
    searches: Searches,
    officer: User,
    request_: SearchRequest,
    engine: Engine,
    clock: Clock,
    fragment: str,
) -> None:
    sight(engine, "1ABC20", clock() - timedelta(hours=1))
    before = len(recorded(engine))
    listener = on_statement(fragment)
    event.listen(engine, "before_cursor_execute", listener)
    with pytest.raises(PulledPlugError):
        searches.search(officer, request_, "here")
    event.remove(engine, "before_cursor_execute", listener)
    assert len(recorded(engine)) == before
    files = CaseFiles(engine, clock, load_duties)
    assert files.list("salem-pd", OPERATOR, "here") == []


@pytest.mark.policy("C-4a")
def test_no_commit_no_result(
    searches: Searches, officer: User, request_: SearchRequest, engine: Engine, clock: Clock
) -> None:
    sight(engine, "1ABC20", clock() - timedelta(hours=1))
    before = len(recorded(engine))

    def fail(_connection: Connection) -> None:
        raise PulledPlugError

    event.listen(engine, "commit", fail)
    with pytest.raises(PulledPlugError):
        searches.search(officer, request_, "here")
    event.remove(engine, "commit", fail)
    assert len(recorded(engine)) == before
