"""What a password must be."""

from __future__ import annotations

import functools
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repository.accounts import password_rule
from repository.accounts.errors import PasswordRefusedError
from repository.accounts.password_rule import normalise, one_time_password

check_password = functools.partial(password_rule.check_password, min_length=8, history=10)


def never_used(_password: str) -> bool:
    return False


@pytest.mark.policy("C-3a")
@pytest.mark.parametrize(
    ("password", "message"),
    [
        ("", "8 characters or more"),
        ("Sh0rt!x", "8 characters or more"),
        ("y" * 257, "at most 256"),
        ("Password123!", "is a word of signing in, and is among the first that are tried"),
        ("Summer2026!", "a word that many people use"),
        ("MASSACHUSETTS", "is a word of police work"),
        ("1q2w3e4r", "is a row of keys"),
        ("sergeant-doe", "must not be the login"),
        ("Sergeant-Doe99", "must not be the login"),
        ("2026-03-0199", "figures alone"),
        ("ababababab", "too few different"),
    ],
)
def test_weak_passwords_are_refused(password: str, message: str) -> None:
    with pytest.raises(PasswordRefusedError, match=message):
        check_password(password, "sergeant-doe", never_used)


@pytest.mark.parametrize("password", ["correct horse battery", "kFz8!pqLw", "päßwörter-ähnlich"])
def test_others_are_taken(password: str) -> None:
    check_password(password, "sergeant-doe", never_used)


def test_one_that_was_used_is_refused() -> None:
    with pytest.raises(PasswordRefusedError, match="must differ from your last 10"):
        check_password("correct horse battery", "jdoe", lambda tried: tried.startswith("correct"))


def test_two_ways_to_compose_a_letter_are_one() -> None:
    assert normalise("pa\u0308ssword") == normalise("p\u00e4ssword")


def test_one_time_passwords_are_typable_and_differ() -> None:
    made = {one_time_password() for _ in range(50)}
    assert len(made) == 50
    for password in made:
        assert [len(group) for group in password.split("-")] == [5, 5, 5, 5]
        assert set(password) <= set(string.ascii_lowercase + string.digits + "-") - set("01lio")
        check_password(password, "jdoe", never_used)


@given(st.text(max_size=300), st.text(max_size=20))
def test_any_text_is_taken_or_refused(password: str, login: str) -> None:
    try:
        check_password(password, login, never_used)
    except PasswordRefusedError as error:
        refusal = str(error)
        assert refusal.startswith("password: ")
        if len(password) > 6:
            assert password not in refusal
    else:
        assert len(normalise(password)) >= 8
