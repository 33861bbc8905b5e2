"""Whether what a unit sent is to be kept: pure decisions, no database, no clock, no broker.

The order of the checks is from the cheap to the costly and from the message to its parts. What
fails one is refused with the reason that its receipt will name; a record that fails is refused
alone, and the batch around it is kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
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
from edge.contract.records import AnyRecord, Hit, decode_record, record_digest
from edge.contract.topics import UnitTopic

MAX_AHEAD = timedelta(days=1)
MINIMUM_DATA_SET = ("plate", "captured_at", "position", "agency", "unit", "camera")
_MAX_DETAIL = 500


@dataclass(frozen=True, slots=True)
class UnitState:
    """A unit as the repository knows it at this moment, and how far its chain is committed."""

    unit_id: int
    agency_id: int
    public_key: Ed25519PublicKey
    key_id: str
    revoked: bool
    committed_through: int
    chain_root: str


@dataclass(frozen=True, slots=True)
class Window:
    """Moments of capture that are taken in: from ``oldest`` to ``MAX_AHEAD`` after ``now``.

    Before ``oldest`` everything has expired or is purged.
    """

    oldest: datetime
    now: datetime


class Refused(Exception):  # noqa: N818 - not an error of the program: one answer of two
    """A whole message is refused, and why."""

    def __init__(self, reason: RefusalReason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason: RefusalReason = reason
        self.detail = detail[:_MAX_DETAIL]


@dataclass(frozen=True, slots=True)
class Kept:
    """A record to keep, with its canonical bytes."""

    record: AnyRecord
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
    return unit


def check_batch(batch: Batch, unit: UnitState, committed_root: str | None) -> bool:
    """Whether the batch is the next of the unit's chain; False if it is committed already.

    ``committed_root`` is the root of the unit's committed batch with the same first sequence,
    None if there is none. A batch counts as committed only if it is that very batch: another one
    in its place comes from a unit that lost its place in the chain, and calling it committed
    would let the unit purge what is stored nowhere.

    Raises:
        Refused: if the unit's key did not sign it, its records were changed, or it does not
            follow the last committed batch.
    """
    if batch.key != unit.key_id:
        raise Refused("bad_signature", "key: not the one that this unit was enrolled with")
    _refuse_if(lambda: verify_batch_signature(batch, unit.public_key), "bad_signature")
    _refuse_if(lambda: verify_batch_root(batch), "bad_root")
    if batch.last_seq <= unit.committed_through and batch.root == committed_root:
        return False
    expected = unit.committed_through + 1
    if batch.first_seq != expected:
        raise Refused("out_of_chain", f"first_seq: {batch.first_seq}, expected {expected}")
    if batch.previous_root != unit.chain_root:
        raise Refused("out_of_chain", "previous_root: not the root of the last committed batch")
    return True


def batch_records(batch: Batch) -> list[Kept | RefusedRecord]:
    """Each record of a batch, read, or refused because it cannot be."""
    return [
        _read_record(bytes(raw), batch.first_seq + index, batch)
        for index, raw in enumerate(batch.records)
    ]


def judge(
    records: list[Kept | RefusedRecord], stored: Mapping[UUID, bytes], window: Window
) -> Judgement:
    """Which of a batch's records to keep.

    ``stored`` has the bytes of records of the unit that are stored under one of these ids. A hit
    is there already if its notice came first; any other bytes under a known id are refused.
    """
    kept: list[Kept] = []
    refused: list[RefusedRecord] = []
    seen = dict(stored)
    for one in records:
        if isinstance(one, RefusedRecord):
            refused.append(_without_expired(one, window))
            continue
        record = one.record
        problem = _outside(window, record.captured_at)
        if problem is None and seen.setdefault(record.id, one.data) != one.data:
            problem = ("malformed", "id: another record of the unit has it")
        if problem is None:
            kept.append(one)
        else:
            refused.append(_without_expired(_refuse(record.seq, *problem, one.data), window))
    return Judgement(tuple(kept), tuple(refused))


def check_hit(notice: HitNotice, unit: UnitState, window: Window) -> Kept:
    """The hit that a notice brings.

    Raises:
        Refused: if the unit's key did not sign it, or it is not a hit of the unit's own.
    """
    if notice.key != unit.key_id:
        raise Refused("bad_signature", "key: not the one that this unit was enrolled with")
    _refuse_if(lambda: verify_hit(notice, unit.public_key), "bad_signature")
    data = bytes(notice.record)
    try:
        record = decode_record(data)
    except ContractError as error:
        raise Refused(*_explain(data, error)) from error
    if not isinstance(record, Hit):
        raise Refused("malformed", "record: not a hit")
    if (record.agency, record.unit) != (notice.agency, notice.unit):
        raise Refused("wrong_unit", "record: names another agency or unit than its notice")
    problem = _outside(window, record.captured_at)
    if problem is not None:
        raise Refused(*problem)
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


def oldest_capture(body: bytes) -> datetime | None:
    """The earliest moment of capture that a message's records name; None if none is named.

    Whatever else is wrong with the message does not matter here.
    """
    message = _fields(body)
    records = message.get("records", [message.get("record")])
    if not isinstance(records, list):
        return None
    moments = (_captured_at(record) for record in records if isinstance(record, dict))
    return min((moment for moment in moments if moment is not None), default=None)


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


def _refuse_if(check: Callable[[], None], reason: RefusalReason) -> None:
    try:
        check()
    except ContractError as error:
        raise Refused(reason, str(error)) from error


def _read_record(data: bytes, seq: int, batch: Batch) -> Kept | RefusedRecord:
    try:
        record = decode_record(data)
    except ContractError as error:
        return _refuse(seq, *_explain(data, error), data)
    if (record.agency, record.unit) != (batch.agency, batch.unit):
        detail = "agency, unit: not those of the batch"
        return _refuse(seq, "wrong_unit", detail, data)
    if record.seq != seq:
        detail = f"seq: {record.seq} in the place of {seq}"
        return _refuse(seq, "out_of_chain", detail, data)
    return Kept(record, data)


def _outside(window: Window, captured_at: datetime) -> tuple[RefusalReason, str] | None:
    if captured_at < window.oldest:
        return "too_old", "captured_at: older than reads are kept"
    if captured_at > window.now + MAX_AHEAD:
        return "in_future", "captured_at: more than a day ahead of the repository's clock"
    return None


def _refuse(seq: int, reason: RefusalReason, detail: str, data: bytes) -> RefusedRecord:
    return RefusedRecord(
        seq=seq,
        reason=reason,
        detail=detail[:_MAX_DETAIL],
        sha256=record_digest(data).hex(),
        size_bytes=len(data),
        data=data,
        captured_at=_captured_at(_fields(data)),
    )


def _without_expired(refused: RefusedRecord, window: Window) -> RefusedRecord:
    if refused.captured_at is None or refused.captured_at >= window.oldest:
        return refused
    clock = _fields(refused.data).get("clock")
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
