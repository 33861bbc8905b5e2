"""Agencies and people for tests, under a clock that the test moves."""

from __future__ import annotations

import base64
import functools
import json
import secrets
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine, insert, select, update

from repository.accounts import totp
from repository.accounts.hashing import Passwords
from repository.accounts.people import People
from repository.accounts.roles import REPOSITORY_WIDE, Role, as_text
from repository.accounts.second_factors import Offered
from repository.accounts.service import Accounts
from repository.accounts.sessions_use import Session
from repository.accounts.standing import Step
from repository.accounts.user import User
from repository.agencies import agreements
from repository.agencies.agreements import Signing
from repository.agencies.agreements_papers import Papers
from repository.bootstrap import build
from repository.business_days import day_of
from repository.cli import main
from repository.ledger import log
from repository.ledger.entry import Actor
from repository.ledger.service import Ledger
from repository.settings import load_settings
from repository.store.engine import open_engine
from repository.store.sealing import open_sealed
from repository.store.tables import signing_in
from repository.store.tables.accounts import users
from repository.store.tables.fleet import agencies
from repository.store.tables.people import trainings
from repository.units import enrolment

AGENCY_ROLES = frozenset(Role) - REPOSITORY_WIDE
"""All that a person of an agency can have."""

OPERATOR = Actor("os:1000", "os:root", "Operator", "")
PASSWORD = "blue heron over marsh"
LEDGER_ORIGIN = "test.example/ledger"
LEDGER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
FACTORS_KEY = functools.partial(bytes, range(32))
CHEAP = Passwords(memory_kib=64, passes=1)
"""As real as the others, but for the time that a hundred tests would spend on it."""
PAPERS = Papers(lambda: bytes(range(32)), secrets.token_bytes)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.time = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def pass_(self, **duration: float) -> None:
        self.time += timedelta(**duration)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def accounts(engine: Engine, clock: Clock) -> Accounts:
    """Two agencies and nobody in them."""
    rows = [
        {"id": 1, "name": "salem-pd", "title": "Salem Police", "ori": "MA0051600"},
        {"id": 2, "name": "boston-pd", "title": "Boston Police", "ori": None},
    ]
    with engine.begin() as connection:
        connection.execute(insert(agencies), [row | {"created_at": clock()} for row in rows])
    return Accounts(engine, clock, FACTORS_KEY, CHEAP)


def sign_agreement(engine: Engine, agency: str, now: datetime, papers: Papers = PAPERS) -> None:
    """Have the agency's head sign, unless one of its heads has."""
    signing = Signing(
        version="2026-1",
        text=b"Who signs this keeps to the policy.",
        copy=b"%PDF-1.7 signed",
        signed_by="Ruth Roe",
        signed_as="Chief of Police",
        signed_on=day_of(now),
    )
    with engine.begin() as connection:
        found = enrolment.require_agency(connection, agency)
        if not agreements.in_force(connection, found.id, now):
            agreements.sign(connection, papers, found, signing, by="Operator", now=now)


def keep_user(engine: Engine, user: User, made_at: datetime) -> None:
    """Give this person an account; nobody knows its password."""
    with engine.begin() as connection:
        connection.execute(
            insert(users).values(
                id=user.id,
                agency_id=user.agency_id,
                login=user.login,
                name=user.name,
                password_hash="none",
                must_change_password=False,
                roles=as_text(user.roles),
                position=user.position,
                created_at=made_at,
            )
        )


def hire(
    accounts: Accounts,
    login: str,
    agency: str = "salem-pd",
    roles: Collection[Role] = AGENCY_ROLES,
    name: str | None = None,
) -> User:
    """A person who has taken every step of the first day, of every role in their agency."""
    sign_agreement(accounts.engine, agency, accounts.now())
    name = name or f"Officer {login}"
    once = accounts.add(login, name, agency, OPERATOR, "test", roles=roles, position="Officer")
    taught_on = day_of(accounts.now())
    People(accounts).record_training(OPERATOR, login, "First use", "Sgt. Poe", taught_on, "test")
    accounts.change_password(login, once, PASSWORD, "test")
    user = accounts.sign_in(login, PASSWORD, "test", before=Step.ACKNOWLEDGEMENT)
    accounts.acknowledge(user, accounts.words().sha256, name, "test")
    secret = base64.b32decode(accounts.new_secret(user, "test").secret)
    accounts.confirm_secret(user, totp.code(secret, accounts.now()), "test")
    return user


def promote(engine: Engine, login: str) -> None:
    """Give the person a command position."""
    with engine.begin() as connection:
        connection.execute(update(users).where(users.c.login == login).values(position="Captain"))


