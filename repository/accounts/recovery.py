"""Codes for a person whose second factor is lost or broken: each good once. No database here."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable

COUNT = 10

# Without characters that are mistaken for each other when read from a slip of paper.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS = 3
_GROUP_LENGTH = 5


def new_codes(choose: Callable[[str], str] = secrets.choice) -> list[str]:
    """Codes of 74 bits each, to be written down."""
    return [
        "-".join("".join(choose(_ALPHABET) for _ in range(_GROUP_LENGTH)) for _ in range(_GROUPS))
        for _ in range(COUNT)
    ]


def digest(typed: str) -> bytes:
    """What is kept of a code; they are random and long enough for a plain SHA-256."""
    plain = "".join(typed.lower().replace("-", "").split())
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).digest()
