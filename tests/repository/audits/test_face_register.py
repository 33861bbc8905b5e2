"""Requests on paper to others who search faces: what the law wants of each, and who is refused."""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select

from repository.accounts.errors import NotAllowedError
from repository.accounts.roles import Role
from repository.audits.documented import FIELDS
from repository.audits.errors import AuditError
from repository.audits.face_register import FaceRegister, FaceRequest
from repository.audits.quarterly import Quarterly
from repository.store.engine import reading
from repository.store.tables.audits import face_requests
from repository.store.tables.cases import case_events
from tests.repository.audits.office import Office
from tests.repository.people import OPERATOR, recorded

NORTHAMPTON = "City of Northampton, chapter 290, section 1"
ASKED = FaceRequest(
    requested_at=datetime(2026, 2, 3, 9, 30, tzinfo=UTC),
    requester_name="Jane Doe",
    requester_position="Detective",
    entity="registry",
    database_searched="driver licence pictures",
    basis="court_order",
    case_number="24-1187",
    reason="The man who used a stolen card at the bank on Essex Street",
    suspected_crime="larceny",
    characteristics="man, about 40, beard, scar on the left cheek",
    request="=Please compare the attached picture.",
    affirmed=True,
    court_order="Salem District Court, 26-113",
)
EMERGENCY = replace(
    ASKED, basis="emergency", court_order=None,
    emergency_facts="A girl of six was pulled into a van at noon and he was seen",
)  # fmt: skip


def register(office: Office) -> FaceRegister:
    return FaceRegister(office.engine, office.clock)


@pytest.mark.policy("F-quarterly")
def test_a_request_is_kept_and_reported_with_the_eight_fields(office: Office) -> None:
    officer = office.hire("jdoe", Role.INVESTIGATOR)
    head = office.hire("chief", Role.AGENCY_HEAD)
    rooms = register(office)
    number = rooms.add(officer, ASKED, "here")
    rooms.answer(officer, number, 2, "here")
    waiting = rooms.add(officer, EMERGENCY, "here")
    (second, first) = rooms.list(head, "here")
    assert (first.id, first.matches, second.id, second.matches) == (number, 2, waiting, None)
    digest = hashlib.sha256(ASKED.request.encode()).hexdigest()
    assert first.request_sha256 == digest
    office.clock.time = datetime(2026, 4, 1, tzinfo=UTC)
    found = Quarterly(office.engine, office.clock).report(
        "faces", "2026-Q1", "salem-pd", OPERATOR, "here"
    )
    _header, row, urgent = csv.reader(io.StringIO(found.as_csv(), newline=""))
    assert dict(zip(FIELDS, row, strict=True)) == {
        "request": "'=Please compare the attached picture.",
        "requested_at": "2026-02-03T09:30:00+00:00",
        "matches": "2",
        "database": "driver licence pictures",
        "requester_name": "Jane Doe",
        "requester_position": "Detective",
        "requester_agency": "salem-pd title",
        "reason": f"court order Salem District Court, 26-113; {ASKED.reason}",
        "suspected_crime": "larceny",
        "entity_asked": "Registry of Motor Vehicles",
        "characteristics": ASKED.characteristics,
    }
    assert urgent[7].startswith("emergency: A girl of six")
    with reading(office.engine) as connection:
        kinds = list(connection.scalars(select(case_events.c.kind)))
    assert kinds == ["request", "request"]
    entries = [each for each in recorded(office.engine) if each["action"].startswith("face_")]
    assert [each["action"] for each in entries] == [
        "face_requests.add", "face_requests.answer", "face_requests.add", "face_requests.list",
    ]  # fmt: skip
    assert entries[0]["request"]["request_sha256"] == digest
    assert "scar" not in str(entries)


