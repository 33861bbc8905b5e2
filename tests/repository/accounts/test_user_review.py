"""The yearly review of an agency's users, signed by its representative and its head."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, update

from repository.accounts import user_review
from repository.accounts.errors import AccountError, NotAllowedError
from repository.accounts.people import People
from repository.accounts.roles import Role
from repository.accounts.service import Accounts
from repository.accounts.user import User
from repository.store.tables.people import user_review_lines
from repository.units.findings import list_findings
from tests.repository.accounts.employing import ON_SQLITE, employ, state
from tests.repository.people import OPERATOR, Clock, recorded

EVERYBODY = ["admin", "head", "jdoe", "rep"]


@pytest.fixture
def head(accounts: Accounts) -> User:
    return employ(accounts, "head", Role.AGENCY_HEAD)


@pytest.fixture
def representative(accounts: Accounts) -> User:
    employ(accounts, "admin", Role.ALPR_ADMINISTRATOR)
    employ(accounts, "jdoe", Role.OFFICER)
    employ(accounts, "away", Role.OFFICER, agency="boston-pd")
    return employ(accounts, "rep", Role.REPRESENTATIVE)


def due(engine: Engine, clock: Clock) -> list[str]:
    with engine.begin() as connection:
        user_review.remind(connection, clock())
        found = list_findings(connection)
    return [each.subject for each in found if each.kind == user_review.DUE]


@pytest.mark.policy("G-10b")
def test_head_and_representative_certify_one_list_and_close_who_is_not_confirmed(
    engine: Engine, people: People, accounts: Accounts, head: User, representative: User
) -> None:
    number = people.open_user_review(representative, "here")
    _, listed, _ = people.show_user_review(head, number, "here")
    assert [each.login for each in listed] == EVERYBODY
    signed = people.sign_review_as_representative(
        representative, number, ["admin", "head", "rep"], "here"
    )
    late = employ(accounts, "late", Role.OFFICER)
    assert people.certify_review_as_head(head, number, signed, "here") == ["jdoe"]
    assert state(accounts, "jdoe") == "not confirmed in the review of the list"
    assert [state(accounts, each) for each in ("admin", "head", "rep", "late")] == [None] * 4
    (done,) = people.list_user_reviews(head, "here")
    assert (done.representative_name, done.head_name, done.digest) == (
        "Person rep",
        "Person head",
        signed,
    )
    assert done.representative_at == done.head_at == people.now()
    by_action = {each["action"]: each for each in recorded(engine)}
    sign, certify = by_action["user_review.sign"], by_action["user_review.certify"]
    assert (sign["actor"]["login"], certify["actor"]["login"]) == ("rep", "head")
    assert sign["request"]["digest"] == certify["request"]["digest"] == signed
    assert certify["request"]["closed"] == ["jdoe"]
    assert late.login not in certify["request"]["closed"]


@ON_SQLITE
@pytest.mark.policy("G-10b")
def test_neither_signs_alone_nor_for_another_agency(
    people: People, accounts: Accounts, head: User, representative: User
) -> None:
    both = employ(accounts, "both", Role.AGENCY_HEAD, Role.REPRESENTATIVE)
    away = employ(accounts, "chief", Role.AGENCY_HEAD, Role.REPRESENTATIVE, agency="boston-pd")
    number = people.open_user_review(representative, "here")
    with pytest.raises(AccountError, match="under way"):
        people.open_user_review(both, "here")
    with pytest.raises(AccountError, match="has not signed"):
        people.certify_review_as_head(head, number, "0" * 64, "here")
    with pytest.raises(NotAllowedError, match="representative alone"):
        people.sign_review_as_representative(head, number, EVERYBODY, "here")
    for act in (people.sign_review_as_representative, people.certify_review_as_head):
        with pytest.raises(AccountError, match="none at your agency"):
            act(away, number, "0" * 64, "here")
    with pytest.raises(AccountError, match="not on the list"):
        people.sign_review_as_representative(both, number, [*EVERYBODY, "away"], "here")
    signed = people.sign_review_as_representative(both, number, EVERYBODY, "here")
    with pytest.raises(NotAllowedError, match="two people"):
        people.certify_review_as_head(both, number, signed, "here")
    with pytest.raises(NotAllowedError, match="agency_head alone"):
        people.certify_review_as_head(representative, number, signed, "here")
    assert people.certify_review_as_head(head, number, signed, "here") == ["both"]
    with pytest.raises(AccountError, match="certified already"):
        people.sign_review_as_representative(representative, number, [], "here")


@ON_SQLITE
@pytest.mark.policy("G-10b")
def test_the_head_certifies_the_list_that_was_signed_and_no_other(
    engine: Engine, people: People, head: User, representative: User
) -> None:
    number = people.open_user_review(representative, "here")
    signed = people.sign_review_as_representative(representative, number, EVERYBODY, "here")
    newer = people.sign_review_as_representative(representative, number, EVERYBODY[1:], "here")
    assert newer != signed
    for digest in (signed, "0" * 64, "\ud800"):
        with pytest.raises(AccountError, match="its list is another"):
            people.certify_review_as_head(head, number, digest, "here")
    with engine.begin() as connection:
        connection.execute(update(user_review_lines).values(confirmed=True))
    with pytest.raises(AccountError, match="its list is another"):
        people.certify_review_as_head(head, number, newer, "here")


@pytest.mark.policy("G-10b")
def test_a_review_is_due_every_year_and_told_of_before(
    engine: Engine, people: People, head: User, representative: User, clock: Clock
) -> None:
    assert due(engine, clock) == []
    clock.pass_(days=335)
    assert due(engine, clock) == ["boston-pd", "salem-pd"]
    number = people.open_user_review(OPERATOR, "here", agency="salem-pd")
    signed = people.sign_review_as_representative(representative, number, EVERYBODY, "here")
    assert due(engine, clock) == ["boston-pd", "salem-pd"]
    people.certify_review_as_head(head, number, signed, "here")
    assert due(engine, clock) == ["boston-pd"]
    clock.pass_(days=334)
    assert due(engine, clock) == ["boston-pd"]
    clock.pass_(days=1)
    assert due(engine, clock) == ["boston-pd", "salem-pd"]
