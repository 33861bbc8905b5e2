"""What goes into the conversation with the repository and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

from edge.contract.batch import Receipt, RefusalReason
from edge.contract.topics import Channel
from edge.spool.pictures import Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How much is under way at a time, and how long to wait before it is sent again.

    Records and pictures go at ``bytes_per_s``; after a pause, ``burst_bytes`` of records at once,
    of which pictures leave half. No more than ``window_bytes`` of them, or one, wait for the
    broker to take them: what waits longer than ``untaken_s`` and its share of a slow link shows
    that the broker takes nothing. A hit waits behind the window at most.
    """

    hits_under_way: int = 16
    batches_under_way: int = 4
    pictures_under_way: int = 2
    bytes_per_s: float = 1024 * 1024
    burst_bytes: float = 2 * 1024 * 1024
    window_bytes: int = 256 * 1024
    first_silence_s: float = 5.0
    longest_silence_s: float = 60.0
    refused_wait_s: float = 600.0
    untaken_s: float = 60.0
    slowest_bytes_per_s: float = 8 * 1024

    @classmethod
    def at(cls, bytes_per_s: float) -> Pace:
        """So many bytes a second, at most two seconds of them at once, one before each hit."""
        usual = cls()
        return replace(
            usual,
            bytes_per_s=bytes_per_s,
            burst_bytes=min(usual.burst_bytes, 2 * bytes_per_s),
            window_bytes=min(usual.window_bytes, int(bytes_per_s)),
        )


@dataclass(frozen=True, slots=True)
class Allowed:
    """What may be sent now. ``pictures`` is the least standing of those, None for none."""

    hits: bool = True
    records: bool = True
    pictures: Standing | None = Standing.ORDINARY


@dataclass(frozen=True, slots=True)
class OutgoingHit:
    """An encoded hit notice and its record's sequence."""

    seq: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class OutgoingBatch:
    """An encoded batch and its bounds."""

    first_seq: int
    last_seq: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class OutgoingPicture:
    """A picture's bytes and their SHA-256."""

    sha256: str
    payload: bytes


Outgoing: TypeAlias = OutgoingHit | OutgoingBatch | OutgoingPicture


@dataclass(frozen=True, slots=True)
class Room:
    """What the session would take now: how many of each, but for those it has."""

    hits: int = 0
    skip_hits: frozenset[int] = frozenset()
    batches: int = 0
    batches_after: int = 0
    pictures: int = 0
    skip_pictures: frozenset[str] = frozenset()
    least_pictures: Standing = Standing.ORDINARY


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Ask the broker for this topic."""

    topic: str


@dataclass(frozen=True, slots=True)
class Publish:
    """Hand this message to the broker, and tell the session by ``taken`` once it has it."""

    topic: str
    payload: bytes
    digest: str


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Give this verified receipt to the spool, and tell the session by ``acknowledged``."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class MarkHitSent:
    """The repository has answered this hit's notice."""

    seq: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The repository refused a whole message.

    ``first_seq`` and ``last_seq`` bound the records of a hit or a batch; ``picture`` is the
    SHA-256 of a picture.
    """

    channel: Channel
    reason: RefusalReason
    detail: str
    first_seq: int | None = None
    last_seq: int | None = None
    picture: str | None = None


Action: TypeAlias = Subscribe | Publish | Acknowledge | MarkHitSent | Refused


@dataclass(slots=True, kw_only=True)
class SessionCounts:
    """What the session did since it began. Receipts that were ignored say why.

    ``links_left`` are those of ``links_lost`` that the unit left for what came over them.
    """

    hits_sent: int = 0
    batches_sent: int = 0
    pictures_sent: int = 0
    pictures_held: int = 0
    sent_again: int = 0
    receipts: int = 0
    receipts_malformed: int = 0
    receipts_of_others: int = 0
    receipts_forged: int = 0
    receipts_off_chain: int = 0
    receipts_late: int = 0
    messages_refused: int = 0
    links_lost: int = 0
    links_left: int = 0
