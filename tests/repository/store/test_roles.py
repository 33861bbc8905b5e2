"""Roles on a real PostgreSQL: what none of them can, whatever it is made to run."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from sqlalchemy import MetaData, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from repository.ledger import log
from repository.ledger.entry import SYSTEM
from repository.ledger.service import Ledger
from repository.ledger.signing import Signer
from repository.store import roles
from repository.store.engine import open_engine
from repository.store.roles import RoleError
from repository.store.tables.ledger import ledger_entries, ledger_state
from tests.repository.people import (
    CommandLine,
)
from tests.repository.store.roles_site import ENTRY, KEY, NOW, ORIGIN, Site
from tests.repository.store.roles_site import entry as entry
from tests.repository.store.roles_site import site as site
from tests.servers import PostgresServer

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
