"""Codes of authenticator apps: RFC 6238 with SHA-1, six digits and steps of 30 seconds.

That is what every such app knows. A code is taken one step early or late, for clocks that differ,
and never for a step at or before that of the last code taken: each serves once.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from datetime import datetime

from cryptography.hazmat.primitives import constant_time
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

SECRET_BYTES = 20
STEP_S = 30
STEPS_EITHER_SIDE = 1

_DIGITS = 6
_CODE = re.compile(rf"[0-9]{{{_DIGITS}}}")


def new_secret(random_bytes: Callable[[int], bytes]) -> bytes:
    """A secret as long as RFC 4226 wants it, 160 bits."""
    return random_bytes(SECRET_BYTES)


def as_typed(secret: bytes) -> str:
    """The secret in base32, for a person to type into an app."""
    return base64.b32encode(secret).decode()


def address(secret: bytes, login: str, issuer: str) -> str:
    """The ``otpauth`` address that a QR code holds."""
    return _totp(secret).get_provisioning_uri(login, issuer)


def is_code(typed: str) -> bool:
    """Whether that has the form of a code."""
    return _CODE.fullmatch(typed) is not None


def step_of(moment: datetime) -> int:
    """The time step that a moment falls into."""
    return int(moment.timestamp()) // STEP_S


def code(secret: bytes, moment: datetime) -> str:
    """The code of that moment."""
    return _totp(secret).generate(step_of(moment) * STEP_S).decode()


def match(secret: bytes, typed: str, now: datetime, last_step: int) -> int | None:
    """The step whose code was typed, if it is a later one than the last; in constant time."""
    found = None
    current = step_of(now)
    for step in range(current - STEPS_EITHER_SIDE, current + STEPS_EITHER_SIDE + 1):
        expected = _totp(secret).generate(step * STEP_S)
        if constant_time.bytes_eq(expected, typed.encode()) and step > last_step and found is None:
            found = step
    return found


def _totp(secret: bytes) -> TOTP:
    return TOTP(secret, _DIGITS, SHA1(), STEP_S)  # noqa: S303 - HMAC, as RFC 6238 has it
