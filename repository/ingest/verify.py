"""Whether what a unit sent is to be kept: pure decisions, no database, no clock, no broker.

What is refused and what follows from it stands in one table, in the room's own documentation.

The order of the checks is from the cheap to the costly and from the message to its parts. What
fails one is refused with the reason that its receipt will name; a record that fails is refused
alone, and the batch around it is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import replace
from datetime import datetime

from edge.contract.batch import (
    HitNotice,
    RefusalReason,
    verify_batch_root,
    verify_batch_signature,
    verify_hit,
)
from edge.contract.errors import ContractError
from edge.contract.records import Hit, decode_record, record_digest
from repository.ingest.opening import explain
from repository.ingest.verdicts import (
    AnyFacts,
    Judgement,
    Kept,
    OpenBatch,
    Refused,
    RefusedRecord,
    UnitState,
    Window,
    captured_at,
    fields_of,
    refuse_record,
)

FINDING_OF: Mapping[RefusalReason, str] = {
    "in_future": "future_reads",
    "too_old": "expired_reads",
}
"""Of reasons for which a record is refused: what the administrator sees of it."""


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
    records: Sequence[Kept | RefusedRecord], seen: MutableMapping[int, bytes], window: Window
) -> Judgement:
    """Which of a batch's records to keep.

    ``seen`` has the bytes of records of the unit that are stored under one of these ids, as
    numbers, and gets those of this batch. A hit is there already if its notice came first; any
    other bytes under a known id are refused.
    """
    kept: list[Kept] = []
    refused: list[RefusedRecord] = []
    inside = window.holds_all(one.record.captured_at for one in records if isinstance(one, Kept))
    for one in records:
        if isinstance(one, RefusedRecord):
            refused.append(_without_expired(one, window))
            continue
        record = one.record
        problem = None if inside else _outside(window, record)
        if problem is None and seen.setdefault(record.id.int, one.data) != one.data:
            problem = ("malformed", "id: another record of the unit has it")
        if problem is None:
            kept.append(one)
        else:
            digest = record_digest(one.data)
            refused.append(
                _without_expired(refuse_record(record.seq, *problem, one.data, digest), window)
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
        raise Refused(*explain(data, error)) from error
    if not isinstance(record, Hit):
        raise Refused("malformed", "record: not a hit")
    if (record.agency, record.unit) != (notice.agency, notice.unit):
        raise Refused("wrong_unit", "record: names another agency or unit than its notice")
    problem = _outside(window, record)
    if problem is not None:
        raise Refused(*problem, finding=FINDING_OF[problem[0]])
    return Kept(record, data)


def is_outside(records: Iterable[Kept | RefusedRecord], window: Window) -> bool:
    """Whether any of the records is refused for its time alone."""
    return any(isinstance(one, Kept) and _outside(window, one.record) for one in records)


def oldest_capture(body: bytes, window: Window) -> tuple[datetime | None, bool]:
    """The earliest moment of capture that a message's records name, and whether any has expired.

    Whatever else is wrong with the message does not matter here. The moment is None if none is
    named.
    """
    message = fields_of(body)
    records = message.get("records", [message.get("record")])
    if not isinstance(records, list):
        return None, False
    oldest: datetime | None = None
    expired = False
    for record in records:
        moment = captured_at(record) if isinstance(record, dict) else None
        if moment is not None:
            oldest = moment if oldest is None else min(oldest, moment)
            expired = expired or window.has_expired(record, moment)
    return oldest, expired


def _refuse_if(check: Callable[[], None], reason: RefusalReason, finding: str) -> None:
    try:
        check()
    except ContractError as error:
        raise Refused(reason, str(error), finding=finding) from error


def _outside(window: Window, record: AnyFacts) -> tuple[RefusalReason, str] | None:
    if record.captured_at < window.oldest(record):
        return "too_old", "captured_at: older than reads are kept"
    if record.captured_at > window.newest:
        return "in_future", "captured_at: more than a day ahead of the repository's clock"
    return None


def _without_expired(refused: RefusedRecord, window: Window) -> RefusedRecord:
    if refused.captured_at is None:
        return refused
    fields = fields_of(refused.data)
    if not window.has_expired(fields, refused.captured_at):
        return refused
    clock = fields.get("clock")
    if isinstance(clock, dict) and clock.get("source") == "unset":
        return replace(refused, captured_at=None)
    return replace(refused, data=b"")
