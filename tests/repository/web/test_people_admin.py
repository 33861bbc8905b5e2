"""Requests for logins, roles, training, reviews and bulletins over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest

from repository.accounts.roles import Role
from repository.accounts.service import Accounts
from repository.bootstrap import build
from repository.business_days import day_of
from repository.settings import load_settings
from tests.repository.people import CHEAP, OPERATOR, CommandLine, hire, open_session
from tests.repository.web.test_app import serving

FORM = {
    "name": "Jane Doe",
    "position": "Detective",
    "agency": "salem-pd",
    "phone": "978-555-0100",
    "email": "jdoe@salem.example.gov",
    "reason": "Assigned to the auto theft unit",
}
GRANT = {"login": "jdoe", "roles": ["officer"], "reason": "Mine", "current_employee": True}


@dataclass(frozen=True)
class Office:
    """An agency's administrator, representative and head, each with a session."""

    client: httpx.Client
    accounts: Accounts
    tokens: dict[str, str]

    def ask(self, who: str, method: str, path: str, content: Any = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.tokens[who]}"} if who else {}
        return self.client.request(method, f"/api/v1{path}", headers=headers, json=content)

    def ok(self, who: str, method: str, path: str, content: Any = None) -> Any:
        answer = self.ask(who, method, path, content)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None


@pytest.fixture
def office(command_line: CommandLine) -> Iterator[Office]:
    services = build(load_settings(command_line.settings))
    vars(services)["accounts"] = replace(services.accounts, passwords=CHEAP)
    tokens = {}
    for login, role in (
        ("admin", Role.ALPR_ADMINISTRATOR),
        ("rep", Role.REPRESENTATIVE),
        ("head", Role.AGENCY_HEAD),
    ):
        hire(services.accounts, login, roles=[role])
        tokens[login] = open_session(services.accounts, login).token
    with serving(services) as client:
        yield Office(client, services.accounts, tokens)
    services.close()


@pytest.mark.policy("C-2a", "G-10a", "G-10b", "M-C4")
def test_people_are_administered_over_http(office: Office) -> None:
    assert (
        office.ask("", "POST", "/login-requests", FORM | {"roles": ["operator"]}).status_code == 422
    )
    assert office.ok("", "POST", "/login-requests", FORM) == {"request": 1}
    (waits,) = office.ok("admin", "GET", "/login-requests")["requests"]
    assert (waits["name"], waits["decision"]) == ("Jane Doe", None)
    granted = office.ok("admin", "POST", "/login-requests/1/grant", GRANT)
    assert set(granted) == {"login", "one_time_password"}
    assert (
        office.ask("admin", "POST", "/login-requests/1/denial", {"reason": "No"}).status_code == 422
    )
    new = {"roles": ["officer", "investigator"], "position": "Sergeant"}
    office.ok("admin", "PUT", "/users/jdoe/roles", new)
    raised = office.ask("admin", "PUT", "/users/jdoe/roles", {"roles": ["operator"]})
    assert (raised.status_code, raised.json()["error"]["code"]) == (403, "not_allowed")
    people = {each["login"]: each for each in office.ok("admin", "GET", "/users")["users"]}
    assert (people["jdoe"]["roles"], people["jdoe"]["position"]) == (
        ["investigator", "officer"],
        "Sergeant",
    )
    assert not {"password_hash", "id"} & people["jdoe"].keys()
    course = {
        "login": "jdoe",
        "course": "First use",
        "taught_by": "Sgt. Poe",
        "taken_on": day_of(office.accounts.now()).isoformat(),
    }
    number = office.ok("admin", "POST", "/trainings", course)["id"]
    office.ok("rep", "POST", f"/trainings/{number}/strike", {"reason": "Another person"})
    kept = office.ok("head", "GET", "/trainings")["trainings"]
    assert [each["strike_reason"] for each in kept if each["login"] == "jdoe"] == ["Another person"]
    assert office.ok("rep", "POST", "/user-reviews", {}) == {"review": 1}
    stay = {"confirmed": ["admin", "rep", "head"]}
    signed = office.ok("rep", "POST", "/user-reviews/1/signature", stay)
    assert office.ok("head", "GET", "/user-reviews/1")["digest_now"] == signed["digest"]
    assert office.ok("head", "POST", "/user-reviews/1/certification", signed) == {
        "closed": ["jdoe"]
    }
    (review,) = office.ok("head", "GET", "/user-reviews")["reviews"]
    assert review["head_name"] == "Officer head"
    bulletin = {"about": "law", "title": "New law", "body": "In May", "agency": "salem-pd"}
    assert office.ok("admin", "POST", "/bulletins", bulletin) == {"bulletin": 1}
    closed = office.ask("admin", "GET", "/users")
    assert (closed.status_code, closed.json()["error"]["code"]) == (403, "bulletins_unread")
    (unread,) = office.ok("admin", "GET", "/bulletins/unread")["bulletins"]
    office.ok("admin", "POST", f"/bulletins/{unread['id']}/acknowledgement")
    readers = office.ok("admin", "GET", "/bulletins/1/readers")["readers"]
    assert [each["login"] for each in readers if each["read_at"]] == ["admin"]
    office.ok("admin", "POST", "/bulletins/1/withdrawal")
    office.ok("rep", "GET", "/users")


