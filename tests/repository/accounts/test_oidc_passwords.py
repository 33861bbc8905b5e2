"""Where an agency's people sign in by its own provider alone, nobody is given a password."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from repository.accounts import users
from repository.accounts.errors import SignInRefusedError
from repository.accounts.login_requests import Form
from repository.accounts.oidc_settings import OidcSettings
from repository.accounts.people import People
from repository.accounts.roles import Role
from repository.accounts.service import Accounts
from tests.repository.accounts.employing import ON_SQLITE, as_now
from tests.repository.people import OPERATOR, CommandLine

SECTION = """
[[accounts.oidc]]
agency = "salem-pd"
issuer = "https://login.salem.example.gov"
client_id = "plateward"
client_secret_file = "client-secret"
required_amr = ["mfa"]
alone = true
"""
FORM = Form(
    "New Person", "Detective", "salem-pd", "978-555-0100", "new@salem.example.gov", "Auto theft"
)


@pytest.fixture
def strict(accounts: Accounts) -> Accounts:
    """Salem's people sign in by its provider alone, Boston's with passwords."""
    provider = OidcSettings(
        agency="salem-pd",
        issuer="https://login.salem.example.gov",
        client_id="plateward",
        client_secret_file=Path("client-secret"),
        required_amr=("mfa",),
        alone=True,
    )
    return replace(accounts, settings=accounts.settings.model_copy(update={"oidc": (provider,)}))


def _grant(people: People, act: Callable[..., object]) -> object:
    number = people.ask_for_login(FORM, "here")
    return act(OPERATOR, number, "new", {Role.OFFICER}, "Joined", "here", current_employee=True)


@ON_SQLITE
@pytest.mark.policy("G-10a")
def test_an_account_that_no_password_opens_is_made_without_one(strict: Accounts) -> None:
    assert strict.bootstrap("first", "First Person", "salem-pd", OPERATOR, "here") == ""
    assert strict.add("jdoe", "Jane Doe", "salem-pd", OPERATOR, "here") == ""
    people = People(strict)
    assert _grant(people, people.grant_login) == ""
    strict.close_account("new", OPERATOR, "here")
    reopened = _grant(people, people.reopen_login)
    assert getattr(reopened, "one_time_password", None) == ""
    for login in ("first", "jdoe", "new"):
        assert not as_now(strict, login).must_change_password, "there is none to change"
    assert strict.add("roe", "R. Roe", "boston-pd", OPERATOR, "here") != ""
    assert as_now(strict, "roe").must_change_password


@ON_SQLITE
def test_the_way_back_is_a_reset_once_the_provider_is_not_the_only_way(
    strict: Accounts, accounts: Accounts
) -> None:
    strict.add("jdoe", "Jane Doe", "salem-pd", OPERATOR, "here")
    with accounts.engine.begin() as connection:
        kept = users.find(connection, "jdoe")
    assert kept is not None
    for typed in ("", kept.password_hash):
        with pytest.raises(SignInRefusedError):
            accounts.change_password("jdoe", typed, "blue heron over marsh", "here")
    once = accounts.reset_password("jdoe", OPERATOR, "here")
    accounts.change_password("jdoe", once, "blue heron over marsh", "here")


def test_the_command_line_prints_none(command_line: CommandLine) -> None:
    settings = command_line.settings
    settings.write_text(settings.read_text() + SECTION)
    add = ("users", "add", "--name=J", "--agency=salem-pd", "--role=officer")
    said = command_line.ok(*add, "jdoe")
    assert said == (
        "jdoe: has no password here; people of that agency sign in by its own provider alone\n"
    )
    made = json.loads(command_line.ok(*add, "roe", "--json"))
    assert made == {"login": "roe", "one_time_password": None}
    assert "one-time password" not in command_line.ok("users", "list")
