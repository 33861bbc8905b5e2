"""What of a read there are columns for, and the quick way to it for nearly all reads.

A whole read is decoded, and written anew to see whether it was canonical, for what its columns
do not hold: each character's alternatives, models, frames. One regular expression, made from the
contract's own types, proves as much of nearly all reads without any of that; then what there are
columns for is decoded alone. What it does not fit, such as any read with hits, goes the long way.
Both ways accept the same bytes and find the same facts.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec

from edge.contract.canonical_pattern import canonical_pattern
from edge.contract.records import (
    MAX_RECORD_BYTES,
    Clock,
    FixedSite,
    GpsFix,
    HotlistMatch,
    Position,
    Read,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class StateFacts(msgspec.Struct, frozen=True, gc=False):
    """The state of issuance, as far as it is stored."""

    code: str | None


class PictureFacts(msgspec.Struct, frozen=True, gc=False):
    """A picture of a read, as far as it is stored."""

    kind: Literal["plate", "scene"]
    sha256: str
    size_bytes: int
    width_px: int
    height_px: int
    taken_at: datetime | None = None


class ReadFacts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A read as far as it is stored in columns; names are those of the contract's ``Read``."""

    id: UUID
    agency: str
    unit: str
    seq: int
    captured_at: datetime
    clock: Clock
    camera: str
    plate: str
    characters: msgspec.Raw
    confidence: float
    state: StateFacts
    position: Position
    hits: tuple[msgspec.Raw, ...]
    pictures: tuple[PictureFacts, ...]
    first_seen: datetime
    last_seen: datetime


_decoder = msgspec.json.Decoder(ReadFacts)
_fits = canonical_pattern(
    Read,
    without=[HotlistMatch],
    unlimited=[GpsFix, FixedSite],  # decoded, and so looked at, below
).fullmatch
_best_characters = re.compile(rb'\{"alternatives":\[\["(.)').findall


def facts_of(data: bytes) -> ReadFacts:
    """The facts of what is known to be a read."""
    return _decoder.decode(data)


def recognise(data: bytes) -> ReadFacts | None:
    """The facts of a read in canonical form; None where only the contract's decoder can tell."""
    if not _fits(data) or len(data) > MAX_RECORD_BYTES:
        return None
    try:
        facts = _decoder.decode(data)
    except msgspec.DecodeError:  # a moment or a number that there is not
        return None
    number = facts.id.int
    if (
        (number >> 76 & 0xF, number >> 62 & 0x3) == (7, 2)
        and number >> 80 == (facts.captured_at - _EPOCH) // _MILLISECOND
        and facts.first_seen <= facts.last_seen
        and facts.plate.encode() == b"".join(_best_characters(facts.characters))
    ):
        return facts
    return None
