"""The repository's own state beside an audit of it."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import update

from edge.contract.plates import load_confusables
from repository.accounts.errors import NotAllowedError
from repository.accounts.roles import Role
from repository.audits.errors import AuditError
from repository.audits.inspection import Inspections
from repository.store.ahead import ensure_coming_days
from repository.store.tables.ledger import ledger_entries
from repository.units.findings import raise_finding
from tests.repository.audits.office import Office
from tests.repository.people import recorded
from tests.repository.sender import Sender

START, END = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)


def inspections(office: Office) -> Inspections:
    return Inspections(
        office.engine, office.clock, office.settings, office.ledger,
        lambda: {"ledger": office.ledger.verifier_key()}, load_confusables().fold,
    )  # fmt: skip


@pytest.mark.policy("C-4d")
def test_an_audit_of_the_repository_has_its_state_beside_it(office: Office) -> None:
    security = office.hire("ksec", Role.SECURITY_OFFICER)
    head = office.hire("chief", Role.AGENCY_HEAD)
    unit = Sender(agency="lynn-pd")
    unit.enrol(office.engine, office.clock())
    with office.engine.begin() as connection:
        ensure_coming_days(connection, office.clock().date())
        raise_finding(connection, "clock", None, "Officer Poe said so", office.clock())
    number = office.desk.start(security, None, START, END, "the yearly look", "here")
    of_agency = office.desk.start(security, "boston-pd", START, END, "a tip", "here")
    with pytest.raises(AuditError, match="next checkpoint"):
        inspections(office).inspect(security, number, "here")
    office.sign_and_draw()
    with pytest.raises(AuditError, match="inspect the repository first"):
        office.desk.sign_off(security, number, "clean", "all is well", "here")
    with pytest.raises(AuditError, match="not one of the repository itself"):
        inspections(office).inspect(security, of_agency, "here")
    with pytest.raises(NotAllowedError):
        inspections(office).inspect(head, number, "here")
    titles = inspections(office).inspect(security, number, "here")
    assert titles == ["units", "keys", "versions", "database", "ledger", "findings"]
    papers = {each.title: each for each in office.desk.show(security, number, "here").papers}
    for each in papers.values():
        assert each.sha256 == hashlib.sha256(each.content.encode()).hexdigest()
    content = {title: json.loads(each.content) for title, each in papers.items()}
    assert [each["agency"] for each in content["units"]] == ["lynn-pd"]
    assert content["ledger"]["whole"] is True
    assert [each for each in content["database"] if each["severity"] == "wrong"] == []
    assert content["keys"]["ledger"].startswith("test.example/ledger+")
    assert content["versions"]["schema"] == content["versions"]["schema_of_this_version"]
    assert [each["kind"] for each in content["findings"]] == ["clock"]
    assert "Poe" not in str(content)
    office.desk.sign_off(security, number, "clean", "all is well", "here")
    entries = [each for each in recorded(office.engine) if each["action"] == "audits.inspect"]
    assert [each["outcome"] for each in entries] == ["refused", "refused", "refused", "done"]


@pytest.mark.policy("C-4d")
def test_a_ledger_that_is_not_whole_is_said_in_the_papers(small_office: Office) -> None:
    office = small_office
    security = office.hire("ksec", Role.SECURITY_OFFICER)
    number = office.desk.start(security, None, START, END, "a tip", "here")
    office.sign_and_draw()
    with office.engine.begin() as connection:
        connection.execute(
            update(ledger_entries)
            .where(ledger_entries.c.entry_index == 1)
            .values(root=Ed25519PrivateKey.generate().private_bytes_raw())
        )
    inspections(office).inspect(security, number, "here")
    (paper,) = (
        each for each in office.desk.show(security, number, "here").papers if each.title == "ledger"
    )
    said = json.loads(paper.content)
    assert (said["whole"], said["first_wrong"]) == (False, 1)
