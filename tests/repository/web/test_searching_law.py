"""Approvals, reviews, requests and confirmations over the API; and somebody who hangs up."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection, Engine, event, text

from repository.accounts.service import Accounts
from repository.accounts.user import User
from repository.retention.duties import Duties
from repository.retention.rules import shipped_rule
from repository.search.approvals import Approvals
from repository.search.confirmations import Confirmations
from repository.search.requests import SearchRequests
from repository.search.reviews import Reviews
from repository.search.service import Searches
from repository.search.settings import SearchSettings
from tests.repository.people import Clock, hire, recorded
from tests.repository.search.desk import DECISION, FORM, REASON
from tests.repository.sightings import FOLD, RULE, add_units, sight
from tests.repository.web.test_app import Visitor, error_of, question, serving, sign_in

EMERGENCY = "A child was pulled into a grey van on Derby Street ten minutes ago"


@dataclass(frozen=True)
class Rooms:
    accounts: Accounts
    searches: Searches
    search_approvals: Approvals
    search_requests: SearchRequests
    search_reviews: Reviews
    confirmations: Confirmations


@pytest.fixture
def client(engine: Engine, accounts: Accounts, clock: Clock) -> Iterator[Visitor]:
    add_units(engine, clock())
    settings = SearchSettings()
    searches = Searches(engine, clock, FOLD, RULE, settings=settings)
    rooms = Rooms(
        accounts,
        searches,
        Approvals(engine, clock, searches),
        SearchRequests(engine, clock),
        Reviews(engine, clock, lambda found: Duties.load(found, RULE, shipped_rule)),
        Confirmations(engine, clock, RULE, shipped_rule, settings),
    )
    with serving(rooms) as opened:  # type: ignore[arg-type]
        yield opened


def test_what_two_people_decide_goes_over_the_api(
    client: Visitor, officer: User, accounts: Accounts, engine: Engine, clock: Clock
) -> None:
    second = hire(accounts, "sroe")
    first_headers, second_headers = sign_in(client), sign_in(client, second.login)
    read = sight(engine, "1ABC20", clock() - timedelta(hours=1), unit=2)

    def post(path: str, by: dict[str, str], status: int = 200, **body: Any) -> Any:
        answer = client.post(f"/api/v1/{path}", json=body, headers=by)
        assert answer.status_code == status, answer.text
        return answer.json()

    broad = question(clock, plate=None, near="42.5195,-70.8967", radius_m=5000)
    refused = client.post("/api/v1/search", json=broad, headers=first_headers)
    assert error_of(refused)[:2] == (403, "approval_needed")
    made = post("approvals/search", first_headers, 201, search=broad, reason=REASON)
    assert "proposed_by" not in made
    path = f"approvals/{made['number']}/decision"
    own = client.post(
        f"/api/v1/{path}", json={"approve": True, "reason": "Mine"}, headers=first_headers
    )
    assert error_of(own)[:2] == (422, "refused")
    done = post(path, second_headers, approve=True, reason=DECISION)
    assert (done["decision"], done["decided_by_name"]) == ("approved", "Officer sroe")
    assert post("search", first_headers, **broad)["count"] == 1
    together = question(clock) | {"times": 2}
    made = post("approvals/together", first_headers, 201, together=together, reason=REASON)
    post(f"approvals/{made['number']}/decision", second_headers, approve=True, reason=DECISION)
    assert post("search/together", first_headers, **together)["companions"] == []
    listed = client.get("/api/v1/approvals?waiting=true", headers=second_headers)
    assert listed.json() == []

    urgent = broad | {"emergency": EMERGENCY, "hits_only": True}
    review = post("search", first_headers, **urgent)["emergency_review"]
    (waiting,) = client.get("/api/v1/search-reviews?waiting=1", headers=second_headers).json()
    assert (waiting["number"], waiting["emergency"]) == (review, EMERGENCY)
    concluded: dict[str, Any] = {
        "outcome": "justified",
        "reason": "The van stood in Lynn, and the child was found",
    }
    assert post(f"search-reviews/{review}", second_headers, **concluded)["outcome"] == "justified"

    form: dict[str, Any] = {
        name: getattr(FORM, name) for name in type(FORM).__dataclass_fields__
        if name != "case_number"
    } | {"case": FORM.case_number}  # fmt: skip
    number = post("search-requests", first_headers, 201, **form)["number"]
    accepted: dict[str, Any] = {"accept": True, "reason": "Called back, known"}
    post(f"search-requests/{number}/decision", second_headers, **accepted)
    ask = question(clock, case=FORM.case_number, request=number)
    assert post("search", first_headers, **ask)["count"] == 1
    asked: dict[str, Any] = {"read": str(read)}
    matched = post(f"search-requests/{number}/reviews", first_headers, 201, **asked)["number"]
    concluded = {"outcome": "match", "reason": "The picture shows it"}
    post(f"search-reviews/{matched}", second_headers, **concluded)
    answer: dict[str, Any] = {"answer": "Seen once", "matches": [str(read)]}
    assert post(f"search-requests/{number}/answer", first_headers, **answer)["matches"] == 1
    (listed,) = client.get("/api/v1/search-requests", headers=first_headers).json()
    assert (listed["answer"], listed["asker_phone"]) == ("Seen once", FORM.phone)

    said: dict[str, Any] = {
        "case": "24-1187",
        "spoke_with": "Dispatcher Roe",
        "answer": "confirmed",
    }
    post(f"reads/{read}/confirmations", first_headers, 201, **said)
    (told,) = client.get(f"/api/v1/reads/{read}/confirmations", headers=first_headers).json()
    assert (told["answer"], told["source_agency"]) == ("confirmed", "boston-pd")


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_what_is_no_number_id_or_text_is_refused(
    client: Visitor, officer: User, clock: Clock
) -> None:
    headers = sign_in(client)
    for path, body in (
        ("approvals/0/decision", {"approve": True, "reason": "x"}),
        (f"approvals/{10**30}/decision", {"approve": True, "reason": "x"}),
        ("approvals/1/decision", {"approve": True, "reason": "x" * 4001}),
        ("approvals/1/decision", {"approve": True, "reason": "\0"}),
        ("approvals/1/decision", {"approve": True, "reason": "x", "by": "me"}),
        ("search-reviews/1", {"outcome": "fine", "reason": "x"}),
        ("search-requests/1/answer", {"answer": "x", "matches": ["x"]}),
        ("search-requests/1/answer", {"answer": "x", "matches": [str(UUID7)] * 201}),
        ("search-requests", {"agency": "x"}),
        ("reads/x/confirmations", {}),
        (f"reads/{UUID7}/confirmations", {"case": "1", "spoke_with": "\0", "answer": "wrong"}),
        ("search/together", question(clock, distance_m="x")),
        ("search/together", question(clock, **{"from": "0001-01-01T00:00:00+14:00"})),
        ("search", question(clock, request=10**30)),
        ("search", question(clock, emergency="\0" * 100)),
    ):
        answer = client.post(f"/api/v1/{path}", json=body, headers=headers)
        assert answer.status_code == 422, (path, body, answer.text)


UUID7 = "0195f3a2-7c1b-7def-8a01-23456789abcd"


@pytest.mark.policy("C-4a")
@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_a_search_whose_asker_hangs_up_ends_and_leaves_its_entry(
    client: Visitor, officer: User, engine: Engine, clock: Clock
) -> None:
    headers = sign_in(client)
    sight(engine, "1ABC20", clock() - timedelta(hours=1))
    before = len(recorded(engine))
    waits, entered = threading.Event(), threading.Event()

    def watch(_connection: Connection, _cursor: object, statement: str, *_rest: object) -> None:
        if "FROM reads" in statement:
            waits.set()
        if "INTO ledger_entries" in statement:
            entered.set()

    with engine.connect() as blocking, blocking.begin():
        # Nobody reads while this lasts: the search can only end by being ended.
        blocking.execute(text("LOCK TABLE reads IN ACCESS EXCLUSIVE MODE"))
        event.listen(engine, "before_cursor_execute", watch)

        def ask() -> None:
            with pytest.raises(httpx.ReadTimeout):
                client.post("/api/v1/search", json=question(clock), headers=headers, timeout=1)

        asking = threading.Thread(target=ask, name="asker")
        asking.start()
        assert waits.wait(60)
        asking.join()
        assert entered.wait(60)
    client.close()
    entries = recorded(engine)[before:]
    assert [each["outcome"] for each in entries] == ["refused"]
    assert "has left" in entries[0]["request"]["reason"]
