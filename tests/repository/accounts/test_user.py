"""Which login is meant by what was typed, or by what an agency's provider says."""

from __future__ import annotations

import sys

import pytest

from repository.accounts.errors import AccountError
from repository.accounts.user import check_login, fold_login

pytestmark = pytest.mark.policy("G-10a")


def test_a_login_is_meant_in_either_case_and_with_blanks_around_it() -> None:
    assert fold_login(" JDoe\N{NO-BREAK SPACE}") == "jdoe"
    assert check_login("K.Roe-2") == "k.roe-2"


def test_no_letter_of_another_alphabet_stands_for_one_of_a_login() -> None:
    others = [chr(each) for each in range(128, sys.maxunicode + 1)]
    assert any(each.lower() == "k" for each in others), "the Kelvin sign"
    assert [each for each in others if fold_login(f"a{each}b") is not None] == []
    with pytest.raises(AccountError, match="letters a-z"):
        check_login("\N{KELVIN SIGN}roe")
