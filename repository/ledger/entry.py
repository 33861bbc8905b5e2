"""One entry of the ledger, and the bytes that stand for it in the tree.

Invariants of the format, version 1:

- An entry's body is its RFC 8785 canonical JSON. It names its own index, so that two entries
  cannot change places, and holds 16 random bytes of salt, so that its digest says nothing once
  the body is gone.
- The leaf is the SHA-256 of the body, 32 bytes. The tree hash over leaves is that of RFC 9162.
- ``at`` is written in hundredths of a second with the UTC offset of the place it was taken in.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal, TypeAlias, get_args

import rfc8785

from repository.ledger.errors import LedgerError

JSON: TypeAlias = bool | int | float | str | Sequence["JSON"] | Mapping[str, "JSON"] | None
Outcome: TypeAlias = Literal["done", "refused", "failed"]

VERSION = 1
SALT_BYTES = 16
MAX_BODY_BYTES = 64 * 1024
MAX_ACTION = 64
MAX_USER_ID = 64
MAX_NAME = 200
MAX_AGENCY = 63
MAX_TYPED = 500

_ACTION = re.compile(r"[a-z_]+(\.[a-z_]+)+")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: the user's id, login and full name, and the agency's short name."""

    user_id: str
    login: str
    name: str
    agency: str

    def __post_init__(self) -> None:
        """Refuse what a database cannot hold."""
        for part, limit in (
            (self.user_id, MAX_USER_ID),
            (self.login, MAX_NAME),
            (self.name, MAX_NAME),
            (self.agency, MAX_AGENCY),
        ):
            if len(part) > limit or "\0" in part:
                raise LedgerError("actor: a part is too long, or holds a NUL character")


SYSTEM = Actor(user_id="system", login="system", name="Repository", agency="")
"""The repository itself, for what its own jobs do."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One transaction.

    ``action`` is dotted (``search.run``); ``origin`` says from where: an address, or
    ``command line``; ``request`` holds what was asked and why; ``count`` and ``result_digest``
    tell what came back (see `digest_of_ids`).
    """

    action: str
    actor: Actor
    at: datetime
    origin: str
    request: Mapping[str, JSON] = field(default_factory=lambda: MappingProxyType({}))
    outcome: Outcome = "done"
    count: int | None = None
    result_digest: str | None = None

    def __post_init__(self) -> None:
        """Refuse an entry that would not say who, when, what and how it ended."""
        if len(self.action) > MAX_ACTION or not _ACTION.fullmatch(self.action):
            raise LedgerError(f"action {self.action!r}: expected words joined by dots")
        if self.at.utcoffset() is None:
            raise LedgerError("at: a ledger entry needs a time with its UTC offset")
        if self.outcome not in get_args(Outcome):
            raise LedgerError(f"outcome {self.outcome!r}: expected done, refused or failed")
        if self.count is not None and self.count < 0:
            raise LedgerError(f"count {self.count}: cannot be negative")
        if self.result_digest is not None and not _DIGEST.fullmatch(self.result_digest):
            raise LedgerError("result_digest: expected 64 lower-case hexadecimal digits")


@dataclass(frozen=True, slots=True)
class Recorded:
    """An entry as it stands in the ledger at that index."""

    index: int
    entry: Entry


def body(entry: Entry, index: int, salt: bytes) -> bytes:
    """The entry's canonical JSON at that index of the ledger.

    Raises:
        LedgerError: if the request holds something that has no canonical JSON, or is too large.
    """
    content: dict[str, Any] = {
        "v": VERSION,
        "index": index,
        "salt": salt.hex(),
        "action": entry.action,
        "actor": {
            "user_id": entry.actor.user_id,
            "login": entry.actor.login,
            "name": entry.actor.name,
            "agency": entry.actor.agency,
        },
        "at": format_time(entry.at),
        "origin": entry.origin,
        "request": _plain(entry.request),
        "outcome": entry.outcome,
        "count": entry.count,
        "result_digest": entry.result_digest,
    }
    try:
        encoded = rfc8785.dumps(content)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError) as error:
        raise LedgerError(f"request: cannot be recorded ({type(error).__name__})") from error
    if len(encoded) > MAX_BODY_BYTES:
        raise LedgerError(f"request: {len(encoded)} bytes, the limit is {MAX_BODY_BYTES}")
    return encoded


def read(recorded: bytes) -> Recorded:
    """The entry in a body.

    Raises:
        LedgerError: if the bytes hold none.
    """
    try:
        content = json.loads(recorded)
        entry = Entry(
            action=content["action"],
            actor=Actor(**content["actor"]),
            at=datetime.fromisoformat(content["at"]),
            origin=content["origin"],
            request=content["request"],
            outcome=content["outcome"],
            count=content["count"],
            result_digest=content["result_digest"],
        )
        return Recorded(content["index"], entry)
    except (ValueError, KeyError, TypeError, LedgerError) as error:
        raise LedgerError("its contents are no entry") from error


def leaf(recorded: bytes) -> bytes:
    """The leaf that stands for a body in the tree: its SHA-256, 32 bytes."""
    return hashlib.sha256(recorded).digest()


def to_hundredths(at: datetime) -> datetime:
    """That moment with what lies below a hundredth of a second cut off."""
    return at.replace(microsecond=at.microsecond // 10_000 * 10_000)


def format_time(at: datetime) -> str:
    """That moment as ``2026-03-01T09:12:44.07-05:00``."""
    milliseconds = at.isoformat(timespec="milliseconds")
    return milliseconds[:22] + milliseconds[23:]


def as_typed(text: str) -> str:
    """What somebody typed, fit to be recorded: cut where it is too long, no half characters."""
    return text[:MAX_TYPED].encode("utf-8", "replace").decode()


def digest_of_ids(ids: Iterable[str]) -> str:
    """SHA-256, in hexadecimal, of the ids one a line in the order in which they were shown."""
    return hashlib.sha256("".join(f"{each}\n" for each in ids).encode()).hexdigest()


def _plain(value: Any) -> Any:
    """Mappings and sequences of any kind as the dicts and lists that the canonical form knows."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [_plain(each) for each in value]
    return value
