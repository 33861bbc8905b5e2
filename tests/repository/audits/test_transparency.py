"""The public report: numbers that give nobody away."""

from __future__ import annotations

import io
import uuid
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader
from sqlalchemy import delete, insert

from repository.accounts.roles import Role
from repository.accounts.user import User
from repository.audits import transparency
from repository.audits.errors import AuditError
from repository.audits.transparency import AUDITS, FACES, SEARCHES, Line, Transparency
from repository.cases import files
from repository.store.tables.audits import face_requests
from repository.store.tables.search import search_runs
from tests.repository.audits.office import FEBRUARY, Office
from tests.repository.people import OPERATOR, recorded

APRIL = datetime(2026, 4, 2, tzinfo=UTC)
PURPOSES = ("wrongdoing", "safety_concern", "court_order")


def fill(office: Office, user: User, purposes: list[str], secrets: dict[str, str]) -> None:
    """So many searches, each with all that must not come out."""
    with office.engine.begin() as connection:
        connection.execute(delete(search_runs).where(search_runs.c.user_id == user.id))
        case_id = files.open_case(connection, user, "24-1", FEBRUARY)
        first = user.agency_id * 10_000
        rows = [
            {
                "ledger_index": first + number, "agency_id": user.agency_id, "case_id": case_id,
                "user_id": user.id, "user_name": secrets["name"],
                "user_position": secrets["position"], "searched_at": FEBRUARY, "kind": "search",
                "database": "reads", "characteristics": secrets["plate"], "purpose": purpose,
                "facts": secrets["place"], "offence": "arson", "returned": 1,
            }
            for number, purpose in enumerate(purposes)
        ]  # fmt: skip
        if rows:
            connection.execute(insert(search_runs), rows)


def release(office: Office, smallest: int = 5) -> list[Line]:
    office.clock.time = APRIL
    return Transparency(office.engine, office.clock, smallest).release("2026-Q1", OPERATOR, "here")


def of(lines: list[Line], what: str, agency: str = "salem-pd") -> dict[str, int | None]:
    return {each.kind: each.number for each in lines if (each.what, each.agency) == (what, agency)}


@pytest.mark.policy("G-13")
def test_it_holds_numbers_and_hides_the_small_ones(office: Office) -> None:
    officer = office.hire("jdoe", Role.OFFICER)
    other = office.hire("roe", Role.OFFICER, agency="boston-pd")
    secrets = {"name": "N", "position": "P", "plate": "1ABC23", "place": "42.5195"}
    fill(
        office, officer, ["wrongdoing"] * 20 + ["court_order"] * 2 + ["safety_concern"] * 9, secrets
    )
    fill(office, other, ["wrongdoing"] * 4, secrets)
    face = {
        "agency_id": 1, "requested_at": FEBRUARY, "requester_name": "N",
        "requester_position": "P", "entity": "fbi", "database_searched": "d",
        "basis": "deceased", "case_number": "1", "reason": "r", "suspected_crime": "c",
        "characteristics": "c", "request": "r", "request_sha256": "0" * 64,
        "recorded_by": officer.id, "recorded_at": FEBRUARY,
    }  # fmt: skip
    with office.engine.begin() as connection:
        connection.execute(insert(face_requests), [face] * 6)
    office.clock.time = datetime(2026, 2, 20, tzinfo=UTC)
    office.tend()
    lines = release(office)
    assert of(lines, SEARCHES) == {
        "all": 31, "court_order": None, "safety_concern": None, "wrongdoing": 20,
    }  # fmt: skip
    assert of(lines, SEARCHES, "boston-pd") == {"all": None, "wrongdoing": None}
    assert of(lines, FACES) == {"all": 6, "fbi": 6}
    assert of(lines, AUDITS) == {"not signed off": 1}
    table = transparency.as_csv(lines).splitlines()
    assert table[0] == '"quarter","agency","what","kind","number","hidden"'
    assert '"2026-Q1","boston-pd","searches by purpose","wrongdoing",,yes' in table
    entry = recorded(office.engine)[-1]
    assert (entry["action"], entry["count"]) == ("transparency.release", len(lines))
    with pytest.raises(AuditError, match="not over"):
        Transparency(office.engine, office.clock, 5).release("2026-Q2", OPERATOR, "here")


TOKENS = st.text(alphabet="ABCDEFGHJKLMNPQRSTUVWXYZ0123456789", min_size=6, max_size=10)


@pytest.mark.policy("G-13")
@pytest.mark.policy("F-commercial")
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.sampled_from(PURPOSES), max_size=30),
    st.fixed_dictionaries(
        {key: TOKENS.map("secret {}".format) for key in ("name", "position", "plate", "place")}
    ),
)
def test_nothing_of_the_store_is_in_it_but_numbers(
    small_office: Office, purposes: list[str], secrets: dict[str, str]
) -> None:
    office = small_office
    officer = office.hire(f"u{uuid.uuid4().hex[:8]}", Role.OFFICER)
    with office.engine.begin() as connection:
        connection.execute(delete(search_runs))
    fill(office, officer, purposes, secrets)
    lines = release(office)
    paper = PdfReader(io.BytesIO(transparency.as_paper("2026-Q1", lines, 5)))
    shown = "".join(page.extract_text() for page in paper.pages)
    shown += transparency.as_csv(lines) + transparency.as_json(lines, 5)
    kept: tuple[Any, ...] = (*secrets.values(), officer.login, officer.name, str(officer.id))
    for secret in kept:
        assert secret not in shown
        assert secret.removeprefix("secret ") not in shown
    counts = Counter(purposes)
    for kind, number in of(lines, SEARCHES).items():
        if number is not None:
            assert number == (len(purposes) if kind == "all" else counts[kind])
            assert number >= 5
    hidden = [kind for kind, number in of(lines, SEARCHES).items() if number is None]
    assert len(hidden) != 1  # one alone could be worked out from the rest
