"""What a password must be. Pure: the hashes of old passwords come in as a question to ask."""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Callable, Mapping

from repository.accounts.errors import PasswordRefusedError

MAX_LENGTH = 256

_MIN_DIFFERENT = 4

# Folded by `_essence`: digits and symbols that people put at the end are no protection.
_BANNED: Mapping[str, frozenset[str]] = {
    f"{reason}, and is among the first that are tried": frozenset(words.split())
    for reason, words in {
        "is a row of keys": """
            1q2w3e4r asdf asdfgh asdfghjkl asdfghjk qazwsx qwer qwert qwerty qwertyuiop zaq12wsx
            zxcvbn zxcvbnm qwertz azerty 1qaz2wsx q1w2e3r4
        """,
        "is letters or figures in their order": "123 abc abcd abcdefg abcdefgh",
        "is a word of police work or of this system": """
            admin administrator alpr badge boston massachusetts officer patrol plate plates
            plateward police sheriff trooper detective dispatch sergeant precinct
        """,
        "is a word of signing in": """
            access changeme default letmein login master passw0rd passwd password secret test
            trustno welcome license p@ssw0rd p@ssword
        """,
        "is a name or a word that many people use": """
            baseball batman charlie computer dragon football freedom hello iloveyou monkey princess
            shadow starwars summer autumn winter spring sunshine superman whatever
            michael jennifer jordan soccer hunter ranger buster thomas killer george
        """,
    }.items()
}
# Without characters that are mistaken for each other when read from a slip of paper.
_ONE_TIME_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_ONE_TIME_GROUPS = 4
_ONE_TIME_GROUP_LENGTH = 5


def normalise(password: str) -> str:
    """One spelling for what looks the same, however the keyboard composed it (NFKC)."""
    return unicodedata.normalize("NFKC", password)


def check_password(
    password: str,
    login: str,
    was_used: Callable[[str], bool],
    *,
    min_length: int,
    history: int,
) -> None:
    """Refuse a new password that breaks the rule.

    ``was_used`` tells whether it is one of the person's ``history`` last passwords; it is asked
    last, since answering takes long.

    Raises:
        PasswordRefusedError: saying which part of the rule.
    """
    plain = normalise(password)
    if len(plain) < min_length:
        raise PasswordRefusedError(f"password: needs {min_length} characters or more")
    if len(plain) > MAX_LENGTH:
        raise PasswordRefusedError(f"password: at most {MAX_LENGTH} characters")
    folded = plain.casefold()
    if _essence(folded) in {"", _essence(login)} or folded == login:
        raise PasswordRefusedError("password: must not be the login or figures alone")
    if len(set(folded)) < _MIN_DIFFERENT:
        raise PasswordRefusedError("password: too few different characters")
    for reason, banned in _BANNED.items():
        if folded in banned or _essence(folded) in banned:
            raise PasswordRefusedError(f"password: {reason}")
    if was_used(password):
        raise PasswordRefusedError(f"password: must differ from your last {history}")


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
