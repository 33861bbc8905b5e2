"""What a password must be. Pure: the hashes of old passwords come in as a question to ask."""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Callable

from repository.accounts.errors import PasswordRefusedError

MIN_LENGTH = 8
MAX_LENGTH = 256

# Folded by `_essence`: digits and symbols that people put at the end are no protection.
_BANNED = frozenset(
    """
    123 1q2w3e4r abc abcd abcdefg abcdefgh access admin administrator alpr asdf asdfgh asdfghjkl
    badge baseball batman boston changeme charlie computer default dragon football freedom hello
    iloveyou letmein license login massachusetts master monkey officer passw0rd passwd password
    patrol plate plates plateward police princess qazwsx qwer qwert qwerty qwertyuiop secret
    shadow sheriff starwars summer autumn winter spring sunshine superman test trooper trustno
    welcome whatever zaq12wsx zxcvbn zxcvbnm
    """.split()  # noqa: SIM905
)
# Without characters that are mistaken for each other when read from a slip of paper.
_ONE_TIME_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_ONE_TIME_GROUPS = 4
_ONE_TIME_GROUP_LENGTH = 5


def normalise(password: str) -> str:
    """One spelling for what looks the same, however the keyboard composed it (NFKC)."""
    return unicodedata.normalize("NFKC", password)


def check_password(password: str, login: str, was_used: Callable[[str], bool]) -> None:
    """Refuse a new password that breaks the rule.

    ``was_used`` tells whether it is the current or the previous password; it is asked last,
    since answering takes long.

    Raises:
        PasswordRefusedError: saying which part of the rule.
    """
    plain = normalise(password)
    if len(plain) < MIN_LENGTH:
        raise PasswordRefusedError(f"password: needs {MIN_LENGTH} characters or more")
    if len(plain) > MAX_LENGTH:
        raise PasswordRefusedError(f"password: at most {MAX_LENGTH} characters")
    folded = plain.casefold()
    if _essence(folded) in {"", _essence(login)} or folded == login:
        raise PasswordRefusedError("password: must not be the login or figures alone")
    if len(set(folded)) < MIN_LENGTH // 2:
        raise PasswordRefusedError("password: too few different characters")
    if folded in _BANNED or _essence(folded) in _BANNED:
        raise PasswordRefusedError("password: is one that everybody tries first")
    if was_used(password):
        raise PasswordRefusedError("password: must differ from the current and the previous one")


def one_time_password(choose: Callable[[str], str] = secrets.choice) -> str:
    """A password to be typed once from paper, of 98 bits."""
    letters = [choose(_ONE_TIME_ALPHABET) for _ in range(_ONE_TIME_GROUPS * _ONE_TIME_GROUP_LENGTH)]
    return "-".join(
        "".join(letters[start : start + _ONE_TIME_GROUP_LENGTH])
        for start in range(0, len(letters), _ONE_TIME_GROUP_LENGTH)
    )


def _essence(folded: str) -> str:
    """What is left without the figures and symbols around it."""
    return folded.strip("0123456789!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ ")
