"""Failed sign-ins, counted by address."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from repository.accounts import throttle
from repository.accounts.throttle import (
    LIMIT,
    MAX_NETWORKS,
    PREFIX_LIMIT,
    WINDOW,
    Dropped,
    Throttle,
    site,
)

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


def test_an_ipv4_address_is_the_same_in_the_form_of_ipv6() -> None:
    counts = Throttle()
    fill(counts, "::ffff:198.51.100.66")
    assert not counts.admit("198.51.100.66", NOW)
    assert not counts.admit("::FFFF:c633:6442", NOW)
    assert counts.admit("::ffff:203.0.113.7", NOW)
    assert site("::ffff:203.0.113.7") == "203.0.113.7"


def test_windows_of_few_failures_make_room_and_nobody_is_shut_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(throttle, "MAX_ADDRESSES", 3)
    counts = Throttle()
    fill(counts, "10.0.0.1")
    assert not counts.admit("10.0.0.1", NOW)
    for number in range(2 * LIMIT):
        assert counts.admit(f"10.0.1.{number}", NOW)
        assert not counts.fail(f"10.0.1.{number}", NOW)
        assert len(counts._windows) <= 3
    assert not counts.admit("10.0.0.1", NOW), "the one that guesses most is kept"
    for number in range(4):
        fill(counts, f"10.0.2.{number}")
    assert counts.admit("10.0.0.1", NOW), "the oldest goes where all have guessed as much"
    assert counts.take_ended(NOW) == [Dropped("10.0.0.1", NOW, 2)]


def test_the_many_networks_of_one_ipv6_prefix_are_bounded_together() -> None:
    counts = Throttle()
    first = "2001:db8:7::1"
    for number in range(1000):
        counts.fail(f"2001:db8:7:{number:x}::1", NOW)
    assert len(counts._windows) == MAX_NETWORKS + 1
    assert not counts.admit("2001:db8:7:ffff::1", NOW)
    assert counts.admit(first, NOW), "what is counted apart stays so"
    for elsewhere in ("2001:db8:8::1", "203.0.113.7"):
        assert counts.admit(elsewhere, NOW)
        assert not counts.fail(elsewhere, NOW)
    assert counts.take_ended(NOW + WINDOW) == [Dropped("2001:db8:7::/48", NOW, 1)]
    assert not counts._networks
    assert counts.admit("2001:db8:7:ffff::1", NOW + WINDOW)


def test_a_prefix_of_many_networks_may_fail_more_often_than_one_address() -> None:
    counts = Throttle()
    for number in range(MAX_NETWORKS):
        counts.fail(f"2001:db8:7:{number:x}::1", NOW)
    others = [
        counts.fail(f"2001:db8:7:{number:x}::1", NOW) for number in range(99, 99 + PREFIX_LIMIT)
    ]
    assert others == [False] * (PREFIX_LIMIT - 1) + [True]


def test_a_window_begins_anew_though_nobody_took_the_one_that_is_over() -> None:
    counts = Throttle()
    fill(counts, "10.0.0.7")
    assert not counts.admit("10.0.0.7", NOW)
    fill(counts, "10.0.0.7", NOW + WINDOW)
    assert not counts.admit("10.0.0.7", NOW + WINDOW)
    assert counts.take_ended(NOW + 2 * WINDOW) == [
        Dropped("10.0.0.7", NOW, 1), Dropped("10.0.0.7", NOW + WINDOW, 1)
    ]  # fmt: skip
