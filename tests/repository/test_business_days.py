"""Business days of Massachusetts, against days that were counted on a calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repository import business_days

DAYS = st.dates(date(1990, 1, 1), date(2080, 1, 1))


@pytest.mark.policy("G-4")
@pytest.mark.policy("G-9")
@pytest.mark.parametrize(
    ("day", "days", "expected"),
    [
        (date(2026, 11, 20), 10, date(2026, 12, 7)),  # Thanksgiving between
        (date(2026, 4, 17), 1, date(2026, 4, 21)),  # Patriots' Day, of Massachusetts alone
        (date(2027, 7, 2), 1, date(2027, 7, 6)),  # the Fourth on a Sunday, kept on Monday
        (date(2026, 7, 2), 1, date(2026, 7, 3)),  # the Fourth on a Saturday, kept on no other day
        (date(2026, 3, 16), 1, date(2026, 3, 17)),  # Evacuation Day, of Suffolk County alone
        (date(2026, 3, 1), 10, date(2026, 3, 13)),  # from a Sunday
        (date(2026, 12, 31), 0, date(2026, 12, 31)),
        (date(2027, 1, 1), 0, date(2027, 1, 4)),
    ],
)
def test_days_are_counted_as_on_the_calendar(day: date, days: int, expected: date) -> None:
    assert business_days.add(day, days) == expected


@given(DAYS, st.integers(1, 60))
def test_as_many_business_days_lie_between(day: date, days: int) -> None:
    reached = business_days.add(day, days)
    between = [day + timedelta(days=number + 1) for number in range((reached - day).days)]
    assert sum(map(business_days.is_business_day, between)) == days
    assert business_days.is_business_day(reached)


def test_what_cannot_be_counted_is_refused() -> None:
    for days in (-1, 2_501):
        with pytest.raises(ValueError, match="business days"):
            business_days.add(date(2026, 3, 2), days)
    with pytest.raises(ValueError, match="calendar ends"):
        business_days.add(date.max, 1)
    with pytest.raises(TypeError, match="moment"):
        business_days.add(datetime(2026, 3, 2, tzinfo=UTC), 1)


def test_a_moment_is_on_the_day_that_massachusetts_has() -> None:
    assert business_days.day_of(datetime(2026, 3, 2, 3, tzinfo=UTC)) == date(2026, 3, 1)
    assert business_days.day_of(datetime(2026, 7, 2, 4, tzinfo=UTC)) == date(2026, 7, 2)
