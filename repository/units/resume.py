"""A unit whose chain the repository lost the end of, taken up where the unit is now.

A repository that was restored from a backup stands behind its units: what they sent since was
receipted, so they have purged it, and their next batch follows one that is not here. Ingest refuses
it as out of chain and sets it aside, and it would go on so for ever. The batch itself says which
root it follows, under the unit's signature: taking that for the chain's end lets the unit go on.
The records between are lost here, which stays on the ledger and open as a finding.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, func, insert, select, update

from edge.contract.batch import Batch, decode_batch, verify_batch_root, verify_batch_signature
from edge.contract.errors import ContractError
from repository.ledger import log
from repository.ledger.entry import JSON, Actor, Entry
from repository.store.tables.fleet import agencies, chains, units
from repository.store.tables.reads import quarantine
from repository.store.tables.restores import lost_records
from repository.units.enrolment import EnrolmentError
from repository.units.findings import raise_finding, settle_finding

ACTION = "unit.resume"
FINDING = "records_lost"
_LOOKED_AT = 100
_MAX_REASON = 2000


@dataclass(frozen=True, slots=True)
class Resumed:
    """Records ``first_lost`` to ``last_lost`` of the unit are not here and do not come."""

    first_lost: int
    last_lost: int


def resume(
    connection: Connection,
    *,
    agency: str,
    name: str,
    reason: str,
    actor: Actor,
    origin: str,
    now: datetime,
) -> Resumed:
    """Let the unit go on from the earliest batch that was refused as ahead of its chain.

    Raises:
        EnrolmentError: if there is no such unit, no reason, or no such batch that the unit signed.
    """
    reason = reason.strip()
    if not reason or len(reason) > _MAX_REASON or "\0" in reason:
        raise EnrolmentError(f"reason: needs 1 to {_MAX_REASON} characters")
    query = (
        select(
            units.c.id,
            units.c.public_key,
            units.c.key_id,
            chains.c.committed_through,
            chains.c.chain_root,
        )
        .join(agencies, agencies.c.id == units.c.agency_id)
        .join(chains, chains.c.unit_id == units.c.id)
        .where(agencies.c.name == agency, units.c.name == name, units.c.revoked_at.is_(None))
        .with_for_update(of=chains)
    )
    unit = connection.execute(query).one_or_none()
    if unit is None:
        raise EnrolmentError(f"unit {agency}/{name}: not enrolled, or revoked")
    key = Ed25519PublicKey.from_public_bytes(unit.public_key)
    batch = _earliest(connection, unit.id, key, (agency, name, unit.key_id), unit.committed_through)
    if batch is None:
        raise EnrolmentError(
            f"unit {agency}/{name}: no batch of it is set aside that is ahead of record "
            f"{unit.committed_through}; wait some minutes until it has sent one again"
        )
    connection.execute(
        update(chains)
        .where(chains.c.unit_id == unit.id)
        .values(
            committed_through=batch.first_seq - 1,
            chain_root=batch.previous_root,
            ahead_since=None,
            updated_at=now,
        )
    )
    lost = Resumed(unit.committed_through + 1, batch.first_seq - 1)
    connection.execute(
        insert(lost_records).values(
            unit_id=unit.id,
            first_seq=lost.first_lost,
            last_seq=lost.last_lost,
            previous_root=unit.chain_root,
            root=batch.previous_root,
            noted_at=now,
        )
    )
    settle_finding(connection, "sequence_gap", unit.id, "an administrator had the unit go on", now)
    detail = (
        f"records {lost.first_lost} to {lost.last_lost} of the unit were lost here; it goes on "
        f"from record {batch.first_seq}: {reason}"
    )
    raise_finding(connection, FINDING, unit.id, detail, now, subject=str(lost.first_lost))
    request: dict[str, JSON] = {
        "agency": agency,
        "unit": name,
        "first_lost": lost.first_lost,
        "last_lost": lost.last_lost,
        "follows_root": batch.previous_root,
        "batch_root": batch.root,
        "reason": reason,
    }
    log.append(connection, Entry(ACTION, actor, now, origin, request))
    return lost


def _earliest(
    connection: Connection,
    unit_id: int,
    public_key: Ed25519PublicKey,
    signed_as: tuple[str, str, str],
    through: int,
) -> Batch | None:
    """Of what was set aside lately, the batch ahead of the chain that comes first."""
    bodies = connection.scalars(
        select(quarantine.c.body)
        .where(
            quarantine.c.unit_id == unit_id,
            quarantine.c.seq.is_(None),
            quarantine.c.reason == "out_of_chain",
            func.length(quarantine.c.body) == quarantine.c.size_bytes,
        )
        .order_by(quarantine.c.received_at.desc(), quarantine.c.id.desc())
        .limit(_LOOKED_AT)
    )
    found: Batch | None = None
    for body in bodies:
        try:
            batch = decode_batch(body)
            verify_batch_signature(batch, public_key)
            verify_batch_root(batch)
        except ContractError:
            continue
        ours = (batch.agency, batch.unit, batch.key) == signed_as
        ahead = batch.first_seq > through + 1
        if ours and ahead and (found is None or batch.first_seq < found.first_seq):
            found = batch
    return found
