"""Bulletins: read and acknowledged before anything else."""

from __future__ import annotations

import pytest

from repository.accounts import bulletins
from repository.accounts.bulletins import About
from repository.accounts.errors import AccountError, BulletinsUnreadError, NotAllowedError
from repository.accounts.people import People
from repository.accounts.roles import Role
from repository.accounts.service import Accounts
from repository.accounts.standing import Step
from repository.accounts.user import User
from tests.repository.accounts.employing import ON_SQLITE, employ
from tests.repository.people import OPERATOR, PASSWORD, code_of, hire, recorded, sign_in


def publish(people: People, by: User | None, title: str, agency: str | None = None) -> int:
    who = OPERATOR if by is None else by
    return people.publish_bulletin(
        who, About.LAW, title, "Read this.\nThen go on.", "here", agency=agency
    )


def titles(people: People, user: User) -> list[str]:
    with people.engine.begin() as connection:
        return [each.title for each in bulletins.unread(connection, user)]


@pytest.mark.policy("C-1c", "M-C4")
def test_nothing_else_is_open_until_a_bulletin_is_acknowledged(
    people: People, accounts: Accounts
) -> None:
    officer = hire(accounts, "jdoe")
    first, second = publish(people, None, "New law"), publish(people, None, "And another")
    for left in (first, second):
        with pytest.raises(BulletinsUnreadError):
            sign_in(accounts)
        reader = accounts.sign_in(
            "jdoe", PASSWORD, "here", code_of(accounts, "jdoe"), before=Step.BULLETINS
        )
        assert left in [each.id for each in people.unread_bulletins(reader, "here")]
        people.acknowledge_bulletin(reader, left, "here")
    assert sign_in(accounts) == officer
    people.acknowledge_bulletin(officer, first, "here")
    done = [each for each in recorded(people.engine) if each["action"] == "bulletins.acknowledge"]
    assert [each["request"]["bulletin"] for each in done] == [first, second, first]


@pytest.mark.policy("C-1c")
def test_a_bulletin_is_for_everybody_or_for_an_agencys_people(
    people: People, accounts: Accounts
) -> None:
    admin = employ(accounts, "admin", Role.ALPR_ADMINISTRATOR)
    away = employ(accounts, "away", Role.OFFICER, agency="boston-pd")
    publish(people, None, "For all")
    own = publish(people, admin, "For Salem", "salem-pd")
    newcomer = employ(accounts, "new", Role.OFFICER)
    assert titles(people, newcomer) == ["For all", "For Salem"]
    assert titles(people, away) == ["For all"]
    with pytest.raises(AccountError, match="there is none for you"):
        people.acknowledge_bulletin(away, own, "here")
    people.withdraw_bulletin(admin, own, "here")
    assert titles(people, newcomer) == ["For all"]
    with pytest.raises(AccountError, match="withdrawn already"):
        people.withdraw_bulletin(admin, own, "here")


@pytest.mark.policy("C-1c", "M-C4")
def test_who_has_and_who_has_not_read_it_is_listed(people: People, accounts: Accounts) -> None:
    admin = employ(accounts, "admin", Role.ALPR_ADMINISTRATOR)
    reader = employ(accounts, "reader", Role.OFFICER)
    employ(accounts, "idle", Role.OFFICER)
    employ(accounts, "gone", Role.OFFICER)
    employ(accounts, "away", Role.OFFICER, agency="boston-pd")
    accounts.close_account("gone", OPERATOR, "here")
    number = publish(people, None, "For all")
    people.acknowledge_bulletin(reader, number, "here")
    found = {each.login: each.read_at for each in people.readers_of_bulletin(admin, number, "x")}
    assert found == {"admin": None, "idle": None, "reader": people.now()}
    everybody = people.readers_of_bulletin(OPERATOR, number, "here")
    assert [each.login for each in everybody] == ["away", "admin", "idle", "reader"]


@ON_SQLITE
def test_others_publish_and_withdraw_nothing(people: People, accounts: Accounts) -> None:
    admin = employ(accounts, "admin", Role.ALPR_ADMINISTRATOR)
    supervisor = employ(accounts, "boss", Role.SUPERVISOR, Role.AGENCY_HEAD)
    with pytest.raises(NotAllowedError, match="publish bulletins"):
        publish(people, supervisor, "Mine", "salem-pd")
    with pytest.raises(AccountError, match="for all are an operator's"):
        publish(people, admin, "For all")
    with pytest.raises(AccountError, match="not one that you act for"):
        publish(people, admin, "For Boston", "boston-pd")
    for_all, for_boston = publish(people, None, "All"), publish(people, None, "B", "boston-pd")
    for number in (for_all, for_boston, 99):
        with pytest.raises(AccountError, match="none that you published"):
            people.withdraw_bulletin(admin, number, "here")
    assert [each.id for each in people.list_bulletins(admin, "here")] == [for_all]
    with pytest.raises(AccountError, match="none for people of yours"):
        people.readers_of_bulletin(admin, for_boston, "here")
    for title in ("", " \n", "x" * 201, "a\0b"):
        with pytest.raises(AccountError, match="title"):
            publish(people, None, title)
    operator = employ(accounts, "ops", Role.OPERATOR)
    assert publish(people, operator, "From the operator") > for_boston
