"""Two agencies with people and reads, and what they may do with them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from repository.accounts.service import Accounts
from repository.accounts.user import User
from repository.agencies.service import AgencyData
from repository.forwarding.state import is_forwarded
from tests.repository.people import AGENCY_ROLES, Clock, keep_user
from tests.repository.people import accounts as accounts
from tests.repository.people import clock as clock
from tests.repository.people import command_line as command_line
from tests.repository.sightings import FOLD, add_units


@pytest.fixture
def data(engine: Engine, clock: Clock, accounts: Accounts) -> AgencyData:
    """A unit of each of the two agencies, and ten days to answer."""
    add_units(engine, clock())
    return AgencyData(engine, clock, FOLD, is_forwarded, timedelta(days=10))


@pytest.fixture
def person(engine: Engine, clock: Clock, accounts: Accounts) -> Callable[[str, int], User]:
    """A person of an agency, who need not sign in for these tests."""

    def make(login: str, agency_id: int) -> User:
        name = {1: "salem-pd", 2: "boston-pd"}[agency_id]
        user = User(
            uuid.uuid4(), login, f"Officer {login}", agency_id, name, False, AGENCY_ROLES, "Officer"
        )
        keep_user(engine, user, clock())
        return user

    return make


@pytest.fixture
def officer(person: Callable[[str, int], User]) -> User:
    """A person of Salem."""
    return person("jdoe", 1)


@pytest.fixture
def finder(person: Callable[[str, int], User]) -> User:
    """A person of Boston, who finds errors in Salem's reads."""
    return person("finder", 2)
