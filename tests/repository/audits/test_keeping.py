"""Audits are kept five years, and nothing but their own purge removes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from repository.accounts.roles import Role
from repository.audits import keeping, periods
from repository.audits.settings import AuditSettings
from repository.ledger.entry import SYSTEM
from repository.store import roles
from repository.store.engine import reading
from repository.store.tables.audits import audit_samples, audits
from tests.repository.audits.office import Office
from tests.repository.people import recorded


@pytest.mark.policy("F-audit")
def test_a_signed_monthly_audit_goes_after_five_years_and_no_sooner(office: Office) -> None:
    auditor = office.hire("kmiles", Role.AUDITOR)
    office.search(office.hire("jdoe", Role.OFFICER))
    office.tend()
    (audit,) = office.desk.list(auditor, "here", open_only=True)
    office.answer_all(auditor, audit.id)
    office.desk.sign_off(auditor, audit.id, "clean", "in order", "here")
    ordered = office.desk.start(
        auditor, "salem-pd", audit.period_start, audit.period_end, "a tip", "here"
    )
    office.sign_and_draw()

    def purged(at: datetime) -> list[int]:
        return keeping.purge(office.engine, SYSTEM, "jobs", at)

    five_years = periods.add_years(office.clock(), 5)
    assert purged(five_years) == []
    assert purged(five_years + timedelta(days=1)) == [audit.id]
    assert purged(five_years + timedelta(days=20_000)) == []  # unsigned, or of another kind
    entry = recorded(office.engine)[-1]
    assert (entry["action"], entry["request"]) == ("audits.purge", {"audits": [audit.id]})
    with reading(office.engine) as connection:
        left = list(connection.scalars(select(audits.c.id)))
        of_it = select(func.count()).where(audit_samples.c.audit_id == audit.id)
        assert connection.scalar(of_it) == 0
    assert audit.id not in left
    assert ordered in left


def test_one_with_an_open_finding_stays(small_office: Office) -> None:
    office = small_office
    auditor = office.hire("kmiles", Role.AUDITOR)
    office.tend()
    (audit,) = office.desk.list(auditor, "here", open_only=True)
    due_on = office.clock().date() + timedelta(days=9)
    found = office.desk.find(auditor, audit.id, "no reviews", due_on, "here")
    office.desk.sign_off(auditor, audit.id, "findings", "one", "here")
    later = office.clock() + timedelta(days=6 * 366)
    assert keeping.purge(office.engine, SYSTEM, "jobs", later) == []
    office.desk.follow_up(auditor, found, "reviews are held", "here")
    assert keeping.purge(office.engine, SYSTEM, "jobs", later) == [audit.id]


@pytest.mark.policy("F-audit")
def test_no_setting_keeps_them_for_less() -> None:
    with pytest.raises(ValueError, match="keep_years"):
        AuditSettings(keep_years=4)
    with pytest.raises(ValueError, match="every_years"):
        AuditSettings(every_years=4)


@pytest.mark.policy("F-audit")
def test_only_the_jobs_may_remove_an_audit() -> None:
    kept = ("audits", "audit_counts", "audit_samples", "audit_findings", "audit_papers")
    for role, tables in roles._WRITES.items():
        for name in kept:
            assert ("DELETE" in tables.get(name, "")) == (role == "jobs"), (role, name)
    assert {"UPDATE"} & set(roles._WRITES["web"]["audit_papers"].split(", ")) == set()


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)), st.integers(5, 50))  # noqa: DTZ001
def test_five_years_are_never_short(naive: datetime, years: int) -> None:
    signed = naive.replace(tzinfo=UTC)
    keep_until = periods.add_years(signed, years) + timedelta(days=1)
    assert (keep_until - signed).days >= years * 365 + years // 4
