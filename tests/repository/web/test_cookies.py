"""A browser's session over a real server: its cookie, its CSRF token, and what it may not mix."""

from __future__ import annotations

from collections.abc import Iterator
from http.cookies import SimpleCookie

import httpx
import pytest
from sqlalchemy import Engine

from repository.accounts.service import Accounts
from repository.accounts.user import User
from repository.web import cookies
from tests.repository.accounts.test_sessions import opened
from tests.repository.people import PASSWORD, Clock, code_of
from tests.repository.web.test_app import Rooms, error_of, rooms, serving

__all__ = ["rooms"]
pytestmark = [
    pytest.mark.policy("C-conf"),
    pytest.mark.parametrize("engine", ["sqlite"], indirect=True),
]
LOCAL = "127.0.0.1"


@pytest.fixture
def client(rooms: Rooms) -> Iterator[httpx.Client]:
    with serving(rooms) as opened:
        opened.headers["Sec-Fetch-Site"] = "same-origin"
        yield opened


def sign_in(client: httpx.Client, accounts: Accounts, **headers: str) -> httpx.Response:
    code = code_of(accounts, "jdoe").code
    typed = {"login": "jdoe", "password": PASSWORD, "code": code, "browser": True}
    return client.post("/api/v1/login", json=typed, headers=headers)


def bearing(token: str, **headers: str) -> dict[str, str]:
    return {"Cookie": f"{cookies.SESSION}={token}"} | headers


def test_the_cookie_is_the_browsers_alone(
    client: httpx.Client, accounts: Accounts, officer: User
) -> None:
    answer = sign_in(client, accounts)
    assert answer.status_code == 200, answer.text
    assert answer.json()["token"] is None
    kept = {}
    for line in answer.headers.get_list("set-cookie"):
        ((name, morsel),) = SimpleCookie(line).items()
        kept[name] = morsel
        assert morsel["secure"]
        assert morsel["path"] == "/"
        assert morsel["domain"] == ""
        assert morsel["samesite"].lower() == "strict"
        assert int(morsel["max-age"]) == 12 * 3600
    assert kept[cookies.SESSION]["httponly"]
    assert not kept[cookies.CSRF]["httponly"]
    assert kept[cookies.CSRF].value == answer.json()["csrf"]
    token = kept[cookies.SESSION].value
    assert token not in answer.text
    assert client.get("/api/v1/sessions", headers=bearing(token)).status_code == 200


def test_what_changes_something_needs_the_token_and_the_site(
    client: httpx.Client, accounts: Accounts, officer: User
) -> None:
    answer = sign_in(client, accounts)
    token, csrf = answer.cookies[cookies.SESSION], answer.json()["csrf"]
    for headers in (
        {},
        {"X-CSRF-Token": "x"},
        {"X-CSRF-Token": csrf, "Origin": "https://e.example"},
    ):
        refused = client.post("/api/v1/sessions/lock", headers=bearing(token, **headers))
        assert error_of(refused)[:2] == (403, "cross_site")
    proven = bearing(token, **{"X-CSRF-Token": csrf})
    assert client.post("/api/v1/sessions/lock", headers=proven).status_code == 204
    locked = client.get("/api/v1/alerts", headers=bearing(token))
    assert error_of(locked)[:2] == (401, "session_locked")
    opened = client.post("/api/v1/sessions/unlock", json={"password": PASSWORD}, headers=proven)
    assert opened.json()["token"] is None
    fresh = opened.cookies[cookies.SESSION]
    assert fresh != token
    stale = client.get("/api/v1/sessions", headers=bearing(token))
    assert error_of(stale)[:2] == (401, "session_ended")
    old_proof = client.delete("/api/v1/sessions", headers=bearing(fresh, **{"X-CSRF-Token": csrf}))
    assert error_of(old_proof)[:2] == (403, "cross_site")
    headers = bearing(fresh, **{"X-CSRF-Token": opened.json()["csrf"]})
    out = client.post("/api/v1/logout", headers=headers)
    assert out.status_code == 204
    assert {'""' in line or "=;" in line for line in out.headers.get_list("set-cookie")} == {True}
    assert client.get("/api/v1/sessions", headers=bearing(fresh)).status_code == 401


def test_no_other_site_signs_a_browser_in(
    client: httpx.Client, accounts: Accounts, officer: User
) -> None:
    refused = sign_in(client, accounts, **{"Sec-Fetch-Site": "cross-site"})
    assert error_of(refused)[:2] == (403, "cross_site")
    assert "set-cookie" not in refused.headers


def test_each_token_counts_in_its_own_place_and_never_two(
    client: httpx.Client, accounts: Accounts, officer: User
) -> None:
    program, browser = (
        opened(accounts, officer, LOCAL),
        opened(accounts, officer, LOCAL, browser=True),
    )
    header = {"Authorization": f"Bearer {program}"}
    assert client.get("/api/v1/sessions", headers=header).status_code == 200
    assert client.get("/api/v1/sessions", headers=bearing(browser)).status_code == 200
    mixed = client.get("/api/v1/sessions", headers=bearing(browser) | header)
    assert error_of(mixed)[:2] == (400, "mixed_credentials")
    for swapped in (bearing(program), {"Authorization": f"Bearer {browser}"}):
        refused = client.get("/api/v1/sessions", headers=swapped)
        assert error_of(refused)[:2] == (401, "session_ended")


def test_too_much_says_when_to_come_again(
    client: httpx.Client, rooms: Rooms, officer: User, engine: Engine, clock: Clock
) -> None:
    token = opened(rooms.accounts, officer, LOCAL)
    limit = rooms.accounts.settings.sessions.searches_per_min
    for _ in range(limit):
        rooms.accounts.count_search(officer)
    header = {"Authorization": f"Bearer {token}"}
    refused = client.post("/api/v1/search", json={}, headers=header)
    assert error_of(refused)[:2] == (429, "too_much_asked")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
