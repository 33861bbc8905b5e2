"""Audits from the start to the sign-off: who may, what is wanted, what is recorded."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from repository.accounts.errors import NotAllowedError
from repository.accounts.roles import Role
from repository.accounts.user import User
from repository.audits.errors import AuditError, NoSuchAuditError
from repository.audits.present import audit_line
from tests.repository.audits.office import FEBRUARY, GOOD, Office
from tests.repository.people import recorded

START, END = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)


def own_search(office: Office, audit: int, by: User, whose: User) -> int:
    """The place in the sample of a search of that person."""
    samples = office.desk.show(by, audit, "here").samples
    return next(each.place for each in samples if each.user_id == str(whose.id))


@pytest.mark.policy("F-audit")
def test_a_monthly_audit_from_its_opening_to_its_sign_off(office: Office) -> None:
    administrator = office.hire("admin", Role.ALPR_ADMINISTRATOR)
    officer = office.hire("jdoe", Role.OFFICER)
    for case in ("24-1", "24-2", "24-3"):
        office.search(officer, case=case)
    office.tend()
    desk = office.desk
    (audit,) = desk.list(administrator, "here", open_only=True)
    assert (audit.kind, audit.agency, audit.unanswered) == ("monthly", "salem-pd", 3)
    shown = desk.show(administrator, audit.id, "here")
    assert {each.index for each in shown.searches} == {s.ledger_index for s in shown.samples}
    assert shown.searches[0].entry.request["purpose"]["facts"]  # type: ignore[index, call-overload]
    with pytest.raises(AuditError, match="not answered yet: sample 1, 2, 3"):
        desk.sign_off(administrator, audit.id, "clean", "all in order", "here")
    desk.answer(administrator, audit.id, 1, GOOD, "asked the officer", "here")
    office.answer_all(administrator, audit.id)
    desk.sign_off(administrator, audit.id, "clean", "all in order", "here")
    signed = desk.show(administrator, audit.id, "here")
    assert signed.samples[0].note == "asked the officer"
    assert signed.audit.signed_by_name == "Officer admin"
    assert signed.audit.keep_until == datetime(2031, 3, 2, 12, tzinfo=UTC)
    assert desk.list(administrator, "here", open_only=True) == []
    for late in (
        lambda: desk.answer(administrator, audit.id, 1, GOOD, "", "here"),
        lambda: desk.sign_off(administrator, audit.id, "clean", "again", "here"),
    ):
        with pytest.raises(AuditError, match="is signed off"):
            late()
    done = [(each["action"], each["outcome"]) for each in recorded(office.engine)]
    own = [each for each in done if each[0].startswith("audits.")]
    assert own.count(("audits.answer", "done")) == 3
    assert own.count(("audits.sign_off", "refused")) == 2
    assert own[-1] == ("audits.sign_off", "refused")


@pytest.mark.policy("F-audit")
def test_nobody_audits_their_own_transactions(small_office: Office) -> None:
    office = small_office
    administrator = office.hire("admin", Role.ALPR_ADMINISTRATOR)
    officer, auditor = office.hire("jdoe", Role.OFFICER), office.hire("kmiles", Role.AUDITOR)
    office.search(administrator)
    office.search(officer)
    office.tend()
    (audit,) = office.desk.list(administrator, "here", open_only=True)
    own = own_search(office, audit.id, administrator, administrator)
    with pytest.raises(AuditError, match="is your own search; somebody else answers"):
        office.desk.answer(administrator, audit.id, own, GOOD, "", "here")
    office.answer_all(administrator, audit.id, skip=[own])
    with pytest.raises(AuditError, match=f"not answered yet: sample {own}"):
        office.desk.sign_off(administrator, audit.id, "clean", "all in order", "here")
    office.desk.answer(auditor, audit.id, own, GOOD, "", "here")
    office.desk.sign_off(administrator, audit.id, "clean", "all in order", "here")


@pytest.mark.policy("F-audit")
def test_nobody_writes_over_anothers_answer(office: Office) -> None:
    first, second = office.hire("admin", Role.ALPR_ADMINISTRATOR), office.hire("km", Role.AUDITOR)
    office.search(office.hire("jdoe", Role.OFFICER))
    office.tend()
    (audit,) = office.desk.list(first, "here", open_only=True)
    office.desk.answer(first, audit.id, 1, GOOD, "asked the officer", "here")
    with pytest.raises(AuditError, match=r"sample 1: was answered by Officer admin on 2026-03-"):
        office.desk.answer(second, audit.id, 1, GOOD | {"case_exists": "no"}, "", "here")
    assert (recorded(office.engine)[-1]["action"], recorded(office.engine)[-1]["outcome"]) == (
        "audits.answer", "refused",
    )  # fmt: skip
    (kept,) = office.desk.show(second, audit.id, "here").samples
    assert (kept.case_exists, kept.note, kept.answered_by_name) == (
        "yes", "asked the officer", "Officer admin",
    )  # fmt: skip
    office.desk.answer(first, audit.id, 1, GOOD | {"case_exists": "no"}, "", "here")
    (kept,) = office.desk.show(second, audit.id, "here").samples
    assert kept.case_exists == "no"


@pytest.mark.policy("F-prohibited")
@pytest.mark.parametrize(
    ("question", "given"),
    [
        ("purpose_lawful", "no"),
        ("facts_specific", "no"),
        ("case_exists", "no"),
        ("aimed_at_protected", "yes"),
    ],
)
def test_an_answer_that_speaks_against_a_search_is_not_signed_off_as_clean(
    small_office: Office, question: str, given: str
) -> None:
    office = small_office
    auditor = office.hire("kmiles", Role.AUDITOR)
    office.search(office.hire("jdoe", Role.OFFICER))
    office.tend()
    (audit,) = office.desk.list(auditor, "here", open_only=True)
    office.desk.answer(auditor, audit.id, 1, GOOD | {question: given}, "", "here")
    with pytest.raises(AuditError, match="is not clean"):
        office.desk.sign_off(auditor, audit.id, "clean", "fine", "here")
    with pytest.raises(AuditError, match="has no finding"):
        office.desk.sign_off(auditor, audit.id, "findings", "not fine", "here")
    found = office.desk.find(auditor, audit.id, "one search too many", date(2026, 4, 1), "here")
    office.desk.sign_off(auditor, audit.id, "findings", "not fine", "here")
    assert [each.id for each in office.desk.list(auditor, "here", open_only=True)] == [audit.id]
    office.desk.follow_up(auditor, found, "the officer was trained again", "here")
    assert office.desk.list(auditor, "here", open_only=True) == []
    with pytest.raises(AuditError, match="closed already"):
        office.desk.follow_up(auditor, found, "again", "here")


@pytest.mark.policy("F-audit")
@pytest.mark.parametrize(
    "answers",
    [
        GOOD | {"purpose_lawful": "perhaps"},
        {k: v for k, v in GOOD.items() if k != "aimed_at_protected"},
        GOOD | {"signed_at": "yes"},
    ],
)
def test_every_question_is_answered_and_no_other(
    small_office: Office, answers: dict[str, str]
) -> None:
    office = small_office
    auditor = office.hire("kmiles", Role.AUDITOR)
    office.search(office.hire("jdoe", Role.OFFICER))
    office.tend()
    (audit,) = office.desk.list(auditor, "here", open_only=True)
    with pytest.raises(AuditError, match=r"answers: one to each|purpose_lawful: expected"):
        office.desk.answer(auditor, audit.id, 1, answers, "", "here")
    with pytest.raises(AuditError, match="has none of that number"):
        office.desk.answer(auditor, audit.id, 2, GOOD, "", "here")


@pytest.mark.policy("M-V-A")
@pytest.mark.policy("G-6c")
def test_a_head_audits_their_agency_at_will_and_the_security_officer_any(office: Office) -> None:
    head = office.hire("chief", Role.AGENCY_HEAD)
    security = office.hire("ksec", Role.SECURITY_OFFICER, agency="boston-pd")
    officer = office.hire("jdoe", Role.OFFICER)
    office.search(officer)
    desk = office.desk
    at_will = desk.start(head, "salem-pd", START, END, "a complaint", "here")
    ordered = desk.start(security, "salem-pd", START, END, "a tip", "here")
    of_all = desk.start(security, None, START, END, "every year", "here")
    office.sign_and_draw()
    kinds = {each.id: each.kind for each in desk.list(security, "here", open_only=True)}
    assert kinds == {at_will: "at_will", ordered: "authorized", of_all: "system"}
    assert {each.id for each in desk.list(head, "here", open_only=True)} == {at_will, ordered}
    office.answer_all(head, at_will)
    desk.sign_off(head, at_will, "clean", "nothing was found", "here")
    with pytest.raises(NotAllowedError, match="audit all agencies"):
        desk.answer(head, ordered, 1, GOOD, "", "here")
    office.answer_all(security, ordered)
    desk.sign_off(security, ordered, "clean", "nothing was found", "here")
    with pytest.raises(NoSuchAuditError):
        desk.show(head, of_all, "here")
    assert desk.show(security, of_all, "here").audit.searches == 1
    started = [each["request"]["kind"] for each in recorded(office.engine)
               if each["action"] == "audits.open"]  # fmt: skip
    assert started == ["at_will", "authorized", "system"]


@pytest.mark.policy("G-7")
def test_a_triennial_audit_is_not_the_agencys_own_to_conduct(small_office: Office) -> None:
    office = small_office
    head = office.hire("chief", Role.AGENCY_HEAD, Role.ALPR_ADMINISTRATOR, Role.AUDITOR)
    security = office.hire("ksec", Role.SECURITY_OFFICER, agency="boston-pd")
    office.clock.time = datetime(2028, 1, 1, tzinfo=UTC)
    office.tend()
    open_now = office.desk.list(head, "here", open_only=True)
    (audit,) = (each for each in open_now if each.kind == "triennial")
    with pytest.raises(NotAllowedError):
        office.desk.sign_off(head, audit.id, "clean", "we are fine", "here")
    office.desk.find(security, audit.id, "no training records", date(2028, 6, 1), "here")
    office.desk.sign_off(security, audit.id, "findings", "trainings are not recorded", "here")
    shown = office.desk.show(head, audit.id, "here")
    assert (shown.audit.outcome, shown.audit.keep_until) == ("findings", None)
    assert shown.findings[0].text == "no training records"


def test_who_may_not_sees_nothing_and_that_is_recorded(office: Office) -> None:
    head = office.hire("chief", Role.AGENCY_HEAD)
    officer = office.hire("jdoe", Role.OFFICER, Role.SUPERVISOR)
    other = office.hire("roe", Role.AGENCY_HEAD, agency="boston-pd")
    number = office.desk.start(head, "salem-pd", START, END, "a complaint", "here")
    office.sign_and_draw()
    desk = office.desk
    tries = (
        lambda user: desk.show(user, number, "here"),
        lambda user: desk.answer(user, number, 1, GOOD, "", "here"),
        lambda user: desk.find(user, number, "something", date(2026, 4, 1), "here"),
        lambda user: desk.sign_off(user, number, "clean", "fine", "here"),
        lambda user: desk.drawn_again(user, number, "here"),
    )
    before = len(recorded(office.engine))
    for each in tries:
        with pytest.raises(NotAllowedError):
            each(officer)
        with pytest.raises(NoSuchAuditError) as theirs:
            each(other)
        assert str(theirs.value) == f"audit {number}: there is none"
    entries = recorded(office.engine)[before:]
    assert len(entries) == 10
    assert {each["outcome"] for each in entries} == {"refused"}
    for user, agency in ((officer, "salem-pd"), (other, "salem-pd"), (other, None)):
        with pytest.raises(NotAllowedError):
            desk.start(user, agency, START, END, "curious", "here")


@pytest.mark.parametrize(
    ("start", "end", "reason", "said"),
    [
        (
            START,
            END + timedelta(days=3),
            "why not",
            r"any moment up to now, which is 2026-03-\d\dT.*Z",
        ),
        (END, START, "why not", "begin before"),
        (START, END, " ", "reason: missing"),
        (START, END, "NUL \0", "cannot be kept"),
    ],
)
def test_a_start_that_is_none_is_refused(
    small_office: Office, start: datetime, end: datetime, reason: str, said: str
) -> None:
    head = small_office.hire("chief", Role.AGENCY_HEAD)
    with pytest.raises(AuditError, match=said):
        small_office.desk.start(head, "salem-pd", start, end, reason, "here")


def test_a_finding_is_due_on_a_day_to_come(small_office: Office) -> None:
    head = small_office.hire("chief", Role.AGENCY_HEAD)
    number = small_office.desk.start(head, "salem-pd", START, END, "a reason", "here")
    small_office.sign_and_draw()
    for day in (FEBRUARY.date(), date(2027, 3, 4), date(1, 1, 1), date(9999, 12, 31)):
        with pytest.raises(AuditError, match="due: a day from today"):
            small_office.desk.find(head, number, "something", day, "here")


def test_nothing_is_answered_before_the_sample_is_drawn(small_office: Office) -> None:
    head = small_office.hire("chief", Role.AGENCY_HEAD)
    number = small_office.desk.start(head, "salem-pd", START, END, "a reason", "here")
    with pytest.raises(AuditError, match="drawn once the ledger's next checkpoint"):
        small_office.desk.sign_off(head, number, "clean", "nothing there", "here")


@pytest.mark.policy("F-audit")
def test_a_due_sample_is_drawn_for_who_asks_before_the_jobs_look(office: Office) -> None:
    head, officer = office.hire("chief", Role.AGENCY_HEAD), office.hire("jdoe", Role.OFFICER)
    office.search(officer)
    desk = office.desk
    shown, answered, signed, compared = (
        desk.start(head, "salem-pd", START, END, f"complaint {each}", "here") for each in range(4)
    )
    assert desk.show(head, shown, "here").audit.seed is None
    office.signer.sign_checkpoint()
    with pytest.raises(NotAllowedError):
        desk.show(officer, shown, "here")
    assert drawings(office) == []
    assert [each.place for each in desk.show(head, shown, "here").samples] == [1]
    desk.answer(head, answered, 1, GOOD, "", "here")
    with pytest.raises(AuditError, match="not answered yet: sample 1"):
        desk.sign_off(head, signed, "clean", "fine", "here")
    assert desk.drawn_again(head, compared, "here")
    desk.show(head, shown, "here")
    assert drawings(office) == [shown, answered, signed, compared]
    assert office.sign_and_draw() == []


def drawings(office: Office) -> list[int]:
    """The audits whose samples were drawn, by the repository itself."""
    found = [each for each in recorded(office.engine) if each["action"] == "audits.draw"]
    assert {each["actor"]["name"] for each in found} <= {"Repository"}
    return [each["request"]["audit"] for each in found]


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (END, "2026-02-01 to before 2026-03-01;"),
        (datetime(2026, 2, 10, 1, 33, tzinfo=UTC), "2026-02-01 to before 2026-02-10T01:33Z;"),
        (datetime(2026, 2, 10, 0, 0, 7, tzinfo=UTC), "to before 2026-02-10T00:00:07Z;"),
    ],
)
def test_a_period_is_shown_as_it_was_given(small_office: Office, end: datetime, said: str) -> None:
    head = small_office.hire("chief", Role.AGENCY_HEAD)
    number = small_office.desk.start(head, "salem-pd", START, end, "a complaint", "here")
    shown = small_office.desk.show(head, number, "here").audit
    assert said in audit_line(shown, small_office.clock())
