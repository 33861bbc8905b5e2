"""What the database knows of units: their keys and chains, and the windows of their agencies."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, bindparam, func, select, tuple_, update

from repository.ingest.chain import UnitName
from repository.ingest.verdicts import Kept, RefusedRecord, UnitState, Window
from repository.retention import watermarks
from repository.retention.duties import Duties
from repository.store.tables.fleet import agencies, chains, units
from repository.store.tables.reads import batches, hits, reads, unit_records

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
Lock = Literal["none", "wait", "skip"]


def load_units(
    connection: Connection, names: Collection[UnitName], *, lock: Lock
) -> dict[UnitName, UnitState]:
    """Those of the units that are enrolled.

    Unless ``lock`` is "none" their chains stay locked until the transaction ends. What another
    transaction has locked is waited for, all in one order, or left out ("skip").
    """
    if not names:
        return {}
    query = (
        select(
            agencies.c.name.label("agency"),
            units.c.name,
            units.c.id,
            units.c.agency_id,
            units.c.public_key,
            units.c.key_id,
            units.c.revoked_at,
            agencies.c.access,
            chains.c.committed_through,
            chains.c.chain_root,
            chains.c.captured_through,
            chains.c.ahead_since,
        )
        .join(agencies, agencies.c.id == units.c.agency_id)
        .join(chains, chains.c.unit_id == units.c.id)
        .where(tuple_(agencies.c.name, units.c.name).in_(sorted(names)))
        .order_by(units.c.id)
    )
    if lock != "none":
        query = query.with_for_update(of=chains, skip_locked=lock == "skip")
    return {
        (row.agency, row.name): UnitState(
            unit_id=row.id,
            agency_id=row.agency_id,
            public_key=Ed25519PublicKey.from_public_bytes(row.public_key),
            key_id=row.key_id,
            revoked=row.revoked_at is not None,
            agency_left=row.access == "ended",
            committed_through=row.committed_through,
            chain_root=row.chain_root,
            captured_through=row.captured_through,
            ahead_since=row.ahead_since,
        )
        for row in connection.execute(query)
    }


def write_chains(connection: Connection, moved: Sequence[UnitState], now: datetime) -> None:
    """Keep how far these units' chains are committed."""
    if not moved:
        return
    statement = (
        update(chains)
        .where(chains.c.unit_id == bindparam("unit"))
        .values(
            committed_through=bindparam("through"),
            chain_root=bindparam("root"),
            captured_through=bindparam("captured"),
            ahead_since=bindparam("ahead"),
            updated_at=bindparam("moment"),
        )
    )
    rows = [
        {
            "unit": unit.unit_id,
            "through": unit.committed_through,
            "root": unit.chain_root,
            "captured": unit.captured_through,
            "ahead": unit.ahead_since,
            "moment": now,
        }
        for unit in moved
    ]
    connection.execute(statement, rows)


def committed_root(connection: Connection, unit_id: int, first_seq: int) -> str | None:
    """Root of the unit's committed batch that begins there; None if none does."""
    return connection.scalar(
        select(batches.c.root).where(batches.c.unit_id == unit_id, batches.c.first_seq == first_seq)
    )


def latest_capture(connection: Connection, unit_id: int) -> datetime:
    """The latest moment of capture that is stored of the unit; ``NEVER`` if nothing is."""
    latest = (
        select(func.max(table.c.captured_at)).where(table.c.unit_id == unit_id).scalar_subquery()
        for table in (reads, hits, unit_records)
    )
    moments = connection.execute(select(*latest)).one()
    return max((moment for moment in moments if moment is not None), default=NEVER)


def stored_records(
    connection: Connection, unit_id: int, records: Iterable[Kept | RefusedRecord]
) -> dict[int, bytes]:
    """Bytes of the unit's records that are stored under the ids of these ones, as numbers."""
    wanted = [one.record for one in records if isinstance(one, Kept)]
    if not wanted:
        return {}
    # An id holds the millisecond of its capture: the bounds let PostgreSQL skip other days.
    first = floor_ms(min(record.captured_at for record in wanted))
    last = floor_ms(max(record.captured_at for record in wanted))
    last = last.replace(microsecond=last.microsecond + 999)
    ids = [record.id for record in wanted]
    found: dict[int, bytes] = {}
    for table, identifier in (
        (reads, reads.c.read_id),
        (hits, hits.c.hit_id),
        (unit_records, unit_records.c.record_id),
    ):
        query = select(identifier, table.c.record).where(
            table.c.unit_id == unit_id,
            table.c.captured_at.between(first, last),
            identifier.in_(ids),
        )
        found.update((row[0].int, row[1]) for row in connection.execute(query))
    return found


def floor_ms(moment: datetime) -> datetime:
    """The beginning of the moment's millisecond."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


@dataclass
class Windows:
    """What each agency's reads must not be older than, asked once in a transaction."""

    connection: Connection
    duties: Duties
    now: datetime
    _known: dict[int | None, Window] = field(default_factory=dict)

    def of(self, agency_id: int | None) -> Window:
        """The window of an agency; None stands for whoever is not enrolled."""
        if agency_id not in self._known:
            self._known[agency_id] = self._load(agency_id)
        return self._known[agency_id]

    def _load(self, agency_id: int | None) -> Window:
        rule, purged = self.duties.default, dict[bool, Any]()
        if agency_id is not None:
            rule = self.duties.rule_of(agency_id)
            purged = watermarks.purged_before(self.connection, agency_id)
        bounds = {hit: rule.expired_before(self.now, hit=hit) for hit in (False, True)}
        oldest = {hit: max(bound, purged.get(hit, bound)) for hit, bound in bounds.items()}
        return Window(oldest_read=oldest[False], oldest_hit=oldest[True], now=self.now)