@pytest.mark.policy("C-3b")
def test_an_administrator_resets_releases_and_closes_accounts_over_http(office: Office) -> None:
    person = {"login": "rroe", "name": "R. Roe", "agency": "salem-pd", "roles": ["officer"]}
    office.ok("admin", "POST", "/users", person)
    office.accounts.add("away", "A. Way", "salem-pd", OPERATOR, "test", roles=[Role.OPERATOR])
    assert office.ok("admin", "POST", "/users/rroe/one-time-password")["login"] == "rroe"
    office.ok("admin", "POST", "/users/rroe/release")
    assert office.ok("admin", "POST", "/users/rroe/closing", {}) == {
        "login": "rroe", "sessions": 0, "tokens": [], "proposals": [], "unadministered": None,
    }  # fmt: skip
    for act in ("one-time-password", "release"):
        beyond = office.ask("admin", "POST", f"/users/away/{act}")
        assert (beyond.status_code, beyond.json()["error"]["code"]) == (403, "not_allowed")
    for unknown in ("nobody", "a%00b", "%20"):
        answer = office.ask("admin", "POST", f"/users/{unknown}/closing", {})
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "refused")
    (closed,) = (each for each in office.ok("admin", "GET", "/users")["users"] if each["closed_at"])
    assert (closed["login"], closed["closed_because"]) == ("rroe", "left the agency")
    back = FORM | {"name": "R. Roe"}
    number = office.ok("", "POST", "/login-requests", back)["request"]
    again = GRANT | {"login": "rroe"}
    done = office.ok("admin", "POST", f"/login-requests/{number}/reopening", again)
    assert (done["login"], done["closed_because"]) == ("rroe", "left the agency")
    (people,) = (e for e in office.ok("admin", "GET", "/users")["users"] if e["login"] == "rroe")
    assert (people["closed_at"], people["must_change_password"]) == (None, True)


@pytest.mark.policy("C-3b")
def test_closing_an_account_says_over_http_what_ended_with_it(office: Office) -> None:
    token = {"name": "rms", "responsible": "admin", "scopes": ["hotlists:write"], "days": 30}
    office.ok("admin", "POST", "/api-tokens", token)
    hire(office.accounts, "boss", roles=[Role.OPERATOR])
    office.tokens["boss"] = open_session(office.accounts, "boss").token
    assert office.ok("boss", "POST", "/users/admin/closing", {}) == {
        "login": "admin", "sessions": 1, "tokens": ["rms"], "proposals": [],
        "unadministered": "salem-pd",
    }  # fmt: skip
