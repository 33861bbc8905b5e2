"""What others make of sign-ins by agencies' own providers: a rogue provider, and pages anywhere."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sqlalchemy import func, select

from repository.accounts.errors import TooManySignInsError
from repository.accounts.oidc_provider import AT_ONCE, Provider, ProviderError
from repository.accounts.oidc_settings import OidcSettings
from repository.accounts.oidc_sign_in import CameBack, OidcRefusedError
from repository.accounts.service import Accounts
from repository.accounts.throttle import LIMIT
from repository.accounts.user import User
from repository.store.tables.sessions import oidc_sign_ins
from tests.repository.accounts.identity_provider import (
    CLIENT,
    CLIENT_SECRET,
    REDIRECT,
    IdentityProvider,
    came_back,
)
from tests.repository.people import Clock, hire, open_session, recorded
from tests.repository.web.test_app import error_of, serving

HERE, THERE = "10.0.0.7", "198.51.100.66"
ROGUE = "https://login.boston.example"
KELVIN = "\N{KELVIN SIGN}roe"

pytestmark = [
    pytest.mark.policy("G-10a"),
    pytest.mark.policy("G-12"),
    pytest.mark.parametrize("engine", ["sqlite"], indirect=True),
]


class Nameless(httpx.HTTPTransport):
    """The way to a provider that, as many, does not name itself beside a code."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = super().handle_request(request)
        answer.read()
        said = json.loads(answer.content)
        said.pop("authorization_response_iss_parameter_supported", None)
        return httpx.Response(answer.status_code, json=said)


class Rogue(httpx.BaseTransport):
    """The provider of an agency that is after the codes of another's people."""

    def __init__(self) -> None:
        self.codes: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            self.codes.append(parse_qs(request.read().decode())["code"][0])
            return httpx.Response(400, json={})
        said = {"issuer": ROGUE, "authorization_endpoint": f"{ROGUE}/a"}
        return httpx.Response(
            200, json=said | {"token_endpoint": f"{ROGUE}/t", "jwks_uri": f"{ROGUE}/k"}
        )


@pytest.fixture(scope="module")
def provider() -> Iterator[IdentityProvider]:
    running = IdentityProvider.start("jdoe", KELVIN)
    yield running
    running.stop()


@pytest.fixture
def rogue() -> Rogue:
    return Rogue()


@pytest.fixture
def site(
    accounts: Accounts, provider: IdentityProvider, rogue: Rogue, clock: Clock, tmp_path: Path
) -> Accounts:
    """Salem's provider is honest, Boston's is not."""
    clock.time = datetime.now(UTC)  # the provider's clock is the real one
    secret = tmp_path / "client-secret"
    secret.write_text(CLIENT_SECRET + "\n")
    salem = OidcSettings(
        agency="salem-pd",
        issuer=provider.issuer,
        client_id=CLIENT,
        client_secret_file=secret,
        required_amr=("mfa",),
    )
    boston = salem.model_copy(update={"agency": "boston-pd", "issuer": ROGUE})
    providers = {"salem-pd": Provider(salem, Nameless()), "boston-pd": Provider(boston, rogue)}
    return replace(accounts, providers=providers)


@dataclass(frozen=True)
class Rooms:
    accounts: Accounts


