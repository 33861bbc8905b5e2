"""Training: who has it, until when, and who is reminded."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import Engine

from repository.accounts import standing, training
from repository.accounts.errors import AccountError, NotAllowedError, NotYetOpenError
from repository.accounts.people import People
from repository.accounts.roles import Role
from repository.accounts.service import Accounts
from repository.accounts.user import User
from repository.business_days import day_of
from repository.units.findings import Finding, list_findings
from tests.repository.accounts.employing import ON_SQLITE, employ
from tests.repository.people import OPERATOR, Clock, recorded, sign_agreement

COURSE = ("ALPR, first use", "Sgt. A. Poe")
TODAY = date(2026, 3, 1)


@pytest.fixture
def people(accounts: Accounts) -> People:
    sign_agreement(accounts.engine, "salem-pd", accounts.now())
    return People(accounts)


def may_search(people: People, user: User) -> bool:
    with people.engine.begin() as connection:
        try:
            standing.require_for_search(connection, user, people.now())
        except NotYetOpenError as error:
            assert "your training is missing or out of date" in str(error)
            assert "administrator, representative or head, or an operator, records" in str(error)
            return False
    return True


@pytest.mark.policy("C-1b", "M-C3")
def test_searches_are_closed_without_training_and_after_its_last_day(
    people: People, accounts: Accounts, admin: User, clock: Clock
) -> None:
    officer = employ(accounts, "jdoe", Role.OFFICER)
    assert not may_search(people, officer)
    made = people.record_training(admin, "jdoe", *COURSE, TODAY, "here")
    assert made.good_until == TODAY + timedelta(days=365)
    assert may_search(people, officer)
    clock.pass_(days=365)
    assert may_search(people, officer)
    clock.pass_(days=1)
    assert not may_search(people, officer)
    people.record_training(admin, "jdoe", *COURSE, day_of(clock()), "here")
    assert may_search(people, officer)


@pytest.mark.policy("C-1b")
def test_training_that_was_struck_does_not_count(
    people: People, accounts: Accounts, admin: User
) -> None:
    officer = employ(accounts, "jdoe", Role.OFFICER)
    made = people.record_training(admin, "jdoe", *COURSE, TODAY, "here")
    people.strike_training(admin, made.id, "It was another person", "here")
    assert not may_search(people, officer)
    with pytest.raises(AccountError, match="none that counts"):
        people.strike_training(admin, made.id, "Again", "here")
    (kept,) = people.list_trainings(admin, "here", login="jdoe")
    assert (kept.struck_at, kept.strike_reason) == (people.now(), "It was another person")
    actions = [each["action"] for each in recorded(people.engine)][-4:]
    assert actions == ["training.record", "training.strike", "training.strike", "training.list"]


@ON_SQLITE
@pytest.mark.policy("C-1b")
def test_nobody_records_their_own_training_nor_another_agencys(
    people: People, accounts: Accounts, admin: User
) -> None:
    employ(accounts, "away", Role.OFFICER, agency="boston-pd")
    with pytest.raises(NotAllowedError, match="nobody records their own"):
        people.record_training(admin, "admin", *COURSE, TODAY, "here")
    for login in ("away", "nobody"):
        with pytest.raises(AccountError, match=f"login '{login}': no such user"):
            people.record_training(admin, login, *COURSE, TODAY, "here")
    made = people.record_training(OPERATOR, "away", *COURSE, TODAY, "here")
    for number in (made.id, made.id + 1):
        with pytest.raises(AccountError, match=f"training {number}: there is none that counts"):
            people.strike_training(admin, number, "Why not", "here")
    assert people.list_trainings(admin, "here") == []
    representative = employ(accounts, "rep", Role.REPRESENTATIVE)
    assert people.record_training(representative, "admin", *COURSE, TODAY, "here").id


@ON_SQLITE
@pytest.mark.parametrize(
    ("course", "day", "said"),
    [
        ("", TODAY, "course"),
        ("A\0B", TODAY, "course"),
        ("ALPR", TODAY + timedelta(days=1), "taken on: 2026-03-02 has not come"),
        ("ALPR", TODAY - timedelta(days=365), "taken on: a day of the last 365"),
        ("ALPR", date.min, "taken on"),
        ("ALPR", date.max, "taken on"),
    ],
)
def test_a_course_has_a_name_and_a_day_of_the_last_year(
    people: People, accounts: Accounts, admin: User, course: str, day: date, said: str
) -> None:
    employ(accounts, "jdoe", Role.OFFICER)
    with pytest.raises(AccountError, match=said):
        people.record_training(admin, "jdoe", course, "Sgt. A. Poe", day, "here")


def standing_(engine: Engine) -> list[Finding]:
    with engine.begin() as connection:
        return [each for each in list_findings(connection) if each.kind == training.DUE]


def due(engine: Engine, clock: Clock) -> list[Finding]:
    with engine.begin() as connection:
        training.remind(connection, clock())
    return standing_(engine)


@pytest.mark.policy("C-1b")
def test_whoever_may_search_is_reminded_thirty_days_before(
    engine: Engine, people: People, accounts: Accounts, admin: User, clock: Clock
) -> None:
    employ(accounts, "jdoe", Role.OFFICER)
    employ(accounts, "auditor", Role.AUDITOR)
    people.record_training(OPERATOR, "admin", *COURSE, TODAY, "here")
    (never,) = due(engine, clock)
    assert (never.subject, "never trained" in never.detail) == ("salem-pd/jdoe", True)
    made = people.record_training(admin, "jdoe", *COURSE, TODAY, "here")
    assert standing_(engine) == []
    people.strike_training(admin, made.id, "It was another person", "here")
    assert [each.subject for each in standing_(engine)] == ["salem-pd/jdoe"]
    people.record_training(admin, "jdoe", *COURSE, TODAY, "here")
    assert due(engine, clock) == []
    clock.pass_(days=334)
    assert due(engine, clock) == []
    clock.pass_(days=1)
    assert [each.detail for each in due(engine, clock)] == [
        "training of admin of salem-pd ends on 2027-03-01",
        "training of jdoe of salem-pd ends on 2027-03-01",
    ]
    people.record_training(admin, "jdoe", *COURSE, day_of(clock()), "here")
    accounts.close_account("admin", OPERATOR, "here")
    assert due(engine, clock) == []
