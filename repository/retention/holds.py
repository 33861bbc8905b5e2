"""Holds: reads that are kept beyond the rule, because of a case, on somebody's word.

Invariants:

- Whatever a hold reaches, each read under it has a row in ``hold_reads``: those that were there
  when it was placed, and those that came since (:func:`catch`). So whether a read is held is one
  question, :func:`is_held`.
- Placing and releasing take the turn that a purge takes, and ingest shares it: a read is never
  purged between being found and being held, nor taken in unseen by a hold.
- A hit and what was recorded of it are held with the hit's read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    exists,
    func,
    insert,
    literal,
    select,
)

from edge.contract.records import Disposition, decode_record
from repository.ledger import log
from repository.ledger.entry import JSON, SYSTEM, Actor, Entry, digest_of_ids
from repository.retention.holds_reach import Reach, arrived, of_hit, of_target, standing_for
from repository.retention.holds_request import HoldError, HoldKind, HoldRequest
from repository.store import locks
from repository.store.locks import Turn
from repository.store.rows import insert_new
from repository.store.tables.fleet import agencies
from repository.store.tables.reads import hits, reads
from repository.store.tables.retention import hold_reads, holds

ACTED_ON = frozenset({"arrest", "citation", "warning", "recovered"})
"""Outcomes of a hit that are an enforcement action."""

_INGEST = "ingest"


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a hold is bound to: one owner's reads, those that may be seen, a time for others'.

    ``seen`` is of a row of ``reads`` that is there when the hold is placed. From ``others_until``
    on it keeps no reads of other agencies than its own.
    """

    owner_id: int | None = None
    seen: ColumnElement[bool] | None = None
    others_until: datetime | None = None


FREE = Bounds()
"""Bound to nothing."""


def add(
    connection: Connection,
    request: HoldRequest,
    *,
    actor: Actor,
    origin: str,
    now: datetime,
    bounds: Bounds = FREE,
    told: Mapping[str, JSON] = MappingProxyType({}),
) -> int:
    """Place a hold and record it in the ledger; gives the hold's number.

    Reads of other agencies may be held, since they are shared; the ledger says whose they are, and
    what else the person ``told`` or was told.

    Raises:
        HoldError: if the actor's agency is not known, something that is named is not (or no
            longer) there, or a day that lies ahead of it has passed.
    """
    locks.take(connection, Turn.RETENTION)
    agency_id = connection.scalar(select(agencies.c.id).where(agencies.c.name == actor.agency))
    if agency_id is None:
        raise HoldError(f"agency {actor.agency or '(none)'}: not known; holds belong to agencies")
    today = now.astimezone(UTC).date()
    for what, day in (("review", request.review_due), ("end", request.ends_on)):
        if day is not None and day < today:
            raise HoldError(f"{what}: {day} has passed")
    reach, rows = of_target(connection, request.target, owner_id=bounds.owner_id, seen=bounds.seen)
    ends_at = (
        datetime.combine(request.ends_on + timedelta(days=1), time(), UTC)
        if request.ends_on
        else None
    )
    columns = {
        "agency_id": agency_id,
        "case_number": request.case_number,
        "kind": request.kind,
        "reason": request.reason,
        "review_due": request.review_due,
        "ends_at": ends_at,
        "direction": request.direction,
        "record_period": request.record_period,
        "others_until": bounds.others_until,
    }
    return _place(
        connection,
        columns,
        reach,
        rows,
        told,
        actor=actor,
        origin=origin,
        now=now,
        seen=bounds.seen,
    )


def any_stand(
    connection: Connection, first: datetime, last: datetime, unit_ids: Collection[int]
) -> bool:
    """Whether a hold stands that may reach what these units captured between the two moments."""
    found = select(holds.c.id).where(*standing_for(first, last, unit_ids)).limit(1)
    return connection.scalar(found) is not None


