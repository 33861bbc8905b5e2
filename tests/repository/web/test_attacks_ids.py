"""Guessed ids: what is another agency's answers exactly as what is not there.

Every route of the API that names something is here, by the API's own description: a new one fails
until somebody guesses at it, or says why all agencies may see what it names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from edge.contract.unit_request import sign_request
from repository.web.app import describe
from tests.repository.search.desk import REASON
from tests.repository.sender import Sender
from tests.repository.web.attacked import FACTS, Site, attacked
from tests.repository.web.guesses import API, Guess, named_things, routes
from tests.repository.web.salem import (
    BOLO,
    DAY,
    LIST,
    OWN_CASE,
    OWN_LIST,
    PERIOD,
    WORDS,
    deployment,
    of_salem,
)

NOWHERE = {
    "number": 2**31 - 2, "uuid": "0195f3a2-7c1b-7def-8a01-23456789abcd", "login": "nemo",
    "case": "99-9999",
    "agency": "nowhere-pd", "unit": "car-99", "list": "nothing", "entry": "manual:99999",
    "company": "Nobody Inc", "plate": "9NONE9",
}  # fmt: skip

_ENTRY = re.compile(r'"ledger_entry":[0-9]+,')
"""What differs with every request."""

SHARED = "reads are shared: whoever may search sees those of every agency, on the record"
LOGINS = "a login is one person's in the whole repository, so that one that is taken is said to be"
ANYBODYS_CASE = "a case is one's own agency's: the same number is another case elsewhere, made so"
OPEN = {
    ("GET /api/v1/oidc/{agency}/begin", "agency"): "who signs in must find their provider",
    ("GET /api/v1/oidc/{agency}/callback", "agency"): "the same, once they have",
    ("POST /api/v1/login", "login"): "answered as nobody's; guessed in test_attacks_sessions",
    ("POST /api/v1/login-requests", "agency"): "who asks for a login is told where they can",
    ("POST /api/v1/users", "login"): LOGINS,
    ("POST /api/v1/login-requests/{number}/grant", "login"): LOGINS,
    ("GET /api/v1/ledger/entries/{index}/proof", "index"): "a proof without what was asked",
    ("GET /api/v1/ledger/consistency/{old_size}", "old_size"): "checkpoints are everybody's",
    ("POST /api/v1/audits/{number}/samples/{place}", "place"): "counts within that audit",
    ("GET /api/v1/quarterly/{register}/{quarter}", "register"): "one of two words",
    ("GET /api/v1/quarterly/{register}/{quarter}", "quarter"): "a time",
    ("GET /api/v1/quarterly/{register}/{quarter}", "so_far"): "yes or no",
    ("PUT /api/v1/agency/posts/{post}", "post"): "one of a few words",
    ("POST /api/v1/agency/posts/{post}/vacate", "post"): "one of a few words",
    ("PUT /api/v1/hotlist-sources/{list_name}/{source}", "source"): "stands within that list",
    ("GET /api/v1/transactions", "after"): "a place in the pages of what is one's own",
    ("GET /api/v1/transactions", "action"): "what kinds of acts there are is documented",
    ("POST /api/v1/search", "after"): "a place in the pages of what one may see",
    **{
        (f"POST /api/v1/{route}", field): SHARED
        for route in ("search", "approvals/search")
        for field in ("agency", "unit", "camera")
    },
    ("POST /api/v1/approvals/search", "after"): "a place in the pages of what one may see",
    ("POST /api/v1/picture", "read"): SHARED,
    ("GET /api/v1/reads/{read}/confirmations", "read"): SHARED,
    ("POST /api/v1/reads/{read}/confirmations", "read"): SHARED,
    **{
        (f"POST /api/v1/{route}", "case"): ANYBODYS_CASE
        for route in (
            "search", "search/together", "approvals/search", "approvals/together", "picture",
            "reads/{read}/confirmations",
        )
    },
    ("POST /api/v1/search-requests", "case"): "of whoever asks, as they say it",
    ("POST /api/v1/search-requests", "agency"): "of whoever asks, as they say it",
    ("POST /api/v1/search-requests", "source"): "where they have the plate from, in words",
    ("GET /api/v1/hotlists/{name}/versions/{version}/list", "version"): "counts within that list",
    ("GET /api/v1/hotlists/{name}/versions/{version}/delta", "version"): "counts within that list",
    ("POST /api/v1/misuse-reports", "agency"): "whoever saw misuse reports it, wherever it was",
    ("POST /api/v1/hotlist-entries", "list"): "a list is one's own agency's, made so",
    ("POST /api/v1/agency/repair-sources", "source"): "a company, named for the first time",
    ("POST /api/v1/face-requests", "request"): "what was written",
    ("POST /api/v1/face-requests", "matches"): "how many",
    ("POST /api/v1/face-requests/{number}/answer", "matches"): "how many",
}  # fmt: skip
"""What names a thing and may: why."""


@dataclass(frozen=True)
class Attack:
    """The site, Boston's own unit and service, and every guess."""

    site: Site
    unit: Sender
    service: str
    guesses: list[Guess]

    def ask(self, guess: Guess, thing: Any) -> httpx.Response:
        """What the API answers whoever guesses."""
        method, path, body = guess.naming(thing)
        if guess.by == "eve":
            return self.site.ask("eve", method, path, body)
        path = API + path
        if guess.by == "service":
            headers = {"Authorization": f"Bearer {self.service}", "Content-Type": "text/csv"}
            return self.site.client.request(method, path, content=body, headers=headers)
        signed = sign_request(
            agency=self.unit.agency, unit=self.unit.unit, method=method, path=path,
            at=self.site.clock(), private_key=self.unit.key,
        )  # fmt: skip
        headers = {"Authorization": signed}
        return self.site.client.request(method, path, json=body, headers=headers)


