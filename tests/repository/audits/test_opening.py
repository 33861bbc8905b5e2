"""Audits that open by the clock, and what is said when they are not done in time."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select, update

from repository.accounts.roles import Role
from repository.audits import opening, periods, records, reminders
from repository.audits.records import Audit
from repository.store.engine import reading
from repository.store.tables.audits import audits
from repository.store.tables.fleet import agencies
from repository.units.findings import list_findings
from tests.repository.audits.office import BEGAN, Office
from tests.repository.people import recorded


def opened(office: Office, kind: str) -> list[Audit]:
    with office.engine.begin() as connection:
        opening.open_due(connection, office.settings, office.clock())
        found = records.listed(connection, None, everywhere=True, open_only=False)
    return [each for each in reversed(found) if each.kind == kind]


@pytest.mark.policy("F-audit")
def test_each_month_opens_an_audit_of_each_agency_once(small_office: Office) -> None:
    office = small_office
    office.clock.time = datetime(2026, 3, 1, tzinfo=UTC)
    found = opened(office, "monthly")
    assert [(each.agency, each.period_start, each.period_end) for each in found] == [
        ("salem-pd", datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)),
        ("boston-pd", datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)),
    ]
    assert all(each.due_at == datetime(2026, 3, 31, tzinfo=UTC) for each in found)
    entries = [each for each in recorded(office.engine) if each["action"] == "audits.open"]
    assert [each["index"] for each in entries] == [each.opened_index for each in found]
    office.clock.time = datetime(2026, 3, 31, 23, 59, tzinfo=UTC)
    assert opened(office, "monthly") == found


@pytest.mark.policy("F-audit")
def test_no_month_is_left_out_while_the_repository_was_down(small_office: Office) -> None:
    office = small_office
    office.clock.time = datetime(2026, 3, 1, tzinfo=UTC)
    opened(office, "monthly")
    office.clock.time = datetime(2026, 6, 2, tzinfo=UTC)
    with office.engine.begin() as connection:  # one joined in April
        connection.execute(
            update(agencies).where(agencies.c.id == 2).values(created_at=office.clock())
        )
    months = [(each.agency, f"{each.period_start:%m}") for each in opened(office, "monthly")]
    assert months[2:] == [("salem-pd", "03"), ("salem-pd", "04"), ("salem-pd", "05")]


@pytest.mark.policy("G-7")
def test_every_agency_is_audited_within_three_years(small_office: Office) -> None:
    office = small_office
    due = periods.add_years(BEGAN, 3)
    office.clock.time = due.replace(year=2027, month=10, day=16)  # 91 days before
    assert opened(office, "triennial") == []
    office.clock.pass_(days=1)
    first = opened(office, "triennial")
    assert [(each.agency, each.due_at, each.period_start) for each in first] == [
        ("salem-pd", due, BEGAN),
        ("boston-pd", due, BEGAN),
    ]
    office.clock.time = due
    assert opened(office, "triennial") == first
    # The next is counted from the end of what the last one looked at: nothing is left out.
    office.clock.time = periods.add_years(first[0].period_end, 3)
    later = [each for each in opened(office, "triennial") if each not in first]
    assert [each.period_start for each in later] == [each.period_end for each in first]


@pytest.mark.policy("F-audit")
@pytest.mark.policy("G-7")
def test_what_is_overdue_is_a_finding_until_it_is_done(small_office: Office) -> None:
    office = small_office
    head = office.hire("chief", Role.AGENCY_HEAD)
    office.clock.time = datetime(2026, 3, 1, tzinfo=UTC)
    office.tend()
    (of_salem,) = (each for each in opened(office, "monthly") if each.agency == "salem-pd")

    def said() -> list[str]:
        with office.engine.begin() as connection:
            reminders.raise_overdue(connection, office.clock())
            return [each.detail for each in list_findings(connection)]

    office.clock.pass_(days=30)
    assert said() == []
    office.clock.pass_(seconds=1)
    assert said() == [
        f"audit {of_salem.id} (monthly) of salem-pd was to be signed off by 2026-03-31",
        f"audit {of_salem.id + 1} (monthly) of boston-pd was to be signed off by 2026-03-31",
    ]
    found = office.desk.find(head, of_salem.id, "no case number", date(2026, 4, 10), "here")
    office.desk.sign_off(head, of_salem.id, "findings", "one search without a case", "here")
    assert len(said()) == 1
    office.clock.time = datetime(2026, 4, 11, tzinfo=UTC)
    assert said()[1:] == [f"finding {found} of audit {of_salem.id} was to be mended by 2026-04-10"]
    office.desk.follow_up(head, found, "the case was numbered", "here")
    assert len(said()) == 1


def test_two_jobs_at_once_open_one(small_office: Office) -> None:
    office = small_office
    with reading(office.engine) as connection:
        waiting = list(opening.due(connection, office.settings, office.clock()))
    for _ in range(2):
        with office.engine.begin() as connection:
            for each in waiting:
                opening.open_audit(connection, each, opening.SYSTEM, "jobs", office.clock())
    with reading(office.engine) as connection:
        keys = list(connection.scalars(select(audits.c.once_key)))
    assert len(keys) == len(set(keys)) == 2
