"""A name at the provider may be changed by whoever bears it; an account stays one person's."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from repository.accounts import oidc_subjects
from repository.accounts.login_requests import Form
from repository.accounts.oidc_provider import Provider
from repository.accounts.oidc_settings import OidcSettings
from repository.accounts.oidc_sign_in import OidcRefusedError
from repository.accounts.people import People
from repository.accounts.roles import Role
from repository.accounts.service import Accounts
from tests.repository.accounts.employing import ON_SQLITE
from tests.repository.accounts.identity_provider import (
    CLIENT,
    CLIENT_SECRET,
    OTHER_CLIENT,
    IdentityProvider,
    came_back,
)
from tests.repository.people import OPERATOR, Clock, hire, recorded

HERE = "10.0.0.7"
FORM = Form(
    "Officer jdoe", "Officer", "salem-pd", "978-555-0100", "jdoe@salem.example.gov", "Auto theft"
)

pytestmark = pytest.mark.policy("G-10a")


@pytest.fixture(scope="module")
def provider() -> Iterator[IdentityProvider]:
    """Mallory calls themself jdoe there, and jdoe, at another time, roe."""
    renamed = {"mallory": ("id-mallory", "jdoe"), "jdoe as roe": ("id-jdoe", "roe")}
    running = IdentityProvider.start("jdoe", "roe", renamed=renamed)
    yield running
    running.stop()


@pytest.fixture
def site(accounts: Accounts, provider: IdentityProvider, clock: Clock, tmp_path: Path) -> Accounts:
    clock.time = datetime.now(UTC)  # the provider's clock is the real one
    secret = tmp_path / "client-secret"
    secret.write_text(CLIENT_SECRET + "\n")
    for login in ("jdoe", "roe"):
        hire(accounts, login)
    return as_client(accounts, provider, secret, CLIENT)


def as_client(
    accounts: Accounts, provider: IdentityProvider, secret: Path, client: str
) -> Accounts:
    chosen = OidcSettings(
        agency="salem-pd",
        issuer=provider.issuer,
        client_id=client,
        client_secret_file=secret,
        required_amr=("mfa",),
    )
    return replace(accounts, providers={"salem-pd": Provider(chosen)})


def comes_in(site: Accounts, provider: IdentityProvider, typed: str) -> str:
    begun = site.begin_at_provider("salem-pd", HERE)
    back = came_back(provider.sign_in(begun.address, typed))
    return site.finish_at_provider(back, begun.browser, HERE).user.login


def refused(site: Accounts, provider: IdentityProvider, typed: str) -> None:
    with pytest.raises(OidcRefusedError, match="means another person by your login than before"):
        comes_in(site, provider, typed)
    last = recorded(site.engine)[-1]
    assert (last["action"], last["outcome"]) == ("accounts.sign_in", "refused")
    assert last["actor"]["user_id"] == ""


@ON_SQLITE
def test_whoever_takes_anothers_name_at_the_provider_does_not_come_in_as_them(
    site: Accounts, provider: IdentityProvider
) -> None:
    for _ in range(2):
        assert comes_in(site, provider, "jdoe") == "jdoe"
    refused(site, provider, "mallory")
    refused(site, provider, "jdoe as roe")
    assert comes_in(site, provider, "jdoe") == "jdoe"
    assert comes_in(site, provider, "roe") == "roe"


@ON_SQLITE
def test_an_account_that_is_granted_anew_is_of_whoever_comes_in_first(
    site: Accounts, provider: IdentityProvider, clock: Clock
) -> None:
    comes_in(site, provider, "jdoe")
    clock.pass_(seconds=1)
    site.close_account("jdoe", OPERATOR, HERE)
    assert comes_in(site, provider, "jdoe as roe") == "roe", "who has left may have another login"
    people = People(site)
    number = people.ask_for_login(FORM, HERE)
    people.reopen_login(
        OPERATOR, number, "jdoe", {Role.OFFICER}, "New there", HERE, current_employee=True
    )
    clock.pass_(seconds=1)
    assert comes_in(site, provider, "mallory") == "jdoe"
    refused(site, provider, "jdoe")


@ON_SQLITE
def test_another_provider_or_client_in_the_settings_begins_anew(
    site: Accounts, provider: IdentityProvider, tmp_path: Path
) -> None:
    """Many providers give every client subjects of its own."""
    comes_in(site, provider, "jdoe")
    changed = as_client(site, provider, tmp_path / "client-secret", OTHER_CLIENT)
    assert comes_in(changed, provider, "mallory") == "jdoe"
    refused(changed, provider, "jdoe")


def test_who_comes_in_by_two_logins_at_once_has_one_of_them(
    accounts: Accounts, clock: Clock, engine: Engine, tmp_path: Path
) -> None:
    one, other = (hire(accounts, login).id for login in ("jdoe", "roe"))
    chosen = OidcSettings(
        agency="salem-pd",
        issuer="https://login.salem.example.gov",
        client_id=CLIENT,
        client_secret_file=tmp_path / "client-secret",
        required_amr=("mfa",),
    )
    begun = threading.Event()

    def come_in() -> bool:
        begun.set()
        with engine.begin() as connection:
            return oidc_subjects.is_theirs(connection, other, chosen, "id-mallory", clock())

    with ThreadPoolExecutor(1) as second, engine.begin() as connection:
        assert oidc_subjects.is_theirs(connection, one, chosen, "id-mallory", clock())
        late = second.submit(come_in)
        begun.wait()
        with suppress(TimeoutError):  # it waits for this transaction, which ends below
            late.result(1)
        connection.commit()
        assert not late.result(60)