@pytest.fixture(scope="module")
def attack(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attack]:
    with attacked(tmp_path_factory.mktemp("at") / "site", migrated_sqlite) as site:
        has = of_salem(site)
        unit = Sender("car-9", "boston-pd")
        unit.enrol(site.rooms.engine, site.clock())
        guesses = [
            *_of_searches(site, has),
            *_of_people(has),
            *_of_agencies(site, has),
            *_of_lists(has),
        ]
        yield Attack(site, unit, has["service"], guesses)


def _of_searches(site: Site, has: Mapping[str, Any]) -> list[Guess]:
    """Searches and what comes of them, cases, and audits."""
    why = {"purpose": "criminal_investigation", "facts": FACTS, "affirmed": True}
    given_to = {
        "name": "Ann Lee", "organisation": "Essex District Attorney", "kind": "prosecutor",
        "why": "Charging decision", "authority": "Request of 3 March",
    }  # fmt: skip
    good = {
        "purpose_lawful": "yes", "facts_specific": "yes", "case_exists": "yes",
        "result_used": "yes", "aimed_at_protected": "no",
    }  # fmt: skip
    asked = site.question(case=OWN_CASE, request="THING")
    together = {"plate": "1ABC20", "request": "THING", **why, "case": OWN_CASE}
    together |= {each: asked[each] for each in ("from", "to")}
    unseen, own = has["unseen"], has["own_request"]
    matched = {"answer": WORDS, "matches": ["THING"]}
    packed, given = {"case": "THING", **why}, {"given_to": given_to, "what": WORDS}
    found = [
        ("POST", "/search", "number", has["request"], asked),
        ("POST", "/search/together", "number", has["request"], together),
        ("POST", "/approvals/search", "number", has["request"],
         {"search": asked, "reason": REASON}),
        ("POST", "/approvals/together", "number", has["request"],
         {"together": together, "reason": REASON}),
        ("POST", "/approvals/THING/decision", "number", has["approval"],
         {"approve": True, "reason": WORDS}),
        ("POST", "/search-reviews/THING", "number", has["review"],
         {"outcome": "justified", "reason": WORDS}),
        ("POST", "/search-requests/THING/decision", "number", has["request"],
         {"accept": True, "reason": WORDS}),
        ("POST", "/search-requests/THING/reviews", "number", has["request"],
         {"read": NOWHERE["uuid"]}),
        ("POST", f"/search-requests/{own}/reviews", "uuid", unseen, {"read": "THING"}),
        ("POST", "/search-requests/THING/answer", "number", has["request"], {"answer": WORDS}),
        ("POST", f"/search-requests/{own}/answer", "uuid", unseen, matched),
        ("GET", "/cases/file?number=THING", "case", has["case"], None),
        ("POST", "/cases/notes", "case", has["case"], {"case": "THING", "text": WORDS}),
        ("POST", "/cases/dispositions", "case", has["case"],
         {"case": "THING", "on": DAY, "disposition": WORDS}),
        ("POST", "/disseminations", "case", has["case"], {"case": "THING", **given}),
        ("POST", "/disseminations", "uuid", unseen,
         {"case": OWN_CASE, "reads": ["THING"], **given}),
        ("POST", "/evidence", "case", has["case"], packed | {"reads": [NOWHERE["uuid"]]}),
        ("POST", "/evidence", "uuid", unseen, packed | {"case": OWN_CASE, "reads": ["THING"]}),
        ("GET", "/audits/THING", "number", has["audit"], None),
        ("POST", "/audits/THING/redraw", "number", has["audit"], None),
        ("POST", "/audits/THING/samples/1", "number", has["audit"], good),
        ("POST", "/audits/THING/findings", "number", has["audit"],
         {"text": WORDS, "due_on": DAY}),
        ("POST", "/audits/THING/sign-off", "number", has["audit"],
         {"outcome": "clean", "summary": WORDS}),
        ("POST", "/audit-findings/THING/follow-up", "number", has["finding"], {"text": WORDS}),
        ("POST", "/face-requests/THING/answer", "number", has["face_request"], {"matches": 1}),
    ]  # fmt: skip
    return [Guess(*each) for each in found]


