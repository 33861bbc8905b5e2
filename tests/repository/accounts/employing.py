"""People of any roles, who need not sign in for what is tested of them."""

from __future__ import annotations

import pytest

from repository.accounts import users
from repository.accounts.roles import Role
from repository.accounts.service import Accounts
from repository.accounts.user import User
from tests.repository.people import OPERATOR

ON_SQLITE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
"""For what asks nothing of the database that differs between the two."""


def employ(accounts: Accounts, login: str, *roles: Role, agency: str = "salem-pd") -> User:
    """A person with an account of these roles."""
    name = f"Person {login}"
    accounts.add(login, name, agency, OPERATOR, "test", roles=roles, position="Post")
    return as_now(accounts, login)


def as_now(accounts: Accounts, login: str) -> User:
    """The person as their account is now."""
    with accounts.engine.begin() as connection:
        found = users.find(connection, login)
    assert found is not None
    return found.user


def state(accounts: Accounts, login: str) -> str | None:
    """Why the account is closed; None for an open one."""
    (found,) = (each for each in accounts.everyone(OPERATOR, "test") if each.user.login == login)
    assert (found.disabled_at is None) == (found.disabled_why is None)
    return found.disabled_why
