"""Who returns has the account that was theirs, opened by a new grant and from the start."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import Engine

from repository.accounts.disuse import close_unused
from repository.accounts.errors import (
    AccountError,
    NotAllowedError,
    PasswordChangeRequiredError,
    SignInRefusedError,
)
from repository.accounts.login_requests import Form
from repository.accounts.people import People
from repository.accounts.roles import Role
from repository.accounts.service import Accounts
from repository.accounts.standing import Step
from repository.accounts.user import User
from tests.repository.accounts.employing import ON_SQLITE, as_now, employ, state
from tests.repository.people import (
    OPERATOR,
    PASSWORD,
    Clock,
    CommandLine,
    code_of,
    hire,
    recorded,
    sign_in,
)

FORM = Form(
    name="Officer rroe",
    position="Detective",
    agency="salem-pd",
    phone="978-555-0100",
    email="rroe@salem.example.gov",
    reason="Back from a year with the state",
)
OFFICER = (Role.OFFICER,)


@pytest.fixture
def left(accounts: Accounts, admin: User) -> User:
    """A person who left, with a supervisor's roles."""
    person = hire(accounts, "rroe", roles=(Role.SUPERVISOR,))
    accounts.close_account("rroe", admin, "here")
    return person


def reopen(people: People, by: User, login: str = "rroe", form: Form = FORM) -> str:
    number = people.ask_for_login(form, "10.0.0.9")
    return people.reopen_login(
        by, number, login, OFFICER, "Works here again", "here", current_employee=True
    ).one_time_password


@pytest.mark.policy("C-2a", "C-3b")
def test_who_returns_begins_anew_under_the_same_id(
    engine: Engine, accounts: Accounts, people: People, admin: User, left: User, clock: Clock
) -> None:
    old_code = code_of(accounts, "rroe")
    clock.pass_(days=400)
    once = reopen(people, admin)
    now = as_now(accounts, "rroe")
    assert (now.id, now.roles, now.position) == (left.id, {Role.OFFICER}, "Detective")
    assert state(accounts, "rroe") is None
    (entry,) = (each for each in recorded(engine) if each["action"] == "login_requests.reopen")
    said = entry["request"]
    assert (entry["actor"]["login"], said["login"], said["user_id"]) == (
        "admin", "rroe", str(left.id)
    )  # fmt: skip
    assert said["closed_because"] == "left the agency"
    assert said["current_employee"] is True
    assert once not in repr(recorded(engine))
    (asked,) = people.list_login_requests(admin, "here", decided_too=True)
    assert (asked.decision, asked.login) == ("granted", "rroe")
    with pytest.raises(SignInRefusedError):
        accounts.sign_in("rroe", PASSWORD, "here", old_code)
    with pytest.raises(PasswordChangeRequiredError):
        accounts.sign_in("rroe", once, "here")
    with pytest.raises(AccountError, match="must differ"):
        accounts.change_password("rroe", once, PASSWORD, "here")
    accounts.change_password("rroe", once, "grey heron under bridge", "here")
    session = accounts.open_session("rroe", "grey heron under bridge", "here")
    assert accounts.outstanding(session.user) == [Step.ACKNOWLEDGEMENT, Step.SECOND_FACTOR]
    assert len(accounts.own_acknowledgements(now)) == 1, "what they signed before is kept"


@ON_SQLITE
@pytest.mark.policy("C-2a", "C-3b")
def test_nobody_returns_by_another_way_or_in_anothers_place(
    accounts: Accounts, people: People, admin: User, left: User
) -> None:
    away = employ(accounts, "away", Role.ALPR_ADMINISTRATOR, agency="boston-pd")
    employ(accounts, "gone", *OFFICER, agency="boston-pd")
    accounts.close_account("gone", away, "here")
    number = people.ask_for_login(FORM, "10.0.0.9")
    refusals = []

    def refused(why: str, login: str = "rroe", by: User = admin, **changed: object) -> None:
        asked: dict[str, object] = {"roles": OFFICER, "employee": True} | changed
        with pytest.raises((AccountError, NotAllowedError), match=why) as said:
            people.reopen_login(
                by, number, login, asked["roles"], "Why", "here",  # type: ignore[arg-type]
                current_employee=bool(asked["employee"]),
            )  # fmt: skip
        refusals.append(str(said.value).replace(login, "LOGIN"))

    refused("none at your agency", by=away)
    refused("manage users", by=employ(accounts, "chief", Role.AGENCY_HEAD))
    refused("current employee", employee=False)
    refused("not yours to give", roles=(Role.AGENCY_HEAD,))
    refused("is open", login="admin")
    refused("none of salem-pd", login="nobody")
    refused("none of salem-pd", login="gone")
    assert refusals[-1] == refusals[-2]
    with pytest.raises(AccountError, match="'logins reopen'"):
        people.grant_login(admin, number, "rroe", OFFICER, "So", "here", current_employee=True)
    people.deny_login(admin, number, "Meant for another", "here")
    number = people.ask_for_login(replace(FORM, name="Ann Other"), "10.0.0.9")
    refused("Officer rroe")
    assert state(accounts, "rroe") == "left the agency"
    ended = [each["outcome"] for each in recorded(people.engine)[-13:]]
    assert ended.count("refused") == 9


@ON_SQLITE
def test_an_account_that_was_closed_as_unused_is_not_closed_again_at_once(
    accounts: Accounts, people: People, clock: Clock
) -> None:
    hire(accounts, "rroe", roles=OFFICER)
    clock.pass_(days=91)
    assert close_unused(accounts) == ["rroe"]
    number = people.ask_for_login(FORM, "10.0.0.9")
    people.reopen_login(
        OPERATOR, number, "rroe", OFFICER, "Back from leave", "here", current_employee=True
    )
    assert close_unused(accounts) == []
    clock.pass_(days=91)
    assert close_unused(accounts) == ["rroe"]


@ON_SQLITE
def test_a_lock_does_not_outlive_the_closing(
    accounts: Accounts, people: People, admin: User
) -> None:
    hire(accounts, "rroe", roles=OFFICER)
    for _ in range(accounts.settings.max_failures):
        with pytest.raises(SignInRefusedError):
            accounts.sign_in("rroe", "wrong", "10.0.0.7")
    accounts.close_account("rroe", admin, "here")
    once = reopen(people, admin)
    with pytest.raises(SignInRefusedError):
        accounts.sign_in("rroe", "wrong", "10.0.0.7")  # the first, and not the sixth
    accounts.change_password("rroe", once, "grey heron under bridge", "here")
    with pytest.raises(AccountError, match="second factor"):
        sign_in(accounts, "rroe", password="grey heron under bridge")


def test_an_account_is_reopened_at_the_command_line(command_line: CommandLine) -> None:
    command_line.hire("rroe", OFFICER)
    command_line.ok("users", "leave", "rroe")
    command_line.ok(
        "logins", "request", "--name=Jane Doe", "--position=Detective", "--agency=salem-pd",
        "--phone=978-555-0100", "--email=rroe@salem.example.gov", "--reason=Back",
    )  # fmt: skip
    said = command_line.ok(
        "logins", "reopen", "--request=1", "--login=rroe", "--role=officer",
        "--current-employee", "--reason=Works here again",
    )  # fmt: skip
    assert "left the agency" in said
    assert "one-time password of rroe" in said