def _of_people(has: Mapping[str, Any]) -> list[Guess]:
    """Accounts, what belongs to them, and what is written about people."""
    because = {"reason": WORDS}
    grant = {"login": "new", "roles": ["officer"], "reason": WORDS, "current_employee": True}
    token = {"name": "counts", "responsible": "THING", "scopes": ["statistics:read"], "days": 30}
    answered = {"misused": False, "circumstances": WORDS, "actions": WORDS}
    found = [
        ("POST", "/login-requests/THING/grant", "number", has["login_request"], grant),
        ("POST", "/login-requests/THING/reopening", "number", has["login_request"], grant),
        ("POST", f"/login-requests/{has['own_login_request']}/reopening", "login", has["closed"],
         grant | {"login": "THING"}),
        ("POST", "/login-requests/THING/denial", "number", has["login_request"], because),
        ("GET", "/user-reviews/THING", "number", has["user_review"], None),
        ("POST", "/user-reviews/THING/signature", "number", has["user_review"],
         {"confirmed": []}),
        ("POST", f"/user-reviews/{has['own_review']}/signature", "login", "jdoe",
         {"confirmed": ["THING"]}),
        ("POST", "/user-reviews/THING/certification", "number", has["user_review"],
         {"digest": "0" * 64}),
        ("POST", "/bulletins/THING/withdrawal", "number", has["bulletin"], None),
        ("POST", "/bulletins/THING/acknowledgement", "number", has["bulletin"], None),
        ("GET", "/bulletins/THING/readers", "number", has["bulletin"], None),
        ("POST", "/misuse-reports/THING/answer", "number", has["misuse"], answered),
        ("POST", "/misuse-reports/THING/close", "number", has["misuse"], because),
        ("POST", "/misuse-reports/THING/measure", "number", has["misuse"],
         {"measure": "suspend"}),
        ("POST", "/misuse-reports", "login", "jdoe", {"what": WORDS, "against": "THING"}),
        ("POST", "/trainings/THING/strike", "number", has["training"], because),
        ("POST", "/trainings", "login", "jdoe",
         {"login": "THING", "course": "C", "taught_by": "T", "taken_on": DAY}),
        ("DELETE", "/api-tokens/THING", "uuid", has["token"], None),
        ("POST", "/api-tokens", "login", "jdoe", token),
        ("POST", "/second-factors/passkeys/THING/removal", "number", has["passkey"],
         {"password": ""}),
        ("DELETE", "/sessions/THING", "uuid", has["session"], None),
        ("DELETE", "/users/THING/sessions", "login", "jdoe", None),
        ("PUT", "/users/THING/roles", "login", "jdoe", {"roles": ["officer"]}),
        ("POST", "/users/THING/one-time-password", "login", "jdoe", None),
        ("POST", "/users/THING/closing", "login", "jdoe", {}),
        ("POST", "/users/THING/release", "login", "jdoe", None),
        ("POST", "/own-plates/forget", "plate", has["plate"], {"plate": "THING"}),
    ]  # fmt: skip
    return [
        *(Guess(*each) for each in found),
        Guess("POST", "/units/sign-in", "login", "jdoe",
              {"login": "THING", "password": "a guess"}, by="unit"),
    ]  # fmt: skip


