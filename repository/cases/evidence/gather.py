"""What the database has on a read that becomes evidence. Runs in the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, select

from edge.contract import merkle
from edge.contract.errors import ContractError
from edge.contract.records import Read, decode_record
from repository.accounts.user import User
from repository.agencies import own
from repository.agencies.own import SeenRead
from repository.cases.evidence.errors import EvidenceError
from repository.cases.evidence.layout import BatchPath, Correction, UnitFacts
from repository.ledger import entry as entries
from repository.ledger.entry import Recorded
from repository.store.tables.agency_data import read_corrections, withdrawn_reads
from repository.store.tables.cases import case_search_reads, case_searches, cases
from repository.store.tables.fleet import agencies, former_unit_keys, units
from repository.store.tables.ledger import ledger_entries
from repository.store.tables.reads import batches, pictures, reads
from repository.store.tables.retention import hold_reads, holds

MAX_STEPS = 400
_HASH_BYTES = 32
_ENROLLED_WITHIN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Gathered:
    """A held read with all that proves it; ``pictures`` are digest, kind and whether it is kept."""

    seen: SeenRead
    record: bytes
    batch: BatchPath
    unit: UnitFacts
    received_at: datetime
    last_seq: int
    message: str
    enrolled: Recorded | None
    holds: Sequence[Recorded]
    correction: Correction | None
    withdrawn_at: str | None
    pictures: Sequence[tuple[str, str, bool]]


def held_reads(
    connection: Connection, user: User, case_number: str, read_ids: Sequence[UUID]
) -> list[SeenRead]:
    """The reads of these ids, each under a hold of the user's agency for that case.

    Raises:
        EvidenceError: if one is not, or is not there; the text is the same for both.
    """
    found = []
    for read_id in read_ids:
        held = [
            each
            for each in own.find(connection, [read_id])
            if next(_standing(connection, user, case_number, each), None) is not None
        ]
        if len(held) != 1:
            raise EvidenceError(
                f"read {read_id}: agency {user.agency} holds no such read for case {case_number}; "
                "evidence is kept first: 'alpr-repository hold add --help'"
            )
        found += held
    return found


def gather(connection: Connection, user: User, case_number: str, seen: SeenRead) -> Gathered:
    """Everything but the pictures' bytes and who was shown the read.

    Raises:
        EvidenceError: if what proves the read is not kept.
    """
    read = connection.execute(
        select(reads.c.record, reads.c.batch_first_seq).where(*_key(reads, seen))
    ).one()
    batch = connection.execute(
        select(batches).where(
            batches.c.unit_id == seen.unit_id, batches.c.first_seq == read.batch_first_seq
        )
    ).one_or_none()
    if batch is None:
        raise EvidenceError(
            f"read {seen.read_id}: the batch that its unit signed is not kept, so that nothing "
            "proves it; 'alpr-repository db check' looks for what is lost"
        )
    withdrawn = connection.scalar(
        select(withdrawn_reads.c.withdrawn_at).where(*_key(withdrawn_reads, seen))
    )
    unit, enrolled = _unit(connection, seen, batch.key_id)
    return Gathered(
        seen=seen,
        record=bytes(read.record),
        batch=_batch_path(seen, batch),
        unit=unit,
        enrolled=enrolled,
        received_at=batch.received_at,
        last_seq=batch.last_seq,
        message=batch.message,
        holds=[
            placed
            for hold_id, at in _standing(connection, user, case_number, seen)
            for placed in _placing(connection, user, hold_id, at)
        ],
        correction=_correction(connection, seen),
        withdrawn_at=None if withdrawn is None else withdrawn.isoformat(),
        pictures=[
            (row.sha256, row.kind, row.stored_at is not None)
            for row in connection.execute(
                select(pictures.c.sha256, pictures.c.kind, pictures.c.stored_at)
                .where(*_key(pictures, seen))
                .order_by(pictures.c.sha256)
            )
        ],
    )


def showings(
    connection: Connection, user: User, case_number: str, seen: SeenRead
) -> list[Recorded]:
    """Entries of the searches and looks for that case that showed the read, oldest first.

    Those of other agencies stay confidential.

    Raises:
        EvidenceError: if they are more than a package can name.
    """
    numbers = connection.scalars(
        select(case_search_reads.c.ledger_index)
        .distinct()
        .join(case_searches, case_searches.c.ledger_index == case_search_reads.c.ledger_index)
        .join(cases, cases.c.id == case_searches.c.case_id)
        .where(
            cases.c.agency_id == user.agency_id,
            cases.c.number == case_number,
            *_key(case_search_reads, seen),
        )
        .order_by(case_search_reads.c.ledger_index)
        .limit(MAX_STEPS + 1)
    ).all()
    if len(numbers) > MAX_STEPS:
        raise EvidenceError(f"read {seen.read_id}: it was shown more than {MAX_STEPS} times")
    bodies = connection.scalars(
        select(ledger_entries.c.body)
        .where(ledger_entries.c.entry_index.in_(numbers))
        .order_by(ledger_entries.c.entry_index)
    )
    return [entries.read(bytes(body)) for body in bodies]


def _key(table: Any, seen: SeenRead) -> list[Any]:
    return [table.c[name] == value for name, value in seen.key.items()]


def _standing(
    connection: Connection, user: User, case_number: str, seen: SeenRead
) -> Iterator[tuple[int, datetime]]:
    """The agency's holds for the case that keep the read now, and when each was placed."""
    rows = connection.execute(
        select(holds.c.id, holds.c.placed_at)
        .join(hold_reads, hold_reads.c.hold_id == holds.c.id)
        .where(
            holds.c.agency_id == user.agency_id,
            holds.c.case_number == case_number,
            holds.c.released_at.is_(None),
            hold_reads.c.lapsed_at.is_(None),
            *_key(hold_reads, seen),
        )
        .order_by(holds.c.id)
    )
    for row in rows.all():
        yield row.id, row.placed_at


