"""Agencies and people for tests, under a clock that the test moves."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine, insert

from repository.accounts.service import Accounts
from repository.accounts.user import User
from repository.ledger import log
from repository.ledger.entry import Actor
from repository.ledger.service import Ledger
from repository.store.tables.fleet import agencies

OPERATOR = Actor("os:1000", "os:root", "Operator", "")
PASSWORD = "blue heron over marsh"
LEDGER_ORIGIN = "test.example/ledger"
LEDGER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


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


def hire(accounts: Accounts, login: str, agency: str = "salem-pd") -> User:
    """A person with an account and a password of their own."""
    once = accounts.add(login, f"Officer {login}", agency, OPERATOR, "test")
    accounts.change_password(login, once, PASSWORD, "test")
    return accounts.sign_in(login, PASSWORD, "test")


@pytest.fixture
def officer(accounts: Accounts) -> User:
    """A person of Salem who may search."""
    return hire(accounts, "jdoe")


def recorded(engine: Engine) -> Sequence[dict[str, Any]]:
    """The bodies of all entries of a ledger that verifies."""
    assert Ledger(engine, LEDGER_ORIGIN, LEDGER_KEY, lambda: datetime.now(UTC)).verify().ok
    with engine.begin() as connection:
        return [json.loads(row.body) for row in log.rows(connection)]
