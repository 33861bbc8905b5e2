"""Months, quarters and years."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repository.audits import periods
from repository.audits.errors import AuditError


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


def test_months_that_are_over_follow_one_another() -> None:
    found = list(periods.months_over(at(2025, 11, 1), at(2026, 2, 28, 23)))
    assert [each.name for each in found] == ["2025-11", "2025-12", "2026-01"]
    assert [each.end for each in found[:-1]] == [each.start for each in found[1:]]
    assert list(periods.months_over(at(2026, 1, 2), at(2026, 2, 28))) == []
    assert periods.month_before(at(2026, 1, 1)).name == "2025-12"


@given(st.datetimes(at(2000, 1, 1).replace(tzinfo=None), at(2100, 1, 1).replace(tzinfo=None)))
def test_the_month_before_is_the_newest_that_is_over(naive: datetime) -> None:
    now = naive.replace(tzinfo=UTC)
    last = periods.month_before(now)
    assert last.end <= now < periods.month(last.end.year, last.end.month).end


def test_quarters() -> None:
    found = periods.quarter("2026-Q4")
    assert (found.start, found.end) == (at(2026, 10, 1), at(2027, 1, 1))
    for wrong in ("2026-Q5", "2026", "26-Q1", "2026-Q1 ", "２０２６-Q1"):  # noqa: RUF001
        with pytest.raises(AuditError, match="such as 2026-Q1"):
            periods.quarter(wrong)
    assert periods.quarter_over("2026-Q1", at(2026, 4, 1)).start == at(2026, 1, 1)
    with pytest.raises(AuditError, match="not over"):
        periods.quarter_over("2026-Q1", at(2026, 3, 31, 23, 59))


def test_years_on_from_a_leap_day() -> None:
    assert periods.add_years(at(2024, 2, 29, 5), 3) == at(2027, 2, 28, 5)
    assert periods.add_years(at(2026, 3, 1), 5) == at(2031, 3, 1)
