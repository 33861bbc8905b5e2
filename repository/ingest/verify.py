"""Whether what a unit sent is to be kept: pure decisions, no database, no clock, no broker.

What is refused and what follows from it stands in one table, in the room's own documentation.

The order of the checks is from the cheap to the costly and from the message to its parts. What
fails one is refused with the reason that its receipt will name; a record that fails is refused
alone, and the batch around it is kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge.contract.batch import (
    MAX_MESSAGE_BYTES,
    MAX_PICTURE_BYTES,
    Batch,
    HitNotice,
    RefusalReason,
    UnitStatus,
    decode_batch,
    decode_hit,
    decode_status,
    verify_batch_root,
    verify_batch_signature,
    verify_hit,
)
from edge.contract.errors import ContractError
from edge.contract.records import AnyRecord, Hit, Read, decode_record, record_digest
from edge.contract.topics import UnitTopic

MAX_AHEAD = timedelta(days=1)
FINDING_OF: Mapping[RefusalReason, str] = {
    "in_future": "future_reads",
    "too_old": "expired_reads",
}
"""Of reasons for which a record is refused: what the administrator sees of it."""

MINIMUM_DATA_SET = ("plate", "captured_at", "position", "agency", "unit", "camera")
_MAX_DETAIL = 500


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

    def oldest(self, record: AnyRecord) -> datetime:
        """The first moment of capture at which that record would be kept."""
        if isinstance(record, Read):
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


@dataclass(frozen=True, slots=True)
class Kept:
    """A record to keep, with its canonical bytes."""

    record: AnyRecord
    data: bytes


@dataclass(frozen=True, slots=True)
class OpenBatch:
    """A batch whose records have been read; ``digests`` are those of the records in order."""

    batch: Batch
    records: tuple[Kept | RefusedRecord, ...]
    digests: tuple[bytes, ...]


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
class Judgement:
    """A batch in order: which of its records are kept and which are not."""

    kept: tuple[Kept, ...]
    refused: tuple[RefusedRecord, ...]


_M = TypeVar("_M", Batch, HitNotice, UnitStatus)


def open_batch(topic: UnitTopic, body: bytes) -> Batch:
    """The batch in a message on that topic.

    Raises:
        Refused: if the message is empty, too large or no batch, or speaks for another unit.
    """
    return _open(topic, body, decode_batch)


def open_hit(topic: UnitTopic, body: bytes) -> HitNotice:
    """The hit notice in a message on that topic.

    Raises:
        Refused: if the message is empty, too large or no notice, or speaks for another unit.
    """
    return _open(topic, body, decode_hit)


def open_status(topic: UnitTopic, body: bytes) -> UnitStatus:
    """The status in a message on that topic.

    Raises:
        Refused: if the message is empty, too large or no status, or speaks for another unit.
    """
    status = _open(topic, body, decode_status)
    try:
        status.at.astimezone(UTC)
    except OverflowError as error:
        raise Refused("malformed", "at: no moment of the calendar in UTC") from error
    return status


def require_enrolled(unit: UnitState | None) -> UnitState:
    """The unit, if it may send.

    Raises:
        Refused: if it is not enrolled, or no longer.
    """
    if unit is None:
        raise Refused("unknown_unit", "unit: not enrolled with this agency")
    if unit.revoked:
        raise Refused("unknown_unit", "unit: its enrolment was revoked")
    if unit.agency_left:
        raise Refused("unknown_unit", "agency: it takes part no longer; ask its administrator")
    return unit


def open_records(batch: Batch) -> OpenBatch:
    """Each record of a batch, read, or refused because it cannot be."""
    data = [bytes(raw) for raw in batch.records]
    digests = tuple(record_digest(each) for each in data)
    records = (
        _read_record(each, digest, batch.first_seq + index, batch)
        for index, (each, digest) in enumerate(zip(data, digests, strict=True))
    )
    return OpenBatch(batch, tuple(records), digests)


def check_seal(opened: OpenBatch, unit: UnitState) -> None:
    """Check that the unit sealed this batch as it is.

    Raises:
        Refused: if the unit's key did not sign it, or its records were changed.
    """
    batch = opened.batch
    if batch.key != unit.key_id:
        detail = "key: not the one that this unit was enrolled with"
        raise Refused("bad_signature", detail, finding="bad_signature")
    _refuse_if(
        lambda: verify_batch_signature(batch, unit.public_key), "bad_signature", "bad_signature"
    )
    _refuse_if(lambda: verify_batch_root(batch, opened.digests), "bad_root", "bad_signature")


def judge(
    records: Iterable[Kept | RefusedRecord], seen: MutableMapping[UUID, bytes], window: Window
) -> Judgement:
    """Which of a batch's records to keep.

    ``seen`` has the bytes of records of the unit that are stored under one of these ids, and gets
    those of this batch. A hit is there already if its notice came first; any other bytes under a
    known id are refused.
    """
    kept: list[Kept] = []
    refused: list[RefusedRecord] = []
    for one in records:
        if isinstance(one, RefusedRecord):
            refused.append(_without_expired(one, window))
            continue
        record = one.record
        problem = _outside(window, record)
        if problem is None and seen.setdefault(record.id, one.data) != one.data:
            problem = ("malformed", "id: another record of the unit has it")
        if problem is None:
            kept.append(one)
        else:
            digest = record_digest(one.data)
            refused.append(
                _without_expired(_refuse(record.seq, *problem, one.data, digest), window)
            )
    return Judgement(tuple(kept), tuple(refused))


def check_hit(notice: HitNotice, unit: UnitState, window: Window) -> Kept:
    """The hit that a notice brings.

    Raises:
        Refused: if the unit's key did not sign it, or it is not a hit of the unit's own.
    """
    if notice.key != unit.key_id:
        detail = "key: not the one that this unit was enrolled with"
        raise Refused("bad_signature", detail, finding="bad_signature")
    _refuse_if(lambda: verify_hit(notice, unit.public_key), "bad_signature", "bad_signature")
    data = bytes(notice.record)
    try:
        record = decode_record(data)
    except ContractError as error:
        raise Refused(*_explain(data, error)) from error
    if not isinstance(record, Hit):
        raise Refused("malformed", "record: not a hit")
    if (record.agency, record.unit) != (notice.agency, notice.unit):
        raise Refused("wrong_unit", "record: names another agency or unit than its notice")
    problem = _outside(window, record)
    if problem is not None:
        raise Refused(*problem, finding=FINDING_OF[problem[0]])
    return Kept(record, data)


def check_picture(topic: UnitTopic, body: bytes) -> str:
    """The SHA-256 of a picture's message, which is the one that its topic names.

    Raises:
        Refused: if the message is empty, too large, or another picture.
    """
    _check_size(body, MAX_PICTURE_BYTES)
    sha256 = hashlib.sha256(body).hexdigest()
    if sha256 != topic.picture:
        raise Refused("wrong_picture", "picture: its SHA-256 is not the one that its topic names")
    return sha256


def is_outside(records: Iterable[Kept | RefusedRecord], window: Window) -> bool:
    """Whether any of the records is refused for its time alone."""
    return any(isinstance(one, Kept) and _outside(window, one.record) for one in records)


def oldest_capture(body: bytes, window: Window) -> tuple[datetime | None, bool]:
    """The earliest moment of capture that a message's records name, and whether any has expired.

    Whatever else is wrong with the message does not matter here. The moment is None if none is
    named.
    """
    message = _fields(body)
    records = message.get("records", [message.get("record")])
    if not isinstance(records, list):
        return None, False
    oldest: datetime | None = None
    expired = False
    for record in records:
        moment = _captured_at(record) if isinstance(record, dict) else None
        if moment is not None:
            oldest = moment if oldest is None else min(oldest, moment)
            expired = expired or window.has_expired(record, moment)
    return oldest, expired


def _open(topic: UnitTopic, body: bytes, decode: Callable[[bytes], _M]) -> _M:
    _check_size(body, MAX_MESSAGE_BYTES)
    try:
        message = decode(body)
    except ContractError as error:
        raise Refused("malformed", str(error)) from error
    if (message.agency, message.unit) != (topic.agency, topic.unit):
        raise Refused("wrong_unit", "agency, unit: not those of the topic")
    return message


def _check_size(body: bytes, limit: int) -> None:
    if not body:
        raise Refused("empty", "message: has no bytes")
    if len(body) > limit:
        raise Refused("too_large", f"message: {len(body)} bytes, the limit is {limit}")


def _refuse_if(check: Callable[[], None], reason: RefusalReason, finding: str) -> None:
    try:
        check()
    except ContractError as error:
        raise Refused(reason, str(error), finding=finding) from error


def _read_record(data: bytes, digest: bytes, seq: int, batch: Batch) -> Kept | RefusedRecord:
    try:
        record = decode_record(data)
    except ContractError as error:
        return _refuse(seq, *_explain(data, error), data, digest)
    if (record.agency, record.unit) != (batch.agency, batch.unit):
        detail = "agency, unit: not those of the batch"
        return _refuse(seq, "wrong_unit", detail, data, digest)
    if record.seq != seq:
        detail = f"seq: {record.seq} in the place of {seq}"
        return _refuse(seq, "out_of_chain", detail, data, digest)
    return Kept(record, data)


def _outside(window: Window, record: AnyRecord) -> tuple[RefusalReason, str] | None:
    if record.captured_at < window.oldest(record):
        return "too_old", "captured_at: older than reads are kept"
    if record.captured_at > window.now + MAX_AHEAD:
        return "in_future", "captured_at: more than a day ahead of the repository's clock"
    return None


def _refuse(
    seq: int, reason: RefusalReason, detail: str, data: bytes, digest: bytes
) -> RefusedRecord:
    return RefusedRecord(
        seq=seq,
        reason=reason,
        detail=detail[:_MAX_DETAIL],
        sha256=digest.hex(),
        size_bytes=len(data),
        data=data,
        captured_at=_captured_at(_fields(data)),
    )


def _without_expired(refused: RefusedRecord, window: Window) -> RefusedRecord:
    if refused.captured_at is None:
        return refused
    fields = _fields(refused.data)
    if not window.has_expired(fields, refused.captured_at):
        return refused
    clock = fields.get("clock")
    if isinstance(clock, dict) and clock.get("source") == "unset":
        return replace(refused, captured_at=None)
    return replace(refused, data=b"")


def _explain(data: bytes, error: ContractError) -> tuple[RefusalReason, str]:
    """Why a record cannot be read: a read that lacks part of the minimum data set, or any other."""
    fields = _fields(data)
    if fields.get("type") == "read":
        for name in MINIMUM_DATA_SET:
            if fields.get(name) in (None, "", {}):
                return "incomplete", f"{name}: missing, and part of the minimum data set"
    return "malformed", str(error)


def _captured_at(fields: Mapping[str, Any]) -> datetime | None:
    try:
        moment = datetime.fromisoformat(fields["captured_at"])
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _fields(data: bytes) -> Mapping[str, Any]:
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OverflowError):
        return {}
    return value if isinstance(value, dict) else {}
