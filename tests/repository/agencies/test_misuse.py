"""Misuse is reported, investigated by the agency's head, and answered in time (G-9)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import pytest
from sqlalchemy import Engine, select

from repository.accounts.errors import NotAllowedError, SessionEndedError
from repository.accounts.roles import Role
from repository.accounts.service import Accounts
from repository.accounts.sessions import Opening, Terms, start
from repository.accounts.user import User
from repository.agencies import misuse
from repository.agencies.acts import Acts
from repository.agencies.agreements_desk import AgreementDesk
from repository.agencies.errors import AgencyError
from repository.agencies.misuse import Answer
from repository.agencies.misuse_desk import MisuseDesk
from repository.agencies.representatives import Post
from repository.store.engine import reading
from repository.store.tables.sessions import sessions
from tests.repository.agencies.office import ON_SQLITE, employ, locked, open_findings, person
from tests.repository.people import PAPERS, Clock, recorded

WORDS = "Looked up a neighbour's plate and told the neighbour"
ANSWER = Answer(True, "It was so", "Access was revoked", "All were told again")


@dataclass(frozen=True)
class Office:
    """Salem with its head, two officers and an auditor, and the operator's security officer."""

    desk: MisuseDesk
    head: User
    reporter: User
    accused: User
    auditor: User
    security: User

    def numbers(self, user: User) -> list[int]:
        return [each.id for each in self.desk.show(user, "here")]


@pytest.fixture
def office(engine: Engine, clock: Clock, accounts: Accounts) -> Office:
    clock.pass_(days=1)  # a Monday
    return Office(
        MisuseDesk(Acts(engine, clock), lambda: accounts),
        employ(engine, "head", Role.AGENCY_HEAD),
        employ(engine, "jdoe", Role.OFFICER),
        employ(engine, "mroe", Role.OFFICER),
        employ(engine, "auditor", Role.AUDITOR),
        employ(engine, "security", Role.SECURITY_OFFICER, agency_id=2),
    )


def remind(engine: Engine, clock: Clock) -> None:
    with engine.begin() as connection:
        misuse.remind(connection, clock())


@pytest.mark.policy("G-9")
def test_the_head_answers_in_writing_within_ten_business_days(
    office: Office, engine: Engine, clock: Clock
) -> None:
    desk = office.desk
    number, due_on = desk.report(office.reporter, WORDS, "here", against="mroe")
    assert due_on == date(2026, 3, 16)
    subject = [f"misuse report {number}"]
    remind(engine, clock)
    assert open_findings(engine, "misuse_open") == subject
    clock.pass_(days=14)
    remind(engine, clock)
    assert open_findings(engine, "misuse_late") == []
    clock.pass_(days=1)
    remind(engine, clock)
    assert open_findings(engine, "misuse_late") == subject
    assert open_findings(engine, "misuse_open") == []
    (seen,) = desk.show(office.head, "here")
    assert (seen.what, seen.against, seen.state) == (WORDS, "Officer mroe", "open")
    for left_out, incomplete in {
        "circumstances": replace(ANSWER, circumstances=" "),
        "actions": replace(ANSWER, actions=" "),
        "prevention": replace(ANSWER, prevention=" "),
    }.items():
        with pytest.raises(AgencyError, match=left_out):
            desk.answer(office.head, number, incomplete, "here")
    desk.answer(office.head, number, ANSWER, "here")
    remind(engine, clock)
    assert open_findings(engine, "misuse_late") == []
    assert open_findings(engine, "misuse_to_close") == subject
    with pytest.raises(AgencyError, match="answered already"):
        desk.answer(office.head, number, ANSWER, "here")
    desk.close(office.security, number, "Accepted", "here")
    remind(engine, clock)
    assert open_findings(engine, "misuse_to_close") == []
    (closed,) = desk.show(office.security, "here")
    assert (closed.circumstances, closed.actions, closed.prevention, closed.state) == (
        "It was so", "Access was revoked", "All were told again", "closed",
    )  # fmt: skip
    said = [(each["action"], each["outcome"]) for each in recorded(engine)]
    assert said.count(("misuse.answer", "refused")) == 4
    assert [action for action, outcome in said if outcome == "done" and "list" not in action] == [
        "misuse.report", "misuse.answer", "misuse.close",
    ]  # fmt: skip


@ON_SQLITE
@pytest.mark.policy("G-9")
def test_access_is_suspended_or_revoked_meanwhile(office: Office, engine: Engine) -> None:
    desk, accounts = office.desk, office.desk.accounts()
    number, _ = desk.report(office.reporter, WORDS, "here", against="mroe")
    for person_ in (office.reporter, office.accused, office.auditor):
        with pytest.raises(AgencyError, match="none of that number"):
            desk.measure(person_, number, "suspend", "here")
    assert locked(engine, office.accused) == (False, False)
    with engine.begin() as connection:
        for user in (office.accused, office.reporter):
            start(connection, user.id, Opening("here"), desk.acts.now(), Terms())
    assert desk.measure(office.head, number, "suspend", "here") == "mroe"
    assert locked(engine, office.accused) == (True, False)
    with reading(engine) as connection:
        assert connection.scalars(select(sessions.c.user_id)).all() == [office.reporter.id]
    with pytest.raises(SessionEndedError):
        desk.report(office.accused, "It was not me", "here")
    desk.measure(office.security, number, "revoke", "here")
    assert locked(engine, office.accused) == (True, True)
    said = [(each["action"], each["actor"]["login"], each["outcome"]) for each in recorded(engine)]
    assert ("misuse.suspend", "head", "done") in said
    assert ("misuse.revoke", "security", "done") in said
    unnamed, _ = desk.report(office.reporter, "Somebody did", "here")
    with pytest.raises(AgencyError, match="names no account"):
        desk.measure(office.head, unnamed, "suspend", "here")
    assert accounts.engine is engine


