"""Terms by the calendar: never early, in the order of capture, one moment parts ended from not."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from repository.retention.terms import Term, TermError, Unit

YEAR = Term(1, "years")
MICROSECOND = timedelta(microseconds=1)
moments = st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
near_month_ends = st.builds(
    lambda year, month, offset: (
        datetime(year, month, 1, tzinfo=UTC) + timedelta(microseconds=offset)
    ),
    st.integers(2019, 2033),
    st.integers(1, 12),
    st.integers(-4 * 86_400 * 1_000_000, 2 * 86_400 * 1_000_000),
)
captures = moments | near_month_ends
terms = st.one_of(
    st.builds(Term, st.integers(1, 100_000), st.just("minutes")),
    st.builds(Term, st.integers(1, 4000), st.just("days")),
    st.builds(Term, st.integers(1, 60), st.just("months")),
    st.builds(Term, st.integers(1, 7), st.just("years")),
)


@pytest.mark.parametrize(
    ("captured", "count", "unit", "ends"),
    [
        ("2025-03-01T12:00:00.000001", 1, "years", "2026-03-01T12:00:00.000001"),
        ("2024-02-28T23:59:59.999999", 1, "years", "2025-02-28T23:59:59.999999"),
        ("2024-02-29T00:00:00", 1, "years", "2025-03-01T00:00:00"),
        ("2024-02-29T23:59:59", 1, "years", "2025-03-01T00:00:00"),
        ("2024-02-29T23:59:59", 4, "years", "2028-02-29T23:59:59"),
        ("2023-03-01T00:00:00", 1, "years", "2024-03-01T00:00:00"),
        ("2025-01-31T08:00:00", 1, "months", "2025-03-01T00:00:00"),
        ("2025-01-28T08:00:00", 1, "months", "2025-02-28T08:00:00"),
        ("2025-08-31T08:00:00", 18, "months", "2027-03-01T00:00:00"),
        ("2025-12-15T08:00:00", 18, "months", "2027-06-15T08:00:00"),
        ("2024-02-28T08:00:00", 21, "days", "2024-03-20T08:00:00"),
        ("2024-12-31T23:58:30", 3, "minutes", "2025-01-01T00:01:30"),
    ],
)
@pytest.mark.policy("C-7b")
def test_a_term_ends_by_the_calendar(captured: str, count: int, unit: Unit, ends: str) -> None:
    term = Term(count, unit)
    assert term.end(datetime.fromisoformat(captured + "+00:00")) == (
        datetime.fromisoformat(ends + "+00:00")
    )


def test_a_capture_told_in_another_zone_ends_at_the_same_moment() -> None:
    told = datetime.fromisoformat("2025-01-31T20:00:00-05:00")  # 1 February in UTC
    assert Term(1, "months").end(told) == datetime(2025, 3, 1, 1, tzinfo=UTC)


@given(terms, captures, captures)
@example(YEAR, datetime(2024, 2, 29, 5, tzinfo=UTC), datetime(2025, 3, 1, tzinfo=UTC))
@pytest.mark.policy("C-7b")
def test_the_bound_parts_ended_from_not(term: Term, captured: datetime, now: datetime) -> None:
    assert (captured < term.ended_before(now)) == (term.end(captured) <= now)


@given(terms, captures)
@example(Term(1, "months"), datetime(2025, 3, 30, 12, tzinfo=UTC))  # February has no such day
@example(YEAR, datetime(2024, 2, 29, 5, tzinfo=UTC))
@pytest.mark.policy("C-7b")
def test_the_bound_is_exact_to_the_microsecond(term: Term, now: datetime) -> None:
    bound = term.ended_before(now)
    assert term.end(bound) > now >= term.end(bound - MICROSECOND)


@given(terms, captures, captures)
def test_what_was_captured_first_ends_first(term: Term, one: datetime, other: datetime) -> None:
    first, second = sorted((one, other))
    assert term.end(first) <= term.end(second)


@given(st.integers(1, 60), captures)
def test_no_term_of_months_is_shorter_than_its_months(months: int, captured: datetime) -> None:
    """Counted another way: the term holds that many whole months, and at most three days more."""
    kept = Term(months, "months").end(captured) - captured
    days = 0
    year, month = captured.year, captured.month
    for _ in range(months):
        days += calendar.monthrange(year, month)[1]
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    longest = captured + timedelta(days=days)
    # Where the day does not exist, counting whole months runs into the month after.
    assert captured + kept <= longest
    assert longest - (captured + kept) < timedelta(days=3)


@pytest.mark.parametrize(
    ("one", "other", "exceeds"),
    [
        (Term(3, "years"), YEAR, True),
        (YEAR, Term(12, "months"), False),
        (Term(12, "months"), YEAR, False),
        (Term(365, "days"), YEAR, False),
        (Term(366, "days"), YEAR, True),
        (Term(28, "days"), Term(1, "months"), False),
        (Term(29, "days"), Term(1, "months"), True),
        (Term(3, "minutes"), Term(1, "days"), False),
    ],
)
def test_which_term_is_the_longer(one: Term, other: Term, exceeds: bool) -> None:
    assert one.exceeds(other) is exceeds


@pytest.mark.parametrize(
    ("count", "unit", "said"),
    [
        (0, "days", "days: needs a whole number"),
        (True, "days", "days: needs a whole number"),
        (101, "years", "years: needs a whole number from 1 to 100"),
        (1, "weeks", "weeks: is none of"),
    ],
)
def test_what_is_no_term_is_refused(count: int, unit: Unit, said: str) -> None:
    with pytest.raises(TermError, match=said):
        Term(count, unit)


def test_a_term_is_said_as_one_says_it() -> None:
    assert [str(Term(1, "years")), str(Term(21, "days"))] == ["1 year", "21 days"]
