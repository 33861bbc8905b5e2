"""What is said of a message and its records: values that decisions are made of and end in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge.contract.batch import Batch, RefusalReason
from edge.contract.records import (
    Disposition,
    Hit,
    Malfunction,
    ManualEntry,
    ShiftCheck,
    Verification,
)
from repository.ingest.read_facts import ReadFacts

MAX_AHEAD = timedelta(days=1)
_MAX_DETAIL = 500

AnyFacts: TypeAlias = (
    ReadFacts | Hit | Verification | Disposition | ShiftCheck | ManualEntry | Malfunction
)
"""A record as ingest has it: of a read what is stored in columns, of any other all of it."""


@dataclass(frozen=True, slots=True)
class UnitState:
    """A unit as the repository knows it at this moment, and how far its chain is committed.

    ``agency_left`` says that its agency takes part no longer.
    """

    unit_id: int
    agency_id: int
    public_key: Ed25519PublicKey
    key_id: str
    revoked: bool
    agency_left: bool
    committed_through: int
    chain_root: str
    captured_through: datetime | None
    ahead_since: datetime | None


@dataclass(frozen=True, slots=True)
class Window:
    """Moments of capture that are taken in, to ``MAX_AHEAD`` after ``now``.

    Before ``oldest_hit`` everything that matched a hot list has expired or is purged, before
    ``oldest_read`` everything that did not. What is neither, or cannot be read, counts as what is
    kept longer.
    """

    oldest_read: datetime
    oldest_hit: datetime
    now: datetime

    @property
    def newest(self) -> datetime:
        """The last moment of capture that is taken in."""
        return self.now + MAX_AHEAD

    def holds_all(self, moments: Iterable[datetime]) -> bool:
        """Whether whatever was captured at these moments is taken in."""
        captured = list(moments)
        first = max(self.oldest_read, self.oldest_hit)
        return not captured or (min(captured) >= first and max(captured) <= self.newest)

    def oldest(self, record: AnyFacts) -> datetime:
        """The first moment of capture at which that record would be kept."""
        if isinstance(record, ReadFacts):
            return self.oldest_hit if record.hits else self.oldest_read
        if isinstance(record, Hit):
            return self.oldest_hit
        return min(self.oldest_read, self.oldest_hit)

    def has_expired(self, fields: Mapping[str, Any], captured_at: datetime) -> bool:
        """Whether a record of these fields, of whatever form, is older than it would be kept."""
        if fields.get("type") == "read":
            return captured_at < (self.oldest_hit if fields.get("hits") else self.oldest_read)
        if fields.get("type") == "hit":
            return captured_at < self.oldest_hit
        return captured_at < min(self.oldest_read, self.oldest_hit)


class Refused(Exception):  # noqa: N818 - not an error of the program: one answer of two
    """A whole message is refused, and why.

    ``aside`` is False where the unit is to send it again later, so that nothing need be set aside.
    ``finding`` is the kind of what the administrator is to see of it.
    """

    def __init__(
        self,
        reason: RefusalReason,
        detail: str,
        *,
        aside: bool = True,
        finding: str | None = None,
    ) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason: RefusalReason = reason
        self.detail = detail[:_MAX_DETAIL]
        self.aside = aside
        self.finding = finding


class Kept(msgspec.Struct, frozen=True, gc=False):  # made in a tenth of a dataclass's time
    """A record to keep, with its canonical bytes."""

    record: AnyFacts
    data: bytes


@dataclass(frozen=True, slots=True)
class RefusedRecord:
    """A record of a good batch that is not kept, and why.

    ``captured_at`` is None where nothing says it. The bytes of what has expired are not kept, not
    even in quarantine: ``data`` is empty then. Where the unit had no trustworthy time, its word
    that something is old counts for nothing: the bytes stay, and ``captured_at`` is None.
    """

    seq: int
    reason: RefusalReason
    detail: str
    sha256: str
    size_bytes: int
    data: bytes
    captured_at: datetime | None


@dataclass(frozen=True, slots=True)
class OpenBatch:
    """A batch whose records have been read; ``digests`` are those of the records in order."""

    batch: Batch
    records: tuple[Kept | RefusedRecord, ...]
    digests: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """A batch in order: which of its records are kept and which are not."""

    kept: tuple[Kept, ...]
    refused: tuple[RefusedRecord, ...]


def refuse_record(
    seq: int, reason: RefusalReason, detail: str, data: bytes, digest: bytes
) -> RefusedRecord:
    """A record that is refused, by what its bytes say of it."""
    return RefusedRecord(
        seq=seq,
        reason=reason,
        detail=detail[:_MAX_DETAIL],
        sha256=digest.hex(),
        size_bytes=len(data),
        data=data,
        captured_at=captured_at(fields_of(data)),
    )


def captured_at(fields: Mapping[str, Any]) -> datetime | None:
    """The moment of capture that a record names; None if none is named."""
    try:
        moment = datetime.fromisoformat(fields["captured_at"])
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def fields_of(data: bytes) -> Mapping[str, Any]:
    """The fields of a JSON object, whatever it is; none if it is no such thing."""
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OverflowError):
        return {}
    return value if isinstance(value, dict) else {}
