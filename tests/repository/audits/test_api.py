"""The routes of audits: what they answer, what they refuse, and that nobody is let by."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from repository.accounts.roles import Role
from repository.accounts.user import User
from repository.audits.desk import AuditDesk
from repository.audits.face_register import FaceRegister
from repository.audits.history import Patterns
from repository.audits.private_plates import PrivatePlates
from repository.audits.quarterly import Quarterly
from repository.audits.transactions import Transactions
from repository.web.app import create_app
from tests.repository.audits.office import GOOD, Office
from tests.repository.audits.test_face_register import ASKED
from tests.repository.people import recorded

PERIOD = {"from": "2026-02-01T00:00:00Z", "to": "2026-03-01T00:00:00-05:00"}
PAST = {"from": "2026-02-01T00:00:00Z", "to": "2026-03-01T00:00:00Z"}


@dataclass
class KnownAs:
    """Takes every token for that person's."""

    user: User | None = None

    def user_of(self, _token: str, _origin: str) -> User:
        assert self.user is not None
        return self.user


@dataclass
class Rooms:
    accounts: KnownAs
    audits: AuditDesk
    transactions: Transactions
    patterns: Patterns
    quarterly: Quarterly
    face_register: FaceRegister
    private_plates: PrivatePlates


@dataclass
class Visitor:
    """Somebody at the application itself, without a server between; a test says who it is."""

    rooms: Rooms

    def as_(self, user: User) -> Visitor:
        self.rooms.accounts.user = user
        return self

    def request(self, method: str, path: str, **asked: Any) -> httpx.Response:
        known = {"Authorization": "Bearer anything"} if self.rooms.accounts.user else {}

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(create_app(self.rooms))  # type: ignore[arg-type]
            base = "http://127.0.0.1/api/v1"
            async with httpx.AsyncClient(
                transport=transport, base_url=base, headers=known
            ) as client:
                return await client.request(method, path, **asked)

        return asyncio.run(send())

    def get(self, path: str, **asked: Any) -> httpx.Response:
        return self.request("GET", path, **asked)

    def post(self, path: str, **asked: Any) -> httpx.Response:
        return self.request("POST", path, **asked)


@pytest.fixture
def visitor(small_office: Office) -> Visitor:
    engine, clock = small_office.engine, small_office.clock
    plates = PrivatePlates(engine, clock, lambda: bytes(32))
    rooms = Rooms(
        KnownAs(),
        small_office.desk,
        Transactions(engine, clock),
        Patterns(engine, clock, plates, ZoneInfo("America/New_York")),
        Quarterly(engine, clock),
        FaceRegister(engine, clock),
        plates,
    )
    return Visitor(rooms)


ROUTES = [
    ("GET", "audits"), ("POST", "audits"), ("GET", "audits/1"), ("POST", "audits/1/redraw"),
    ("POST", "audits/1/samples/1"), ("POST", "audits/1/findings"),
    ("POST", "audit-findings/1/follow-up"), ("POST", "audits/1/sign-off"),
    ("GET", "audit-patterns"), ("GET", "transactions"), ("GET", "quarterly/searches/2026-Q1"),
    ("GET", "face-requests"), ("POST", "face-requests"), ("POST", "face-requests/1/answer"),
    ("POST", "own-plates"), ("POST", "own-plates/forget"),
]  # fmt: skip


def test_no_route_answers_without_a_person(visitor: Visitor) -> None:
    for method, path in ROUTES:
        assert visitor.request(method, path, json={}).status_code == 401, path


@pytest.mark.policy("F-audit")
@pytest.mark.policy("G-6b")
def test_an_audit_over_the_api(visitor: Visitor, small_office: Office) -> None:
    office = small_office
    office.search(office.hire("jdoe", Role.OFFICER))
    client = visitor.as_(office.hire("chief", Role.AGENCY_HEAD))
    typed = {"agency": "salem-pd", "reason": "a complaint"} | PAST
    number = client.post("audits", json=typed).json()["audit"]
    assert client.post(f"audits/{number}/redraw").status_code == 422
    office.sign_and_draw()
    assert client.post(f"audits/{number}/redraw").json() == {"same": True}
    assert [each["id"] for each in client.get("audits?open_only=true").json()["audits"]] == [number]
    shown = client.get(f"audits/{number}").json()
    assert shown["searches"][0]["request"]["purpose"]["case"] == "24-1"
    answered = client.post(f"audits/{number}/samples/1", json=GOOD | {"note": "asked"})
    assert answered.status_code == 204
    found = client.post(f"audits/{number}/findings", json={"text": "a", "due_on": "2026-03-09"})
    end = {"outcome": "findings", "summary": "one"}
    assert client.post(f"audits/{number}/sign-off", json=end).status_code == 204
    follow_up = f"audit-findings/{found.json()['finding']}/follow-up"
    assert client.post(follow_up, json={"text": "done"}).status_code == 204
    assert client.get("audits?open_only=true").json() == {"audits": []}
    page = client.get("transactions", params={"agency": "salem-pd", "limit": 1} | PERIOD)
    assert [each["action"] for each in page.json()["transactions"]] == ["search.run"]
    for form, begins in (("csv", b'"index"'), ("pdf", b"%PDF")):
        asked = {"agency": "salem-pd", "format": form} | PERIOD
        answer = client.get("transactions", params=asked)
        assert answer.content.startswith(begins)
    patterns = client.get("audit-patterns", params={"agency": "salem-pd"} | PERIOD).json()
    assert "nothing is decided" in patterns["notice"]


