"""Sign-ins that an agency's own provider was asked for: states under a seal, that nobody keeps.

A state is 63 bytes: when it was made, in microseconds since 1970 (8, big-endian), random ones (23),
and an HMAC-SHA256 (32) over both, the agency, and what the browser holds that began it. Nonce and
PKCE verifier are HMACs of the state's beginning. However many are begun, none takes room and nobody
is shut out. Those that came back are kept until they are too old, so that each is good once.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, delete, insert

from repository.accounts.oidc import Challenge
from repository.accounts.sessions import digest
from repository.store.tables.sessions import oidc_sign_ins

GOOD_FOR = timedelta(minutes=10)

_LABEL = b"plateward/sign-in at a provider/"
_BEGAN = datetime(1970, 1, 1, tzinfo=UTC)
_TIME_BYTES, _RANDOM_BYTES, _SEAL_BYTES = 8, 23, 32
_BROWSER_BYTES = 32


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A sign-in under way, when it was begun, and what its browser must hold."""

    challenge: Challenge
    browser: str
    begun_at: datetime


def begin(key: bytes, agency: str, now: datetime, random_bytes: Callable[[int], bytes]) -> UnderWay:
    """A new sign-in at that agency's provider."""
    at = (now - _BEGAN) // timedelta(microseconds=1)
    said = at.to_bytes(_TIME_BYTES, "big") + random_bytes(_RANDOM_BYTES)
    browser = _as_text(random_bytes(_BROWSER_BYTES))
    return _under_way(key, said, said + _seal(key, said, agency, browser), browser)


def find(key: bytes, agency: str, state: str, browser: str, now: datetime) -> UnderWay | None:
    """The sign-in of that state, if that browser began it for that agency not long ago."""
    given = _as_bytes(state)
    said, seal = given[:-_SEAL_BYTES], given[-_SEAL_BYTES:]
    if len(said) != _TIME_BYTES + _RANDOM_BYTES:
        return None
    if not hmac.compare_digest(seal, _seal(key, said, agency, browser)):
        return None
    found = _under_way(key, said, given, browser)
    return found if abs(now - found.begun_at) < GOOD_FOR else None


def spend(connection: Connection, back: UnderWay, now: datetime) -> None:
    """Keep that it came back, and sweep away those that are too old.

    Raises:
        IntegrityError: if it came back before.
    """
    table = oidc_sign_ins
    connection.execute(delete(table).where(table.c.begun_at <= now - GOOD_FOR))
    row = {"state_digest": digest(back.challenge.state), "begun_at": back.begun_at}
    connection.execute(insert(table).values(row))


def _under_way(key: bytes, said: bytes, state: bytes, browser: str) -> UnderWay:
    at = timedelta(microseconds=int.from_bytes(said[:_TIME_BYTES], "big"))
    nonce, verifier = (_as_text(_hmac(key, purpose, said)) for purpose in (b"nonce", b"verifier"))
    return UnderWay(Challenge(_as_text(state), nonce, verifier), browser, _BEGAN + at)


def _seal(key: bytes, said: bytes, agency: str, browser: str) -> bytes:
    return _hmac(key, b"state", said + digest(browser) + agency.encode())


def _hmac(key: bytes, purpose: bytes, what: bytes) -> bytes:
    return hmac.digest(hmac.digest(key, _LABEL + purpose, "sha256"), what, "sha256")


def _as_text(what: bytes) -> str:
    return base64.urlsafe_b64encode(what).rstrip(b"=").decode()


def _as_bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, b"-_", validate=True)
    except ValueError:
        return b""
