"""Case files and evidence packages over a real server on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from repository.accounts.service import Accounts
from repository.cases.evidence.make import EvidenceDesk
from repository.cases.evidence.verify import Given, verify
from repository.cases.service import CaseFiles
from tests.repository.cases.evidence_site import CASE, FACTS, EvidenceSite, jpeg
from tests.repository.ingest.conftest import load_duties
from tests.repository.people import hire, recorded
from tests.repository.web.test_app import Visitor, error_of, serving, sign_in

GIVEN_TO = {
    "name": "Ann Lee",
    "organisation": "Essex District Attorney",
    "kind": "prosecutor",
    "why": "Charging decision",
    "authority": "Request of 3 March",
}


@dataclass(frozen=True)
class Rooms:
    accounts: Accounts
    case_files: CaseFiles
    evidence: EvidenceDesk


@pytest.fixture
def client(site: EvidenceSite, accounts: Accounts) -> Iterator[Visitor]:
    rooms = Rooms(accounts, CaseFiles(site.engine, site.clock, load_duties), site.desk)
    with serving(rooms) as opened:  # type: ignore[arg-type]
        yield opened


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_case_from_its_search_to_the_package(client: Visitor, site: EvidenceSite) -> None:
    read = site.take(jpeg())
    site.search()
    site.hold(read.id)
    headers = sign_in(client)
    (listed,) = client.get("/api/v1/cases", headers=headers).json()["cases"]
    assert (listed["number"], listed["searches"], listed["holds"]) == (CASE, 1, 1)
    note = {"case": CASE, "text": "Owner interviewed"}
    assert client.post("/api/v1/cases/notes", json=note, headers=headers).status_code == 201
    given = {"case": CASE, "given_to": GIVEN_TO, "what": "Printed result", "reads": [str(read.id)]}
    assert client.post("/api/v1/disseminations", json=given, headers=headers).status_code == 201
    wish = {
        "case": CASE,
        "reads": [str(read.id)],
        "purpose": "criminal_investigation",
        "facts": FACTS,
        "affirmed": True,
        "given_to": GIVEN_TO,
    }
    answer = client.post("/api/v1/evidence", json=wish, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    verdict = verify(answer.content, Given(site.ledger.verifier_key()))
    assert verdict.checked is not None
    assert answer.headers["x-package"] == verdict.checked.digest
    log = client.get("/api/v1/disseminations", headers=headers).json()["disseminations"]
    assert [each["detail"]["what"] for each in log] == [
        "Printed result",
        f"evidence package {verdict.checked.digest}",
    ]
    done = {"case": CASE, "on": str(site.clock().date()), "disposition": "Guilty plea"}
    answer = client.post("/api/v1/cases/dispositions", json=done, headers=headers)
    assert answer.json() == {"holds": [1]}
    file = client.get("/api/v1/cases/file", params={"number": CASE}, headers=headers).json()
    assert [each["kind"] for each in file["events"]] == [
        "note", "dissemination", "evidence_package", "dissemination", "disposition",
    ]  # fmt: skip
    assert file["searches"][0]["reads"][0]["shown"]["plate"] == read.plate
    assert "It identifies nobody" in file["notice"]


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
@pytest.mark.policy("C-conf")
def test_nobody_reaches_the_case_of_another_agency(
    client: Visitor, site: EvidenceSite, accounts: Accounts
) -> None:
    read = site.take()
    site.search()
    site.hold(read.id)
    hire(accounts, "rroe", "boston-pd")
    headers = sign_in(client, "rroe")
    for number in (CASE, "24-9999", "a\x00b", "%", "x" * 128):
        asked = client.get("/api/v1/cases/file", params={"number": number}, headers=headers)
        assert error_of(asked)[:2] == (404, "no_such_case")
        note = {"case": number, "text": "Owner interviewed"}
        answer = client.post("/api/v1/cases/notes", json=note, headers=headers)
        assert error_of(answer)[:2] == (404, "no_such_case")
    assert client.get("/api/v1/cases", headers=headers).json() == {"cases": []}
    assert client.get("/api/v1/cases").status_code == 401


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.policy("F-commercial")
def test_what_may_not_be_given_is_refused_on_the_record(
    client: Visitor, site: EvidenceSite
) -> None:
    site.hold(site.take().id)
    headers = sign_in(client)
    insurer = GIVEN_TO | {"kind": "private_party"}
    for address, body in (
        ("/api/v1/disseminations", {"case": CASE, "given_to": insurer, "what": "A printout"}),
        ("/api/v1/evidence", {"case": CASE, "reads": [], "purpose": "", "given_to": insurer}),
    ):
        answer = client.post(address, json=body, headers=headers)
        assert error_of(answer)[:2] == (422, "refused")
        assert "law" in error_of(answer)[2]
        assert recorded(site.engine)[-1]["outcome"] == "refused"


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_malformed_bodies_are_refused(client: Visitor, site: EvidenceSite) -> None:
    site.hold(site.take().id)
    headers = sign_in(client)
    for address, body in (
        ("/api/v1/cases/notes", {"case": CASE, "text": "x", "more": 1}),
        ("/api/v1/cases/notes", {"case": CASE, "text": "a\x00b"}),
        ("/api/v1/cases/notes", {"case": "x" * 129, "text": "Owner interviewed"}),
        ("/api/v1/cases/dispositions", {"case": CASE, "on": "9999-12-31", "disposition": "Won"}),
        ("/api/v1/cases/dispositions", {"case": CASE, "on": "0000-01-01", "disposition": "Won"}),
        ("/api/v1/disseminations", {"case": CASE, "given_to": GIVEN_TO, "what": "A printout",
                                    "reads": ["x"]}),
        ("/api/v1/evidence", {"case": CASE, "reads": ["0" * 36], "purpose": "court_order"}),
        ("/api/v1/evidence", {"case": CASE, "reads": ["x"] * 21, "purpose": "court_order"}),
    ):  # fmt: skip
        answer = client.post(address, json=body, headers=headers)
        assert answer.status_code == 422, (address, body)
    surrogate = b'{"case": "24-1187", "text": "\\ud800 says"}'
    answer = client.post("/api/v1/cases/notes", content=surrogate, headers=headers)
    assert answer.status_code == 422