@pytest.mark.policy("F-quarterly")
def test_the_registers_over_the_api(visitor: Visitor, small_office: Office) -> None:
    office = small_office
    everything = (Role.INVESTIGATOR, Role.AGENCY_HEAD)
    client = visitor.as_(office.hire("jdoe", *everything))
    typed = {
        key: getattr(ASKED, key)
        for key in ASKED.__slots__
        if key not in ("requested_at", "emergency_facts", "matches")
    } | {"requested_at": "2026-02-03T09:30:00Z"}
    made = client.post("face-requests", json=typed)
    assert made.json() == {"face_request": 1}
    assert client.post("face-requests/1/answer", json={"matches": 1}).status_code == 204
    assert client.get("face-requests").json()["requests"][0]["matches"] == 1
    office.clock.time = datetime(2026, 4, 2, tzinfo=UTC)
    for register in ("faces", "searches"):
        path = f"quarterly/{register}/2026-Q1?agency=salem-pd"
        assert client.get(path).text.startswith('"request"')
        assert client.get(f"{path}&format=pdf").content.startswith(b"%PDF")
        assert client.get(f"{path}&format=json").json()["finished"] is True
        runs = path.replace("Q1", "Q2")
        assert "not over" in client.get(runs).json()["error"]["message"]
        assert client.get(f"{runs}&so_far=true&format=json").json()["finished"] is False
    assert client.post("own-plates", json={"plate": "9ZZZ99"}).status_code == 204
    assert client.post("own-plates/forget", json={"plate": "9ZZZ99"}).status_code == 204
    assert client.post("own-plates/forget", json={"plate": "9ZZZ99"}).status_code == 422


def test_anothers_audit_answers_as_one_that_is_not_there(
    visitor: Visitor, small_office: Office
) -> None:
    office = small_office
    head = office.hire("chief", Role.AGENCY_HEAD)
    number = office.desk.start(
        head, "salem-pd", datetime(2026, 2, 1, tzinfo=UTC), office.clock(), "a tip", "here"
    )
    client = visitor.as_(office.hire("roe", Role.AGENCY_HEAD, agency="boston-pd"))
    theirs, none = client.get(f"audits/{number}"), client.get("audits/9999")
    assert (theirs.status_code, none.status_code) == (404, 404)
    assert theirs.text.replace(str(number), "N") == none.text.replace("9999", "N")
    asked = {"agency": "salem-pd"} | PERIOD
    unknown = {"agency": "nowhere-pd"} | PERIOD
    for path in ("transactions", "audit-patterns"):
        one, other = client.get(path, params=asked), client.get(path, params=unknown)
        assert one.status_code == other.status_code == 422
        assert one.text.replace("salem", "X") == other.text.replace("nowhere", "X")
    assert recorded(office.engine)[-1]["outcome"] == "refused"


WRONG: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "audits", {"agency": "salem-pd", "reason": "r", "from": "0001-01-01T00:00:00+14:00",
                        "to": "9999-12-31T23:59:59-14:00"}),
    ("POST", "audits", {"agency": "salem-pd", "reason": "r", "from": "2026-01-01T00:00:00",
                        "to": "2026-02-01T00:00:00Z"}),
    ("POST", "audits", {"agency": "a\0b", "reason": "r"} | PAST),
    ("POST", "audits", {"agency": "salem-pd", "reason": "NUL \0 there"} | PAST),
    ("POST", "audits", {"agency": "salem-pd", "reason": "half \ud800 one"} | PAST),
    ("POST", "audits", {"agency": "salem-pd", "reason": "x" * 4001} | PAST),
    ("POST", "audits", {"agency": "salem-pd", "reason": "r", "signed_by": "me"} | PAST),
    ("POST", "audits/1/findings", {"text": "t", "due_on": "0001-01-01"}),
    ("POST", "audits/1/findings", {"text": "t", "due_on": "9999-12-31"}),
    ("POST", "audits/99999999999999999999/redraw", {}),
    ("POST", "audits/0/redraw", {}),
    ("POST", "audits/1/samples/99999999999", GOOD),
    ("POST", "face-requests/1/answer", {"matches": 10**30}),
    ("POST", "face-requests/1/answer", {"matches": True}),
    ("POST", "own-plates", {"plate": "\0"}),
    ("POST", "own-plates", {"plate": "\udfff"}),
    ("GET", "audits/-1", {}),
    ("GET", "quarterly/faces/0000-Q9", {}),
    ("GET", "quarterly/faces/2026-Q1?agency=%00", {}),
    ("GET", "transactions?agency=salem-pd&from=9999-12-31T23:59:59-14:00&to=2026-01-01T00:00Z", {}),
    ("GET", "transactions?agency=salem-pd&from=2026-01-01T00:00Z&to=2026-02-01T00:00Z&login=%00",
     {}),
    ("GET", "transactions?agency=salem-pd&from=2026-01-01T00:00Z&to=2026-02-01T00:00Z"
     "&after=9999999999999999-1", {}),
    ("GET", "audit-patterns?from=1e400&to=nan", {}),
]  # fmt: skip


def test_what_is_wrong_is_refused_and_never_breaks(visitor: Visitor, small_office: Office) -> None:
    client = visitor.as_(small_office.hire("chief", Role.AGENCY_HEAD, Role.INVESTIGATOR))
    for method, path, body in WRONG:
        # Written by hand, so that half characters go too.
        content = None if method == "GET" else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        answer = client.request(method, path, content=content, headers=headers)
        assert 400 <= answer.status_code < 500, (path, body, answer.text)
        assert "error" in answer.json()
