"""Signing in by an agency's own provider, a real one, and what an attacker brings back from it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from sqlalchemy import Engine, func, select

from repository.accounts.errors import (
    AccountError,
    AcknowledgementRequiredError,
    SessionEndedError,
    SignInRefusedError,
)
from repository.accounts.oidc_provider import Provider, ProviderError
from repository.accounts.oidc_settings import OidcSettings
from repository.accounts.oidc_sign_in import (
    Begun,
    CameBack,
    NoProviderError,
    OidcRefusedError,
)
from repository.accounts.service import Accounts
from repository.accounts.sessions_use import Session
from repository.accounts.user import User
from repository.store.tables.sessions import oidc_sign_ins
from repository.web import cookies
from tests.repository.accounts.identity_provider import (
    CLIENT,
    CLIENT_SECRET,
    OTHER_CLIENT,
    IdentityProvider,
    came_back,
)
from tests.repository.people import (
    OPERATOR,
    PASSWORD,
    Clock,
    code_of,
    hire,
    open_session,
    recorded,
)
from tests.repository.web.test_app import error_of, serving

HERE = "10.0.0.7"
_OTHER_LETTERS = str.maketrans("-_", "+/")
ATTACKERS_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
Tamper = Callable[[dict[str, Any]], dict[str, Any]]

pytestmark = [
    pytest.mark.policy("G-10a"),
    pytest.mark.policy("G-12"),
    pytest.mark.parametrize("engine", ["sqlite"], indirect=True),
]


@pytest.fixture(scope="module")
def provider() -> Iterator[IdentityProvider]:
    running = IdentityProvider.start("jdoe", "roe", "nobody", "new")
    yield running
    running.stop()


@pytest.fixture
def settings(provider: IdentityProvider, tmp_path: Path) -> OidcSettings:
    secret = tmp_path / "client-secret"
    secret.write_text(CLIENT_SECRET + "\n")
    return OidcSettings(
        agency="salem-pd",
        issuer=provider.issuer,
        client_id=CLIENT,
        client_secret_file=secret,
        required_amr=("mfa",),
    )


class Between(httpx.BaseTransport):
    """The way to the provider, on which somebody changes what it gives for a code."""

    def __init__(self, tamper: Tamper) -> None:
        self.tamper = tamper
        self._real = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._real.handle_request(request)
        answer.read()
        if not request.url.path.endswith("/token"):
            return answer
        return httpx.Response(answer.status_code, json=self.tamper(json.loads(answer.content)))

    def close(self) -> None:
        self._real.close()


@pytest.fixture
def site(accounts: Accounts, settings: OidcSettings, clock: Clock) -> Accounts:
    clock.time = datetime.now(UTC)  # the provider's clock is the real one
    return with_provider(accounts, settings)


def with_provider(
    accounts: Accounts, settings: OidcSettings, transport: httpx.BaseTransport | None = None
) -> Accounts:
    return replace(accounts, providers={settings.agency: Provider(settings, transport)})


def sign_in(site: Accounts, provider: IdentityProvider, login: str = "jdoe") -> Session:
    begun = site.begin_at_provider("salem-pd", HERE)
    back = came_back(provider.sign_in(begun.address, login))
    return site.finish_at_provider(back, begun.browser, HERE)


def refused(site: Accounts, begun: Begun, back: CameBack, message: str) -> None:
    with pytest.raises(OidcRefusedError, match=message):
        site.finish_at_provider(back, begun.browser, HERE)
    last = recorded(site.engine)[-1]
    assert (last["action"], last["outcome"]) == ("accounts.sign_in", "refused")
    assert last["actor"]["user_id"] == ""


def not_its_own(site: Accounts, begun: Begun, back: CameBack) -> None:
    """What came back is not what that browser began: refused, and nothing tells of it."""
    before = len(recorded(site.engine))
    with pytest.raises(OidcRefusedError, match="no such sign-in is under way in this browser"):
        site.finish_at_provider(back, begun.browser, HERE)
    assert len(recorded(site.engine)) == before


@dataclass(frozen=True)
class Rooms:
    accounts: Accounts


def test_a_browser_goes_to_the_provider_and_comes_back_signed_in(
    site: Accounts, provider: IdentityProvider, engine: Engine
) -> None:
    hire(site, "jdoe")
    with serving(Rooms(site)) as client:
        sent = client.get("/api/v1/oidc/salem-pd/begin")
        assert sent.status_code == 303
        asked = parse_qs(urlsplit(sent.headers["location"]).query)
        assert asked["code_challenge_method"] == ["S256"]
        assert sent.headers["set-cookie"].startswith("__Host-plateward-oidc=")
        for part in ("Secure", "HttpOnly", "SameSite=lax", "Path=/"):
            assert part in sent.headers["set-cookie"]
        holding = {"Cookie": sent.headers["set-cookie"].partition(";")[0]}
        back = urlsplit(provider.sign_in(sent.headers["location"]))
        answer = client.get(f"{back.path}?{back.query}", headers=holding)
        assert answer.status_code == 200, answer.text
        token = answer.cookies[cookies.SESSION]
        assert token not in answer.text
        held = {"Cookie": f"{cookies.SESSION}={token}", "Sec-Fetch-Site": "same-origin"}
        (mine,) = client.get("/api/v1/sessions", headers=held).json()["sessions"]
        assert mine["second_factor"] is True
        again = client.get(f"{back.path}?{back.query}", headers=holding)
        assert error_of(again)[:2] == (401, "sign_in_refused")
        for unknown in ("boston-pd", "nowhere", "%00"):
            for way in ("begin", f"callback?{back.query}"):
                nothing = client.get(f"/api/v1/oidc/{unknown}/{way}", headers=holding)
                assert error_of(nothing)[:2] == (404, "no_provider")
    signed_in = [each for each in recorded(engine) if each["action"] == "accounts.sign_in"]
    assert signed_in[-2]["request"] == {"provider": "salem-pd", "second_factor": "provider"}
    assert signed_in[-2]["actor"]["login"] == "jdoe"


@pytest.mark.policy("C-ack")
def test_the_provider_stands_for_password_and_second_factor_and_nothing_else(
    site: Accounts, provider: IdentityProvider
) -> None:
    site.add("new", "New Person", "salem-pd", OPERATOR, "here")
    session = sign_in(site, provider, "new")
    with pytest.raises(AcknowledgementRequiredError):
        site.user_of(session.token, HERE)
    site.acknowledge(session.user, site.words().sha256, "New Person", HERE)
    assert site.user_of(session.token, HERE).login == "new"
    site.lock_session(session.token, HERE)
    with pytest.raises(SessionEndedError):
        site.unlock_session(session.token, "any password", HERE)


def test_an_agency_may_have_its_people_sign_in_by_its_provider_alone(
    site: Accounts, settings: OidcSettings, provider: IdentityProvider, engine: Engine
) -> None:
    for login, agency in (("jdoe", "salem-pd"), ("roe", "boston-pd")):
        hire(site, login, agency)
    before = open_session(site, "jdoe")
    alone = settings.model_copy(update={"alone": True})
    chosen = site.settings.model_copy(update={"oidc": (alone,)})
    strict = replace(with_provider(site, alone), settings=chosen)
    said = set()
    for login, password in (("jdoe", PASSWORD), ("jdoe", "wrong"), ("nobody", PASSWORD)):
        with pytest.raises(SignInRefusedError) as refusal:
            strict.open_session(login, password, HERE, code_of(site, login))
        said.add(str(refusal.value))
    assert len(said) == 1
    reasons = [each["request"].get("reason") for each in recorded(engine)[-3:]]
    assert reasons == [*["agency's people sign in by its provider alone"] * 2, "unknown login"]
    with pytest.raises(SignInRefusedError):
        strict.change_password("jdoe", PASSWORD, "grey heron under bridge", HERE, in_session=True)
    assert strict.user_of(before.token, HERE).login == "jdoe", "open ones go on"
    strict.lock_session(before.token, HERE)
    with pytest.raises(SignInRefusedError, match=r"unlocking refused: .*provider alone"):
        strict.unlock_session(before.token, PASSWORD, HERE)
    for reset in (strict.reset_password, strict.reset_second_factor):
        with pytest.raises(AccountError, match="no password here lets them in"):
            reset("jdoe", OPERATOR, HERE)
    assert open_session(strict, "roe").user.login == "roe"
    assert sign_in(strict, provider).user.login == "jdoe"
    assert open_session(site, "jdoe").user.login == "jdoe", "as before, where it is taken out"
    away = replace(
        strict,
        providers={"salem-pd": Provider(alone.model_copy(update={"issuer": "http://127.0.0.1:1"}))},
    )
    with pytest.raises(ProviderError, match="ask who operates"):
        away.begin_at_provider("salem-pd", HERE)


def test_it_makes_nobody_an_account_and_opens_none_elsewhere(
    site: Accounts, provider: IdentityProvider, officer: User
) -> None:
    hire(site, "roe", "boston-pd")
    site.close_account("jdoe", OPERATOR, "here")
    for login in ("nobody", "roe", "jdoe"):
        begun = site.begin_at_provider("salem-pd", HERE)
        back = came_back(provider.sign_in(begun.address, login))
        refused(site, begun, back, "no open account of that agency")


def test_a_code_or_state_is_good_once_for_its_browser_and_for_minutes(
    site: Accounts, provider: IdentityProvider, officer: User, clock: Clock
) -> None:
    begun = site.begin_at_provider("salem-pd", HERE)
    back = came_back(provider.sign_in(begun.address))
    not_its_own(site, replace(begun, browser="another"), back)
    not_its_own(site, replace(begun, browser=""), back)
    for guess in ("a guess", "", back.state[:-1], "B" + back.state[1:], "\udcff", "=" * 84):
        not_its_own(site, begun, replace(back, state=guess))
    other = site.begin_at_provider("salem-pd", HERE)
    mixed = replace(back, state=_state(other))
    with pytest.raises(ProviderError, match="answered 400"):  # the code is another sign-in's
        site.finish_at_provider(mixed, other.browser, HERE)
    begun = site.begin_at_provider("salem-pd", HERE)
    back = came_back(provider.sign_in(begun.address))
    clock.pass_(minutes=9)
    assert site.finish_at_provider(back, begun.browser, HERE).user.login == "jdoe"
    refused(site, begun, back, "came back before")
    refused(site, begun, replace(back, state=back.state.translate(_OTHER_LETTERS)), "came back")
    clock.pass_(minutes=1)
    not_its_own(site, begun, back)
    sign_in(site, provider)
    with site.engine.begin() as connection:
        assert connection.scalar(select(func.count()).select_from(oidc_sign_ins)) == 1


def test_another_providers_answer_is_not_mixed_up(
    site: Accounts, provider: IdentityProvider, officer: User
) -> None:
    for issuer in (None, "https://login.evil.example", provider.issuer + "/"):
        begun = site.begin_at_provider("salem-pd", HERE)
        back = CameBack("salem-pd", _state(begun), "a code of the other", None, issuer)
        refused(site, begun, back, "another provider's")
    begun = site.begin_at_provider("salem-pd", HERE)
    back = CameBack("salem-pd", _state(begun), None, "access_denied", provider.issuer)
    refused(site, begun, back, "signed nobody in .access_denied.")


@pytest.mark.parametrize("attack", ["unsigned", "own key", "own key by its name", "nonce", "token"])
def test_a_token_that_the_provider_did_not_make_for_this_sign_in_is_refused(
    site: Accounts, settings: OidcSettings, provider: IdentityProvider, officer: User, attack: str
) -> None:
    stolen: dict[str, Any] = {}

    def tamper(given: dict[str, Any]) -> dict[str, Any]:
        claims = jwt.decode(given["id_token"], options={"verify_signature": False})
        if attack == "unsigned":
            return given | {"id_token": jwt.encode(claims, None, "none")}
        if attack.startswith("own key"):
            name = "first" if attack == "own key by its name" else "mine"
            return given | {"id_token": jwt.encode(claims, ATTACKERS_KEY, "RS256", {"kid": name})}
        if attack == "token":
            return given | {"access_token": "another"}
        replayed = dict(stolen)
        stolen.update(given)
        return replayed or given

    site = with_provider(site, settings, Between(tamper))
    if attack == "nonce":
        sign_in(site, provider)
    begun = site.begin_at_provider("salem-pd", HERE)
    back = came_back(provider.sign_in(begun.address))
    message = {
        "unsigned": "not signed",
        "own key": "does not publish",
        "own key by its name": "InvalidSignature",
        "nonce": "another sign-in",
        "token": "another access token",
    }[attack]
    refused(site, begun, back, message)


def test_a_token_of_another_client_is_refused_though_all_else_fits(
    site: Accounts, settings: OidcSettings, provider: IdentityProvider, officer: User
) -> None:
    theirs: dict[str, Any] = {}
    site = with_provider(site, settings, Between(lambda _given: theirs))
    begun = site.begin_at_provider("salem-pd", HERE)
    verifier = "a" * 43
    address = httpx.URL(begun.address).copy_merge_params(
        {"client_id": OTHER_CLIENT, "code_challenge": verifier, "code_challenge_method": "plain"}
    )
    theirs.update(provider.tokens(provider.sign_in(str(address)), OTHER_CLIENT, verifier))
    claims = jwt.decode(theirs["id_token"], options={"verify_signature": False})
    assert claims["aud"] == [OTHER_CLIENT]
    back = came_back(provider.sign_in(begun.address))
    refused(site, begun, back, "InvalidAudience")


def test_a_provider_that_asked_for_no_second_factor_is_refused(
    site: Accounts, settings: OidcSettings, provider: IdentityProvider, officer: User
) -> None:
    stricter = settings.model_copy(update={"required_amr": ("hwk",)})
    site = with_provider(site, stricter)
    begun = site.begin_at_provider("salem-pd", HERE)
    back = came_back(provider.sign_in(begun.address))
    refused(site, begun, back, "no second factor")


def test_a_provider_that_fails_is_said_plainly(
    site: Accounts, settings: OidcSettings, provider: IdentityProvider, officer: User
) -> None:
    def answering(**answer: Any) -> Accounts:
        transport = httpx.MockTransport(lambda _request: httpx.Response(**answer))
        return with_provider(site, settings, transport)

    own = {"issuer": provider.issuer, "authorization_endpoint": "https://x.example/a"}
    own |= {"token_endpoint": "https://x.example/t", "jwks_uri": "https://x.example/k"}
    away = settings.model_copy(update={"issuer": "http://127.0.0.1:1"})
    for broken, message in (
        (with_provider(site, away), "cannot be reached"),
        (answering(status_code=500), "answered 500"),
        (answering(status_code=302, headers={"Location": provider.issuer}), "answered 302"),
        (answering(status_code=200, text="<html>"), "no JSON"),
        (answering(status_code=200, text="[" * 100_000), "no JSON"),
        (answering(status_code=200, text="[]"), "no JSON object"),
        (answering(status_code=200, content=b" " * 300_000), "too much"),
        (answering(status_code=200, json=own | {"issuer": "https://evil.example"}), "another name"),
        (answering(status_code=200, json=own | {"jwks_uri": "http://x.example/k"}), "over TLS"),
        (answering(status_code=200, json=own | {"token_endpoint": 7}), "over TLS"),
    ):
        with pytest.raises(ProviderError, match=message) as said:
            broken.begin_at_provider("salem-pd", HERE)
        assert "sign in with your password here" in str(said.value)
    with pytest.raises(NoProviderError):
        site.begin_at_provider("boston-pd", HERE)


def _state(begun: Begun) -> str:
    return parse_qs(urlsplit(begun.address).query)["state"][0]
