"""The desk, imports and people of two agencies, over each kind of database in turn."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import Engine

from repository.accounts.service import Accounts
from repository.accounts.user import User
from repository.hotlists.alerts import Alerts
from repository.hotlists.desk import ListDesk
from repository.hotlists.importing import Imports
from repository.hotlists.publish import Publisher
from repository.hotlists.settings import HotlistSettings
from repository.retention.duties import Duties
from repository.retention.rules import shipped_rule
from tests.repository.listing import SIGNER
from tests.repository.people import AGENCY_ROLES, Clock, keep_user, sign_agreement, train
from tests.repository.people import accounts as accounts
from tests.repository.people import clock as clock
from tests.repository.people import command_line as command_line
from tests.repository.sightings import RULE

KEPT = 3
SETTINGS = HotlistSettings()


@pytest.fixture
def publisher() -> Publisher:
    return Publisher(SIGNER, KEPT)


@pytest.fixture
def imports(engine: Engine, accounts: Accounts, publisher: Publisher, clock: Clock) -> Imports:
    return Imports(engine, publisher, clock)


@pytest.fixture
def desk(engine: Engine, accounts: Accounts, publisher: Publisher, clock: Clock) -> ListDesk:
    return ListDesk(engine, lambda: publisher, SETTINGS, clock)


def employ(
    engine: Engine,
    login: str,
    agency_id: int,
    agency: str,
    clock: Clock,
    *,
    name: str = "",
    position: str = "Officer",
    trained: bool = True,
) -> User:
    """A person with an account, as after signing in; nobody knows the password."""
    name = name or f"Officer {login}"
    user = User(uuid4(), login, name, agency_id, agency, False, AGENCY_ROLES, position)
    sign_agreement(engine, agency, clock())
    keep_user(engine, user, clock())
    if trained:
        train(engine, user, clock())
    return user


@pytest.fixture
def captain(engine: Engine, accounts: Accounts, clock: Clock) -> User:
    """Who authorizes Salem's entries."""
    return employ(engine, "annpoe", 1, "salem-pd", clock, name="Ann Poe", position="Captain")


@pytest.fixture
def officer(engine: Engine, accounts: Accounts, captain: User, clock: Clock) -> User:
    """A person of Salem."""
    return employ(engine, "jdoe", 1, "salem-pd", clock)


@pytest.fixture
def second(engine: Engine, accounts: Accounts, clock: Clock) -> User:
    """Another person of Salem."""
    return employ(engine, "apoe", 1, "salem-pd", clock)


@pytest.fixture
def stranger(engine: Engine, accounts: Accounts, clock: Clock) -> User:
    """A person of Boston."""
    return employ(engine, "bkey", 2, "boston-pd", clock)


@pytest.fixture
def alerts(engine: Engine, accounts: Accounts, clock: Clock) -> Alerts:
    return Alerts(
        engine,
        lambda connection: Duties.load(connection, RULE, shipped_rule),
        timedelta(minutes=60),
        clock,
    )
