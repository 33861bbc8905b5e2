"""The steps of the first day over HTTP, by app and by passkey."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from sqlalchemy import Engine

from repository.accounts import totp
from repository.accounts.acknowledgement import NOTICE
from repository.accounts.service import Accounts
from repository.accounts.user import User
from tests.repository.accounts.authenticator import Authenticator
from tests.repository.people import OPERATOR, PASSWORD, Clock, code_of, recorded
from tests.repository.web.test_app import Visitor, error_of, sign_in
from tests.repository.web.test_app import client as client
from tests.repository.web.test_app import rooms as rooms

API = "/api/v1"


def opened(client: Visitor, **more: Any) -> tuple[dict[str, str], dict[str, Any]]:
    """The headers of a new session, and what was said with it."""
    typed = {"login": "jdoe", "password": PASSWORD, **more}
    answer = client.post(f"{API}/login", json=typed)
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json()['token']}"}, answer.json()


def shown_again(accounts: Accounts) -> dict[str, str]:
    """What a sign-in takes, without the login."""
    return {"password": PASSWORD, "code": code_of(accounts, "jdoe").code}


@pytest.mark.policy("C-ack")
@pytest.mark.policy("C-3a")
@pytest.mark.policy("M-A")
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_the_first_day(client: Visitor, accounts: Accounts, clock: Clock) -> None:
    assert client.get(f"{API}/login").json() == {"notice": NOTICE}
    once = accounts.add("jdoe", "Jane Doe", "salem-pd", OPERATOR, "here")
    headers, said = opened(client, password=once)
    assert said["to_do"] == ["password", "acknowledgement", "second_factor"]
    assert said["notice"] == NOTICE
    first = client.get(f"{API}/acknowledgement", headers=headers)
    assert error_of(first)[:2] == (403, "password_change_required")
    change = {"current": once, "new": PASSWORD}
    assert client.post(f"{API}/password", json=change, headers=headers).status_code == 204
    headers, said = opened(client)
    assert said["to_do"] == ["acknowledgement", "second_factor"]
    early = client.post(f"{API}/second-factors/totp", headers=headers)
    assert error_of(early)[:2] == (403, "acknowledgement_required")
    shown = client.get(f"{API}/acknowledgement", headers=headers).json()
    assert shown["words"] == accounts.words().words
    for name, status in (("Jane", 422), ("Jane Doe", 204)):
        signing = {"sha256": shown["sha256"], "name": name}
        done = client.post(f"{API}/acknowledgement", json=signing, headers=headers)
        assert done.status_code == status
    waiting = client.post(f"{API}/second-factors/recovery-codes", headers=headers)
    assert error_of(waiting)[:2] == (403, "second_factor_required")
    made = client.post(f"{API}/second-factors/totp", headers=headers).json()
    assert made["qr_svg"].startswith("<svg")
    code = {"code": totp.code(base64.b32decode(made["secret"]), clock())}
    done = client.post(f"{API}/second-factors/totp/confirm", json=code, headers=headers)
    assert len(done.json()["recovery_codes"]) == 10
    assert error_of(client.get(f"{API}/second-factors", headers=headers))[0] == 401
    headers, said = opened(client, code=code_of(accounts, "jdoe").code)
    assert said["to_do"] == []
    (factor,) = client.get(f"{API}/second-factors", headers=headers).json()["factors"]
    assert factor["kind"] == "totp"


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_passkey_from_its_making_to_a_session_in_a_cookie(
    client: Visitor, accounts: Accounts, officer: User
) -> None:
    headers = sign_in(client)
    asked = client.post(f"{API}/second-factors/passkeys/challenge", headers=headers).json()
    key = Authenticator()
    made = {
        "answer": key.make(asked["options"]),
        "name": "blue key",
        "again": shown_again(accounts),
    }
    done = client.post(f"{API}/second-factors/passkeys", json=made, headers=headers)
    assert done.json() == {"recovery_codes": []}
    asked = client.post(f"{API}/login/challenge").json()
    assert set(asked["options"]).isdisjoint({"user"})
    assert asked["options"].get("allowCredentials", []) == []
    typed = {
        "login": "jdoe",
        "password": PASSWORD,
        "passkey": key.sign(asked["options"]),
        "browser": True,
    }
    page = {"Sec-Fetch-Site": "same-origin"}
    answer = client.post(f"{API}/login", json=typed, headers=page)
    assert answer.status_code == 200
    assert answer.json()["token"] is None
    assert answer.json()["csrf"]
    (cookie,) = (
        each for each in answer.headers.get_list("Set-Cookie") if "session" in each.lower()
    )
    for part in ("Secure", "HttpOnly", "SameSite=strict"):
        assert part.lower() in cookie.lower()
    again = client.post(f"{API}/login", json=typed, headers=page)
    assert error_of(again)[:2] == (401, "sign_in_refused")


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("acknowledgement", {"sha256": "0" * 64, "name": "\ud800\0"}),
        ("acknowledgement", {"sha256": "0" * 63, "name": "Jane"}),
        ("second-factors/totp/confirm", {"code": "\0" * 6}),
        ("second-factors/totp/confirm", {"code": "\uff11" * 6}),
        ("second-factors/passkeys", {"answer": "[]", "name": "x"}),
        ("second-factors/passkeys", {"answer": '{"id": 1}', "name": "x\0"}),
        ("second-factors/passkeys", {"answer": json.dumps({"response": 7}), "name": "x"}),
    ],
)
def test_what_does_not_do_is_refused_and_breaks_nothing(
    client: Visitor, officer: User, path: str, body: dict[str, str]
) -> None:
    headers = sign_in(client) | {"Content-Type": "application/json"}
    again = {} if path == "acknowledgement" else {"again": shown_again(client.accounts)}
    # What no client library would send: half characters, as JSON allows them to be written.
    content = json.dumps(body | again)
    assert client.post(f"{API}/{path}", content=content, headers=headers).status_code == 422


@pytest.mark.policy("C-3c")
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_stolen_session_gets_no_second_factor_of_its_own(
    client: Visitor, accounts: Accounts, officer: User, engine: Engine, clock: Clock
) -> None:
    headers = sign_in(client)
    had = accounts.own_factors(officer)
    secret = client.post(f"{API}/second-factors/totp", headers=headers).json()["secret"]
    asked = client.post(f"{API}/second-factors/passkeys/challenge", headers=headers).json()
    answer = Authenticator().make(asked["options"])
    app = {"code": totp.code(base64.b32decode(secret), clock())}
    wanted: dict[str, dict[str, Any]] = {
        "totp/confirm": app,
        "passkeys": {"answer": answer, "name": "mine"},
    }

    def ask(path: str, body: Any) -> tuple[int, str]:
        got = client.post(f"{API}/second-factors/{path}", json=body, headers=headers)
        return error_of(got)[:2] if got.status_code != 200 else (200, "")

    for path, body in wanted.items():
        assert ask(path, body) == (422, "refused")
        # The password alone is what a thief may know.
        assert ask(path, body | {"again": {"password": PASSWORD}}) == (401, "sign_in_refused")
        last = recorded(engine)[-2:]
        assert [(each["action"], each["outcome"]) for each in last] == [
            ("accounts.sign_in", "refused"), ("accounts.add_second_factor", "refused")
        ]  # fmt: skip
        assert last[0]["request"] == {"locked": False, "reason": "second factor wrong or missing"}
    assert ask("recovery-codes", None) == (422, "invalid")
    assert ask("recovery-codes", {"password": ""}) == (422, "refused")
    assert ask("recovery-codes", {"password": PASSWORD}) == (401, "sign_in_refused")
    code = {"code": code_of(accounts, "jdoe").code}
    assert ask("recovery-codes", code | {"password": "wrong"}) == (401, "sign_in_refused")
    assert accounts.own_factors(officer) == had
    assert ask("totp/confirm", app | {"again": shown_again(accounts)}) == (200, "")
    headers = sign_in(client)
    typed = shown_again(accounts)
    assert ask("recovery-codes", typed) == (200, "")
    assert ask("recovery-codes", typed) == (401, "sign_in_refused"), "a code serves once"


@pytest.mark.policy("C-3c")
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_stolen_session_takes_no_second_factor_away(
    client: Visitor, accounts: Accounts, officer: User
) -> None:
    answer = Authenticator().make(accounts.new_passkey(officer))
    accounts.add_passkey(officer, answer, "blue key", "here")
    headers = sign_in(client)
    had = accounts.own_factors(officer)
    (passkey,) = (each.id for each in had.factors if each.kind == "passkey")

    def ask(typed: Any) -> int:
        path = f"{API}/second-factors/passkeys/{passkey}/removal"
        return client.post(path, json=typed, headers=headers).status_code

    assert client.delete(f"{API}/second-factors/passkeys/{passkey}", headers=headers).is_error
    refused = [ask(None), ask({"password": ""}), ask({"password": PASSWORD})]
    assert refused == [422, 422, 401]
    assert accounts.own_factors(officer) == had
    assert ask(shown_again(accounts)) == 204
    assert [each.kind for each in accounts.own_factors(officer).factors] == ["totp"]


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_who_shows_the_second_factor_wrongly_too_often_is_locked(
    client: Visitor, accounts: Accounts, officer: User
) -> None:
    headers = sign_in(client)
    typed = {"password": PASSWORD, "code": "000000"}
    codes = f"{API}/second-factors/recovery-codes"
    for _ in range(accounts.settings.max_failures):
        refused = client.post(codes, json=typed, headers=headers)
        assert error_of(refused)[:2] == (401, "sign_in_refused")
    locked = client.post(codes, json=shown_again(accounts), headers=headers)
    assert locked.status_code == 401
