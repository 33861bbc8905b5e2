"""Holds: reads that are kept beyond the rule, because of a case, on somebody's word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, get_args
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Table, exists, func, insert, select, update

from repository.errors import RepositoryError
from repository.ledger import log
from repository.ledger.entry import Actor, Entry, digest_of_ids
from repository.store import locks
from repository.store.locks import Turn
from repository.store.tables.fleet import agencies, units
from repository.store.tables.reads import reads
from repository.store.tables.retention import hold_reads, holds

HoldKind = Literal[
    "enforcement_action",
    "arrest",
    "criminal_investigation",
    "evidence",
    "administrator_direction",
]
"""In the order of the policy's section 7, paragraph b, i to v."""

HOLD_KINDS: tuple[HoldKind, ...] = get_args(HoldKind)
_MAX_CASE = 128
_MAX_REASON = 2000


class HoldError(RepositoryError):
    """A hold cannot be placed or released; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class HoldRequest:
    """What a hold is to be: which reads, for which case, why, and when it is looked at again."""

    case_number: str
    kind: HoldKind
    reason: str
    read_ids: tuple[UUID, ...]
    review_due: date | None

    def __post_init__(self) -> None:
        """Refuse a hold without a case, a reason or reads, or evidence that nobody reviews."""
        _require_text("case number", self.case_number, _MAX_CASE)
        _require_text("reason", self.reason, _MAX_REASON)
        if self.kind not in HOLD_KINDS:
            raise HoldError(f"kind: {self.kind!r} is none of {', '.join(HOLD_KINDS)}")
        if not self.read_ids:
            raise HoldError("reads: a hold needs at least one")
        if self.kind == "evidence" and self.review_due is None:
            raise HoldError(
                "review: data held as evidence is kept until it is no longer reasonable to expect "
                "that it becomes evidence; give the day on which that is reviewed"
            )


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold as it stands, or stood until ``released_at``."""

    id: int
    agency: str
    case_number: str
    kind: HoldKind
    reason: str
    review_due: date | None
    placed_by_name: str
    placed_at: datetime
    released_by_name: str | None
    released_at: datetime | None
    release_reason: str | None
    reads: int


def add(
    connection: Connection, request: HoldRequest, *, actor: Actor, origin: str, now: datetime
) -> int:
    """Place a hold and record it in the ledger; gives the hold's number.

    Raises:
        HoldError: if the actor's agency is not known, or a read is not (or no longer) there.
    """
    locks.take(connection, Turn.RETENTION)
    agency_id = connection.scalar(select(agencies.c.id).where(agencies.c.name == actor.agency))
    if agency_id is None:
        raise HoldError(f"agency {actor.agency or '(none)'}: not known; holds belong to agencies")
    found = _find_reads(connection, request.read_ids)
    missing = sorted(map(str, set(request.read_ids) - {row["read_id"] for row in found}))
    if missing:
        raise HoldError(f"reads: not in the repository: {', '.join(missing)}")
    hold_id: int = connection.execute(
        insert(holds)
        .values(
            agency_id=agency_id,
            case_number=request.case_number,
            kind=request.kind,
            reason=request.reason,
            review_due=request.review_due,
            placed_by=actor.user_id,
            placed_by_name=actor.name,
            placed_at=now,
        )
        .returning(holds.c.id)
    ).scalar_one()
    connection.execute(insert(hold_reads), [{"hold_id": hold_id, **row} for row in found])
    log.append(
        connection,
        Entry(
            action="hold.add",
            actor=actor,
            at=now,
            origin=origin,
            request={
                "hold": hold_id,
                "case_number": request.case_number,
                "kind": request.kind,
                "reason": request.reason,
                "review_due": request.review_due.isoformat() if request.review_due else None,
            },
            count=len(found),
            result_digest=digest_of_ids(sorted(str(row["read_id"]) for row in found)),
        ),
    )
    return hold_id


def release(
    connection: Connection, hold_id: int, *, reason: str, actor: Actor, origin: str, now: datetime
) -> None:
    """Release a hold of the actor's agency and record it in the ledger.

    What has expired under it goes with the next purge.

    Raises:
        HoldError: if there is no such hold of the agency, or it is released already.
    """
    _require_text("reason", reason, _MAX_REASON)
    locks.take(connection, Turn.RETENTION)
    own = select(agencies.c.id).where(agencies.c.name == actor.agency).scalar_subquery()
    done = connection.execute(
        update(holds)
        .where(holds.c.id == hold_id, holds.c.agency_id == own, holds.c.released_at.is_(None))
        .values(
            released_by=actor.user_id,
            released_by_name=actor.name,
            released_at=now,
            release_reason=reason,
        )
    )
    if done.rowcount != 1:
        raise HoldError(
            f"hold {hold_id}: not one of agency {actor.agency or '(none)'}, or released already"
        )
    log.append(
        connection,
        Entry(
            action="hold.release",
            actor=actor,
            at=now,
            origin=origin,
            request={"hold": hold_id, "reason": reason},
        ),
    )


def is_held(table: Table) -> ColumnElement[bool]:
    """Whether a standing hold names the read of a row of ``reads`` or ``pictures``."""
    return exists().where(
        hold_reads.c.unit_id == table.c.unit_id,
        hold_reads.c.captured_at == table.c.captured_at,
        hold_reads.c.read_id == table.c.read_id,
        holds.c.id == hold_reads.c.hold_id,
        holds.c.released_at.is_(None),
    )


def list_all(connection: Connection, agency: str | None = None) -> list[Hold]:
    """Holds in the order of placing, released ones too; of one agency if it is named."""
    count = select(func.count()).where(hold_reads.c.hold_id == holds.c.id).scalar_subquery()
    query = (
        select(
            holds.c.id,
            agencies.c.name,
            holds.c.case_number,
            holds.c.kind,
            holds.c.reason,
            holds.c.review_due,
            holds.c.placed_by_name,
            holds.c.placed_at,
            holds.c.released_by_name,
            holds.c.released_at,
            holds.c.release_reason,
            count,
        )
        .join(agencies, agencies.c.id == holds.c.agency_id)
        .order_by(holds.c.id)
    )
    if agency is not None:
        query = query.where(agencies.c.name == agency)
    return [Hold(*tuple(row)) for row in connection.execute(query)]


def _find_reads(connection: Connection, read_ids: Sequence[UUID]) -> list[dict[str, Any]]:
    """Unit, moment of capture and id of every read that is there under one of these ids.

    An id holds the millisecond of its capture: that and the units lead to its row. Only with its
    unit is an id unique: of two units that have the same, both reads are held.
    """
    columns = (reads.c.unit_id, reads.c.captured_at, reads.c.read_id)
    found: list[dict[str, Any]] = []
    for read_id in read_ids:
        try:
            start = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=read_id.int >> 80)
        except OverflowError:  # no id of a read
            continue
        rows = connection.execute(
            select(*columns).where(
                reads.c.unit_id.in_(select(units.c.id)),
                reads.c.captured_at >= start,
                reads.c.captured_at < start + timedelta(milliseconds=1),
                reads.c.read_id == read_id,
            )
        )
        found.extend(dict(row) for row in rows.mappings())
    return found


def _require_text(what: str, value: str, limit: int) -> None:
    if not value.strip() or len(value) > limit or "\x00" in value:
        raise HoldError(f"{what}: needs 1 to {limit} characters")