def _of_agencies(site: Site, has: Mapping[str, Any]) -> list[Guess]:
    """What another agency keeps, asked for by its name; and by its numbers."""
    held = {
        "name": "Eve", "title": "Chief", "phone": "617-555-0100", "email": "eve@example.gov",
        "from_on": DAY,
    }  # fmt: skip
    work = {"kind": "repair", "detail": WORDS, "done_by": "Eve"}
    plan = {"kind": "check", "every_days": 30, "advice": "Its maker's manual"}
    review = {"outcome": "stands", "recommendation": WORDS}
    use = deployment(site)
    person = {"login": "fresh", "name": "Fresh Face", "roles": ["officer"]}
    told = {"about": "policy", "title": "T", "body": "B"}
    began, ended = PERIOD["from"], PERIOD["to"]
    period = f"from={began}&to={ended}"
    deployed, policy = has["deployment"], has["policy"]
    of_agency = [
        ("GET", "/agency?agency=THING", None),
        ("PUT", "/agency/posts/head?agency=THING", held),
        ("POST", "/agency/posts/head/vacate?agency=THING", {"from_on": DAY}),
        ("GET", "/agency/policies?agency=THING", None),
        ("POST", f"/agency/policies/{policy}/review?agency=THING", review),
        ("GET", "/agency/deployments?agency=THING", None),
        ("POST", "/agency/deployments?agency=THING", use),
        ("POST", f"/agency/deployments/{deployed}/end?agency=THING", {"result": WORDS}),
        ("GET", "/agency/unit-log?agency=THING", None),
        ("POST", "/agency/unit-log?agency=THING", work | {"unit": "car-7"}),
        ("PUT", "/agency/upkeep-plans?agency=THING", plan | {"unit": "car-7"}),
        ("GET", "/agency/upkeep?agency=THING", None),
        ("POST", "/agency/repair-sources?agency=THING", {"source": "Acme"}),
        ("POST", "/agency/repair-sources/end?agency=THING", {"source": "Acme Repair"}),
        ("GET", f"/audit-patterns?agency=THING&{period}", None),
        ("GET", f"/transactions?agency=THING&{period}", None),
        ("GET", "/quarterly/searches/2025-Q4?agency=THING", None),
        ("POST", "/audits", {"agency": "THING", "reason": WORDS, **PERIOD}),
        ("POST", "/user-reviews", {"agency": "THING"}),
        ("POST", "/users", person | {"agency": "THING"}),
        ("POST", "/bulletins", told | {"agency": "THING"}),
    ]
    found = [
        ("POST", "/agency/policies/THING/review", "number", policy, review),
        ("POST", "/agency/deployments/THING/end", "number", deployed, {"result": WORDS}),
        ("PUT", "/agency/posts/head", "login", "jdoe", held | {"login": "THING"}),
        ("POST", "/agency/deployments", "unit", "car-7", use | {"unit": "THING"}),
        ("POST", "/agency/unit-log", "unit", "car-7", work | {"unit": "THING"}),
        ("PUT", "/agency/upkeep-plans", "unit", "car-7", plan | {"unit": "THING"}),
        ("POST", "/agency/repair-sources/end", "company", has["company"], {"source": "THING"}),
    ]
    transactions = f"/transactions?agency=boston-pd&login=THING&{period}"
    return [
        *(Guess(method, path, "agency", "salem-pd", body) for method, path, body in of_agency),
        *(Guess(*each) for each in found),
        Guess("GET", "/agency/unit-log?unit=THING", "unit", "car-7"),
        Guess("GET", transactions, "login", "jdoe"),
    ]