def _placing(connection: Connection, user: User, hold_id: int, at: datetime) -> Iterator[Recorded]:
    """The entry of a hold's placing, by the agency or by the repository itself."""
    bodies = connection.scalars(
        select(ledger_entries.c.body).where(
            ledger_entries.c.agency.in_([user.agency, ""]),
            ledger_entries.c.at == entries.to_hundredths(at),
            ledger_entries.c.action == "hold.add",
        )
    )
    for body in bodies:
        if json.loads(body)["request"].get("hold") == hold_id:
            yield entries.read(bytes(body))


def _batch_path(seen: SeenRead, batch: Row[Any]) -> BatchPath:
    digests = bytes(batch.record_digests)
    hashes = [
        merkle.leaf_hash(digests[at : at + _HASH_BYTES])
        for at in range(0, len(digests), _HASH_BYTES)
    ]
    path = merkle.inclusion_proof(hashes, seen.seq - batch.first_seq)
    return BatchPath(
        v=1,
        agency=seen.agency,
        unit=seen.unit,
        key=batch.key_id,
        first_seq=batch.first_seq,
        count=batch.last_seq - batch.first_seq + 1,
        previous_root=batch.previous_root,
        root=batch.root,
        signature=batch.signature,
        path=tuple(each.hex() for each in path),
    )


def _unit(connection: Connection, seen: SeenRead, key_id: str) -> tuple[UnitFacts, Recorded | None]:
    """The key that signed, which may be one that the unit had before, and its enrolment."""
    former = former_unit_keys.c
    row = (
        connection.execute(
            select(
                units.c.public_key, units.c.created_at.label("enrolled_at"), units.c.revoked_at
            ).where(units.c.id == seen.unit_id, units.c.key_id == key_id)
        ).one_or_none()
        or connection.execute(
            select(former.public_key, former.enrolled_at, former.revoked_at).where(
                former.unit_id == seen.unit_id, former.key_id == key_id
            )
        ).one_or_none()
    )
    if row is None:
        raise EvidenceError(f"read {seen.read_id}: the key that its unit signed with is not kept")
    enrolled = _enrolment(connection, seen, key_id, row.enrolled_at)
    facts = UnitFacts(
        v=1,
        agency=seen.agency,
        unit=seen.unit,
        public_key=bytes(row.public_key).hex(),
        enrolled_at=row.enrolled_at.isoformat(),
        revoked_at=None if row.revoked_at is None else row.revoked_at.isoformat(),
        ledger_entry=None if enrolled is None else enrolled.index,
    )
    return facts, enrolled


def _enrolment(
    connection: Connection, seen: SeenRead, key_id: str, enrolled_at: datetime
) -> Recorded | None:
    bodies = connection.scalars(
        select(ledger_entries.c.body)
        .where(
            ledger_entries.c.agency.in_(["", seen.agency]),
            ledger_entries.c.at >= entries.to_hundredths(enrolled_at - _ENROLLED_WITHIN),
            ledger_entries.c.at <= enrolled_at + _ENROLLED_WITHIN,
            ledger_entries.c.action == "unit.add",
        )
        .order_by(ledger_entries.c.entry_index)
    )
    expected = (seen.agency, seen.unit, key_id)
    for body in bodies:
        asked = json.loads(body)["request"]
        if (asked.get("agency"), asked.get("unit"), asked.get("key")) == expected:
            return entries.read(bytes(body))
    return None


def _correction(connection: Connection, seen: SeenRead) -> Correction | None:
    row = connection.execute(
        select(read_corrections).where(*_key(read_corrections, seen))
    ).one_or_none()
    if row is None:
        return None
    return Correction(
        plate=row.plate,
        state=row.state,
        by=row.corrected_by_name,
        at=row.corrected_at.isoformat(),
    )


def agency_on_paper(connection: Connection, user: User) -> tuple[str, str | None]:
    """The title and ORI of the user's agency."""
    row = connection.execute(
        select(agencies.c.title, agencies.c.ori).where(agencies.c.id == user.agency_id)
    ).one()
    return row.title, row.ori


def decoded(gathered: Gathered) -> Read:
    """The read in the record.

    Raises:
        EvidenceError: if the record is damaged.
    """
    try:
        found = decode_record(gathered.record)
    except ContractError as error:
        raise EvidenceError(f"read {gathered.seen.read_id}: its record is damaged") from error
    if not isinstance(found, Read):
        raise EvidenceError(f"read {gathered.seen.read_id}: its record is no read's")
    return found
