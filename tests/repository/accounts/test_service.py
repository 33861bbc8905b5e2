"""Signing in, passwords, locks and sessions, over both databases, all on the ledger."""

from __future__ import annotations

import itertools
import threading
from dataclasses import replace

import pytest
from sqlalchemy import Engine, select, text

from repository.accounts.errors import (
    AccountError,
    PasswordChangeRequiredError,
    PasswordRefusedError,
    SignInRefusedError,
    TooManySignInsError,
)
from repository.accounts.hashing import MEMORY_KIB, Passwords
from repository.accounts.service import Accounts
from repository.accounts.standing import Step
from repository.accounts.throttle import LIMIT
from repository.accounts.user import User
from repository.ledger import log
from repository.store.tables.accounts import users
from tests.repository.people import OPERATOR, PASSWORD, Clock, code_of, hire, recorded, sign_in


def fail(accounts: Accounts, times: int, login: str = "jdoe") -> None:
    for _ in range(times):
        with pytest.raises(SignInRefusedError):
            accounts.sign_in(login, "not the password", "10.0.0.7")


def waits(engine: Engine, connections: int = 1) -> bool:
    """Whether so many of the database's connections wait for a lock."""
    query = text(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with engine.connect() as connection:
        return bool(connection.scalar(query) == connections)


@pytest.mark.policy("C-3a")
@pytest.mark.policy("G-10a")
def test_the_first_user_has_a_one_time_password_to_change(
    accounts: Accounts, engine: Engine
) -> None:
    once = accounts.bootstrap("jdoe", "Jane Doe", "salem-pd", OPERATOR, "command line")
    with pytest.raises(PasswordChangeRequiredError):
        accounts.sign_in("jdoe", once, "10.0.0.7")
    accounts.change_password("jdoe", once, PASSWORD, "10.0.0.7")
    user = accounts.sign_in("JDoe ", PASSWORD, "10.0.0.7", before=Step.ACKNOWLEDGEMENT)
    assert not user.must_change_password
    with pytest.raises(SignInRefusedError):
        accounts.sign_in("jdoe", once, "10.0.0.7")
    with pytest.raises(AccountError, match="first user was made already"):
        accounts.bootstrap("other", "Other", "salem-pd", OPERATOR, "command line")
    entries = recorded(engine)
    assert [(each["action"], each["actor"]["login"], each["outcome"]) for each in entries] == [
        ("accounts.add", "os:root", "done"),
        ("accounts.sign_in", "jdoe", "refused"),
        ("accounts.sign_in", "jdoe", "done"),
        ("accounts.change_password", "jdoe", "done"),
        ("accounts.sign_in", "jdoe", "done"),
        ("accounts.sign_in", "jdoe", "refused"),
        ("accounts.add", "os:root", "refused"),
    ]
    assert entries[1]["request"] == {"reason": "one-time password", "second_factor": None}
    assert entries[1]["actor"]["name"] == "Jane Doe"
    assert entries[1]["origin"] == "10.0.0.7"


@pytest.mark.policy("C-3a")
def test_a_session_with_a_one_time_password_only_changes_it(
    accounts: Accounts, engine: Engine
) -> None:
    once = accounts.bootstrap("jdoe", "Jane Doe", "salem-pd", OPERATOR, "command line")
    session = accounts.open_session("jdoe", once, "10.0.0.7")
    with pytest.raises(PasswordChangeRequiredError):
        accounts.user_of(session.token, "10.0.0.7")
    last = recorded(engine)[-1]
    assert (last["action"], last["outcome"]) == ("accounts.use_session", "refused")
    assert (last["actor"]["login"], last["origin"]) == ("jdoe", "10.0.0.7")
    assert accounts.user_of(session.token, "here", before=Step.PASSWORD) == session.user


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
@pytest.mark.parametrize("logins", [("jdoe", "roe"), ("jdoe", "jdoe")])
def test_of_two_first_users_at_once_one_is_made(
    accounts: Accounts, engine: Engine, logins: tuple[str, str]
) -> None:
    refused: list[AccountError] = []

    def make(login: str) -> None:
        try:
            accounts.bootstrap(login, "Jane Doe", "salem-pd", OPERATOR, "here")
        except AccountError as error:
            refused.append(error)

    with engine.begin() as connection:
        log.state(connection, lock=True)  # holds both back just before they commit
        threads = [threading.Thread(target=make, args=(each,)) for each in logins]
        for thread in threads:
            thread.start()
        while not waits(engine, 2):
            threads[0].join(0.01)
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    assert "first user was made already" in str(refused[0])
    assert len(accounts.everyone(OPERATOR, "here")) == 1


def test_no_password_is_kept_or_recorded(accounts: Accounts, engine: Engine) -> None:
    once = accounts.bootstrap("jdoe", "Jane Doe", "salem-pd", OPERATOR, "command line")
    accounts.change_password("jdoe", once, PASSWORD, "here")
    fail(accounts, 1)
    fail(accounts, 1, login="hunter2-typed-as-login")
    with engine.begin() as connection:
        row = connection.execute(select(users)).one()
    kept = repr(row) + repr(recorded(engine))
    for secret in (once, PASSWORD, "not the password", "hunter2-typed-as-login"):
        assert secret not in kept
    assert Passwords().hash(PASSWORD).startswith(f"$argon2id$v=19$m={MEMORY_KIB},t=2,")
    assert MEMORY_KIB >= 19 * 1024


@pytest.mark.parametrize(
    ("login", "name", "agency", "message"),
    [
        ("J", "Jane Doe", "salem-pd", "login: 2 to 64"),
        ("jane doe", "Jane Doe", "salem-pd", "login: 2 to 64"),
        ("jdoe\0", "Jane Doe", "salem-pd", "login: 2 to 64"),
        ("jdoe", " ", "salem-pd", "name: the person's full name"),
        ("jdoe", "Jane\0Doe", "salem-pd", "name: the person's full name"),
        ("jdoe", "Jane Doe", "nowhere-pd", "agency 'nowhere-pd': not known"),
    ],
)
def test_accounts_that_cannot_be_are_refused(
    accounts: Accounts, login: str, name: str, agency: str, message: str
) -> None:
    with pytest.raises(AccountError, match=message):
        accounts.add(login, name, agency, OPERATOR, "here")
    last = recorded(accounts.engine)[-1]
    assert (last["action"], last["outcome"]) == ("accounts.add", "refused")
    assert message in last["request"]["reason"]
    assert accounts.everyone(OPERATOR, "here") == []


@pytest.mark.policy("G-10a")
def test_a_login_is_one_persons_for_ever(accounts: Accounts, officer: User) -> None:
    accounts.close_account("jdoe", OPERATOR, "here")
    with pytest.raises(AccountError, match="taken"):
        accounts.add("JDOE", "John Doe", "boston-pd", OPERATOR, "here")


@pytest.mark.policy("C-4a")
def test_whatever_is_wrong_the_answer_is_one_and_the_ledger_knows(
    accounts: Accounts, officer: User, engine: Engine
) -> None:
    hire(accounts, "gone")
    accounts.close_account("gone", OPERATOR, "here")
    answers = []
    for login, password in (
        ("jdoe", "wrong"),
        ("nobody", "wrong"),
        ("not a login\0", "wrong"),
        ("gone", PASSWORD),
        ("jdoe", "\ud800"),
    ):
        with pytest.raises(SignInRefusedError) as refused:
            accounts.sign_in(login, password, "10.0.0.7")
        answers.append(str(refused.value))
    assert len(set(answers)) == 1
    last = recorded(engine)[-5:]
    assert [each["request"]["reason"] for each in last] == [
        "wrong password",
        "unknown login",
        "unknown login",
        "account closed",
        "wrong password",
    ]
    assert {each["outcome"] for each in last} == {"refused"}
    assert last[0]["actor"]["name"] == "Officer jdoe"
    assert last[1]["actor"] == {
        "user_id": "",
        "login": "",
        "name": "nobody with an account",
        "agency": "",
    }


def test_an_unknown_login_costs_a_hash_too(accounts: Accounts, officer: User) -> None:
    watched = WatchedPasswords(memory_kib=64, passes=1)
    fail(replace(accounts, passwords=watched), 1, login="nobody")
    assert watched.seen == [None]


def test_five_failures_lock_until_released(
    accounts: Accounts, officer: User, engine: Engine, clock: Clock
) -> None:
    fail(accounts, 4)
    sign_in(accounts, "jdoe", "here")
    fail(accounts, 5)
    with pytest.raises(SignInRefusedError):
        sign_in(accounts, "jdoe", "here")
    clock.pass_(days=1)
    with pytest.raises(SignInRefusedError):
        sign_in(accounts, "jdoe", "here")
    accounts.unlock("jdoe", OPERATOR, "here")
    assert sign_in(accounts, "jdoe", "here") == officer
    requests = [each["request"] for each in recorded(engine)[-9:-2]]
    assert [each["reason"] for each in requests] == ["wrong password"] * 5 + ["account locked"] * 2
    assert [each.get("locked") for each in requests[:5]] == [False] * 4 + [True]


def test_failures_longer_ago_do_not_lock(accounts: Accounts, officer: User, clock: Clock) -> None:
    fail(accounts, 4)
    clock.pass_(minutes=15)
    fail(accounts, 4)
    assert sign_in(accounts, "jdoe", "here") == officer


def test_guessing_in_parallel_meets_the_lock(accounts: Accounts, officer: User) -> None:
    guesses = [f"guess {number}" for number in range(9)]
    refused: list[str] = []

    def guess(password: str) -> None:
        try:
            accounts.sign_in("jdoe", password, "here")
        except SignInRefusedError:
            refused.append(password)

    threads = [threading.Thread(target=guess, args=(each,)) for each in guesses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(refused) == guesses
    (account,) = accounts.everyone(OPERATOR, "here")
    assert account.locked_at is not None


class WatchedPasswords(Passwords):
    """Notes against which hashes a password is held."""

    def __init__(self, memory_kib: int, passes: int) -> None:
        super().__init__(memory_kib, passes)
        self.seen: list[str | None] = []

    def verify(self, stored: str | None, password: str) -> bool:
        self.seen.append(stored)
        return super().verify(stored, password)


class NoPasswords(Passwords):
    """Takes no time over a password, since none is right."""

    def verify(self, stored: str | None, password: str) -> bool:
        return False


@pytest.mark.policy("C-4a")
def test_a_flood_from_one_address_is_one_entry_and_stops_nobody_elsewhere(
    accounts: Accounts, officer: User, engine: Engine, clock: Clock
) -> None:
    flooded = replace(accounts, passwords=NoPasswords())
    fail(flooded, LIMIT, login="nobody")
    before = len(recorded(engine))
    for _ in range(200):
        with pytest.raises(TooManySignInsError):
            flooded.sign_in("nobody", "guess", "10.0.0.7")
    entries = recorded(engine)
    assert len(entries) == before
    assert "counted, not looked at" in entries[-1]["request"]["then"]
    with pytest.raises(TooManySignInsError):
        sign_in(accounts, "jdoe", "10.0.0.7")
    assert sign_in(accounts, "jdoe", "10.0.0.8") == officer
    clock.pass_(minutes=15)
    assert sign_in(accounts, "jdoe", "10.0.0.7") == officer
    dropped, signed_in = recorded(engine)[-2:]
    assert (dropped["origin"], dropped["outcome"], dropped["count"]) == ("10.0.0.7", "refused", 201)
    assert signed_in["outcome"] == "done"


@pytest.mark.policy("C-3a")
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_the_last_ten_passwords_are_refused(
    accounts: Accounts, officer: User, engine: Engine
) -> None:
    def change(current: str, new: str) -> None:
        shown = code_of(accounts, "jdoe")
        accounts.change_password("jdoe", current, new, "here", shown)

    used = [PASSWORD, *(f"heron number {number} of many" for number in range(1, 11))]
    for current, new in itertools.pairwise(used):
        with pytest.raises(PasswordRefusedError, match="differ from your last 10"):
            change(current, used[0])
        change(current, new)
    for old in used[1:]:
        with pytest.raises(PasswordRefusedError, match="differ from your last 10"):
            change(used[-1], old)
    last = recorded(engine)[-1]
    assert (last["action"], last["outcome"]) == ("accounts.change_password", "refused")
    change(used[-1], used[0])
    with pytest.raises(SignInRefusedError):
        change(used[-1], "yet another heron")


def test_who_is_not_there_cannot_be_changed(accounts: Accounts) -> None:
    with pytest.raises(AccountError, match="no such user"):
        accounts.close_account("nobody", OPERATOR, "here")
    last = recorded(accounts.engine)[-1]
    assert (last["action"], last["outcome"]) == ("accounts.close", "refused")
