"""What passkeys sign: challenges that carry their own time under a seal, so that nobody keeps them.

A challenge is 32 bytes: when it was made, in microseconds since 1970 (8, big-endian), random ones
(8), and an HMAC-SHA256 over both, its purpose and whom it is for, cut to 16 (RFC 2104, section 5).
However many are asked for, none takes room and nobody is shut out. Those that were answered are
kept until they are too old, so that each is good once.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import Enum
from uuid import UUID

from sqlalchemy import Connection, delete, select

from repository.store.rows import insert_new
from repository.store.tables.signing_in import passkey_challenges

GOOD_FOR = timedelta(minutes=5)

_LABEL = b"plateward/passkey challenge/"
_BEGAN = datetime(1970, 1, 1, tzinfo=UTC)
_TIME_BYTES, _RANDOM_BYTES, _SEAL_BYTES = 8, 8, 16


class Purpose(Enum):
    """What a challenge may be answered for."""

    SIGN_IN = b"sign in"
    ENROL = b"enrol"
    UNLOCK = b"unlock"


def make(
    key: bytes,
    purpose: Purpose,
    user_id: UUID | None,
    now: datetime,
    random_bytes: Callable[[int], bytes],
) -> bytes:
    """A challenge for that person, or for whoever signs in."""
    at = (now - _BEGAN) // timedelta(microseconds=1)
    said = at.to_bytes(_TIME_BYTES, "big") + random_bytes(_RANDOM_BYTES)
    return said + _seal(key, purpose, user_id, said)


def is_good(
    key: bytes, challenge: bytes, purpose: Purpose, user_id: UUID | None, now: datetime
) -> bool:
    """Whether it was made here for that, not long ago."""
    said, seal = challenge[:-_SEAL_BYTES], challenge[-_SEAL_BYTES:]
    if len(said) != _TIME_BYTES + _RANDOM_BYTES:
        return False
    if not hmac.compare_digest(seal, _seal(key, purpose, user_id, said)):
        return False
    return abs(now - _made_at(challenge)) < GOOD_FOR


def spend(connection: Connection, challenge: bytes, user_id: UUID, now: datetime) -> bool:
    """Whether this is the first right answer to a good challenge, by the user whose row is locked.

    Those that are too old are swept away.
    """
    table = passkey_challenges
    connection.execute(delete(table).where(table.c.made_at <= now - GOOD_FOR))
    known = select(table.c.made_at).where(table.c.challenge == challenge)
    if connection.scalar(known) is not None:
        return False
    row = {"challenge": challenge, "user_id": user_id, "made_at": _made_at(challenge)}
    insert_new(connection, table, [row])
    return True


def _made_at(challenge: bytes) -> datetime:
    at = int.from_bytes(challenge[:_TIME_BYTES], "big")
    return _BEGAN + timedelta(microseconds=at)


def _seal(key: bytes, purpose: Purpose, user_id: UUID | None, said: bytes) -> bytes:
    own_key = hmac.digest(key, _LABEL + purpose.value, "sha256")
    whose = b"" if user_id is None else user_id.bytes
    return hmac.digest(own_key, said + whose, "sha256")[:_SEAL_BYTES]
