"""Guessed ids: what is another agency's answers exactly as what is not there."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.repository.search.desk import FORM, REASON
from tests.repository.web.attacked import FACTS, Site, attacked

NOWHERE = {"number": 2**31 - 2, "uuid": str(uuid.UUID(int=7)), "login": "nobody", "case": "99-9999"}
_WORDS = "Words that say enough of what was found and what was done about it"
_DAY = "2026-03-01"


@dataclass(frozen=True)
class Guess:
    """A request that names a thing of Salem's in its path or body as ``THING``."""

    method: str
    path: str
    kind: str
    thing: Any
    body: Any = None

    def naming(self, thing: Any) -> tuple[str, str, Any]:
        return self.method, _named(self.path, thing), _named(self.body, thing)


def _named(where: Any, thing: Any) -> Any:
    if isinstance(where, dict):
        return {key: _named(value, thing) for key, value in where.items()}
    if isinstance(where, list):
        return [_named(value, thing) for value in where]
    return where.replace("THING", str(thing)) if isinstance(where, str) else where


@pytest.fixture(scope="module")
def site(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with attacked(tmp_path_factory.mktemp("at") / "site", migrated_sqlite) as opened:
        yield opened


@pytest.fixture(scope="module")
def guesses(site: Site) -> list[Guess]:
    """Everything that Salem has, each with every request that names it."""

    def number(path: str, body: Any, key: str, by: str = "jdoe") -> int:
        found: int = site.made(by, path, body)[key]
        return found

    site.made("jdoe", "/search", site.question())
    broad = site.question(plate=None, near="42.5195,-70.8967", radius_m=5000)
    approval = number("/approvals/search", {"search": broad, "reason": REASON}, "number")
    urgent = broad | {"emergency": "A child was pulled into a grey van on Derby Street at noon"}
    review = number("/search", urgent, "emergency_review")
    form = {name: getattr(FORM, name) for name in type(FORM).__dataclass_fields__}
    form["case"] = form.pop("case_number")
    request = number("/search-requests", form, "number")
    period = {"from": "2026-02-01T00:00:00Z", "to": "2026-03-01T00:00:00Z"}
    audit = number("/audits", {"agency": "salem-pd", "reason": _WORDS, **period}, "audit")
    asked = {
        "name": "New Person", "position": "Officer", "agency": "salem-pd",
        "phone": "978-555-0100", "email": "new@example.gov", "reason": _WORDS,
    }  # fmt: skip
    login_request = number("/login-requests", asked, "request")
    user_review = number("/user-reviews", {}, "review")
    bulletin = number(
        "/bulletins",
        {"about": "policy", "title": "T", "body": "B", "agency": "salem-pd"},
        "bulletin",
    )
    for login in ("jdoe", "sroe"):
        site.made(login, f"/bulletins/{bulletin}/acknowledgement", None)
    misuse = number("/misuse-reports", {"what": _WORDS, "against": "sroe"}, "report")
    token = site.made(
        "jdoe", "/api-tokens",
        {"name": "counts", "responsible": "jdoe", "scopes": ["statistics:read"], "days": 30},
    )["id"]  # fmt: skip
    now = site.clock().isoformat()
    until = (site.clock() + timedelta(days=1)).isoformat()
    deployment = number(
        "/agency/deployments",
        {
            "unit": "car-7", "purpose": _WORDS, "area": "Salem", "from_at": now,
            "until_at": until, "approver": "Ruth Roe", "title": "Captain", "designation": "Order 7",
        },
        "deployment",
    )  # fmt: skip
    (session,) = site.ask("jdoe", "GET", "/sessions").json()["sessions"]
    (training, *_) = site.ask("jdoe", "GET", "/trainings").json()["trainings"]
    because = {"reason": _WORDS}
    good = {
        "purpose_lawful": "yes", "facts_specific": "yes", "case_exists": "yes",
        "result_used": "yes", "aimed_at_protected": "no",
    }  # fmt: skip
    why = {"purpose": "criminal_investigation", "facts": FACTS, "affirmed": True}
    grant = {"login": "new", "roles": ["officer"], "reason": _WORDS, "current_employee": True}
    given_to = {
        "name": "Ann Lee", "organisation": "Essex District Attorney", "kind": "prosecutor",
        "why": "Charging decision", "authority": "Request of 3 March",
    }  # fmt: skip
    case = "24-1187"
    done = {"outcome": "justified", "reason": _WORDS}
    yes = {"approve": True, "reason": _WORDS}
    answered = {"misused": False, "circumstances": _WORDS, "actions": _WORDS}
    found = [
        ("POST", "/approvals/THING/decision", "number", approval, yes),
        ("POST", "/search-reviews/THING", "number", review, done),
        ("POST", "/search-requests/THING/decision", "number", request,
         {"accept": True, "reason": _WORDS}),
        ("POST", "/search-requests/THING/reviews", "number", request, {"read": NOWHERE["uuid"]}),
        ("POST", "/search-requests/THING/answer", "number", request, {"answer": _WORDS}),
        ("GET", "/audits/THING", "number", audit, None),
        ("POST", "/audits/THING/redraw", "number", audit, None),
        ("POST", "/audits/THING/samples/1", "number", audit, good),
        ("POST", "/audits/THING/findings", "number", audit, {"text": _WORDS, "due_on": _DAY}),
        ("POST", "/audits/THING/sign-off", "number", audit,
         {"outcome": "clean", "summary": _WORDS}),
        ("POST", "/login-requests/THING/grant", "number", login_request, grant),
        ("POST", "/login-requests/THING/denial", "number", login_request, because),
        ("GET", "/user-reviews/THING", "number", user_review, None),
        ("POST", "/user-reviews/THING/signature", "number", user_review, {"confirmed": []}),
        ("POST", "/user-reviews/THING/certification", "number", user_review,
         {"digest": "0" * 64}),
        ("POST", "/bulletins/THING/withdrawal", "number", bulletin, None),
        ("POST", "/bulletins/THING/acknowledgement", "number", bulletin, None),
        ("GET", "/bulletins/THING/readers", "number", bulletin, None),
        ("POST", "/misuse-reports/THING/answer", "number", misuse, answered),
        ("POST", "/misuse-reports/THING/close", "number", misuse, because),
        ("POST", "/misuse-reports/THING/measure", "number", misuse, {"measure": "suspended"}),
        ("POST", "/agency/deployments/THING/end", "number", deployment, {"result": _WORDS}),
        ("POST", "/trainings/THING/strike", "number", training["id"], because),
        ("DELETE", "/api-tokens/THING", "uuid", token, None),
        ("DELETE", "/sessions/THING", "uuid", session["id"], None),
        ("DELETE", "/users/THING/sessions", "login", "jdoe", None),
        ("PUT", "/users/THING/roles", "login", "jdoe", {"roles": ["officer"]}),
        ("POST", "/users/THING/one-time-password", "login", "jdoe", None),
        ("POST", "/users/THING/closing", "login", "jdoe", {}),
        ("POST", "/users/THING/release", "login", "jdoe", None),
        ("POST", "/trainings", "login", "jdoe",
         {"login": "THING", "course": "C", "taught_by": "T", "taken_on": _DAY}),
        ("POST", "/misuse-reports", "login", "jdoe", {"what": _WORDS, "against": "THING"}),
        ("POST", "/api-tokens", "login", "jdoe",
         {"name": "x", "responsible": "THING", "scopes": ["statistics:read"], "days": 30}),
        ("GET", "/cases/file?number=THING", "case", case, None),
        ("POST", "/cases/notes", "case", case, {"case": "THING", "text": _WORDS}),
        ("POST", "/cases/dispositions", "case", case,
         {"case": "THING", "on": _DAY, "disposition": _WORDS}),
        ("POST", "/disseminations", "case", case,
         {"case": "THING", "given_to": given_to, "what": _WORDS}),
        ("POST", "/evidence", "case", case, {"case": "THING", "reads": [NOWHERE["uuid"]], **why}),
    ]  # fmt: skip
    return [Guess(*each) for each in found]


@pytest.mark.policy("G-12")
def test_another_agencys_things_answer_as_unknown_ones(site: Site, guesses: list[Guess]) -> None:
    """Status, headers that tell something and the body are the same, but for the name itself."""
    differing = {}
    for guess in guesses:
        answers = []
        for thing in (guess.thing, NOWHERE[guess.kind]):
            answer = site.ask("eve", *guess.naming(thing))
            shown = answer.text.replace(str(thing), "THING")
            answers.append((answer.status_code, answer.headers.get("content-type"), shown))
        theirs, nobodys = answers
        if theirs != nobodys or theirs[0] < 400:
            differing[f"{guess.method} {guess.path}"] = (theirs, nobodys)
    assert differing == {}


def test_the_guesses_name_what_is_there(site: Site, guesses: list[Guess]) -> None:
    """To whom it belongs each answers otherwise, so that the test above compares two things."""
    kept = [each for each in guesses if each.method == "GET"]
    assert len(kept) >= 4
    for guess in kept:
        assert site.ask("jdoe", *guess.naming(guess.thing)).status_code == 200
        assert site.ask("jdoe", *guess.naming(NOWHERE[guess.kind])).status_code in (404, 422)