@ON_SQLITE
@pytest.mark.policy("G-9")
@pytest.mark.parametrize("how", ["said", "role", "post"])
def test_what_is_alleged_of_the_head_goes_to_the_security_officer(
    office: Office, engine: Engine, clock: Clock, how: str
) -> None:
    desk, against = office.desk, {"said": None, "role": "head", "post": "mroe"}[how]
    if how == "post":  # the head by the paper, whose account has not that role
        posts = AgreementDesk(desk.acts, PAPERS)
        chief = person("Officer mroe", login="mroe")
        posts.name(None, "salem-pd", Post.HEAD, chief, date(2026, 1, 5), "here")
    number, _ = desk.report(
        office.reporter, WORDS, "here", against=against, about_head=how == "said"
    )
    assert office.numbers(office.head) == []
    assert office.numbers(office.accused) == []
    with pytest.raises(AgencyError, match="none of that number"):
        desk.answer(office.head, number, ANSWER, "here")
    remind(engine, clock)
    assert open_findings(engine, "misuse_open") == [f"misuse report {number}"]
    desk.answer(office.security, number, ANSWER, "here")
    (seen,) = desk.show(office.reporter, "here")
    assert (seen.state, seen.circumstances, seen.misused) == ("answered", None, None)
    # The head sees the transactions of the agency's users: nothing of the report is there.
    for each in recorded(engine):
        assert WORDS not in str(each)
        assert "mroe" not in str(each["request"]) or each["action"] == "agency.name"


@ON_SQLITE
@pytest.mark.policy("G-9")
def test_nobody_looks_into_what_is_alleged_of_themselves(office: Office, engine: Engine) -> None:
    desk = office.desk
    deputy = employ(engine, "deputy", Role.AGENCY_HEAD, Role.OFFICER)
    number, _ = desk.report(office.security, WORDS, "here", against="security")
    assert office.numbers(office.security) == []
    with pytest.raises(NotAllowedError, match="alleged of themselves"):
        desk.close(office.security, number, "Nothing in it", "here")
    with pytest.raises(AgencyError, match="none of that number"):
        desk.measure(office.security, number, "suspend", "here")
    headed, _ = desk.report(office.security, WORDS, "here", against="security", about_head=True)
    with pytest.raises(AgencyError, match="none of that number"):
        desk.answer(office.security, headed, ANSWER, "here")
    own, _ = desk.report(office.reporter, WORDS, "here", against="deputy")
    with pytest.raises(AgencyError, match="none of that number"):
        desk.answer(deputy, own, ANSWER, "here")


@ON_SQLITE
@pytest.mark.policy("G-9")
def test_anybody_reports_and_who_has_no_part_in_it_sees_nothing(
    office: Office, engine: Engine
) -> None:
    desk = office.desk
    stranger = employ(engine, "stranger", Role.AGENCY_HEAD, agency_id=2)
    found, _ = desk.report(office.auditor, WORDS, "here", against="mroe", found_by="audit")
    theirs, _ = desk.report(office.reporter, WORDS, "here", agency="boston-pd")
    assert office.numbers(office.head) == [found]
    assert office.numbers(stranger) == [theirs]
    assert office.numbers(office.accused) == []
    assert office.numbers(office.reporter) == [theirs]
    assert office.numbers(office.security) == [found, theirs]
    with pytest.raises(NotAllowedError):
        desk.report(office.reporter, WORDS, "here", found_by="audit")
    # A login of another agency is answered as one that nobody has.
    said = set()
    for login in ("stranger", "nobody", "\x00"):
        with pytest.raises(AgencyError, match="not a colleague's") as caught:
            desk.report(office.reporter, WORDS, "here", against=login)
        said.add(str(caught.value).replace(repr(login), ""))
        with pytest.raises(AgencyError, match="not a colleague's"):
            desk.report(office.reporter, WORDS, "here", against=login, agency="boston-pd")
    assert len(said) == 1
    with pytest.raises(AgencyError, match="what happened"):
        desk.report(office.reporter, " ", "here")
    with pytest.raises(NotAllowedError):
        desk.close(office.head, found, "Done", "here")
    with pytest.raises(AgencyError, match="not answered in writing yet"):
        desk.close(office.security, found, "Done", "here")
    innocent = Answer(False, "It was on duty", "None were needed", "")
    desk.answer(office.head, found, innocent, "here")
    assert desk.show(office.head, "here")[0].misused is False
