"""A stolen session, a code used twice, and what tells a stranger who is there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from repository.accounts import hashing
from tests.repository.people import CHEAP, OPERATOR, PASSWORD, code_of, hire, open_session
from tests.repository.web.attacked import Site, attacked

pytestmark = pytest.mark.policy("C-conf")


@pytest.fixture(scope="module")
def site(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with attacked(tmp_path_factory.mktemp("at") / "site", migrated_sqlite) as opened:
        yield opened


def search_with(site: Site, token: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return site.client.post("/api/v1/search", json=site.question(), headers=headers)


def login(site: Site, **typed: Any) -> httpx.Response:
    return site.client.post("/api/v1/login", json=typed)


def test_a_stolen_session_opens_nothing_once_its_owner_left_or_locked_it(site: Site) -> None:
    for path, code in (("sessions/lock", "session_locked"), ("logout", "session_ended")):
        token = open_session(site.rooms.accounts).token
        assert search_with(site, token).status_code == 200
        headers = {"Authorization": f"Bearer {token}"}
        assert site.client.post(f"/api/v1/{path}", headers=headers).status_code == 204
        refused = search_with(site, token)
        assert (refused.status_code, refused.json()["error"]["code"]) == (401, code)
        assert "reads" not in refused.text


def test_a_stolen_session_used_from_elsewhere_is_seen(site: Site) -> None:
    accounts = site.rooms.accounts
    token = open_session(accounts, "sroe", origin="198.51.100.7").token
    accounts.user_of(token, "198.51.100.7")
    assert search_with(site, token).status_code == 200
    accounts.user_of(token, "198.51.100.7")
    seen = site.ask("jdoe", "GET", "/shared-uses").json()["shared_uses"]
    (mine,) = [each for each in seen if each["login"] == "sroe"]
    assert {mine["one"], mine["other"]} == {"198.51.100.7", "127.0.0.1"}
    told = login(site, login="sroe", password=PASSWORD, code=code_of(accounts, "sroe").code)
    assert [each["other_origin"] for each in told.json()["shared"]] == [mine["other"]]


def test_a_code_opens_one_session_even_of_two_that_come_at_once(site: Site) -> None:
    typed = {"login": "eve", "password": PASSWORD, "code": code_of(site.rooms.accounts, "eve").code}
    start = threading.Barrier(4)
    answers: list[int] = []

    def sign_in() -> None:
        start.wait(30)
        answers.append(login(site, **typed).status_code)

    threads = [threading.Thread(target=sign_in) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert sorted(answers) == [200, 401, 401, 401]
    again = login(site, **typed)
    assert again.status_code == 401
    assert again.json() == login(site, **typed | {"code": "000000"}).json()
    site.rooms.accounts.unlock("eve", OPERATOR, "here")


def test_whoever_cannot_sign_in_is_told_the_same_whatever_the_reason(site: Site) -> None:
    accounts = site.rooms.accounts
    hire(accounts, "gone")
    accounts.close_account("gone", OPERATOR, "here", why="left the agency")
    hire(accounts, "shut")
    wrong = {"password": "not the password"}
    for _ in range(5):
        assert login(site, login="shut", **wrong).status_code == 401
    right = {"password": PASSWORD}
    tries: list[dict[str, Any]] = [
        {"login": "nobody", **right},
        {"login": "nobody", **wrong},
        {"login": "jdoe", **wrong},
        {"login": "jdoe", **right, "code": "000000"},
        {"login": "gone", **right, "code": code_of(accounts, "gone").code},
        {"login": "shut", **right, "code": code_of(accounts, "shut").code},
        {"login": "no\x00body", **right},
        {"login": "JDOE", **wrong},
    ]
    answers = [login(site, **each) for each in tries]
    assert {(each.status_code, each.text) for each in answers} == {(401, answers[0].text)}
    kept = ("content-type", "content-length", "www-authenticate", "set-cookie")
    assert len({tuple(each.headers.get(name) for name in kept) for each in answers}) == 1


def test_a_sign_in_costs_one_hash_whoever_is_named(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stranger who measures learns nothing: as much work is done for who is not there."""
    counted: list[int] = []
    used = type(site.rooms.accounts.passwords)
    real = used.verify

    def counting(self: hashing.Passwords, stored: str | None, password: str) -> bool:
        counted.append(1)
        return real(self, stored, password)

    monkeypatch.setattr(used, "verify", counting)
    for name in ("jdoe", "nobody", "gone", "shut"):
        counted.clear()
        assert login(site, login=name, password="wrong").status_code == 401
        assert len(counted) == 1, name


def test_the_decoy_of_an_unknown_login_is_as_dear_as_a_password() -> None:
    made = CHEAP.hash("one password")
    settings = made.split("$")[1:4]
    assert CHEAP._decoy.split("$")[1:4] == settings


def test_a_session_does_not_outlive_its_hours_however_it_is_used(site: Site) -> None:
    token = open_session(site.rooms.accounts, "sroe").token
    before = site.clock.now
    try:
        for _ in range(24):
            site.clock.now += timedelta(minutes=29)
            status = search_with(site, token).status_code
            assert status in (200, 422)  # the reads' window may have ended; the session has not
        site.clock.now = before + timedelta(hours=12)
        assert search_with(site, token).status_code == 401
    finally:
        site.clock.now = before
