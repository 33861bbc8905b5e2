"""A year by the calendar: never early, and one moment parts expired from kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edge.contract.configuration import config_file
from repository.retention.rules import RetentionRule, RetentionRuleError, load_rule

YEAR = RetentionRule("test", "test", 1, "0" * 64)
moments = st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
near_leap_days = st.builds(
    lambda year, offset: datetime(year, 2, 28, tzinfo=UTC) + timedelta(microseconds=offset),
    st.integers(2019, 2033),
    st.integers(0, 3 * 86_400 * 1_000_000),
)


@pytest.mark.parametrize(
    ("captured", "expires"),
    [
        ("2025-03-01T12:00:00.000001", "2026-03-01T12:00:00.000001"),
        ("2024-02-28T23:59:59.999999", "2025-02-28T23:59:59.999999"),
        ("2024-02-29T00:00:00", "2025-03-01T00:00:00"),
        ("2024-02-29T23:59:59", "2025-03-01T00:00:00"),
        ("2024-03-01T00:00:00", "2025-03-01T00:00:00"),
        ("2023-03-01T00:00:00", "2024-03-01T00:00:00"),
    ],
)
@pytest.mark.policy("C-7b")
def test_a_read_expires_a_year_after_its_capture(captured: str, expires: str) -> None:
    assert YEAR.expires_at(datetime.fromisoformat(captured + "+00:00")) == (
        datetime.fromisoformat(expires + "+00:00")
    )


@given(moments | near_leap_days, moments | near_leap_days)
@example(datetime(2024, 2, 29, 5, tzinfo=UTC), datetime(2024, 2, 29, 10, tzinfo=UTC))
@pytest.mark.policy("C-7b")
def test_the_bound_parts_expired_from_kept(captured: datetime, now: datetime) -> None:
    assert (captured < YEAR.expired_before(now)) == (YEAR.expires_at(captured) <= now)


@given(near_leap_days)
def test_the_bound_is_exact_to_the_microsecond(now: datetime) -> None:
    bound = YEAR.expired_before(now)
    assert YEAR.expires_at(bound) > now >= YEAR.expires_at(bound - timedelta(microseconds=1))


@given(moments | near_leap_days, moments | near_leap_days)
def test_what_was_captured_first_expires_first(one: datetime, other: datetime) -> None:
    first, second = sorted((one, other))
    assert YEAR.expires_at(first) <= YEAR.expires_at(second)


@given(moments)
def test_no_read_is_kept_less_than_365_days_or_more_than_367(captured: datetime) -> None:
    kept = YEAR.expires_at(captured) - captured
    assert timedelta(days=365) <= kept <= timedelta(days=367)


def test_the_shipped_rule_is_one_year_and_names_its_source() -> None:
    rule = load_rule(config_file("retention/massachusetts.toml"))
    assert rule.keep_years == 1
    assert "7(b)" in rule.source


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "keep_years: is missing"),
        ('name="a"\nsource="b"\nkeep_years=0', "keep_years: needs a whole number"),
        ('name="a"\nsource="b"\nkeep_years=1.5', "keep_years: needs a whole number"),
        ('name="a"\nsource="b"\nkeep_years=true', "keep_years: needs a whole number"),
        ('name=""\nsource="b"\nkeep_years=1', "name: needs a text"),
        ('name="a"\nsource="b"\nkeep_years=1\nkeep_days=3', "keep_days: is not a setting"),
        ("keep", "not TOML"),
    ],
)
def test_a_rule_that_is_none_is_refused_by_its_key(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "rule.toml"
    path.write_text(content)
    with pytest.raises(RetentionRuleError, match=f"{path}: {said}"):
        load_rule(path)


def test_a_missing_rule_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(RetentionRuleError, match="No such file"):
        load_rule(tmp_path / "none.toml")
