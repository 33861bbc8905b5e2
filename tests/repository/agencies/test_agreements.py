"""An agency's head signs before its people search, and anew when something changes (G-4)."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Engine, select, text

from repository import business_days
from repository.accounts.errors import NotAllowedError
from repository.accounts.roles import Role
from repository.accounts.service import Accounts
from repository.agencies import agreements, agreements_duties
from repository.agencies.acts import Acts
from repository.agencies.agreements_desk import AgreementDesk
from repository.agencies.agreements_papers import MAX_BYTES, Papers
from repository.agencies.errors import AgencyError
from repository.agencies.representatives import Post
from repository.store import migrate
from repository.store.engine import open_engine, reading
from repository.store.tables.agreements import papers
from repository.store.tables.fleet import agencies
from repository.units import enrolment
from repository.units.enrolment import EnrolmentError
from repository.units.findings import list_findings
from tests.repository.agencies.office import (
    ON_SQLITE,
    SCAN,
    TEXT,
    employ,
    open_findings,
    person,
    signing,
)
from tests.repository.people import PAPERS, Clock, recorded

MONDAY = date(2026, 3, 2)


@pytest.fixture
def desk(engine: Engine, clock: Clock, accounts: Accounts) -> AgreementDesk:
    """A Monday morning; two agencies whose heads have signed nothing yet."""
    clock.pass_(days=1)
    return AgreementDesk(Acts(engine, clock), PAPERS)


def in_force(engine: Engine, now: datetime, agency_id: int = 1) -> bool:
    with reading(engine) as connection:
        return agreements.in_force(connection, agency_id, now)


def look(engine: Engine, clock: Clock, *, suspend: bool = False) -> None:
    with engine.begin() as connection:
        agreements_duties.look(connection, clock(), suspend=suspend)


def sign(desk: AgreementDesk, day: date, **changed: Any) -> agreements.Agreement:
    return desk.sign(None, "salem-pd", signing(day, **changed), "here", kind="law_enforcement")


@pytest.mark.policy("G-4")
def test_no_agency_has_access_before_its_head_has_signed(
    desk: AgreementDesk, engine: Engine, clock: Clock
) -> None:
    assert not in_force(engine, clock())
    look(engine, clock)
    assert open_findings(engine, "agreement_missing") == ["agency boston-pd", "agency salem-pd"]
    signed = sign(desk, MONDAY)
    assert in_force(engine, clock())
    assert not in_force(engine, clock() - timedelta(days=1))
    assert not in_force(engine, clock(), agency_id=2)
    look(engine, clock)
    assert open_findings(engine, "agreement_missing") == ["agency boston-pd"]
    said = recorded(engine)[-1]
    assert (said["action"], said["outcome"]) == ("agreement.sign", "done")
    assert said["request"]["copy_sha256"] == hashlib.sha256(SCAN).hexdigest()
    assert said["request"]["agreement"] == signed.id


@ON_SQLITE
@pytest.mark.policy("G-4")
def test_signed_copies_are_kept_sealed_and_older_ones_stay(
    desk: AgreementDesk, engine: Engine
) -> None:
    first, second = sign(desk, date(2026, 2, 2)), sign(desk, MONDAY, version="2026-2")
    shown = desk.show(None, "salem-pd", "here")
    assert [each.version for each in shown.agreements] == ["2026-1", "2026-2"]
    for each, content in ((first, TEXT + b"2026-1"), (second, TEXT + b"2026-2")):
        assert desk.paper(None, "salem-pd", each.id, "text", "here") == content
        assert desk.paper(None, "salem-pd", each.id, "copy", "here") == SCAN
        assert each.text_sha256 == hashlib.sha256(content).hexdigest()
    with reading(engine) as connection:
        kept = connection.scalars(select(papers.c.sealed)).all()
    assert len(kept) == 3  # two texts, and one copy that was handed in twice
    assert not any(TEXT in each or SCAN in each for each in kept)
    stranger = AgreementDesk(desk.acts, Papers(lambda: bytes(32), secrets.token_bytes))
    with pytest.raises(AgencyError, match="does not open"):
        stranger.paper(None, "salem-pd", first.id, "copy", "here")
    with pytest.raises(AgencyError, match="not one of agency boston-pd"):
        desk.paper(None, "boston-pd", first.id, "copy", "here")


@pytest.mark.policy("G-4")
@pytest.mark.policy("G-16")
def test_a_new_head_signs_anew_within_ten_business_days(
    desk: AgreementDesk, engine: Engine, clock: Clock
) -> None:
    desk.name(None, "salem-pd", Post.HEAD, person(), date(2026, 1, 5), "here")
    sign(desk, MONDAY)
    successor = person("Sam Poe")
    _, due_on = desk.name(None, "salem-pd", Post.HEAD, successor, MONDAY, "here")
    assert due_on == date(2026, 3, 16)
    look(engine, clock)
    assert open_findings(engine, "agreement_due") == ["agency salem-pd"]
    assert open_findings(engine, "agreement_late") == []
    clock.pass_(days=14)  # the last day
    look(engine, clock, suspend=True)
    assert open_findings(engine, "agreement_late") == []
    clock.pass_(days=1)
    look(engine, clock)
    assert open_findings(engine, "agreement_late") == ["agency salem-pd"]
    assert open_findings(engine, "agreement_due") == []
    assert desk.show(None, "salem-pd", "here").agency.access is None
    with pytest.raises(AgencyError, match="on record as the agency's head is Sam Poe"):
        sign(desk, date(2026, 3, 17))
    sign(desk, date(2026, 3, 17), by="sam  poe")
    look(engine, clock)
    assert open_findings(engine, "agreement_late") == []
    assert desk.dues(None, "here") == []


@ON_SQLITE
@pytest.mark.policy("G-4")
@pytest.mark.policy("G-19")
def test_access_ends_by_itself_where_the_settings_say_so(
    desk: AgreementDesk, engine: Engine, clock: Clock
) -> None:
    sign(desk, MONDAY)
    desk.require_anew(None, None, "Section 9 amended", "here")
    clock.pass_(days=15)
    for _ in range(2):
        look(engine, clock, suspend=True)
    assert desk.show(None, "salem-pd", "here").agency.access == "suspended"
    assert desk.show(None, "boston-pd", "here").agency.access is None
    (said,) = [each for each in recorded(engine) if each["action"] == "agency.suspend"]
    assert said["actor"]["user_id"] == "system"
    assert "to sign the agreement by 2026-03-16" in said["request"]["reason"]


@ON_SQLITE
@pytest.mark.policy("G-4")
@pytest.mark.policy("G-16")
@pytest.mark.parametrize(
    ("post", "anew"),
    [
        (Post.REPRESENTATIVE, True),
        (Post.BACKUP_REPRESENTATIVE, True),
        (Post.TECHNICAL_REPRESENTATIVE, True),
        (Post.ALPR_ADMINISTRATOR, False),
    ],
)
def test_a_changed_representative_has_the_head_sign_anew(
    desk: AgreementDesk, post: Post, anew: bool
) -> None:
    desk.name(None, "salem-pd", Post.HEAD, person(), date(2026, 1, 5), "here")
    sign(desk, date(2026, 2, 27))
    _, first = desk.name(None, "salem-pd", post, person("A. Poe"), date(2026, 1, 5), "here")
    moved = person("A. Poe", phone="978-555-0199")
    _, same = desk.name(None, "salem-pd", post, moved, MONDAY, "here")
    assert (first, same) == (None, None)
    _, due_on = desk.name(None, "salem-pd", post, person("B. Roe"), MONDAY, "here")
    assert (due_on is not None) == anew
    _, due_on = desk.vacate(None, "salem-pd", post, MONDAY, "here")
    assert (due_on is not None) == anew
    sign(desk, date(2026, 2, 28))  # before the change: it settles nothing
    assert len(desk.dues(None, "here")) == (2 if anew else 0)
    sign(desk, MONDAY)
    assert desk.dues(None, "here") == []


@pytest.mark.policy("G-4")
def test_agencies_of_a_filled_store_go_on_and_are_to_sign(sqlite_dsn: str) -> None:
    engine = open_engine(sqlite_dsn)
    with engine.begin() as connection:
        config = migrate._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0015")
        insert = "INSERT INTO agencies (name, title, created_at) VALUES ('old-pd', 'Old', :at)"
        connection.execute(text(insert), {"at": "2025-03-01 12:00:00+00:00"})
    migrate.upgrade(engine)
    now = datetime.now(UTC)
    with engine.begin() as connection:
        (due,) = agreements.open_dues(connection)
        assert agreements.in_force(connection, due.agency_id, now)
        enrolment.add_agency(connection, name="new-pd", title="New", ori=None, now=now)
        new = enrolment.require_agency(connection, "new-pd")
        assert not agreements.in_force(connection, new.id, now)
        agreements_duties.look(connection, now + timedelta(days=30), suspend=False)
        late = {each.subject for each in list_findings(connection) if "late" in each.kind}
    assert (due.agency, due.cause) == ("old-pd", "not_on_file")
    assert due.due_on == business_days.add(due.arose_on, 10)
    assert late == {"agency old-pd"}
    engine.dispose()


@ON_SQLITE
@pytest.mark.policy("G-4")
def test_what_is_no_signed_agreement_is_refused(
    desk: AgreementDesk, engine: Engine, clock: Clock
) -> None:
    good = signing(MONDAY)
    for wrong, said in (
        ({"copy": b"signed, believe me"}, "expected a PDF, or a scan"),
        ({"copy": b""}, "expected a PDF, or a scan"),
        ({"copy": b"%PDF-" + bytes(MAX_BYTES)}, "bytes; expected 1 to"),
        ({"text": b" \n"}, "the file is empty"),
        ({"text": b"\xff\xfe\xfd"}, "plain text in UTF-8"),
        ({"signed_by": " "}, "signed by: needs"),
        ({"signed_as": "a\nb\x00"}, "title: needs"),
        ({"version": "x" * 101}, "version: needs"),
        ({"signed_on": date(2026, 3, 3)}, "that day has not come"),
    ):
        with pytest.raises(AgencyError, match=said):
            desk.sign(None, "salem-pd", _changed(good, wrong), "here", kind="law_enforcement")
    with pytest.raises(AgencyError, match="say with --kind"):
        desk.sign(None, "salem-pd", good, "here")
    assert not in_force(engine, clock())
    assert {each["outcome"] for each in recorded(engine)} == {"refused"}
    sign(desk, MONDAY)
    with pytest.raises(AgencyError, match="is newer"):
        sign(desk, date(2026, 2, 27))


def _changed(good: agreements.Signing, wrong: dict[str, Any]) -> agreements.Signing:
    fields = {name: getattr(good, name) for name in good.__slots__}
    return agreements.Signing(**{**fields, **wrong})


@ON_SQLITE
@pytest.mark.policy("F-commercial")
def test_only_agencies_of_criminal_justice_take_part(desk: AgreementDesk, engine: Engine) -> None:
    with pytest.raises(EnrolmentError, match="never sold"):
        desk.sign(None, "salem-pd", signing(MONDAY), "here", kind="private")
    assert recorded(engine)[-1]["outcome"] == "refused"
    with engine.begin() as connection:
        for kind in ("private", "data_broker", ""):
            with pytest.raises(EnrolmentError, match="criminal justice"):
                enrolment.add_agency(
                    connection, name="x", title="X", ori=None, kind=kind, now=desk.acts.now()
                )
        assert connection.scalars(select(agencies.c.name).order_by(agencies.c.id)).all() == [
            "salem-pd", "boston-pd",
        ]  # fmt: skip


@ON_SQLITE
@pytest.mark.policy("G-12")
def test_people_see_their_own_agency_and_only_the_operator_records_a_signature(
    desk: AgreementDesk, engine: Engine
) -> None:
    head = employ(engine, "head", Role.AGENCY_HEAD)
    officer = employ(engine, "jdoe", Role.OFFICER)
    operator = employ(engine, "op", Role.OPERATOR, agency_id=2)
    assert desk.show(head, None, "here").agency.name == "salem-pd"
    for name in ("boston-pd", "nobody-pd"):
        with pytest.raises(AgencyError, match=f"^agency '{name}': not one that you act for$"):
            desk.show(head, name, "here")
    for refused in (
        lambda: desk.show(officer, None, "here"),
        lambda: desk.sign(head, "salem-pd", signing(MONDAY), "here", kind="law_enforcement"),
        lambda: desk.dues(head, "here"),
    ):
        with pytest.raises(NotAllowedError):
            refused()
    desk.sign(operator, "salem-pd", signing(MONDAY), "here", kind="law_enforcement")
    assert recorded(engine)[-1]["actor"]["login"] == "op"