@pytest.mark.policy("F-local")
def test_an_agency_whose_ordinance_forbids_it_is_refused(office: Office) -> None:
    officer = office.hire("jdoe", Role.INVESTIGATOR)
    other = office.hire("roe", Role.INVESTIGATOR, agency="boston-pd")
    rooms = register(office)
    rooms.forbid("salem-pd", NORTHAMPTON, date(2019, 12, 19), OPERATOR, "here")
    with pytest.raises(AuditError, match=rf"since 2019-12-19: {NORTHAMPTON}"):
        rooms.add(officer, EMERGENCY, "here")
    assert rooms.list(officer, "here") == []
    refused = recorded(office.engine)[-2]
    assert (refused["action"], refused["outcome"]) == ("face_requests.add", "refused")
    assert rooms.add(other, ASKED, "here")
    rooms.forbid("salem-pd", NORTHAMPTON, date(2026, 2, 4), OPERATOR, "here")
    assert rooms.add(officer, ASKED, "here")  # was made before
    with pytest.raises(AuditError, match="may not ask"):
        rooms.add(officer, replace(ASKED, requested_at=datetime(2026, 2, 4, tzinfo=UTC)), "here")
    rooms.permit("salem-pd", "it was repealed", OPERATOR, "here")
    assert rooms.add(officer, replace(ASKED, requested_at=office.clock()), "here")
    with pytest.raises(AuditError, match="no ordinance stands"):
        rooms.permit("salem-pd", "again", OPERATOR, "here")
    with pytest.raises(AuditError, match="'nowhere': not known"):
        rooms.forbid("nowhere", NORTHAMPTON, date(2019, 12, 19), OPERATOR, "here")


@pytest.mark.policy("F-emergency")
@pytest.mark.policy("F-prohibited")
@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (replace(ASKED, affirmed=False), "affirm: the request needs your word"),
        (replace(ASKED, entity="clearview"), "no other may be asked"),
        (replace(ASKED, basis="curiosity"), "basis: expected one of"),
        (replace(ASKED, court_order=None), "court order: belongs to that basis"),
        (replace(ASKED, court_order=" "), "court order: missing"),
        (replace(ASKED, basis="deceased"), "court order: belongs to that basis"),
        (replace(EMERGENCY, emergency_facts=None), "emergency: belongs to that basis"),
        (replace(EMERGENCY, emergency_facts="it is urgent"), "emergency: say in words what is"),
        (replace(ASKED, emergency_facts="x"), "emergency: belongs to that basis"),
        (replace(ASKED, reason="needed"), "reason: say in words what is known"),
        (replace(ASKED, request=""), "request: missing"),
        (replace(ASKED, suspected_crime=""), "suspected crime: missing"),
        (replace(ASKED, characteristics="\0a"), "characteristics: holds a character"),
        (replace(ASKED, requester_position="\ud800x"), "position: holds a character"),
        (replace(ASKED, matches=-1), "matches: expected 0"),
        (replace(ASKED, requested_at=datetime(2027, 1, 1, tzinfo=UTC)), "requested at"),
        (replace(ASKED, requested_at=datetime(1, 1, 1, tzinfo=UTC)), "requested at"),
    ],
)
def test_what_the_law_wants_of_a_request(
    small_office: Office, asked: FaceRequest, said: str
) -> None:
    officer = small_office.hire("jdoe", Role.INVESTIGATOR)
    with pytest.raises(AuditError, match=said):
        register(small_office).add(officer, asked, "here")
    with reading(small_office.engine) as connection:
        assert connection.execute(select(face_requests)).all() == []
    assert recorded(small_office.engine)[-1]["outcome"] == "refused"


def test_a_deceased_person_needs_no_order(small_office: Office) -> None:
    officer = small_office.hire("jdoe", Role.INVESTIGATOR)
    asked = replace(ASKED, basis="deceased", court_order=None, matches=0)
    assert register(small_office).add(officer, asked, "here") == 1


def test_only_those_who_keep_it_and_only_their_agencys(small_office: Office) -> None:
    office = small_office
    officer = office.hire("jdoe", Role.INVESTIGATOR)
    patrol = office.hire("poe", Role.OFFICER)
    other = office.hire("roe", Role.INVESTIGATOR, agency="boston-pd")
    security = office.hire("ksec", Role.SECURITY_OFFICER, agency="boston-pd")
    rooms = register(office)
    number = rooms.add(officer, ASKED, "here")
    for each in (lambda: rooms.add(patrol, ASKED, "here"), lambda: rooms.list(patrol, "here"),
                 lambda: rooms.answer(patrol, number, 1, "here")):  # fmt: skip
        with pytest.raises(NotAllowedError):
            each()
    for unknown in (lambda: rooms.answer(other, number, 1, "here"),
                    lambda: rooms.answer(officer, 99, 1, "here")):  # fmt: skip
        with pytest.raises(AuditError, match="there is none"):
            unknown()
    assert rooms.list(other, "here") == []
    assert [each.id for each in rooms.list(security, "here")] == [number]
    rooms.answer(officer, number, 0, "here")
    with pytest.raises(AuditError, match="answered already"):
        rooms.answer(officer, number, 1, "here")
