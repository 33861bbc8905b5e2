"""Reading messages and their records: pure, and the same whoever sent them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC
from typing import TypeVar

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
)
from edge.contract.errors import ContractError
from edge.contract.records import Read, decode_record, record_digest
from edge.contract.topics import UnitTopic
from repository.ingest.read_facts import facts_of, recognise
from repository.ingest.verdicts import (
    AnyFacts,
    Kept,
    OpenBatch,
    Refused,
    RefusedRecord,
    fields_of,
    refuse_record,
)

MINIMUM_DATA_SET = ("plate", "captured_at", "position", "agency", "unit", "camera")
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


def open_records(batch: Batch) -> OpenBatch:
    """Each record of a batch, read, or refused because it cannot be."""
    data = [bytes(raw) for raw in batch.records]
    digests = tuple(record_digest(each) for each in data)
    records = (
        _read_record(each, digest, batch.first_seq + index, batch)
        for index, (each, digest) in enumerate(zip(data, digests, strict=True))
    )
    return OpenBatch(batch, tuple(records), digests)


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


def explain(data: bytes, error: ContractError) -> tuple[RefusalReason, str]:
    """Why a record cannot be read: a read that lacks part of the minimum data set, or any other."""
    fields = fields_of(data)
    if fields.get("type") == "read":
        for name in MINIMUM_DATA_SET:
            if fields.get(name) in (None, "", {}):
                return "incomplete", f"{name}: missing, and part of the minimum data set"
    return "malformed", str(error)


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


def _read_record(data: bytes, digest: bytes, seq: int, batch: Batch) -> Kept | RefusedRecord:
    try:
        record = recognise(data) or _decoded(data)
    except ContractError as error:
        return refuse_record(seq, *explain(data, error), data, digest)
    if (record.agency, record.unit) != (batch.agency, batch.unit):
        detail = "agency, unit: not those of the batch"
        return refuse_record(seq, "wrong_unit", detail, data, digest)
    if record.seq != seq:
        detail = f"seq: {record.seq} in the place of {seq}"
        return refuse_record(seq, "out_of_chain", detail, data, digest)
    return Kept(record, data)


def _decoded(data: bytes) -> AnyFacts:
    record = decode_record(data)
    return facts_of(data) if isinstance(record, Read) else record
