"""The fixtures of people, for this room."""

from __future__ import annotations

import pytest

from repository.accounts.people import People
from repository.accounts.roles import Role
from repository.accounts.service import Accounts
from repository.accounts.user import User
from tests.repository.accounts.employing import employ
from tests.repository.people import accounts as accounts
from tests.repository.people import clock as clock
from tests.repository.people import command_line as command_line
from tests.repository.people import officer as officer


@pytest.fixture
def people(accounts: Accounts) -> People:
    return People(accounts)


@pytest.fixture
def admin(accounts: Accounts) -> User:
    """Who manages Salem's users."""
    return employ(accounts, "admin", Role.ALPR_ADMINISTRATOR)
