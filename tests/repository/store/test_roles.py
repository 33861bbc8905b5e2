"""Roles on a real PostgreSQL: what each can do, and what none can, whatever it is made to run."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine, MetaData, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from repository.accounts import disuse, oidc_state, training, user_review
from repository.accounts import users as account_rows
from repository.accounts.api_tokens import Scope
from repository.accounts.api_tokens_desk import Wanted
from repository.accounts.bulletins import About
from repository.accounts.login_requests import Form
from repository.accounts.oidc import Challenge
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
from repository.ledger.entry import SYSTEM, Entry
from repository.ledger.service import Ledger
from repository.ledger.signing import Signer
from repository.retention import purge
from repository.search.asking import SearchRequest
from repository.search.service import Searches
from repository.store import migrate, roles
from repository.store.ahead import ensure_coming_days
from repository.store.engine import DatabaseRightsError, open_engine
from repository.store.keyfiles import public_pem
from repository.store.roles import RoleError
from repository.store.tables.accounts import users
from repository.store.tables.fleet import agencies
from repository.store.tables.ledger import ledger_entries, ledger_state
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
from tests.servers import PostgresServer

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
A_YEAR_ON = NOW.replace(year=NOW.year + 1)
ORIGIN = "alpr.example/ledger"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ENTRY = Entry("search.run", SYSTEM, NOW, "test")


def signer(site: Site) -> Signer:
    """What the jobs sign with, over their own connection."""
    return Signer(Ledger(site.of("jobs"), ORIGIN, KEY.public_key(), lambda: NOW), KEY)


@dataclass
class Site:
    """A database that its owner, no superuser, migrated and gave roles; an engine of each."""

    engines: dict[str, Engine]

    def of(self, role: str) -> Engine:
        return self.engines[role]

    def refused(self, role: str, statement: str) -> str:
        """What PostgreSQL says to that role about a statement that it must not run."""

        def run() -> None:
            with self.of(role).begin() as connection:
                connection.execute(text(statement))

        with pytest.raises((DBAPIError, DatabaseRightsError)) as caught:
            run()
        return str(caught.value)


@pytest.fixture(scope="module")
def site(postgres_server: PostgresServer) -> Iterator[Site]:
    with _site(postgres_server) as made:
        yield made


@pytest.fixture
def own_site(postgres_server: PostgresServer) -> Iterator[Site]:
    """A site that no other test has written to."""
    with _site(postgres_server) as made:
        yield made


@contextmanager
def _site(server: PostgresServer) -> Iterator[Site]:
    name = server.create_database()
    address = f"host=127.0.0.1 port={server.port} user=plateward"
    prefix = f"site{secrets.token_hex(3)}"

    def run_as_superuser(*statements: str, database: str = "postgres") -> None:
        with psycopg.connect(f"{address} dbname={database}", autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)  # type: ignore[call-overload]

    def as_(user: str) -> Engine:
        return open_engine(server.dsn(name).replace("plateward@", f"{user}@"))

    run_as_superuser(
        f"CREATE ROLE {prefix}_owner LOGIN CREATEROLE",
        f"ALTER DATABASE {name} OWNER TO {prefix}_owner",
    )
    owner = as_(f"{prefix}_owner")
    migrate.upgrade(owner)
    with owner.begin() as connection:
        ensure_coming_days(connection, NOW.date())
    for _ in range(2):  # again after every upgrade
        with owner.begin() as connection:
            roles.apply(connection, prefix)
    engines = {"owner": owner}
    for role in roles.ROLES:
        user = f"{prefix}_{role}_user"
        run_as_superuser(f"CREATE ROLE {user} LOGIN IN ROLE {prefix}_{role}")
        engines[role] = as_(user)
    yield Site(engines)
    for engine in engines.values():
        engine.dispose()
    server.drop_database(name)


@pytest.fixture
def entry(site: Site) -> int:
    """The index of an entry."""
    with site.of("web").begin() as connection:
        return log.append(connection, ENTRY).index


APPENDERS = ("accounts", "ingest", "jobs", "ledger", "web")


@pytest.mark.policy("C-4c")
@pytest.mark.parametrize("role", [*APPENDERS, "days"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_entries SET action = 'x.y'",
        "DELETE FROM ledger_entries",
        "TRUNCATE ledger_entries",
        "DROP TABLE ledger_entries",
        "ALTER TABLE ledger_entries DISABLE TRIGGER ALL",
        "DELETE FROM ledger_state",
        "DELETE FROM ledger_tiles",
        "UPDATE ledger_checkpoints SET note = ''",
        "DELETE FROM ledger_checkpoints",
        "SET session_replication_role = replica",
    ],
)
def test_nobody_but_the_owner_changes_or_drops_what_is_recorded(
    site: Site, entry: int, role: str, statement: str
) -> None:
    said = site.refused(role, statement)
    assert "permission denied" in said or "must be owner" in said


def test_the_web_cannot_put_a_checkpoint_or_a_witness(site: Site) -> None:
    for statement in (
        "INSERT INTO ledger_checkpoints SELECT 1, leaf, leaf, '', at FROM ledger_entries LIMIT 1",
        "UPDATE ledger_witnesses SET size = 0",
        "DELETE FROM ledger_witnesses",
    ):
        assert "permission denied" in site.refused("web", statement)


@pytest.mark.policy("C-4c")
@pytest.mark.parametrize("role", APPENDERS)
@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE ledger_state SET size = size - 1", "a state that does not follow"),
        ("UPDATE ledger_state SET size = 0, frontier = ''", "a state that does not follow"),
        ("UPDATE ledger_state SET size = size + 1", "a state that does not follow"),
        ("UPDATE ledger_state SET frontier = sha256(frontier)", "a state that does not follow"),
        (
            "INSERT INTO ledger_entries SELECT entry_index + 1000000, action, user_id, agency, at, "
            "body, leaf, root FROM ledger_entries LIMIT 1",
            "an entry that does not follow",
        ),
        (
            "INSERT INTO ledger_entries SELECT (SELECT size FROM ledger_state), action, user_id, "
            "agency, at, body, leaf, root FROM ledger_entries LIMIT 1",
            "an entry that its state does not count",
        ),
        (
            "INSERT INTO ledger_entries SELECT (SELECT size FROM ledger_state), action, user_id, "
            "agency, at, body, root, root FROM ledger_entries LIMIT 1",
            "an entry that does not follow",
        ),
        ("INSERT INTO ledger_tiles VALUES (0, 900, '')", "a tile that does not follow"),
        ("INSERT INTO ledger_tiles VALUES (1, 0, sha256(''))", "a tile that does not follow"),
        (
            "CREATE TEMPORARY TABLE ledger_state AS SELECT * FROM public.ledger_state; "
            "UPDATE ledger_state SET size = 0; UPDATE public.ledger_state SET size = 0",
            "a state that does not follow",
        ),
    ],
)
def test_a_part_that_was_taken_over_can_neither_turn_the_ledger_back_nor_part_it(
    site: Site, entry: int, role: str, statement: str, said: str
) -> None:
    for each in statement.split("; ")[:-1]:
        with site.of(role).begin() as connection:
            connection.execute(text(each))
    assert said in site.refused(role, statement.split("; ")[-1])
    site.of(role).dispose()  # and with it what was made for a session
    assert Ledger(site.of("ledger"), ORIGIN, KEY.public_key(), lambda: NOW).verify().ok


@pytest.mark.policy("C-4c")
def test_an_entry_with_another_root_is_refused(site: Site, entry: int) -> None:
    wrong = text("UPDATE grown SET root = sha256(root)")
    into = text("INSERT INTO ledger_entries SELECT * FROM grown")
    with site.of("web").connect() as connection:
        connection.execute(
            text(
                "CREATE TEMPORARY TABLE grown ON COMMIT DELETE ROWS AS "
                "SELECT * FROM ledger_entries LIMIT 0"
            )
        )
        connection.commit()
        log.append(connection, ENTRY)
        state = connection.execute(select(ledger_state)).one()
        row = connection.execute(
            select(ledger_entries).where(ledger_entries.c.entry_index == state.size - 1)
        ).one()
        connection.rollback()
        connection.execute(
            insert(ledger_entries.to_metadata(MetaData(), name="grown")), row._asdict()
        )
        connection.execute(wrong)
        connection.execute(into)
        values = {"size": state.size, "frontier": state.frontier}
        with pytest.raises(DBAPIError, match="an entry with another root"):
            connection.execute(update(ledger_state).values(values))
    site.of("web").dispose()


@pytest.mark.policy("C-4c")
def test_the_owner_can_turn_the_ledger_back_and_a_checkpoint_finds_it(site: Site) -> None:
    ledger = Ledger(site.of("owner"), ORIGIN, KEY.public_key(), lambda: NOW)
    with site.of("owner").connect() as connection, connection.begin() as transaction:
        state = connection.execute(select(ledger_state)).one()
        log.append(connection, ENTRY)
        transaction.commit()
    held = Signer(ledger, KEY).sign_checkpoint()
    with site.of("owner").connect() as connection:
        outer = connection.begin()
        columns = ledger_entries.c
        row = connection.execute(select(ledger_entries).where(columns.entry_index == state.size))
        last = row.one()
        connection.execute(ledger_entries.delete().where(columns.entry_index == state.size))
        values = {"size": state.size, "frontier": state.frontier}
        connection.execute(update(ledger_state).values(values))
        outer.commit()
    try:
        verdict = ledger.verify([held])
        assert verdict.first_wrong == state.size
    finally:
        with site.of("owner").begin() as connection:
            connection.execute(insert(ledger_entries).values(last._asdict()))
            size = state.size + 1
            note = ledger.latest_checkpoint()
            assert note == held
            frontier = connection.execute(
                text("SELECT frontier FROM ledger_checkpoints WHERE size = :size"), {"size": size}
            ).scalar_one()
            connection.execute(update(ledger_state).values(size=size, frontier=frontier))


@pytest.mark.policy("C-4c")
def test_guards_let_every_right_append_through_past_full_tiles(site: Site) -> None:
    for role in APPENDERS:
        with site.of(role).begin() as connection:
            for _ in range(140):
                log.append(connection, ENTRY)
    with site.of("jobs").begin() as connection:
        full = log.state(connection).size // 256
        assert connection.scalar(text("SELECT count(*) FROM ledger_tiles")) == full + 1
    ledger = Ledger(site.of("jobs"), ORIGIN, KEY.public_key(), lambda: NOW)
    Signer(ledger, KEY).sign_checkpoint()
    ledger.prove_entry(3, SYSTEM, "test")
    assert Ledger(site.of("ledger"), ORIGIN, KEY.public_key(), lambda: NOW).verify().ok


@pytest.mark.parametrize("role", ["web", "ingest", "jobs", "ledger", "days"])
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT password_hash FROM users",
        "SELECT password_hash FROM old_passwords",
        "SELECT sealed FROM totp_secrets",
        "SELECT digest FROM recovery_codes",
        "SELECT public_key FROM passkeys",
        "SELECT * FROM users",
        "SELECT users::text FROM users",
        "SELECT count(*) FROM users WHERE password_hash LIKE 'a%'",
        "UPDATE users SET password_hash = ''",
        "SELECT * FROM sign_in_failures",
        "SELECT set_config('role', '{accounts}', false)",
    ],
)
def test_no_search_reads_a_password_hash_whatever_it_is_made_to_run(
    site: Site, role: str, statement: str
) -> None:
    accounts = str(site.of("accounts").url.username).removesuffix("_user")
    assert "permission denied" in site.refused(role, statement.format(accounts=accounts))


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
        oidc_state.begin(connection, "hull-pd", Challenge.make(), NOW)
    for token, origin in zip(opened, ("10.0.0.7", "10.0.0.8"), strict=True):
        accounts.in_session(token, origin)
    assert len(accounts.shared_uses(found.user, "here")) == 1
    made = accounts.make_token(Wanted("rms", "sroe", ["ledger:read"], 30), found.user, "here")
    accounts.service_of(made.token, Scope.LEDGER_READ, "here")
    accounts.remind_of_tokens()
    accounts.revoke_token(made.id, found.user, "here")
    assert accounts.end_sessions_of("sroe", found.user, "here") == 2
    for role in ("web", "ingest", "ledger"):
        for table in ("sessions", "api_tokens", "shared_uses", "oidc_sign_ins"):
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


def test_the_command_prints_what_it_would_run(
    postgres_server: PostgresServer, migrated_postgres: str, tmp_path: Path
) -> None:
    name = postgres_server.create_database(template=migrated_postgres)
    line = CommandLine.__new__(CommandLine)
    line.folder, line.settings = tmp_path, tmp_path / "repository.toml"
    line.settings.write_text(f'data = "data"\ndatabase = "{postgres_server.dsn(name)}"\n')
    try:
        printed = line.ok("db", "roles", "--prefix", "printed")
        with psycopg.connect(
            f"host=127.0.0.1 port={postgres_server.port} user=plateward dbname={name}"
        ) as connection:
            connection.execute(printed)  # type: ignore[call-overload]
        assert "printed_web" in line.ok("db", "roles", "--prefix", "printed", "--apply")
        assert "prefix" in line.refused("db", "roles", "--prefix", "x; DROP")
    finally:
        postgres_server.drop_database(name)


def test_sqlite_has_no_roles(migrated_sqlite: Path) -> None:
    engine = open_engine(f"sqlite:///{migrated_sqlite}")
    with engine.connect() as connection, pytest.raises(RoleError, match="PostgreSQL"):
        list(roles.statements(connection))
    engine.dispose()
