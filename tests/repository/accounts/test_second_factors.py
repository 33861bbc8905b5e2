"""Second factors: enrolling, signing in by them, losing them; over both databases."""

from __future__ import annotations

import base64
import contextlib
import json
import threading
from dataclasses import replace

import pytest
from sqlalchemy import Engine, select

from repository.accounts import totp
from repository.accounts.challenges import GOOD_FOR
from repository.accounts.errors import (
    AccountError,
    NotYetOpenError,
    PasswordChangeRequiredError,
    SecondFactorRequiredError,
    SessionEndedError,
    SignInRefusedError,
    TooManySignInsError,
)
from repository.accounts.second_factors import Offered
from repository.accounts.service import Accounts
from repository.accounts.standing import Step
from repository.accounts.throttle import LIMIT
from repository.accounts.user import User
from repository.store.tables import signing_in
from tests.repository.accounts.authenticator import Authenticator, encoded
from tests.repository.people import (
    OPERATOR,
    PASSWORD,
    Clock,
    code_of,
    hire,
    open_session,
    recorded,
    sign_in,
)

# Where no other SQL is run than the rest runs on both databases.
ON_SQLITE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


def newcomer(accounts: Accounts) -> User:
    """A person who has signed the acknowledgement and has no second factor yet."""
    once = accounts.add("jdoe", "Jane Doe", "salem-pd", OPERATOR, "here")
    accounts.change_password("jdoe", once, PASSWORD, "here")
    user = accounts.sign_in("jdoe", PASSWORD, "here", before=Step.ACKNOWLEDGEMENT)
    accounts.acknowledge(user, accounts.words().sha256, "Jane Doe", "here")
    return user


def with_passkey(accounts: Accounts, user: User) -> Authenticator:
    key = Authenticator()
    accounts.add_passkey(user, key.make(accounts.new_passkey(user)), "blue key", "here")
    return key


def test_an_app_counts_from_its_first_code_on(
    accounts: Accounts, clock: Clock, engine: Engine
) -> None:
    user = newcomer(accounts)
    with pytest.raises(SecondFactorRequiredError):
        accounts.sign_in("jdoe", PASSWORD, "here")
    session = accounts.open_session("jdoe", PASSWORD, "here")
    assert accounts.user_of(session.token, "here", before=Step.SECOND_FACTOR) == user
    with pytest.raises(SecondFactorRequiredError):
        accounts.user_of(session.token, "here")
    made = accounts.new_secret(user, "here")
    secret = base64.b32decode(made.secret)
    assert made.secret in made.address
    with pytest.raises(AccountError, match="not the one that the app shows"):
        accounts.confirm_secret(user, "000000", "here")
    codes = accounts.confirm_secret(user, totp.code(secret, clock()), "here")
    assert len(codes) == 10
    with pytest.raises(SessionEndedError):
        accounts.user_of(session.token, "here")
    with engine.begin() as connection:
        (row,) = connection.execute(select(signing_in.totp_secrets)).all()
        kept = connection.execute(select(signing_in.recovery_codes)).all()
    assert secret not in row.sealed
    said = repr(kept) + repr(recorded(engine))
    assert not any(each in said for each in (made.secret, *codes))


@pytest.mark.policy("C-3c")
def test_a_code_serves_once(accounts: Accounts, officer: User, clock: Clock) -> None:
    shown = code_of(accounts, "jdoe")
    assert accounts.sign_in("jdoe", PASSWORD, "here", shown) == officer
    for _ in range(2):
        with pytest.raises(SignInRefusedError):
            accounts.sign_in("jdoe", PASSWORD, "here", shown)
        clock.pass_(seconds=20)