def asked(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def test_a_rogue_provider_gets_no_code_of_another_agencys_people(
    site: Accounts, provider: IdentityProvider, rogue: Rogue, officer: User
) -> None:
    """Mix-up (RFC 9700, section 4.4), and the code then brought back by the attacker."""
    attackers = site.begin_at_provider("salem-pd", THERE)
    mine = asked(attackers.address)
    victims = site.begin_at_provider("boston-pd", HERE)
    theirs = asked(victims.address)
    assert mine["redirect_uri"] == REDIRECT
    assert theirs["redirect_uri"] == REDIRECT.replace("salem-pd", "boston-pd")
    # Boston's provider sends the browser on to Salem's, where jdoe is signed in.
    place = attackers.address.partition("?")[0]
    wanted = theirs | {name: mine[name] for name in ("nonce", "code_challenge")}
    assert httpx.get(place, params=wanted, trust_env=False).is_error, "not Salem's address"
    sent_on = httpx.URL(place, params=wanted | {"redirect_uri": mine["redirect_uri"]})
    back = came_back(provider.sign_in(str(sent_on), "jdoe"))
    for state in (theirs["state"], mine["state"]):
        with pytest.raises(OidcRefusedError, match="no such sign-in is under way"):
            site.finish_at_provider(CameBack("salem-pd", state, back.code), victims.browser, HERE)
    assert rogue.codes == []


def test_no_page_can_shut_an_address_out_by_sending_browsers_to_where_they_come_back(
    site: Accounts, officer: User
) -> None:
    begun = site.begin_at_provider("salem-pd", HERE)
    before = len(recorded(site.engine))
    cross_site = {"Sec-Fetch-Site": "cross-site", "Referer": "https://evil.example/"}
    with serving(Rooms(site)) as client:
        for cookie in ("", f"__Host-plateward-oidc={begun.browser}"):
            for _ in range(LIMIT + 1):
                answer = client.get(
                    "/api/v1/oidc/salem-pd/callback?state=x&code=y",
                    headers=cross_site | {"Cookie": cookie},
                )
                assert error_of(answer)[:2] == (401, "sign_in_refused")
    assert len(recorded(site.engine)) == before
    assert open_session(site, origin="127.0.0.1").user.login == "jdoe"


def test_what_a_browser_began_and_came_back_wrong_is_counted(site: Accounts, officer: User) -> None:
    for _ in range(LIMIT):
        begun = site.begin_at_provider("salem-pd", HERE)
        back = CameBack("salem-pd", asked(begun.address)["state"], None, "access_denied")
        with pytest.raises(OidcRefusedError, match="access_denied"):
            site.finish_at_provider(back, begun.browser, HERE)
    with pytest.raises(TooManySignInsError):
        open_session(site, origin=HERE)


def test_a_provider_that_says_nothing_takes_few_threads_from_everybody_else(
    site: Accounts, provider: IdentityProvider
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor(AT_ONCE) as people:
        silent.settimeout(60)
        chosen = site.providers["salem-pd"].settings.model_copy(
            update={"issuer": f"http://127.0.0.1:{silent.getsockname()[1]}"}
        )
        hanging = replace(site, providers=site.providers | {"salem-pd": Provider(chosen)})
        waiting = [
            people.submit(hanging.begin_at_provider, "salem-pd", HERE) for _ in range(AT_ONCE)
        ]
        links = [silent.accept()[0] for _ in waiting]
        with pytest.raises(ProviderError, match="keeps too many waiting"):
            hanging.begin_at_provider("salem-pd", HERE)
        for link in links:
            link.close()
        assert all(isinstance(each.exception(60), ProviderError) for each in waiting)
        silent.close()
        with pytest.raises(ProviderError, match="cannot be reached"):
            hanging.begin_at_provider("salem-pd", HERE)


def test_sign_ins_that_are_begun_and_left_take_no_room(site: Accounts) -> None:
    begun = {site.begin_at_provider("salem-pd", THERE) for _ in range(50)}
    assert len({each.browser for each in begun}) == len(begun) == 50
    with site.engine.begin() as connection:
        assert connection.scalar(select(func.count()).select_from(oidc_sign_ins)) == 0


def test_a_name_at_the_provider_that_only_looks_like_a_login_is_none(
    site: Accounts, provider: IdentityProvider
) -> None:
    hire(site, "kroe")
    begun = site.begin_at_provider("salem-pd", HERE)
    back = came_back(provider.sign_in(begun.address, KELVIN))
    with pytest.raises(OidcRefusedError, match="no open account of that agency"):
        site.finish_at_provider(back, begun.browser, HERE)
