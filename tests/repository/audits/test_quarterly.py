"""The quarterly report of documented searches, with the eight fields of the law."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pypdf import PdfReader
from sqlalchemy import insert

from repository.accounts.errors import NotAllowedError
from repository.accounts.roles import Role
from repository.accounts.user import User
from repository.audits.documented import FIELDS
from repository.audits.errors import AuditError
from repository.audits.quarterly import Quarterly
from repository.audits.quarterly_report import SO_FAR
from repository.cases import files
from repository.store.tables.search import search_requests, search_runs
from tests.repository.audits.office import FEBRUARY, Office
from tests.repository.people import OPERATOR, recorded

FORMULA = '=HYPERLINK("http://x","see")'


def run(office: Office, user: User, index: int, at: datetime, **changes: Any) -> None:
    """An answered search, as the search room records it."""
    with office.engine.begin() as connection:
        case_id = files.open_case(connection, user, "24-1", at)
        row = {
            "ledger_index": index, "agency_id": user.agency_id, "case_id": case_id,
            "user_id": user.id, "user_name": user.name, "user_position": user.position,
            "searched_at": at, "kind": "search", "database": "licence plate reads",
            "characteristics": "plate: 1ABC23", "purpose": "wrongdoing",
            "facts": "Seen at the bank twice", "offence": "robbery", "returned": 4,
        }  # fmt: skip
        connection.execute(insert(search_runs), row | changes)


def asked(office: Office, user: User) -> int:
    """A request in writing by somebody without access."""
    with office.engine.begin() as connection:
        row = {
            "agency_id": user.agency_id,
            "case_id": files.open_case(connection, user, "24-2", FEBRUARY),
            "asker_kind": "outside", "asker_agency": "Essex County", "asker_name": "Ann Poe",
            "asker_position": "Inspector", "asker_phone": "978 555 0100",
            "asker_email": "poe@example.gov", "asker_case": "E-7", "offence": "arson",
            "reason": FORMULA, "characteristics": "plate: 2DEF*", "source": "a witness",
            "received_by": user.id, "received_at": datetime(2026, 2, 9, 8, tzinfo=UTC),
        }  # fmt: skip
        done = connection.execute(
            insert(search_requests).values(row).returning(search_requests.c.id)
        )
        return int(done.scalar_one())


@pytest.mark.policy("F-quarterly")
def test_each_documented_search_has_the_eight_fields(office: Office) -> None:
    officer = office.hire("jdoe", Role.OFFICER)
    other = office.hire("roe", Role.OFFICER, agency="boston-pd")
    run(office, officer, 10, FEBRUARY)
    run(office, officer, 11, FEBRUARY, request_id=asked(office, officer), returned=0)
    run(office, other, 12, FEBRUARY)
    run(office, officer, 13, datetime(2026, 4, 1, tzinfo=UTC))
    office.clock.time = datetime(2026, 4, 2, tzinfo=UTC)
    rooms = Quarterly(office.engine, office.clock)
    own, for_another = rooms.report("searches", "2026-Q1", "salem-pd", OPERATOR, "here").rows
    assert dict(zip(FIELDS, own.row(), strict=True)) == {
        "request": "own search, ledger entry 10",
        "requested_at": FEBRUARY,
        "matches": 4,
        "database": "licence plate reads",
        "requester_name": "Officer jdoe",
        "requester_position": "Sergeant",
        "requester_agency": "salem-pd title",
        "reason": "wrongdoing: Seen at the bank twice",
        "suspected_crime": "robbery",
        "entity_asked": "central repository",
        "characteristics": "plate: 1ABC23",
    }
    assert for_another.request.startswith("request 1: =HYPERLINK")
    assert (for_another.requester_name, for_another.requester_agency) == ("Ann Poe", "Essex County")
    assert (for_another.matches, for_another.suspected_crime) == (0, "arson")
    assert for_another.requested_at == datetime(2026, 2, 9, 8, tzinfo=UTC)
    assert for_another.entity_asked == "salem-pd title"
    assert len(rooms.report("searches", "2026-Q1", None, OPERATOR, "here").rows) == 3
    entry = recorded(office.engine)[-1]
    assert (entry["action"], entry["count"]) == ("audits.quarterly", 3)


@pytest.mark.policy("F-quarterly")
def test_as_a_table_it_reads_back_and_holds_no_formula(small_office: Office) -> None:
    office = small_office
    officer = office.hire("jdoe", Role.OFFICER)
    run(office, officer, 11, FEBRUARY, request_id=asked(office, officer))
    office.clock.time = datetime(2026, 4, 2, tzinfo=UTC)
    found = Quarterly(office.engine, office.clock).report(
        "searches", "2026-Q1", "salem-pd", OPERATOR, "here"
    )
    header, row = csv.reader(io.StringIO(found.as_csv(), newline=""))
    assert tuple(header) == FIELDS
    cells = dict(zip(header, row, strict=True))
    assert cells["reason"] == f"'{FORMULA}"
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row)
    paper = PdfReader(io.BytesIO(found.as_paper()))
    words = "".join(page.extract_text() for page in paper.pages)
    assert "Ann Poe" in words
    assert "not a public record" in words


def test_searches_from_before_each_was_kept_whole_are_reported_too(small_office: Office) -> None:
    office = small_office
    officer = office.hire("jdoe", Role.OFFICER)
    index = office.search(officer)
    request = {
        "criteria": {"plate": "1ABC23", "state": "MA"},
        "purpose": {"purpose": "wrongdoing", "facts": "Seen at the bank"},
    }
    with office.engine.begin() as connection:
        case_id = files.open_case(connection, officer, "24-1", FEBRUARY)
        looked = {"picture": {}, "purpose": {}}
        for at, what in ((index, request), (index + 1, looked), (index + 2, request)):
            connection.exec_driver_sql(
                "INSERT INTO case_searches (ledger_index, case_id, user_id, searched_at, request, "
                "returned) VALUES (?, ?, ?, ?, ?, 2)",
                (at, case_id, officer.id.hex, "2026-02-10 15:00:00.000000", json.dumps(what)),
            )
    run(office, officer, index + 2, FEBRUARY)
    office.clock.time = datetime(2026, 4, 2, tzinfo=UTC)
    only, since = (
        Quarterly(office.engine, office.clock)
        .report("searches", "2026-Q1", "salem-pd", OPERATOR, "here")
        .rows
    )
    assert only.characteristics == "plate: 1ABC23; state: MA"
    assert (only.matches, only.requester_position) == (2, "Sergeant")
    assert since.request == f"own search, ledger entry {index + 2}"


@pytest.mark.policy("F-quarterly")
def test_a_running_quarter_is_shown_so_far_and_never_as_its_report(small_office: Office) -> None:
    office = small_office
    officer = office.hire("jdoe", Role.OFFICER)
    office.clock.time = datetime(2026, 3, 1, 12, tzinfo=UTC)
    rooms = Quarterly(office.engine, office.clock)
    for index, at in enumerate((FEBRUARY, datetime(2026, 3, 1, 11, tzinfo=UTC))):
        run(office, officer, 10 + index, at)
    shown = rooms.report("searches", "2026-Q1", None, OPERATOR, "here", so_far=True)
    said = "UNFINISHED: 2026-Q1 still runs. This is what was documented so far, until 2026-03-01 12"
    assert shown.notice.startswith(said)
    rows = list(csv.DictReader(io.StringIO(shown.as_csv(), newline="")))
    assert [row[SO_FAR] for row in rows] == ["2026-03-01T12:00:00+00:00"] * 2
    told = json.loads(shown.as_json())
    assert (told["finished"], told["so_far_until"]) == (False, "2026-03-01T12:00:00+00:00")
    assert (told["notice"], len(told["searches"])) == (shown.notice, 2)
    for page in PdfReader(io.BytesIO(shown.as_paper())).pages:
        assert "UNFINISHED" in page.extract_text()
    nothing = rooms.report("faces", "2026-Q1", None, OPERATOR, "here", so_far=True)
    assert nothing.as_csv().startswith(f'"{SO_FAR}"')

    office.clock.time = datetime(2026, 4, 1, tzinfo=UTC)
    with pytest.raises(AuditError, match="is over; have its report"):
        rooms.report("searches", "2026-Q1", None, OPERATOR, "here", so_far=True)
    with pytest.raises(AuditError, match="has not begun"):
        rooms.report("searches", "2026-Q2", None, OPERATOR, "here", so_far=True)
    final = rooms.report("searches", "2026-Q1", None, OPERATOR, "here")
    assert SO_FAR not in final.as_csv()
    whole = json.loads(final.as_json())
    assert (whole["finished"], whole["so_far_until"], whole["notice"]) == (True, None, None)
    (sealed,) = (each for each in recorded(office.engine) if each["action"] == "audits.quarterly")
    assert sealed["result_digest"] == hashlib.sha256(final.as_csv().encode()).hexdigest()
    looks = [each for each in recorded(office.engine) if each["action"] == "audits.quarter_so_far"]
    assert [each["outcome"] for each in looks] == ["done", "done", "refused", "refused"]


def test_a_person_reports_their_own_agency_and_an_unfinished_quarter_is_refused(
    small_office: Office,
) -> None:
    office = small_office
    rooms = Quarterly(office.engine, office.clock)
    auditor, officer = office.hire("kmiles", Role.AUDITOR), office.hire("jdoe", Role.OFFICER)
    security = office.hire("ksec", Role.SECURITY_OFFICER)
    rooms.allow(auditor, "searches", "2026-Q1", "salem-pd", "here")
    rooms.allow(security, "searches", "2026-Q1", None, "here")
    with pytest.raises(NotAllowedError):
        rooms.allow(officer, "searches", "2026-Q1", "salem-pd", "here")
    for theirs, said in (("boston-pd", "not known"), (None, "agency: missing; name salem-pd")):
        with pytest.raises(AuditError, match=said):
            rooms.allow(auditor, "searches", "2026-Q1", theirs, "here")
    for quarter, said in (("2026-Q1", "not over"), ("soon", "such as 2026-Q1")):
        with pytest.raises(AuditError, match=said):
            rooms.report("searches", quarter, "salem-pd", OPERATOR, "here")
    with pytest.raises(AuditError, match="'nowhere': not known"):
        rooms.report("searches", "2025-Q4", "nowhere", OPERATOR, "here")
    assert [each["outcome"] for each in recorded(office.engine)] == ["refused"] * 6
