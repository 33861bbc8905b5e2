"""Any order of sign-ins, wrong and used codes, and steps of the clock, against a small model."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from repository.accounts import totp
from repository.accounts.errors import SignInRefusedError
from repository.accounts.second_factors import Offered
from repository.accounts.service import Accounts
from tests.repository.people import OPERATOR, PASSWORD, Clock, hire, secret_of

_people = itertools.count(1)

MOVES_S = (0, 10, 30, 60, 899, 900, -30, -120)
ACTS = st.one_of(
    st.tuples(st.just("sign in"), st.integers(-2, 2), st.booleans()),
    st.tuples(st.just("replay"), st.integers(0, 20), st.just(True)),
    st.tuples(st.just("move"), st.sampled_from(MOVES_S), st.just(True)),
    st.tuples(st.just("release"), st.just(0), st.just(True)),
)


@dataclass
class Model:
    """What is known of an account: the last step used, when sign-ins failed, whether it locked."""

    last_step: int
    failures: list[datetime] = field(default_factory=list)
    locked: bool = False
    used: list[int] = field(default_factory=list)

    def opens(self, right: bool, step: int, now: datetime) -> bool:
        near = abs(step - totp.step_of(now)) <= 1
        if self.locked:
            return False
        if right and near and step > self.last_step:
            self.last_step = step
            self.failures.clear()
            return True
        self.failures.append(now)
        recent = [each for each in self.failures if each > now - timedelta(minutes=15)]
        self.locked = len(recent) >= 5
        return False


@pytest.mark.policy("C-3c")
@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(acts=st.lists(ACTS, min_size=5, max_size=25))
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_no_code_works_twice_and_no_locked_account_opens(
    accounts: Accounts, engine: Engine, clock: Clock, acts: list[tuple[str, int, bool]]
) -> None:
    login = f"person{next(_people)}"
    hire(accounts, login)
    secret = secret_of(accounts, login)
    model = Model(totp.step_of(clock()))
    for number, (act, value, right) in enumerate(acts):
        if act == "move":
            clock.pass_(seconds=value)
            continue
        if act == "release":
            accounts.unlock(login, OPERATOR, "here")
            model.locked = False
            model.failures.clear()
            continue
        step = totp.step_of(clock()) + value
        if act == "replay":
            if not model.used:
                continue
            step = model.used[value % len(model.used)]
        code = totp.code(secret, datetime.fromtimestamp(step * totp.STEP_S, clock().tzinfo))
        password = PASSWORD if right else "not the password"
        expected = model.opens(right, step, clock())
        try:
            accounts.sign_in(login, password, f"{login} {number}", Offered(code))
        except SignInRefusedError:
            opened = False
        else:
            opened = True
            assert step not in model.used
            model.used.append(step)
        assert opened == expected
