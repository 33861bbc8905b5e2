"""Requests for a login, as an agency's ALPR administrator receives and decides them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine

from repository.accounts import throttle
from repository.accounts.errors import (
    AccountError,
    NotAllowedError,
    TooManyLoginRequestsError,
)
from repository.accounts.login_requests import MAX_WAITING, WAITING, Form
from repository.accounts.people import People
from repository.accounts.roles import Role
from repository.accounts.service import Accounts
from repository.accounts.user import User
from repository.units.findings import list_findings
from tests.repository.accounts.employing import ON_SQLITE, as_now, employ, state
from tests.repository.people import OPERATOR, PASSWORD, Clock, recorded

FORM = Form(
    name="Jane Doe",
    position="Detective",
    agency="salem-pd",
    phone="978-555-0100 x12",
    email="JDoe@salem.example.gov",
    reason="Assigned to the auto theft unit",
)
OFFICER = (Role.OFFICER,)


def waiting(engine: Engine) -> list[str]:
    with engine.begin() as connection:
        return [each.subject for each in list_findings(connection) if each.kind == WAITING]


@pytest.mark.policy("C-2a")
def test_the_agencys_administrator_receives_a_request_and_grants_it(
    engine: Engine, people: People, accounts: Accounts, admin: User
) -> None:
    away = employ(accounts, "away", Role.ALPR_ADMINISTRATOR, agency="boston-pd")
    number = people.ask_for_login(FORM, "10.0.0.9")
    assert waiting(engine) == [f"salem-pd/{number}"]
    (asked,) = people.list_login_requests(admin, "here")
    assert (asked.name, asked.position, asked.email, asked.decision) == (
        "Jane Doe",
        "Detective",
        "jdoe@salem.example.gov",
        None,
    )
    assert people.list_login_requests(away, "here") == []
    once = people.grant_login(
        admin, number, "jdoe", OFFICER, "Works in my unit", "here", current_employee=True
    )
    accounts.change_password("jdoe", once, PASSWORD, "here")
    made = as_now(accounts, "jdoe")
    assert (made.name, made.position, made.agency, made.roles) == (
        "Jane Doe",
        "Detective",
        "salem-pd",
        {Role.OFFICER},
    )
    assert waiting(engine) == []
    (decided,) = people.list_login_requests(admin, "here", decided_too=True)
    assert (decided.decision, decided.decided_by_name, decided.login) == (
        "granted",
        "Person admin",
        "jdoe",
    )
    (entry,) = (each for each in recorded(engine) if each["action"] == "login_requests.grant")
    assert (entry["actor"]["login"], entry["request"]["login"]) == ("admin", "jdoe")
    assert entry["request"]["current_employee"] is True
    assert once not in repr(recorded(engine))


@pytest.mark.policy("C-2a")
def test_a_request_is_denied_with_a_reason_and_an_account_revoked(
    engine: Engine, people: People, accounts: Accounts, admin: User
) -> None:
    number = people.ask_for_login(FORM, "10.0.0.9")
    with pytest.raises(AccountError, match="reason"):
        people.deny_login(admin, number, " ", "here")
    people.deny_login(admin, number, "Not of our agency", "here")
    with pytest.raises(AccountError, match="is denied already"):
        people.grant_login(admin, number, "jdoe", OFFICER, "So", "here", current_employee=True)
    (denied,) = people.list_login_requests(admin, "here", decided_too=True)
    assert (denied.decision, denied.decision_reason) == ("denied", "Not of our agency")
    assert waiting(engine) == []
    employ(accounts, "rroe", *OFFICER)
    accounts.close_account("rroe", admin, "here", why="No longer assigned")
    assert state(accounts, "rroe") == "No longer assigned"


@ON_SQLITE
@pytest.mark.policy("C-2a")
def test_nobody_else_decides_and_no_more_is_granted_than_theirs_to_give(
    people: People, accounts: Accounts, admin: User
) -> None:
    number = people.ask_for_login(FORM, "10.0.0.9")
    away = employ(accounts, "away", Role.ALPR_ADMINISTRATOR, agency="boston-pd")
    officer = employ(accounts, "officer", Role.SUPERVISOR)

    def grant(by: User, *roles: Role, login: str = "jdoe", employee: bool = True) -> None:
        people.grant_login(by, number, login, roles, "Why", "here", current_employee=employee)

    with pytest.raises(AccountError, match="none at your agency"):
        grant(away, Role.OFFICER)
    with pytest.raises(AccountError, match="none at your agency"):
        people.deny_login(away, number, "Why", "here")
    with pytest.raises(NotAllowedError, match="manage users"):
        grant(officer, Role.OFFICER)
    with pytest.raises(NotAllowedError, match="not yours to give"):
        grant(admin, Role.OFFICER, Role.AGENCY_HEAD)
    with pytest.raises(AccountError, match="current employee"):
        grant(admin, Role.OFFICER, employee=False)
    with pytest.raises(AccountError, match="taken"):
        grant(admin, Role.OFFICER, login="officer")
    assert [each["outcome"] for each in recorded(people.engine)[-6:]] == ["refused"] * 6
    (still,) = people.list_login_requests(admin, "here")
    assert still.decision is None


@ON_SQLITE
@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("name", ""),
        ("name", "Jane\0Doe"),
        ("position", " "),
        ("position", "\ud800"),
        ("agency", "nowhere-pd"),
        ("phone", "call me"),
        ("email", "jdoe at salem"),
        ("email", "a@b@c.gov"),
        ("reason", "\n"),
        ("reason", "x" * 1001),
    ],
)
def test_a_form_says_who_asks_and_why(people: People, field: str, typed: str) -> None:
    with pytest.raises(AccountError):
        people.ask_for_login(replace(FORM, **{field: typed}), "10.0.0.9")
    last = recorded(people.engine)[-1]
    assert (last["action"], last["outcome"]) == ("login_requests.receive", "refused")
    assert people.list_login_requests(OPERATOR, "here") == []


@ON_SQLITE
def test_strangers_fill_nobodys_desk(people: People, clock: Clock, monkeypatch: Any) -> None:
    people.ask_for_login(FORM, "10.0.0.9")
    with pytest.raises(AccountError, match="waits already"):
        people.ask_for_login(FORM, "10.0.0.9")
    monkeypatch.setattr("repository.accounts.login_requests.MAX_WAITING", 2)
    assert MAX_WAITING > 2
    people.ask_for_login(replace(FORM, email="a@salem.example.gov"), "10.0.0.9")
    with pytest.raises(AccountError, match="too many requests wait"):
        people.ask_for_login(replace(FORM, email="b@salem.example.gov"), "10.0.0.9")
    for _ in range(throttle.LIMIT):
        people.request_throttle.fail("10.0.0.9", clock())
    before = len(recorded(people.engine))
    with pytest.raises(TooManyLoginRequestsError):
        people.ask_for_login(FORM, "10.0.0.9")
    assert len(recorded(people.engine)) == before
    clock.pass_(minutes=16)
    with pytest.raises(AccountError, match="too many requests wait"):
        people.ask_for_login(replace(FORM, email="c@salem.example.gov"), "10.0.0.9")
