"""The file that enrols an agency's units with another repository, and bridges gaps in their chains.

The contract has no message for a batch without its records. So what is not forwarded is made known
by this file: the heads of the batches left out, each signed by its unit over its place in the chain
and its root. The other repository checks them and goes on behind them; it knows then that these
records exist and are not there, and nothing of what is in them.

The file is JSON, version 1. It holds public keys, signatures and digests: no secret, no plate.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Meta
from sqlalchemy import Connection, Row, select, update

from edge.contract.batch import (
    MAX_BATCH_RECORDS,
    Batch,
    KeyId,
    Signature,
    key_id,
    verify_batch_signature,
)
from edge.contract.errors import ContractError
from edge.contract.records import Name, Sequence, Sha256
from repository.agencies.errors import AgencyError
from repository.forwarding import state
from repository.forwarding.state import Position
from repository.store.rows import insert_new
from repository.store.tables.fleet import chains, former_unit_keys, units
from repository.store.tables.reads import batches
from repository.units import enrolment

PublicKey = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]


class Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A batch without its records."""

    first_seq: Sequence
    last_seq: Sequence
    previous_root: Sha256
    root: Sha256
    key: KeyId
    signature: Signature
    message: Sha256


class EnrolledUnit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A unit: the key of its next batch, every key it had, and the batches left out."""

    unit: Name
    key: KeyId
    keys: dict[KeyId, PublicKey]
    left_out: tuple[Head, ...]


class EnrolmentFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Units of one agency."""

    v: Literal[1]
    agency: Name
    title: str
    units: tuple[EnrolledUnit, ...]


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did with a unit; ``left_out`` records are known of and not there."""

    unit: str
    key: str
    enrolled: bool
    left_out: int


def export(connection: Connection, agency: str) -> EnrolmentFile:
    """The file for an agency's units, with the batches that are not forwarded.

    Raises:
        EnrolmentError: if there is no such agency.
    """
    known = enrolment.require_agency(connection, agency)
    found = state.positions(connection, [agency])
    return EnrolmentFile(
        v=1,
        agency=agency,
        title=known.title,
        units=tuple(_exported(connection, each) for each in found),
    )


def encode(file: EnrolmentFile) -> bytes:
    """The file's bytes."""
    return msgspec.json.format(msgspec.json.encode(file)) + b"\n"


def decode(data: bytes) -> EnrolmentFile:
    """The file in these bytes.

    Raises:
        AgencyError: if there is none.
    """
    try:
        return msgspec.json.decode(data, type=EnrolmentFile)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise AgencyError(f"not a file of `alpr-repository units export`: {error}") from error


def take(connection: Connection, file: EnrolmentFile, now: datetime) -> list[Imported]:
    """Enrol the units that are not, with their present keys, and go on behind what is left out.

    Raises:
        AgencyError: if a head is not signed by its unit, or does not follow the unit's chain here.
        EnrolmentError: if the agency is not known here, or a unit cannot be enrolled.
    """
    agency = enrolment.require_agency(connection, file.agency)
    return [_take_unit(connection, agency, each, now) for each in file.units]


def _exported(connection: Connection, position: Position) -> EnrolledUnit:
    row = connection.execute(select(units).where(units.c.id == position.unit_id)).one()
    former = connection.execute(
        select(former_unit_keys).where(former_unit_keys.c.unit_id == position.unit_id)
    ).all()
    following = connection.scalar(
        select(batches.c.key_id)
        .where(batches.c.unit_id == position.unit_id, batches.c.first_seq > position.scanned)
        .order_by(batches.c.first_seq)
        .limit(1)
    )
    gap = connection.execute(
        select(batches)
        .where(
            batches.c.unit_id == position.unit_id,
            batches.c.first_seq > position.through,
            batches.c.last_seq <= position.scanned,
        )
        .order_by(batches.c.first_seq)
    )
    return EnrolledUnit(
        unit=position.unit,
        key=following or row.key_id,
        keys={each.key_id: each.public_key.hex() for each in (row, *former)},
        left_out=tuple(_head(each) for each in gap),
    )


