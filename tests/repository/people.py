"""Agencies and people for tests, under a clock that the test moves."""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine, insert

from repository.accounts.roles import AGENCY_ROLES, Role
from repository.accounts.service import Accounts
from repository.accounts.user import User
from repository.agencies import agreements
from repository.agencies.agreements import Signing
from repository.agencies.agreements_papers import Papers
from repository.business_days import day_of
from repository.cli import main
from repository.ledger import log
from repository.ledger.entry import Actor
from repository.ledger.service import Ledger
from repository.settings import load_settings
from repository.store.engine import open_engine
from repository.store.tables.fleet import agencies
from repository.units import enrolment

OPERATOR = Actor("os:1000", "os:root", "Operator", "")
PASSWORD = "blue heron over marsh"
LEDGER_ORIGIN = "test.example/ledger"
LEDGER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
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
    return Accounts(engine, clock)


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


def hire(
    accounts: Accounts,
    login: str,
    agency: str = "salem-pd",
    roles: Collection[Role] = AGENCY_ROLES,
) -> User:
    """A person with an account and a password of their own, of every role in their agency."""
    sign_agreement(accounts.engine, agency, accounts.now())
    name = f"Officer {login}"
    once = accounts.add(login, name, agency, OPERATOR, "test", roles=roles, position="Officer")
    accounts.change_password(login, once, PASSWORD, "test")
    return accounts.sign_in(login, PASSWORD, "test")


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
        environment = {"ALPR_PASSWORD": password}
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
        """A person whose password is ``PASSWORD``."""
        command = "bootstrap" if login == "jdoe" else "add"
        shown = self.ok(
            *("users", command, login, "--name", "Jane Doe", "--agency", "salem-pd", "--json"),
            *(word for role in sorted(roles) for word in ("--role", role.value)),
        )
        once = json.loads(shown)["one_time_password"]
        new = self.file("new-password", PASSWORD + "\n")
        self.ok("users", "passwd", login, "--new-password-file", new, password=once)


@pytest.fixture
def command_line(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


def recorded(engine: Engine) -> Sequence[dict[str, Any]]:
    """The bodies of all entries of a ledger that verifies."""
    assert Ledger(engine, LEDGER_ORIGIN, LEDGER_KEY, lambda: datetime.now(UTC)).verify().ok
    with engine.begin() as connection:
        return [json.loads(row.body) for row in log.rows(connection)]