@pytest.mark.policy("C-3c")
def test_one_code_in_several_places_at_once_serves_one(accounts: Accounts, officer: User) -> None:
    shown = code_of(accounts, "jdoe")
    came_in: list[User] = []

    def enter() -> None:
        with contextlib.suppress(SignInRefusedError):
            came_in.append(accounts.sign_in("jdoe", PASSWORD, "here", shown))

    threads = [threading.Thread(target=enter) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert came_in == [officer]


@ON_SQLITE
def test_a_wrong_code_is_counted_and_answered_as_a_wrong_password(
    accounts: Accounts, officer: User, engine: Engine
) -> None:
    said = []
    for password, offered in (
        ("wrong", code_of(accounts, "jdoe")),
        (PASSWORD, Offered("000000")),
        (PASSWORD, Offered()),
        (PASSWORD, Offered(passkey="{}")),
        (PASSWORD, Offered("nonsense \ud800")),
    ):
        with pytest.raises(SignInRefusedError) as refused:
            accounts.sign_in("jdoe", password, "10.0.0.7", offered)
        said.append(str(refused.value))
    assert len(set(said)) == 1
    requests = [each["request"] for each in recorded(engine)[-5:]]
    assert [each["reason"] for each in requests] == [
        "wrong password", *["second factor wrong or missing"] * 4
    ]  # fmt: skip
    assert [each["locked"] for each in requests] == [False] * 4 + [True]
    with pytest.raises(SignInRefusedError):
        sign_in(accounts)


@ON_SQLITE
@pytest.mark.parametrize("deep_in", ["answer", "client data"])
def test_an_answer_of_nothing_but_brackets_is_a_wrong_one(
    accounts: Accounts, officer: User, engine: Engine, deep_in: str
) -> None:
    key = Authenticator()
    answers = {"signed": key.sign(accounts.sign_in_challenge())}
    answers["made"] = key.make(accounts.new_passkey(officer))
    for name, answer in answers.items():
        typed = json.loads(answer)
        typed["response"]["clientDataJSON"] = encoded(b"[" * 11_000)
        answers[name] = "[" * 16_000 if deep_in == "answer" else json.dumps(typed)
    with pytest.raises(SignInRefusedError):
        accounts.sign_in("jdoe", PASSWORD, "here", Offered(passkey=answers["signed"]))
    said = recorded(engine)[-1]["request"]
    assert (said["reason"], said["locked"]) == ("second factor wrong or missing", False)
    with pytest.raises(AccountError, match="does not hold"):
        accounts.add_passkey(officer, answers["made"], "key", "here")


@ON_SQLITE
def test_a_second_factor_that_cannot_be_looked_at_is_counted_and_recorded(
    accounts: Accounts, officer: User, engine: Engine
) -> None:
    elsewhere = replace(accounts, factors_key=lambda: bytes(32))
    for _ in range(LIMIT):
        with pytest.raises(AccountError, match="bring the right factors"):
            elsewhere.sign_in("jdoe", PASSWORD, "10.0.0.7", Offered("123456"))
        last = recorded(engine)[-1]
        assert (last["action"], last["outcome"]) == ("accounts.sign_in", "refused")
        assert last["actor"]["login"] == "jdoe"
    with pytest.raises(TooManySignInsError):
        elsewhere.sign_in("jdoe", PASSWORD, "10.0.0.7", Offered("123456"))


@ON_SQLITE
def test_a_wrong_password_uses_up_no_code(accounts: Accounts, officer: User) -> None:
    shown = code_of(accounts, "jdoe")
    with pytest.raises(SignInRefusedError):
        accounts.sign_in("jdoe", "wrong", "here", shown)
    assert accounts.sign_in("jdoe", PASSWORD, "here", shown) == officer


def test_a_recovery_code_serves_once_and_new_ones_end_the_old(
    accounts: Accounts, officer: User
) -> None:
    codes = accounts.new_recovery_codes(officer, "here")
    accounts.sign_in("jdoe", PASSWORD, "here", Offered(codes[0].upper()))
    with pytest.raises(SignInRefusedError):
        accounts.sign_in("jdoe", PASSWORD, "here", Offered(codes[0]))
    assert accounts.own_factors(officer).recovery_codes == 9
    accounts.new_recovery_codes(officer, "here")
    with pytest.raises(SignInRefusedError):
        accounts.sign_in("jdoe", PASSWORD, "here", Offered(codes[1]))


@ON_SQLITE
def test_anothers_codes_open_nothing(accounts: Accounts, officer: User) -> None:
    other = hire(accounts, "roe")
    codes = accounts.new_recovery_codes(other, "here")
    key = with_passkey(accounts, other)
    for offered in (
        Offered(codes[0]),
        code_of(accounts, "roe"),
        Offered(passkey=key.sign(accounts.sign_in_challenge())),
    ):
        with pytest.raises(SignInRefusedError):
            accounts.sign_in("jdoe", PASSWORD, "here", offered)


def test_a_lost_app_is_replaced_and_the_old_one_opens_nothing(
    accounts: Accounts, officer: User, clock: Clock
) -> None:
    old = code_of(accounts, "jdoe")
    secret = base64.b32decode(accounts.new_secret(officer, "here").secret)
    assert accounts.sign_in("jdoe", PASSWORD, "here", old) == officer, "until the new one counts"
    clock.pass_(seconds=60)
    old = code_of(accounts, "jdoe")
    assert accounts.confirm_secret(officer, totp.code(secret, clock()), "here") == []
    with pytest.raises(SignInRefusedError):
        accounts.sign_in("jdoe", PASSWORD, "here", old)
    assert sign_in(accounts) == officer


@ON_SQLITE
def test_who_lost_the_second_factor_gets_a_new_password_too(
    accounts: Accounts, officer: User, engine: Engine
) -> None:
    session = open_session(accounts)
    codes = accounts.new_recovery_codes(officer, "here")
    once = accounts.reset_second_factor("jdoe", OPERATOR, "here")
    last = recorded(engine)[-1]
    assert (last["action"], last["actor"]["login"], last["request"]["login"]) == (
        "accounts.reset_second_factor", "os:root", "jdoe"
    )  # fmt: skip
    with pytest.raises(SessionEndedError):
        accounts.user_of(session.token, "here")
    for offered in (Offered(), Offered(codes[0])):
        with pytest.raises(SignInRefusedError):
            accounts.sign_in("jdoe", PASSWORD, "here", offered)
    with pytest.raises(PasswordChangeRequiredError):
        accounts.sign_in("jdoe", once, "here")


@ON_SQLITE
def test_a_secret_does_not_open_under_another_key_or_for_another_person(
    accounts: Accounts, officer: User, engine: Engine
) -> None:
    hire(accounts, "roe")
    elsewhere = replace(accounts, factors_key=lambda: bytes(32))
    with pytest.raises(AccountError, match="bring the right factors"):
        elsewhere.sign_in("jdoe", PASSWORD, "here", Offered("123456"))
    table = signing_in.totp_secrets
    with engine.begin() as connection:
        sealed = connection.scalar(select(table.c.sealed).where(table.c.user_id != officer.id))
        connection.execute(table.update().values(sealed=sealed))
    with pytest.raises(AccountError, match="does not open"):
        accounts.sign_in("jdoe", PASSWORD, "here", Offered("123456"))


def test_a_passkey_opens_what_an_app_would(accounts: Accounts) -> None:
    user = newcomer(accounts)
    options = json.loads(accounts.new_passkey(user))
    assert options["rp"]["id"] == "localhost"
    assert options["authenticatorSelection"]["residentKey"] == "required"
    key = Authenticator()
    assert len(accounts.add_passkey(user, key.make(options), "blue key", "here")) == 10
    (factor,) = accounts.own_factors(user).factors
    assert (factor.kind, factor.name) == ("passkey", "blue key")
    for _ in range(2):
        offered = Offered(passkey=key.sign(accounts.sign_in_challenge()))
        assert accounts.sign_in("jdoe", PASSWORD, "here", offered) == user
        with pytest.raises(SignInRefusedError):
            accounts.sign_in("jdoe", PASSWORD, "here", offered)


@ON_SQLITE
def test_what_a_passkey_signed_elsewhere_or_late_or_as_a_copy_opens_nothing(
    accounts: Accounts, clock: Clock
) -> None:
    user = newcomer(accounts)
    key = with_passkey(accounts, user)
    assert accounts.settings.max_failures == 5

    def refused(answer: str) -> None:
        with pytest.raises(SignInRefusedError):
            accounts.sign_in("jdoe", PASSWORD, "here", Offered(passkey=answer))

    key.origin = "https://evil.example"
    refused(key.sign(accounts.sign_in_challenge()))
    key.origin, key.host = "http://localhost:8080", "evil.example"
    refused(key.sign(accounts.sign_in_challenge()))
    key.host = "localhost"
    late = key.sign(accounts.sign_in_challenge())
    clock.pass_(seconds=GOOD_FOR.total_seconds())
    refused(late)
    accounts.sign_in(
        "jdoe", PASSWORD, "here", Offered(passkey=key.sign(accounts.sign_in_challenge()))
    )
    key.count -= 2
    refused(key.sign(accounts.sign_in_challenge()))
    refused(key.sign(accounts.new_passkey(user)))


@ON_SQLITE
def test_a_new_passkey_needs_its_own_challenge_and_a_true_answer(accounts: Accounts) -> None:
    user = newcomer(accounts)
    other = hire(accounts, "roe")
    key = Authenticator()
    options = accounts.new_passkey(user)
    for person, answer in (
        (user, "{}"),
        (user, key.make(accounts.new_passkey(other))),
        (user, key.make(accounts.sign_in_challenge())),
        (other, key.make(options)),
        (user, Authenticator("https://evil.example").make(accounts.new_passkey(user))),
    ):
        with pytest.raises(AccountError, match="does not hold"):
            accounts.add_passkey(person, answer, "key", "here")
    made = key.make(options)
    accounts.add_passkey(user, made, "key", "here")
    with pytest.raises(AccountError, match="does not hold"):
        accounts.add_passkey(user, made, "key", "here")
    with pytest.raises(AccountError, match="set up already"):
        accounts.add_passkey(user, key.make(accounts.new_passkey(user)), "key", "here")


@ON_SQLITE
def test_the_last_second_factor_stays(accounts: Accounts) -> None:
    user = newcomer(accounts)
    with_passkey(accounts, user)
    with_passkey(accounts, user)
    one, other = accounts.own_factors(user).factors
    accounts.remove_passkey(user, one.id, "here")
    with pytest.raises(AccountError, match="only second factor"):
        accounts.remove_passkey(user, other.id, "here")
    with pytest.raises(AccountError, match="none of that id"):
        accounts.remove_passkey(user, one.id, "here")
    assert len(accounts.own_factors(user).factors) == 1


@ON_SQLITE
def test_whoever_asks_for_passkeys_shuts_nobody_out(
    accounts: Accounts, engine: Engine, clock: Clock
) -> None:
    user = newcomer(accounts)
    key = with_passkey(accounts, user)
    mine = accounts.sign_in_challenge()
    with engine.begin() as connection:
        before = connection.execute(select(signing_in.passkey_challenges)).all()
    for _ in range(100):
        accounts.sign_in_challenge()
    with engine.begin() as connection:
        assert connection.execute(select(signing_in.passkey_challenges)).all() == before
    offered = Offered(passkey=key.sign(mine))
    assert accounts.sign_in("jdoe", PASSWORD, "here", offered) == user
    clock.pass_(minutes=6)
    accounts.sign_in(
        "jdoe", PASSWORD, "here", Offered(passkey=key.sign(accounts.sign_in_challenge()))
    )
    with engine.begin() as connection:
        (kept,) = connection.execute(select(signing_in.passkey_challenges)).all()
    assert kept.user_id == user.id, "those that are too old are swept away"


@ON_SQLITE
def test_every_step_stands_before_the_next(accounts: Accounts) -> None:
    once = accounts.add("jdoe", "Jane Doe", "salem-pd", OPERATOR, "here")
    session = accounts.open_session("jdoe", once, "here")
    assert accounts.outstanding(session.user) == [
        Step.PASSWORD, Step.ACKNOWLEDGEMENT, Step.SECOND_FACTOR
    ]  # fmt: skip
    for step in (Step.ACKNOWLEDGEMENT, Step.SECOND_FACTOR, Step.BULLETINS, None):
        with pytest.raises(NotYetOpenError):
            accounts.user_of(session.token, "here", before=step)
