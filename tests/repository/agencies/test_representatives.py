"""Who holds an agency's posts, with their history; missing ones are findings (G-16)."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import Engine

from repository.accounts.errors import NotAllowedError
from repository.accounts.roles import Role
from repository.accounts.service import Accounts
from repository.agencies import agreements_duties
from repository.agencies.acts import Acts
from repository.agencies.agreements_desk import AgreementDesk
from repository.agencies.errors import AgencyError
from repository.agencies.representatives import Person, Post
from repository.store.engine import reading
from repository.units import enrolment
from repository.units.findings import list_findings
from tests.repository.agencies.office import ON_SQLITE, employ, open_findings, person
from tests.repository.people import PAPERS, Clock, recorded

JANUARY, FEBRUARY, MARCH = date(2026, 1, 5), date(2026, 2, 2), date(2026, 3, 1)


@pytest.fixture
def desk(engine: Engine, clock: Clock, accounts: Accounts) -> AgreementDesk:
    return AgreementDesk(Acts(engine, clock), PAPERS)


@pytest.mark.policy("G-16")
def test_posts_are_named_people_with_a_history_and_missing_ones_are_findings(
    desk: AgreementDesk, engine: Engine, clock: Clock
) -> None:
    account = employ(engine, "rroe", Role.AGENCY_HEAD)
    first, second = person("Ruth Roe", login="rroe"), person("Sam Poe", title="Acting Chief")
    desk.name(None, "salem-pd", Post.HEAD, first, JANUARY, "here")
    desk.name(None, "salem-pd", Post.HEAD, second, FEBRUARY, "here")
    for post in (Post.REPRESENTATIVE, Post.TECHNICAL_REPRESENTATIVE, Post.ALPR_ADMINISTRATOR):
        desk.name(None, "salem-pd", post, person("Ann Doe"), JANUARY, "here")
    shown = desk.show(None, "salem-pd", "here")
    heads = [each for each in shown.holders if each.post is Post.HEAD]
    assert [(each.name, each.user_id, each.from_on, each.until_on) for each in heads] == [
        ("Ruth Roe", account.id, JANUARY, FEBRUARY),
        ("Sam Poe", None, FEBRUARY, None),
    ]
    assert (heads[1].title, heads[1].phone) == ("Acting Chief", "978-555-0100")
    assert shown.vacant == [Post.BACKUP_REPRESENTATIVE]
    with engine.begin() as connection:
        agreements_duties.look(connection, clock(), suspend=False)
    assert open_findings(engine, "post_vacant") == ["agency boston-pd", "agency salem-pd"]
    with reading(engine) as connection:
        (detail,) = [
            each.detail for each in list_findings(connection) if each.subject == "agency salem-pd"
            and each.kind == "post_vacant"
        ]  # fmt: skip
    assert detail == "agency salem-pd: on record is no backup CJIS representative"
    desk.name(None, "salem-pd", Post.BACKUP_REPRESENTATIVE, person("Bo Loe"), MARCH, "here")
    with engine.begin() as connection:
        agreements_duties.look(connection, clock(), suspend=False)
    assert open_findings(engine, "post_vacant") == ["agency boston-pd"]
    assert recorded(engine)[-1]["request"]["name"] == "Bo Loe"


@ON_SQLITE
@pytest.mark.policy("G-16")
def test_who_cannot_be_reached_or_backs_up_themselves_is_refused(
    desk: AgreementDesk, engine: Engine
) -> None:
    employ(engine, "boston", agency_id=2)
    desk.name(None, "salem-pd", Post.REPRESENTATIVE, person("Ann Doe"), JANUARY, "here")
    desk.name(None, "salem-pd", Post.TECHNICAL_REPRESENTATIVE, person("Ann Doe"), JANUARY, "here")
    for wrong, day, said in (
        (person("ANN DOE"), MARCH, "must be another person"),
        (person("Bo Loe", phone="call me"), MARCH, "phone:"),
        (person("Bo Loe", email="bo"), MARCH, "e-mail:"),
        (person("Bo Loe", email="bo@x@y.example"), MARCH, "e-mail:"),
        (person("Bo\x00Loe"), MARCH, "name: needs"),
        (person("Bo Loe", login="boston"), MARCH, "no user of that agency"),
        (person("Bo Loe", login="\x00"), MARCH, "no user of that agency"),
        (person("Bo Loe"), date(2026, 3, 2), "that day has not come"),
        (person("Bo Loe"), date(1, 1, 1), "too long ago"),
    ):
        with pytest.raises(AgencyError, match=said):
            desk.name(None, "salem-pd", Post.BACKUP_REPRESENTATIVE, wrong, day, "here")
    with pytest.raises(AgencyError, match="somebody held the post"):
        desk.name(None, "salem-pd", Post.REPRESENTATIVE, person("C"), date(2026, 1, 4), "here")
    with pytest.raises(AgencyError, match="nobody holds the post"):
        desk.vacate(None, "salem-pd", Post.HEAD, MARCH, "here")


@ON_SQLITE
@pytest.mark.policy("G-16")
def test_an_agency_names_its_own_people_and_no_other_s(desk: AgreementDesk, engine: Engine) -> None:
    administrator = employ(engine, "admin", Role.ALPR_ADMINISTRATOR)
    officer = employ(engine, "jdoe", Role.OFFICER)
    named: Person = person("Ann Doe")
    desk.name(administrator, None, Post.REPRESENTATIVE, named, MARCH, "here")
    with pytest.raises(AgencyError, match="not one that you act for"):
        desk.name(administrator, "boston-pd", Post.REPRESENTATIVE, named, MARCH, "here")
    with pytest.raises(NotAllowedError):
        desk.name(officer, None, Post.REPRESENTATIVE, named, MARCH, "here")
    said = [(each["action"], each["outcome"]) for each in recorded(engine)]
    assert said == [("agency.name", "done"), ("agency.name", "refused"), ("agency.name", "refused")]


@ON_SQLITE
@pytest.mark.policy("G-16")
def test_an_ori_has_seven_or_nine_characters(engine: Engine, clock: Clock) -> None:
    with engine.begin() as connection:
        for ori in ("MA00516", "MA0051600", "MAMSP0000"):
            enrolment.add_agency(connection, name=ori.lower(), title="T", ori=ori, now=clock())
        for ori in ("MA005160", "MA0051", "1A0051600", "ma0051600", "MA00516000"):
            with pytest.raises(enrolment.EnrolmentError, match="seven or nine"):
                enrolment.add_agency(connection, name="x", title="T", ori=ori, now=clock())