def catch(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> int:
    """Put rows of ``reads`` that were just inserted under the standing holds that reach them.

    The rows are of any units. Runs in the transaction that inserted them, which shares the turn of
    retention. The same goes for a read whose owner just said that its plate is another, with that
    plate in its row.

    Returns:
        How many came under a hold, one that two holds reach counted twice.
    """
    if not rows:
        return 0
    caught = [
        {"hold_id": hold_id} | {name: row[name] for name in ("unit_id", "captured_at", "read_id")}
        for hold_id, row in arrived(connection, rows)
    ]
    insert_new(connection, hold_reads, caught)
    return len(caught)


def preserve_acted_on(
    connection: Connection,
    unit_id: int,
    agency_id: int,
    disposition_rows: Iterable[Mapping[str, Any]],
    now: datetime,
) -> list[int]:
    """Hold every hit that was acted on, for the unit's agency; gives the new holds' numbers.

    ``disposition_rows`` are rows of ``unit_records``. A hit was acted on if its outcome is one of
    ``ACTED_ON``, or if a case number was given, whatever the outcome: then somebody investigates.
    Without a case number the hit's id stands for it. A record that placed its hold already places
    none again. Runs last in the transaction that inserted the rows, since it writes in the ledger.
    """
    placed = []
    for row in disposition_rows:
        said = decode_record(bytes(row["record"]))
        if not isinstance(said, Disposition):
            continue
        if said.outcome not in ACTED_ON and not said.case_number:
            continue
        hit = _hit_of(connection, unit_id, said)
        if hit is None or _has_placed(connection, unit_id, said):
            continue
        reach, rows = of_hit(hit)
        kind: HoldKind = "arrest" if said.outcome == "arrest" else "enforcement_action"
        columns = {
            "agency_id": agency_id,
            "case_number": (said.case_number or str(said.hit)).replace("\x00", ""),
            "kind": kind,
            "reason": f"outcome of the hit: {said.outcome}, said by {said.officer}".replace(
                "\x00", ""
            ),
            "record_id": said.id,
        }
        placed.append(
            _place(connection, columns, reach, rows, {}, actor=SYSTEM, origin=_INGEST, now=now)
        )
    return placed


def is_held(table: Table) -> ColumnElement[bool]:
    """Whether a standing hold names the read of a row of ``reads`` or ``pictures``."""
    return exists().where(
        hold_reads.c.unit_id == table.c.unit_id,
        hold_reads.c.captured_at == table.c.captured_at,
        hold_reads.c.read_id == table.c.read_id,
        hold_reads.c.lapsed_at.is_(None),
        holds.c.id == hold_reads.c.hold_id,
        holds.c.released_at.is_(None),
    )


def _place(
    connection: Connection,
    columns: Mapping[str, Any],
    reach: Reach,
    rows: Sequence[Mapping[str, Any]],
    told: Mapping[str, JSON],
    *,
    actor: Actor,
    origin: str,
    now: datetime,
    seen: ColumnElement[bool] | None = None,
) -> int:
    hold_id: int = connection.execute(
        insert(holds)
        .values(
            **columns,
            **reach.columns(),
            placed_by=actor.user_id,
            placed_by_name=actor.name,
            placed_at=now,
        )
        .returning(holds.c.id)
    ).scalar_one()
    if reach.from_at is not None:
        there = reach.there(seen).subquery()
        names = ["hold_id", *there.c.keys()]
        named = select(literal(hold_id), *there.c)
        connection.execute(insert(hold_reads).from_select(names, named))
    insert_new(connection, hold_reads, [{"hold_id": hold_id, **row} for row in rows])
    owners, digest = _held_by(connection, hold_id)
    request: dict[str, JSON] = {
        "hold": hold_id,
        "owners": owners,
        **told,
        **{name: _plain(value) for name, value in (dict(columns) | reach.columns()).items()},
    }
    log.append(
        connection,
        Entry(
            action="hold.add",
            actor=actor,
            at=now,
            origin=origin,
            request={name: value for name, value in request.items() if value is not None},
            count=sum(owners.values()),
            result_digest=digest,
        ),
    )
    return hold_id


def _held_by(connection: Connection, hold_id: int) -> tuple[dict[str, int], str]:
    """How many reads of which agency a hold names, and the digest of their ids."""
    named = (
        (hold_reads.c.hold_id == hold_id)
        & (reads.c.unit_id == hold_reads.c.unit_id)
        & (reads.c.captured_at == hold_reads.c.captured_at)
        & (reads.c.read_id == hold_reads.c.read_id)
    )
    owners = connection.execute(
        select(agencies.c.name, func.count())
        .where(named, agencies.c.id == reads.c.agency_id)
        .group_by(agencies.c.name)
        .order_by(agencies.c.name)
    )
    ids = connection.scalars(select(reads.c.read_id).where(named))
    return {row[0]: row[1] for row in owners}, digest_of_ids(sorted(map(str, ids)))


def _hit_of(connection: Connection, unit_id: int, said: Disposition) -> Mapping[str, Any] | None:
    query = select(hits.c.unit_id, hits.c.captured_at, hits.c.read_id, hits.c.hit_id)
    rows = connection.execute(query.where(hits.c.unit_id == unit_id, hits.c.hit_id == said.hit))
    found = rows.mappings().first()
    return None if found is None else dict(found)


def _has_placed(connection: Connection, unit_id: int, said: Disposition) -> bool:
    query = select(holds.c.id).where(holds.c.unit_id == unit_id, holds.c.record_id == said.id)
    return connection.execute(query).first() is not None


def _plain(value: Any) -> JSON:
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, int | str) or value is None else str(value)
