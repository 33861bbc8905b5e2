"""A locked session is opened again by a passkey of its own person, in the password's place."""

from __future__ import annotations

import json
from dataclasses import dataclass

import httpx
import pytest
from sqlalchemy import Engine

from repository.accounts.errors import (
    AccountError,
    SessionEndedError,
    SessionLockedError,
    SignInRefusedError,
)
from repository.accounts.second_factors import Offered
from repository.accounts.service import Accounts
from repository.accounts.sessions_use import Session
from repository.accounts.user import User
from tests.repository.accounts.authenticator import Authenticator
from tests.repository.people import OPERATOR, PASSWORD, Clock, hire, open_session, recorded
from tests.repository.web.test_app import error_of, serving

HERE = "10.0.0.7"
ON_SQLITE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@dataclass(frozen=True)
class Rooms:
    accounts: Accounts


@pytest.fixture
def key(accounts: Accounts, officer: User) -> Authenticator:
    """The officer's passkey, beside their app."""
    made = Authenticator()
    accounts.add_passkey(officer, made.make(accounts.new_passkey(officer)), "blue key", HERE)
    return made


def locked(accounts: Accounts, login: str = "jdoe") -> Session:
    session = open_session(accounts, login)
    accounts.lock_session(session.token, HERE)
    return session


def unlock(accounts: Accounts, session: Session, answer: str) -> Session:
    return accounts.unlock_session(session.token, "", HERE, passkey=answer)


@pytest.mark.policy("C-3c")
def test_a_passkey_alone_opens_a_locked_session(
    accounts: Accounts, officer: User, key: Authenticator, engine: Engine
) -> None:
    session = locked(accounts)
    asked = json.loads(accounts.unlock_challenge(session.token, HERE))
    assert asked["userVerification"] == "required"
    assert len(asked["allowCredentials"]) == 1
    answer = key.sign(asked)
    opened = unlock(accounts, session, answer)
    assert accounts.user_of(opened.token, HERE) == officer
    with pytest.raises(SessionEndedError):
        accounts.user_of(session.token, HERE)
    said = recorded(engine)[-2:]
    assert [each["action"] for each in said] == ["accounts.unlock_session", "accounts.sign_in"]
    assert said[1]["request"]["second_factor"] == "passkey"
    accounts.lock_session(opened.token, HERE)
    with pytest.raises(SignInRefusedError):
        unlock(accounts, opened, answer)
    with pytest.raises(SessionLockedError):
        accounts.user_of(opened.token, HERE)


@ON_SQLITE
@pytest.mark.policy("C-3c")
def test_nothing_else_stands_for_the_password(
    accounts: Accounts, officer: User, key: Authenticator, clock: Clock, engine: Engine
) -> None:
    hire(accounts, "roe")
    theirs = locked(accounts, "roe")
    with pytest.raises(AccountError, match="you have none"):
        accounts.unlock_challenge(theirs.token, HERE)
    session = locked(accounts)

    def refused(answer: str, which: Session = session) -> None:
        with pytest.raises(SignInRefusedError):
            unlock(accounts, which, answer)
        assert recorded(engine)[-1]["request"]["reason"] == "second factor wrong or missing"

    refused(key.sign(accounts.unlock_challenge(session.token, HERE)), theirs)
    refused("{}")
    refused(key.sign(accounts.sign_in_challenge()))
    key.sure = False
    refused(key.sign(accounts.unlock_challenge(session.token, HERE)))
    key.sure = True
    late = key.sign(accounts.unlock_challenge(session.token, HERE))
    clock.pass_(minutes=5)
    refused(late)
    unlocked = key.sign(accounts.unlock_challenge(session.token, HERE))
    refused(key.sign(accounts.new_passkey(officer)))
    with pytest.raises(SessionEndedError):  # five failures have locked the account
        unlock(accounts, session, unlocked)
    accounts.unlock("jdoe", OPERATOR, HERE)
    with pytest.raises(SignInRefusedError):
        accounts.sign_in("jdoe", PASSWORD, HERE, Offered(passkey=unlocked))
    assert unlock(accounts, session, unlocked).user == officer


def test_a_browser_unlocks_by_a_passkey(
    accounts: Accounts, officer: User, key: Authenticator
) -> None:
    session = locked(accounts)
    bearing = {"Authorization": f"Bearer {session.token}"}
    with serving(Rooms(accounts)) as client:

        def post(path: str, **typed: str) -> httpx.Response:
            return client.post(f"/api/v1/sessions/{path}", json=typed, headers=bearing)

        options = post("unlock/challenge").json()["options"]
        assert error_of(post("unlock"))[:2] == (401, "sign_in_refused")
        token = post("unlock", passkey=key.sign(options)).json()["token"]
        assert token != session.token
        assert error_of(post("unlock/challenge"))[:2] == (401, "session_ended")
