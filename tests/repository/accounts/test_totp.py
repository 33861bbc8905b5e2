"""Codes of authenticator apps, without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repository.accounts import recovery, totp

# RFC 6238, appendix B, the rows for SHA-1: its codes have eight digits, of which ours are the last.
SECRET = b"12345678901234567890"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("second", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_codes_are_those_of_the_rfc(second: int, code: str) -> None:
    assert totp.code(SECRET, datetime.fromtimestamp(second, UTC)) == code


@pytest.mark.parametrize(
    ("steps", "taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)]
)
def test_a_clock_may_differ_by_one_step(steps: int, taken: bool) -> None:
    shown = totp.code(SECRET, NOON + timedelta(seconds=30 * steps))
    found = totp.match(SECRET, shown, NOON, last_step=0)
    assert found == (totp.step_of(NOON) + steps if taken else None)


def test_no_code_of_a_step_that_was_used_or_passed_is_taken() -> None:
    for last in (totp.step_of(NOON), totp.step_of(NOON) + 1):
        assert totp.match(SECRET, totp.code(SECRET, NOON), NOON, last) is None


@given(st.text(max_size=10).filter(lambda typed: not totp.is_code(typed)))
def test_what_has_not_the_form_is_no_code(typed: str) -> None:
    assert totp.match(SECRET, typed, NOON, 0) is None or typed.isdecimal()


def test_the_address_is_what_apps_read() -> None:
    address = totp.address(SECRET, "jdoe", "Plateward alpr.example.gov")
    assert address.startswith("otpauth://totp/Plateward%20alpr.example.gov:jdoe?")
    assert f"secret={totp.as_typed(SECRET)}" in address
    assert "digits=6" in address
    assert "period=30" in address


def test_recovery_codes_differ_and_are_read_however_they_are_typed() -> None:
    codes = recovery.new_codes()
    assert len({recovery.digest(each) for each in codes}) == recovery.COUNT == 10
    loose = f" {codes[0].upper().replace('-', ' ')} "
    assert recovery.digest(loose) == recovery.digest(codes[0])
