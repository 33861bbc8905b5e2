"""The report of an agency's transactions."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader
from sqlalchemy import update

from repository.accounts.errors import NotAllowedError
from repository.accounts.roles import Role
from repository.accounts.user import User
from repository.audits import transactions
from repository.audits.errors import AuditError
from repository.audits.transactions import FIELDS, Asked, Transactions, as_paper, as_row
from repository.documents import csv as tables
from repository.ledger.attempt import record
from repository.ledger.entry import SYSTEM, Actor, Entry, Recorded
from repository.store.tables.ledger import ledger_entries
from tests.repository.audits.office import FEBRUARY, Office
from tests.repository.people import OPERATOR, Clock, recorded

START, END = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)
ASKED = Asked("salem-pd", START, END)


def report(office: Office) -> Transactions:
    return Transactions(office.engine, office.clock)


def filled(office: Office) -> tuple[User, User]:
    """Two people of Salem and one of Boston, each with entries around February."""
    one, two = office.hire("jdoe", Role.OFFICER), office.hire("poe", Role.OFFICER)
    other = office.hire("roe", Role.OFFICER, agency="boston-pd")
    for at in (START - timedelta(seconds=1), START, FEBRUARY, END - timedelta(seconds=1), END):
        for user in (one, two, other):
            office.search(user, at)
    office.record("picture.show", one, FEBRUARY, {})
    return one, two


@pytest.mark.policy("G-6b")
@pytest.mark.policy("M-V-A")
@pytest.mark.policy("C-4d")
def test_it_holds_everything_the_agencys_users_did_and_no_more(office: Office) -> None:
    one, _two = filled(office)
    found = report(office).page(ASKED, OPERATOR, "here").entries
    assert [(each.entry.actor.login, each.entry.at) for each in found] == [
        ("jdoe", START), ("poe", START), ("jdoe", FEBRUARY), ("poe", FEBRUARY),
        ("jdoe", FEBRUARY), ("jdoe", END - timedelta(seconds=1)),
        ("poe", END - timedelta(seconds=1)),
    ]  # fmt: skip
    by_person = Asked("salem-pd", START, END, "jdoe")
    of_one = report(office).page(by_person, OPERATOR, "here").entries
    assert {each.entry.actor.user_id for each in of_one} == {str(one.id)}
    assert len(of_one) == 4
    pictures = Asked("salem-pd", START, END, "jdoe", "picture.show")
    assert len(report(office).page(pictures, OPERATOR, "here").entries) == 1
    for theirs in ("roe", "nobody"):
        with pytest.raises(AuditError, match="nobody of agency 'salem-pd'"):
            report(office).page(Asked("salem-pd", START, END, theirs), OPERATOR, "here")


@pytest.mark.policy("G-6a")
@pytest.mark.policy("G-6b")
def test_an_entry_tells_user_agency_time_and_what_was_entered_and_retrieved(
    small_office: Office,
) -> None:
    one, _two = filled(small_office)
    (first, *_rest) = report(small_office).page(ASKED, OPERATOR, "here").entries
    row = dict(zip(FIELDS, as_row(first), strict=True))
    assert (row["name"], row["agency"], row["user_id"]) == (one.name, "salem-pd", str(one.id))
    assert row["at"] == "2026-02-01T00:00:00.00+00:00"
    assert '"plate": "1ABC23"' in str(row["request"])
    assert (row["action"], row["count"], row["outcome"]) == ("search.run", 1, "done")


@pytest.mark.policy("G-6b")
@pytest.mark.policy("C-4a")
def test_each_page_is_itself_on_the_ledger(office: Office) -> None:
    filled(office)
    rooms = report(office)
    first = rooms.page(ASKED, OPERATOR, "here", limit=3)
    second = rooms.page(ASKED, OPERATOR, "here", after=first.next, limit=4)
    assert (len(first.entries), len(second.entries), second.next) == (3, 4, None)
    assert len({each.index for each in (*first.entries, *second.entries)}) == 7
    entries = recorded(office.engine)[-2:]
    assert [(each["action"], each["count"]) for each in entries] == [
        ("audits.transactions", 3),
        ("audits.transactions", 4),
    ]
    assert entries[1]["request"]["after"] == first.next


def test_pages_leave_nothing_out_and_show_nothing_twice(small_office: Office) -> None:
    """Also where entries are of one moment, or came in another order than their moments."""
    user = small_office.hire("jdoe", Role.OFFICER)
    made = [
        (
            FEBRUARY + timedelta(hours=hours),
            small_office.search(user, FEBRUARY + timedelta(hours=hours)),
        )
        for hours in (2, 0, 1, 1, 0, 2, 1, 1, 1)
    ]
    for limit in (1, 2, 3, 4, 9):
        shown, after = [], None
        while True:
            part = report(small_office).page(ASKED, OPERATOR, "here", after=after, limit=limit)
            assert 1 <= len(part.entries) <= limit
            shown += [(each.entry.at, each.index) for each in part.entries]
            after = part.next
            if after is None:
                break
        assert shown == sorted(made)


@pytest.mark.policy("G-6b")
def test_a_long_report_goes_page_by_page_and_leaves_its_own_entries_out(
    small_office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = small_office
    filled(office)
    monkeypatch.setattr(transactions, "MAX_PAGE", 2)
    of_operators = Asked(None, START - timedelta(days=1), END + timedelta(days=1))
    record(office.engine, Entry("jobs.tick", SYSTEM, FEBRUARY, "jobs"))
    assert len(list(report(office).every(ASKED, OPERATOR, "here"))) == 7
    office.clock.pass_(seconds=1)  # what this report leaves is of this moment
    actions = [e.entry.action for e in report(office).every(of_operators, OPERATOR, "here")]
    assert actions == ["jobs.tick", *["audits.transactions"] * 4]


@pytest.mark.policy("G-6b")
def test_a_head_sees_their_own_agency_and_no_other(small_office: Office) -> None:
    office = small_office
    filled(office)
    head, officer = office.hire("chief", Role.AGENCY_HEAD), office.hire("moe", Role.OFFICER)
    security = office.hire("ksec", Role.SECURITY_OFFICER)
    rooms = report(office)
    rooms.allow(head, ASKED, "here")
    theirs = Asked("boston-pd", START, END)
    rooms.allow(security, theirs, "here")
    rooms.allow(security, Asked(None, START, END), "here")
    with pytest.raises(NotAllowedError):
        rooms.allow(officer, ASKED, "here")
    for other in (theirs, Asked(None, START, END), Asked("nowhere-pd", START, END)):
        with pytest.raises(AuditError, match="not known"):
            rooms.allow(head, other, "here")
    assert [each["outcome"] for each in recorded(office.engine)][-4:] == ["refused"] * 4


@pytest.mark.policy("C-4a")
def test_operators_jobs_and_strangers_are_reported_too(office: Office) -> None:
    filled(office)
    record(office.engine, Entry("jobs.tick", SYSTEM, FEBRUARY, "jobs"))
    record(office.engine, Entry("agency.add", OPERATOR, FEBRUARY, "command line"))
    nobody = Actor("", "", "nobody with an account", "")
    record(office.engine, Entry("accounts.sign_in", nobody, FEBRUARY, "10.0.0.7"))
    found = report(office).page(Asked(None, START, END), OPERATOR, "here").entries
    assert [(each.entry.action, each.entry.actor.user_id) for each in found] == [
        ("jobs.tick", "system"),
        ("agency.add", "os:1000"),
        ("accounts.sign_in", ""),
    ]


@pytest.mark.parametrize(
    ("asked", "after", "limit", "said"),
    [
        (Asked("nowhere", START, END), None, 10, "'nowhere': not known"),
        (Asked("salem-pd", END, START), None, 10, "from: not before to"),
        (ASKED, "soon", 10, "after: expected the 'next'"),
        (ASKED, f"{'9' * 16}-1", 10, "after: expected the 'next'"),
        (ASKED, None, 0, "limit: expected 1"),
        (ASKED, None, 5001, "limit: expected 1"),
    ],
)
def test_what_cannot_be_asked_is_refused_on_the_record(
    small_office: Office, asked: Asked, after: str | None, limit: int, said: str
) -> None:
    with pytest.raises(AuditError, match=said):
        report(small_office).page(asked, OPERATOR, "here", after=after, limit=limit)
    assert recorded(small_office.engine)[-1]["outcome"] == "refused"


@pytest.mark.policy("C-4c")
def test_a_changed_entry_is_not_reported_as_if_it_were_true(small_office: Office) -> None:
    filled(small_office)
    with small_office.engine.begin() as connection:
        connection.execute(
            update(ledger_entries).where(ledger_entries.c.entry_index == 4).values(body=b"{}")
        )
    with pytest.raises(AuditError, match="entry 4 of the ledger is not what was recorded"):
        report(small_office).page(ASKED, OPERATOR, "here")


@given(st.text(), st.text(alphabet="=+-@\t\r\n\",'; a1"))
def test_no_cell_is_a_formula(origin: str, name: str) -> None:
    entry = Entry("search.run", Actor("u", "l", name, "a"), Clock()(), origin, {"=1+1": name})
    text = tables.render(FIELDS, [as_row(Recorded(7, entry))])
    header, row = csv.reader(io.StringIO(text, newline=""))
    assert tuple(header) == FIELDS
    cells = dict(zip(header, row, strict=True))
    for value in row:
        assert not value.strip().startswith(("=", "+", "-", "@"))
    assert cells["name"].removeprefix("'") == name.removeprefix("'")
    assert cells["index"] == "7"


@pytest.mark.policy("G-6b")
def test_on_paper_it_says_who_what_and_when(
    small_office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(small_office)
    found = report(small_office).page(ASKED, OPERATOR, "here").entries
    pages = PdfReader(io.BytesIO(as_paper(ASKED, found))).pages
    words = " ".join("".join(page.extract_text() for page in pages).split())
    for said in ("Officer jdoe", "search.run", "1ABC23", "agency salem-pd", "ledger: 7"):
        assert said in words
    monkeypatch.setattr(transactions, "MAX_ON_PAPER", 6)
    with pytest.raises(AuditError, match="more than 6 entries"):
        as_paper(ASKED, found)
