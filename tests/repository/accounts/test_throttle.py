"""Failed sign-ins, counted by address."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from repository.accounts import throttle
from repository.accounts.throttle import LIMIT, WINDOW, Dropped, Throttle

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def fill(counts: Throttle, origin: str, now: datetime = NOW) -> None:
    assert [counts.fail(origin, now) for _ in range(LIMIT)] == [False] * (LIMIT - 1) + [True]


def test_the_limit_closes_one_address_until_its_window_ends() -> None:
    counts = Throttle()
    fill(counts, "10.0.0.7")
    assert [counts.admit("10.0.0.7", NOW) for _ in range(3)] == [False] * 3
    assert counts.admit("10.0.0.8", NOW)
    last = NOW + WINDOW - timedelta(microseconds=1)
    assert not counts.admit("10.0.0.7", last)
    assert counts.take_ended(last) == []
    assert counts.admit("10.0.0.7", NOW + WINDOW)
    assert counts.take_ended(NOW + WINDOW) == [Dropped("10.0.0.7", NOW, 4)]
    assert counts.take_ended(NOW + WINDOW) == []


def test_a_clock_that_goes_back_closes_nobody_for_long() -> None:
    counts = Throttle()
    fill(counts, "10.0.0.7")
    assert counts.admit("10.0.0.7", NOW - timedelta(days=1))


def test_addresses_of_one_ipv6_network_count_together() -> None:
    counts = Throttle()
    for number in range(LIMIT):
        counts.fail(f"2001:db8:0:1::{number:x}", NOW)
    assert not counts.admit("2001:db8:0:1:ffff::1", NOW)
    assert counts.admit("2001:db8:0:2::1", NOW)


def test_what_is_counted_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "MAX_ADDRESSES", 3)
    counts = Throttle()
    for number in range(LIMIT + 3):
        assert counts.admit(f"10.0.0.{number}", NOW)
        counts.fail(f"10.0.0.{number}", NOW)
    assert not counts.admit("10.0.1.1", NOW)
    assert counts.admit("10.0.0.0", NOW)
    assert counts.take_ended(NOW + WINDOW) == [Dropped("other addresses", NOW, 1)]