def train(engine: Engine, user: User, now: datetime) -> None:
    """Have it on record that the person was taught today."""
    row = {
        "user_id": user.id,
        "course": "Searching the reads",
        "taught_by": "Academy",
        "taken_on": day_of(now),
        "good_until": day_of(now) + timedelta(days=365),
        "recorded_by": "test",
        "recorded_by_name": "Test",
        "recorded_at": now,
    }
    with engine.begin() as connection:
        connection.execute(insert(trainings).values(**row))


def sign_in(
    accounts: Accounts, login: str = "jdoe", origin: str = "here", password: str = PASSWORD
) -> User:
    """The person, by password and code."""
    return accounts.sign_in(login, password, origin, code_of(accounts, login))


def open_session(
    accounts: Accounts, login: str = "jdoe", origin: str = "10.0.0.7", password: str = PASSWORD
) -> Session:
    """A session of the person's, by password and code."""
    return accounts.open_session(login, password, origin, code_of(accounts, login))


def secret_of(accounts: Accounts, login: str) -> bytes:
    """The secret in the person's app; empty if they have none."""
    table = signing_in.totp_secrets
    with accounts.engine.begin() as connection:
        row = connection.execute(
            select(table.c.sealed, table.c.user_id)
            .join(users, users.c.id == table.c.user_id)
            .where(users.c.login == login, table.c.confirmed_at.is_not(None))
        ).one_or_none()
    if row is None:
        return b""
    return open_sealed(accounts.factors_key(), row.sealed, b"plateward/totp/" + row.user_id.bytes)


def code_of(accounts: Accounts, login: str) -> Offered:
    """What the person's app shows, as though half a minute had passed since the last code."""
    secret = secret_of(accounts, login)
    if not secret:
        return Offered()
    table = signing_in.totp_secrets
    theirs = select(users.c.id).where(users.c.login == login).scalar_subquery()
    with accounts.engine.begin() as connection:
        connection.execute(update(table).where(table.c.user_id == theirs).values(last_step=0))
    return Offered(totp.code(secret, accounts.now()))


@pytest.fixture
def officer(accounts: Accounts) -> User:
    """A person of Salem who may search."""
    return hire(accounts, "jdoe")


class CommandLine:
    """``alpr-repository`` over a fresh site of its own with one agency."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = folder / "repository.toml"
        self.settings.write_text('data = "data"\n')
        self.ok("init")
        self.ok("agencies", "add", "--name", "salem-pd", "--title", "Salem Police")
        sign_agreement(self.engine, "salem-pd", datetime.now(UTC))

    @property
    def engine(self) -> Engine:
        return open_engine(load_settings(self.settings).database_address)

    def run(self, *words: str, typed: str | None = None, password: str | None = None) -> Result:
        code = self._code(words)
        if code is None and password is not None:
            code = ""
        environment = {"ALPR_PASSWORD": password, "ALPR_CODE": code}
        return CliRunner().invoke(
            main, ["--settings", str(self.settings), *words], input=typed, env=environment
        )

    def ok(self, *words: str, password: str | None = None, typed: str | None = None) -> str:
        done = self.run(*words, password=password, typed=typed)
        assert done.exit_code == 0, done.output
        return done.stdout

    def refused(self, *words: str, password: str | None = None) -> str:
        done = self.run(*words, password=password)
        assert done.exit_code == 1, done.output
        assert done.stdout == ""
        return done.stderr

    def file(self, name: str, content: str) -> str:
        path = self.folder / name
        path.write_text(content)
        return str(path)

    def hire(self, login: str, roles: Collection[Role] = AGENCY_ROLES) -> None:
        """A person in good standing whose password is ``PASSWORD``."""
        with self._accounts() as accounts:
            hire(accounts, login, "salem-pd", roles, "Jane Doe")

    def _code(self, words: Sequence[str]) -> str | None:
        """The code of the person who the command is for, if they have an app."""
        if "--user" in words[:-1]:
            login = words[words.index("--user") + 1]
        else:
            named = [each.partition("=")[2] for each in words if each.startswith("--user=")]
            login = named[0] if named else words[2] if words[:2] == ("users", "passwd") else ""
        return (self.code(login) or None) if login else None

    def code(self, login: str) -> str:
        """What the app of the person shows; nothing if they have none."""
        with self._accounts() as accounts:
            return code_of(accounts, login).code

    @contextmanager
    def _accounts(self) -> Iterator[Accounts]:
        services = build(load_settings(self.settings))
        try:
            yield replace(services.accounts, passwords=CHEAP)
        finally:
            services.close()


@pytest.fixture
def command_line(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


def recorded(engine: Engine) -> Sequence[dict[str, Any]]:
    """The bodies of all entries of a ledger that verifies."""
    assert (
        Ledger(engine, LEDGER_ORIGIN, LEDGER_KEY.public_key(), lambda: datetime.now(UTC))
        .verify()
        .ok
    )
    with engine.begin() as connection:
        return [json.loads(row.body) for row in log.rows(connection)]
