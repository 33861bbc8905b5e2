"""Roles on a real PostgreSQL: every part works under its own, with no more rights than it needs."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from repository.accounts import disuse, oidc_state, oidc_subjects, training, user_review
from repository.accounts import users as account_rows
from repository.accounts.api_tokens import Scope
from repository.accounts.api_tokens_desk import Wanted
from repository.accounts.bulletins import About
from repository.accounts.login_requests import Form
from repository.accounts.oidc_settings import OidcSettings
from repository.accounts.people import People
from repository.accounts.roles import Role
from repository.accounts.service import Accounts
from repository.accounts.sessions import Opening
from repository.accounts.user import User
from repository.audits import drawing
from repository.audits.desk import AuditDesk
from repository.audits.face_register import FaceRegister
from repository.audits.private_plates import PrivatePlates
from repository.audits.settings import AuditSettings
from repository.cases.disseminations import Dissemination
from repository.cases.evidence.make import EvidenceDesk
from repository.cases.evidence.verify import verify as verify_package
from repository.cases.service import CaseFiles
from repository.ingest.take import Ingest
from repository.ledger import log
from repository.ledger.service import Ledger
from repository.retention import purge
from repository.search.asking import SearchRequest
from repository.search.service import Searches
from repository.store.ahead import ensure_coming_days
from repository.store.keyfiles import public_pem
from repository.store.tables.accounts import users
from repository.store.tables.fleet import agencies
from tests.repository.cases.evidence_site import CASE, PROSECUTOR, EvidenceSite, jpeg
from tests.repository.ingest.conftest import BOUNDS, load_duties
from tests.repository.people import (
    CHEAP,
    FACTORS_KEY,
    OPERATOR,
    Clock,
    CommandLine,
    hire,
    open_session,
    sign_agreement,
)
from tests.repository.picture_files import pictures_in
from tests.repository.sender import PICTURE, Sender
from tests.repository.sightings import FOLD, RULE
from tests.repository.store.roles_site import A_YEAR_ON, ENTRY, KEY, NOW, ORIGIN, Site, signer
from tests.repository.store.roles_site import entry as entry
from tests.repository.store.roles_site import own_site as own_site
from tests.repository.store.roles_site import site as site


@pytest.fixture
def pictures_key() -> bytes:
    return secrets.token_bytes(32)


@pytest.mark.policy("C-7b")
def test_the_whole_program_works_under_these_roles(
    site: Site, tmp_path: Path, pictures_key: bytes
) -> None:
    """Sign-in, ingest, search, checkpoint and purge, each under its own."""
    pictures = pictures_in(tmp_path / "pictures", pictures_key)
    unit = Sender(agency="salem-pd")
    unit.enrol(site.of("jobs"), NOW)

    sign_agreement(site.of("jobs"), "salem-pd", NOW)
    accounts = Accounts(site.of("accounts"), lambda: NOW, FACTORS_KEY, CHEAP)
    hire(accounts, "jdoe")
    session = open_session(accounts)
    for statement in ("UPDATE acknowledgements SET name = ''", "DELETE FROM acknowledgements"):
        assert "permission denied" in site.refused("accounts", statement)
    officer = accounts.user_of(session.token, "10.0.0.7")

    old = NOW - timedelta(days=40)  # a day that nobody made ahead
    reads = [unit.read(at, plate="1ABC20", pictures=[PICTURE]) for at in (old, NOW)]
    hit = unit.hit(NOW, reads[1].id)
    taking = Ingest(
        site.of("ingest"), pictures, Ed25519PrivateKey.generate(), load_duties, FOLD,
        lambda: NOW, BOUNDS,
    )  # fmt: skip
    taken = taking.take(unit.topic(), unit.message(*reads, hit))
    assert taken.reply is not None
    taking.take(unit.topic("picture", reads[0].pictures[0].sha256), PICTURE)

    question = SearchRequest(
        plate="1ABC20",
        start=(NOW - timedelta(days=50)).isoformat(),
        end=(NOW + timedelta(hours=1)).isoformat(),
        purpose="criminal_investigation",
        facts="Blue sedan left the robbery on Essex Street at 21:40, plate given by a clerk",
        case_number="24-1187",
        affirmed=True,
    )
    searches = Searches(site.of("web"), lambda: NOW + timedelta(hours=1), FOLD, RULE)
    found = searches.search(officer, replace(question), "10.0.0.7")
    assert [each.read_id for each in found.reads] == [reads[1].id, reads[0].id]

    signer(site).sign_checkpoint()
    with site.of("jobs").begin() as connection:
        ensure_coming_days(connection, NOW.date() + timedelta(days=30))
    later = A_YEAR_ON + timedelta(days=40)
    confirmed = purge.Confirmation(later.date(), None)
    done = purge.run(site.of("jobs"), pictures, load_duties, now=later, confirmed=confirmed)
    assert done.reads_purged == 2
    assert Ledger(site.of("ledger"), ORIGIN, KEY.public_key(), lambda: NOW).verify().ok
    with site.of("owner").begin() as connection:
        assert connection.scalar(select(users.c.login)) == "jdoe"


def test_people_are_administered_under_the_role_of_accounts(site: Site) -> None:
    people = People(Accounts(site.of("accounts"), lambda: NOW, FACTORS_KEY, CHEAP))
    with site.of("owner").begin() as connection:
        row = {"name": "lynn-pd", "title": "Lynn Police", "created_at": NOW}
        connection.execute(insert(agencies).values(**row))
    form = Form("R. Roe", "Officer", "lynn-pd", "978-555-0100", "rroe@lynn.example.gov", "Patrol")
    number = people.ask_for_login(form, "10.0.0.9")
    people.grant_login(
        OPERATOR, number, "rroe", [Role.OFFICER], "Patrol", "here", current_employee=True
    )
    people.accounts.set_roles("rroe", [Role.OFFICER, Role.AUDITOR], OPERATOR, "here")
    made = people.record_training(OPERATOR, "rroe", "First", "Sgt. Poe", NOW.date(), "here")
    people.strike_training(OPERATOR, made.id, "Another person", "here")
    bulletin = people.publish_bulletin(
        OPERATOR, About.LAW, "New law", "Read this", "here", agency="lynn-pd"
    )
    with site.of("accounts").begin() as connection:
        found = account_rows.find(connection, "rroe")
    assert found is not None
    people.acknowledge_bulletin(found.user, bulletin, "here")
    for name, role in (("rep", Role.REPRESENTATIVE), ("head", Role.AGENCY_HEAD)):
        people.accounts.add(name, "Named", "lynn-pd", OPERATOR, "here", roles=[role])
    review = people.open_user_review(OPERATOR, "here", agency="lynn-pd")
    with site.of("accounts").begin() as connection:
        signers = [account_rows.find(connection, name) for name in ("rep", "head")]
    representative, head = (each.user for each in signers if each is not None)
    signed = people.sign_review_as_representative(representative, review, ["rep", "head"], "here")
    assert people.certify_review_as_head(head, review, signed, "here") == ["rroe"]
    with site.of("jobs").begin() as connection:
        training.remind(connection, NOW)
        user_review.remind(connection, NOW)
    late = replace(people.accounts, now=lambda: NOW + timedelta(days=91))
    assert {"head", "rep"} <= set(disuse.close_unused(late))
    for role in ("web", "jobs"):
        statement = "UPDATE users SET roles = 'operator'"
        assert "permission denied" in site.refused(role, statement)
    for table in ("trainings", "login_requests", "user_reviews", "bulletins"):
        for role in ("accounts", "web"):
            statement = f"DELETE FROM {table}"  # noqa: S608
            assert "permission denied" in site.refused(role, statement)


def test_sessions_and_tokens_live_under_the_role_of_accounts(site: Site) -> None:
    accounts = Accounts(site.of("accounts"), lambda: NOW, FACTORS_KEY, CHEAP)
    with site.of("owner").begin() as connection:
        row = {"name": "hull-pd", "title": "Hull Police", "created_at": NOW}
        connection.execute(insert(agencies).values(**row))
    accounts.add("sroe", "S. Roe", "hull-pd", OPERATOR, "here", roles=[Role.ALPR_ADMINISTRATOR])
    with site.of("accounts").begin() as connection:
        found = account_rows.find(connection, "sroe")
        assert found is not None
        account_rows.lock(connection, found.user.id)
        opened = [
            accounts.begin_session(connection, found.user, Opening(each)).token
            for each in ("10.0.0.7", "10.0.0.8")
        ]
        begun = oidc_state.begin(FACTORS_KEY(), "hull-pd", NOW, bytes)
        oidc_state.spend(connection, begun, NOW)
        chosen = OidcSettings(
            agency="hull-pd", issuer="https://login.hull.example", client_id="plateward",
            client_secret_file=Path("secret"), required_amr=("mfa",),
        )  # fmt: skip
        for subject, theirs in (("42", True), ("42", True), ("43", False)):
            who = (found.user.id, chosen, subject, NOW)
            assert oidc_subjects.is_theirs(connection, *who) is theirs
    with pytest.raises(IntegrityError), site.of("accounts").begin() as connection:
        oidc_state.spend(connection, begun, NOW)
    for token, origin in zip(opened, ("10.0.0.7", "10.0.0.8"), strict=True):
        accounts.in_session(token, origin)
    assert len(accounts.shared_uses(found.user, "here")) == 1
    made = accounts.make_token(Wanted("rms", "sroe", ["ledger:read"], 30), found.user, "here")
    accounts.service_of(made.token, Scope.LEDGER_READ, "here")
    accounts.remind_of_tokens()
    accounts.revoke_token(made.id, found.user, "here")
    assert accounts.end_sessions_of("sroe", found.user, "here") == 2
    for role in ("web", "ingest", "ledger"):
        for table in ("sessions", "api_tokens", "shared_uses", "oidc_sign_ins", "oidc_subjects"):
            assert "permission denied" in site.refused(role, f"TABLE {table}")
    assert "permission denied" in site.refused("accounts", "DELETE FROM api_tokens")


@pytest.mark.policy("F-audit")
def test_an_audit_is_conducted_over_the_web_and_drawn_by_the_jobs(site: Site) -> None:
    user = User(
        uuid.uuid4(), "kmiles", "Kim Miles", 0, "audit-pd", must_change_password=False,
        roles=frozenset({Role.AUDITOR, Role.INVESTIGATOR}), position="Sergeant",
    )  # fmt: skip
    row = {"name": "audit-pd", "title": "Audit", "created_at": NOW - timedelta(days=90)}
    with site.of("jobs").begin() as connection:
        adding = insert(agencies).values(row).returning(agencies.c.id)
        user = replace(user, agency_id=connection.execute(adding).scalar_one())
    with site.of("accounts").begin() as connection:
        account_rows.add(connection, user, "no hash", NOW)
    with site.of("web").begin() as connection:
        log.append(connection, replace(ENTRY, actor=user.actor, at=NOW - timedelta(days=3)))
    desk = AuditDesk(site.of("web"), lambda: NOW, AuditSettings())
    period = (NOW - timedelta(days=9), NOW)
    number = desk.start(user, "audit-pd", *period, "a complaint", "10.0.0.7")
    signer(site).sign_checkpoint()
    assert number in drawing.draw_due(site.of("jobs"), 3, NOW)
    assert desk.show(user, number, "10.0.0.7").audit.searches == 1
    found = desk.find(user, number, "no case", NOW.date(), "10.0.0.7")
    desk.follow_up(user, found, "it has one", "10.0.0.7")
    PrivatePlates(site.of("web"), lambda: NOW, lambda: bytes(32)).register(user, "1ABC23", "web")
    FaceRegister(site.of("web"), lambda: NOW).list(user, "10.0.0.7")
    for statement in ("DELETE FROM audits", "DELETE FROM audit_samples", "UPDATE audit_papers "
                      "SET content = ''", "UPDATE audit_counts SET number = 0"):  # fmt: skip
        assert "permission denied" in site.refused("web", statement)


def test_an_auditor_verifies_proves_and_reports_and_sees_nothing_else(
    site: Site, entry: int, tmp_path: Path
) -> None:
    line = CommandLine.__new__(CommandLine)
    line.folder, line.settings = tmp_path, tmp_path / "repository.toml"

    def become(role: str) -> None:
        address = site.of(role).url.render_as_string()
        line.settings.write_text(
            f'data = "data"\ndatabase = "{address}"\n[ledger]\norigin = "{ORIGIN}"\n'
        )

    with site.of("jobs").begin() as connection:
        row = {"name": "saugus-pd", "title": "Saugus Police", "created_at": NOW}
        connection.execute(insert(agencies).values(row))
    signer(site).sign_checkpoint()
    key = tmp_path / "data" / "keys" / "ledger.pub"
    key.parent.mkdir(parents=True)
    key.write_bytes(public_pem(KEY.public_key()))
    become("ledger")
    assert "the ledger is whole" in line.ok("ledger", "verify")
    assert "proven under" in line.ok("ledger", "prove", str(entry))
    window = ("--from", "2026-01-01", "--to", "2027-01-01")
    assert "transactions" in line.ok("audits", "transactions", "--agency", "saugus-pd", *window)
    for role, words in (
        ("ledger", ("db", "counts")),
        ("web", ("purge", "--now")),
        ("jobs", ("init",)),
    ):
        become(role)
        said = line.refused(*words)
        assert "this database user may not do that" in said
        assert said.count("\n") == 1
    assert not key.with_name("receipts.pem").exists()


@pytest.mark.policy("M-V-B2")
def test_the_web_adds_to_case_files_and_changes_nothing_in_them(
    own_site: Site, tmp_path: Path
) -> None:
    site, clock = own_site, Clock()
    row = {"name": "salem-pd", "title": "Salem Police", "ori": None, "created_at": clock()}
    with site.of("owner").begin() as connection:
        connection.execute(insert(agencies).values(row))
    user = hire(Accounts(site.of("owner"), clock, FACTORS_KEY, CHEAP), "jdoe")
    held = EvidenceSite(site.of("owner"), clock, user, tmp_path)
    read = held.take(jpeg())
    held.search()
    held.hold(read.id)
    ledger = Ledger(site.of("web"), ORIGIN, KEY.public_key(), clock)
    desk = EvidenceDesk(site.of("web"), clock, held.store, ledger, signer(site))
    assert verify_package(desk.make(user, held.ask(read), "here").content).wrong is None
    case_files = CaseFiles(site.of("web"), clock, load_duties)
    case_files.note(user, CASE, "Owner interviewed", "here")
    given = Dissemination.of(PROSECUTOR, "Printed search result", [str(read.id)])
    case_files.disseminate(user, CASE, given, "here")
    today = clock().date()
    case_files.dispose(user, CASE, on=today, disposition="Dismissed", origin="here")
    assert len(case_files.show("salem-pd", CASE, user, "here").events) == 4
    for role in ("web", "jobs"):
        for statement in ("UPDATE case_events SET kind = 'note'", "DELETE FROM case_events"):
            assert "permission denied" in site.refused(role, statement)
