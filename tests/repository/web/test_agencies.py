"""An agency's paperwork and misuse over HTTP: the same rooms, bounded and each to its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import Engine

from repository.accounts.roles import Role
from repository.accounts.service import Accounts
from repository.agencies.acts import Acts
from repository.agencies.agreements_desk import AgreementDesk
from repository.agencies.deployments import Deployments
from repository.agencies.misuse_desk import MisuseDesk
from repository.agencies.policies import Adopted, Policies
from repository.agencies.upkeep_desk import UpkeepDesk
from repository.business_days import day_of
from tests.repository.agencies.office import ON_SQLITE
from tests.repository.people import PAPERS, Clock, hire, recorded
from tests.repository.sightings import add_units
from tests.repository.web.test_app import Visitor, serving, sign_in

pytestmark = ON_SQLITE

HEAD = {
    "name": "Ruth Roe",
    "title": "Chief of Police",
    "phone": "978-555-0100",
    "email": "rroe@salem.example",
    "login": "head",
    "from_on": "2026-01-05",
}
APPROVAL = {
    "unit": "car-7",
    "purpose": "Patrol",
    "area": "City of Salem",
    "from_at": "2026-03-01T00:00:00Z",
    "until_at": "2026-04-01T00:00:00Z",
    "approver": "Ruth Roe",
    "title": "Chief of Police",
}
DONE = {"unit": "car-7", "kind": "cleaning", "detail": "Lenses wiped", "done_by": "Jane Doe"}
REPORT = {"what": "Looked up a neighbour", "against": "jdoe"}


@dataclass(frozen=True)
class Rooms:
    accounts: Accounts
    agreements: AgreementDesk
    policies: Policies
    deployments: Deployments
    upkeep: UpkeepDesk
    misuse: MisuseDesk


@pytest.fixture
def client(engine: Engine, accounts: Accounts, clock: Clock) -> Iterator[Visitor]:
    add_units(engine, clock())
    hire(accounts, "jdoe", roles={Role.OFFICER})
    hire(accounts, "head", roles={Role.AGENCY_HEAD, Role.ALPR_ADMINISTRATOR})
    acts = Acts(engine, clock)
    policies = Policies(acts, PAPERS, 365)
    adopted = Adopted("policy", "ALPR policy", "1", day_of(clock()), b"Be fair.")
    policies.adopt(None, "salem-pd", adopted, "here")
    rooms = Rooms(
        accounts, AgreementDesk(acts, PAPERS), policies, Deployments(acts), UpkeepDesk(acts),
        MisuseDesk(acts, lambda: accounts),
    )  # fmt: skip
    with serving(rooms) as opened:  # type: ignore[arg-type]
        yield opened


def put(client: Visitor, path: str, body: Any, headers: dict[str, str]) -> Any:
    return client.request("PUT", f"/api/v1/{path}", json=body, headers=headers)


def post(client: Visitor, path: str, body: Any, headers: dict[str, str]) -> Any:
    return client.post(f"/api/v1/{path}", json=body, headers=headers)


@pytest.mark.policy("G-16")
@pytest.mark.policy("M-C5")
@pytest.mark.policy("M-VII")
def test_an_agency_keeps_its_papers_over_http(client: Visitor, engine: Engine) -> None:
    head = sign_in(client, "head")
    named = put(client, "agency/posts/head", HEAD, head)
    assert (named.status_code, named.json()["sign_by"]) == (200, None)
    left = post(client, "agency/posts/head/vacate", {"from_on": "2026-03-01"}, head)
    assert left.json()["sign_by"] == "2026-03-13"
    shown = client.get("/api/v1/agency", headers=head).json()
    assert (shown["in_force"], shown["vacant"][0], len(shown["dues"])) == (True, "head", 1)
    back = put(client, "agency/posts/head", HEAD | {"from_on": "2026-03-01"}, head)
    assert back.json()["sign_by"] is None  # the very head whose signature of that day is kept
    made = post(client, "agency/deployments", APPROVAL, head)
    assert (made.status_code, made.json()) == (201, {"deployment": 1})
    ended = post(client, "agency/deployments/1/end", {"result": "Two cars found"}, head)
    assert ended.status_code == 200
    (deployment,) = client.get("/api/v1/agency/deployments", headers=head).json()["deployments"]
    assert deployment["result"] == "Two cars found"
    reviewed = post(
        client, "agency/policies/1/review", {"outcome": "stands", "recommendation": "None"}, head
    )
    assert reviewed.json() == {"policy": 1, "review_by": "2027-03-01"}
    assert post(client, "agency/repair-sources", {"source": "Bay Radio"}, head).status_code == 201
    assert post(client, "agency/unit-log", DONE, head).json() == {"number": 1, "authorized": None}
    plan = {"unit": "car-7", "kind": "cleaning", "every_days": 30, "advice": "Manual, page 14"}
    assert put(client, "agency/upkeep-plans", plan, head).json() == plan
    upkeep = client.get("/api/v1/agency/upkeep", headers=head).json()
    assert upkeep["due"][0]["due_at"] == "2026-03-31T12:00:00+00:00"
    assert upkeep["repair_sources"] == ["Bay Radio"]
    assert recorded(engine)[-1]["origin"] == "127.0.0.1"


@pytest.mark.policy("G-9")
def test_misuse_is_reported_and_answered_over_http(client: Visitor) -> None:
    head, officer = sign_in(client, "head"), sign_in(client)
    made = post(client, "misuse-reports", {"what": "Mine"}, officer)
    assert (made.status_code, made.json()) == (201, {"report": 1, "due_on": "2026-03-13"})
    assert post(client, "misuse-reports", REPORT, head).status_code == 201
    answer = {"misused": False, "circumstances": "On duty", "actions": "None"}
    assert post(client, "misuse-reports/1/answer", answer, officer).status_code == 422
    assert post(client, "misuse-reports/1/answer", answer, head).status_code == 200
    assert post(client, "misuse-reports/1/close", {"reason": "Fine"}, head).status_code == 403
    (seen,) = client.get("/api/v1/misuse-reports", headers=officer).json()["reports"]
    assert (seen["state"], seen["circumstances"]) == ("answered", None)
    kept_out = post(client, "misuse-reports/2/measure", {"measure": "suspend"}, head)
    assert kept_out.json() == {"login": "jdoe"}
    assert client.get("/api/v1/misuse-reports", headers=officer).status_code == 401


@pytest.mark.policy("G-12")
def test_others_and_malformed_input_are_refused_as_what_is_not_there(client: Visitor) -> None:
    head, officer = sign_in(client, "head"), sign_in(client)
    assert client.get("/api/v1/agency").status_code == 401
    assert client.get("/api/v1/agency", headers=officer).status_code == 403
    said = {
        client.get(f"/api/v1/agency?agency={name}", headers=head).text.replace(name, "")
        for name in ("boston-pd", "nobody-pd")
    }
    assert len(said) == 1
    for answer in (
        client.get("/api/v1/agency?agency=%00", headers=head),
        client.get("/api/v1/agency/unit-log?unit=a%0a", headers=head),
        put(client, "agency/posts/king", HEAD, head),
        put(client, "agency/posts/head", HEAD | {"from_on": "0001-01-01"}, head),
        put(client, "agency/posts/head", HEAD | {"from_on": "9999-12-31"}, head),
        put(client, "agency/posts/head", HEAD | {"name": "\x00"}, head),
        put(client, "agency/posts/head", HEAD | {"email": "a" * 600}, head),
        put(client, "agency/posts/head", HEAD | {"agency_id": 2}, head),
        post(client, "agency/posts/head/vacate", {"from_on": "0001-01-01"}, head),
        post(client, "agency/deployments", APPROVAL | {"from_at": "0001-01-01T00:00:00Z"}, head),
        post(client, "agency/deployments", APPROVAL | {"until_at": "9999-12-31T23:59-12:00"}, head),
        post(client, "agency/deployments", APPROVAL | {"from_at": "2026-03-01T00:00:00"}, head),
        post(client, f"agency/deployments/{2**31}/end", {"result": "x"}, head),
        post(client, f"agency/policies/{10**30}/review", {}, head),
        post(client, "agency/unit-log", DONE | {"at": "0001-01-01T00:00:00+12:00"}, head),
        post(client, "agency/unit-log", DONE | {"at": "9999-12-31T23:59:59-12:00"}, head),
        post(client, "agency/unit-log", DONE | {"kind": "x"}, head),
        _surrogate(client, "misuse-reports", '{"what": "\\ud800"}', head),
        _surrogate(client, "agency/repair-sources", '{"source": "\\udfff"}', head),
        _surrogate(client, "agency/unit-log", json.dumps(DONE | {"detail": "\ud800"}), head),
        post(client, "misuse-reports", {"what": "x\x00"}, head),
        post(client, "misuse-reports", {"what": "x" * 10_001}, head),
        post(client, "misuse-reports", REPORT | {"to_operator": False}, head),
        post(client, "misuse-reports", REPORT | {"against": "\x00"}, head),
    ):
        assert answer.status_code == 422, answer.text


def _surrogate(client: Visitor, path: str, body: str, headers: dict[str, str]) -> Any:
    kind = {"Content-Type": "application/json"}
    return client.post(f"/api/v1/{path}", content=body, headers=headers | kind)