def _head(row: Row[Any]) -> Head:
    return Head(
        first_seq=row.first_seq,
        last_seq=row.last_seq,
        previous_root=row.previous_root,
        root=row.root,
        key=row.key_id,
        signature=row.signature,
        message=row.message,
    )


def _take_unit(
    connection: Connection, agency: enrolment.Agency, given: EnrolledUnit, now: datetime
) -> Imported:
    keys = {name: Ed25519PublicKey.from_public_bytes(bytes.fromhex(raw)) for name, raw in
            given.keys.items()}  # fmt: skip
    if given.key not in keys or any(key_id(key) != name for name, key in keys.items()):
        raise AgencyError(f"unit {given.unit}: a key is not the one that its id names")
    query = select(units).where(units.c.agency_id == agency.id, units.c.name == given.unit)
    row = connection.execute(query).one_or_none()
    if row is None or row.revoked_at is not None:
        enrolment.add_unit(
            connection, agency=agency.name, name=given.unit, public_key=keys[given.key], now=now
        )
    elif row.key_id != given.key:
        enrolment.revoke_unit(connection, agency=agency.name, name=given.unit, now=now)
        enrolment.add_unit(
            connection, agency=agency.name, name=given.unit, public_key=keys[given.key], now=now
        )
    unit_id: int = connection.execute(query).one().id
    _keep_former_keys(connection, unit_id, given, now)
    left_out = _go_behind(connection, agency.name, unit_id, given, keys, now)
    return Imported(given.unit, given.key, row is None, left_out)


def _keep_former_keys(
    connection: Connection, unit_id: int, given: EnrolledUnit, now: datetime
) -> None:
    used = {each.key for each in given.left_out} - {given.key}
    rows = [
        {
            "key_id": name,
            "unit_id": unit_id,
            "public_key": bytes.fromhex(given.keys[name]),
            "enrolled_at": now,
            "revoked_at": now,
        }
        for name in sorted(used & given.keys.keys())
    ]
    insert_new(connection, former_unit_keys, rows)


def _go_behind(
    connection: Connection,
    agency: str,
    unit_id: int,
    given: EnrolledUnit,
    keys: dict[str, Ed25519PublicKey],
    now: datetime,
) -> int:
    """Move the unit's chain behind the heads that follow it; how many records they have."""
    chain = connection.execute(
        select(chains).where(chains.c.unit_id == unit_id).with_for_update()
    ).one()
    through, root = chain.committed_through, chain.chain_root
    left_out = 0
    for head in _following(given.left_out, through):
        where = f"unit {given.unit}, records {head.first_seq} to {head.last_seq}"
        if (head.first_seq, head.previous_root) != (through + 1, root):
            raise AgencyError(
                f"{where}: do not follow what is here, which ends at {through}; "
                "have the file exported anew"
            )
        _check(agency, given.unit, head, keys, where)
        row = msgspec.structs.asdict(head)
        row |= {"unit_id": unit_id, "key_id": row.pop("key")}
        row |= {"record_digests": b"", "received_at": now}
        insert_new(connection, batches, [row])
        through, root = head.last_seq, head.root
        left_out += head.last_seq - head.first_seq + 1
    if left_out:
        connection.execute(
            update(chains)
            .where(chains.c.unit_id == unit_id)
            .values(committed_through=through, chain_root=root, updated_at=now)
        )
    return left_out


def _following(heads: Iterable[Head], through: int) -> Iterable[Head]:
    return (each for each in heads if each.last_seq > through)


def _check(
    agency: str, unit: str, head: Head, keys: dict[str, Ed25519PublicKey], where: str
) -> None:
    """Refuse a head that the unit did not sign; the signature is over the number of records."""
    count = head.last_seq - head.first_seq + 1
    if not 1 <= count <= MAX_BATCH_RECORDS or head.key not in keys:
        raise AgencyError(f"{where}: not signed by the unit")
    batch = Batch(
        agency=agency,
        unit=unit,
        key=head.key,
        first_seq=head.first_seq,
        previous_root=head.previous_root,
        root=head.root,
        signature=head.signature,
        records=(msgspec.Raw(b"{}"),) * count,
    )
    try:
        verify_batch_signature(batch, keys[head.key])
    except ContractError as error:
        raise AgencyError(f"{where}: not signed by the unit") from error