def _of_lists(has: Mapping[str, Any]) -> list[Guess]:
    """Hot lists, their entries, and alerts."""
    file = "/hotlists/THING/versions/2"
    day = f"from={DAY}T00:00:00Z&to={DAY}T23:00:00Z"
    rows = "entry,plate,kind\nE1,1ABC23,stolen_vehicle\n"
    entry = has["entry_number"]
    return [
        *(
            Guess("GET", path, "list", LIST, by="unit")
            for path in ("/hotlists/THING/manifest", f"{file}/list", f"{file}/delta")
        ),
        Guess("GET", "/hotlist-entries?list=THING", "list", "bolo", lists=True),
        Guess("GET", f"/alerts?list=THING&{day}", "list", LIST, lists=True),
        Guess("GET", "/alerts/THING", "uuid", has["alert"]),
        Guess("POST", "/hotlist-entries/THING/confirm", "number", has["proposed"]),
        Guess("POST", "/hotlist-entries/THING/review", "number", entry, {"reason": WORDS}),
        Guess("POST", "/hotlist-entries", "number", entry, BOLO | {"replaces": "THING"}),
        Guess(
            "POST", "/hotlist-entries/cancel", "list", "bolo",
            {"list": "THING", "entry": has["entry"], "reason": WORDS},
        ),
        Guess(
            "POST", "/hotlist-entries/cancel", "entry", has["entry"],
            {"list": OWN_LIST, "entry": "THING", "reason": WORDS},
        ),
        # The last, since it makes Boston a list of either name.
        Guess("PUT", "/hotlist-sources/THING/dmv", "list", LIST, rows, by="service", lists=True),
    ]  # fmt: skip


def test_every_route_that_names_something_is_guessed_at_or_open_to_all(attack: Attack) -> None:
    document = describe()
    guessed = {each.names(routes(document)) for each in attack.guesses}
    named = named_things(document)
    assert named - guessed - OPEN.keys() == set(), "guess at these, or say why they are open"
    assert OPEN.keys() - named == set(), "these are there no more"
    assert guessed & OPEN.keys() == set()


@pytest.mark.policy("G-12")
def test_another_agencys_things_answer_as_unknown_ones(attack: Attack) -> None:
    """Status, headers that tell something and the body are the same, but for the name itself."""
    differing = {}
    for guess in attack.guesses:
        answers = []
        for thing in (guess.thing, NOWHERE[guess.kind]):
            answer = attack.ask(guess, thing)
            shown = _ENTRY.sub("", answer.text.replace(str(thing), "THING"))
            answers.append((answer.status_code, answer.headers.get("content-type"), shown))
        theirs, nobodys = answers
        looked_at = '"code":"invalid"' not in theirs[2]
        if theirs != nobodys or (theirs[0] == 200) != guess.lists or not looked_at:
            differing[f"{guess.method} {guess.path} {guess.body}"] = (theirs, nobodys)
    assert not differing, "\n".join(f"{each}: {said}" for each, said in differing.items())


def test_the_guesses_name_what_is_there(attack: Attack) -> None:
    """To whom it belongs each answers otherwise, so that the test above compares two things."""
    kept = [each for each in attack.guesses if each.method == "GET" and each.by == "eve"]
    kept = [each for each in kept if each.kind in ("number", "uuid", "case", "unit")]
    assert len(kept) >= 5
    for guess in kept:
        ask = attack.site.ask
        assert ask("jdoe", *guess.naming(guess.thing)).status_code == 200
        assert ask("jdoe", *guess.naming(NOWHERE[guess.kind])).status_code in (404, 422)
