"""An agency ends another's hold on its own reads: it owns them, and disposes of them.

It takes effect after a notice, in which the agency that holds can ask for them in another way, and
the owner can take it back. From then on the hold keeps none of that owner's reads.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, exists, insert, or_, select, update

from repository.ledger.entry import JSON, SYSTEM, Actor
from repository.retention import holds_listing
from repository.retention.holds_listing import Hold
from repository.retention.holds_request import MAX_REASON, HoldError, require_text
from repository.retention.holds_review import agency_of, record
from repository.store import locks
from repository.store.locks import Turn
from repository.store.tables.fleet import agencies, units
from repository.store.tables.retention import hold_objections, hold_reads, holds
from repository.units.findings import raise_finding, settle_finding

_FINDING = "hold_ended_by_owner"
_JOBS = "jobs"


@dataclass(frozen=True, slots=True)
class OwnersEnd:
    """That a hold keeps no reads of their owner from ``ends_at`` on, and why the owner says so."""

    owner: str
    ends_at: datetime
    reason: str


def on_reads_of(connection: Connection, actor: Actor) -> list[tuple[Hold, datetime | None]]:
    """Other agencies' standing holds that keep reads of the actor's; the day an end takes effect.

    In the order of placing.
    """
    own = agency_of(actor)
    ids = connection.scalars(select(holds.c.id).where(_keeps_reads_of(own)))
    ends = {
        row.hold_id: row.ends_at
        for row in connection.execute(
            select(hold_objections.c.hold_id, hold_objections.c.ends_at).where(
                hold_objections.c.agency_id == own, hold_objections.c.withdrawn_at.is_(None)
            )
        )
    }
    return [(holds_listing.show(connection, each)[0], ends.get(each)) for each in sorted(ids.all())]


def ends_of(connection: Connection, hold_id: int) -> list[OwnersEnd]:
    """For which owners' reads the hold ends or has ended, in the order of their saying so."""
    query = (
        select(agencies.c.name, hold_objections.c.ends_at, hold_objections.c.reason)
        .join(agencies, agencies.c.id == hold_objections.c.agency_id)
        .where(hold_objections.c.hold_id == hold_id, hold_objections.c.withdrawn_at.is_(None))
        .order_by(hold_objections.c.id)
    )
    return [OwnersEnd(*tuple(row)) for row in connection.execute(query)]


def end_on_ours(
    connection: Connection,
    hold_id: int,
    *,
    reason: str,
    actor: Actor,
    origin: str,
    now: datetime,
    notice: timedelta,
) -> datetime:
    """End another agency's hold on the reads of the actor's; gives when that takes effect.

    Raises:
        HoldError: if no other agency's hold of that number keeps such reads, or it ends already.
    """
    require_text("reason", reason, MAX_REASON)
    locks.take(connection, Turn.RETENTION)
    own = agency_of(actor)
    holder = connection.scalar(
        select(agencies.c.name)
        .join(holds, holds.c.agency_id == agencies.c.id)
        .where(holds.c.id == hold_id, _keeps_reads_of(own))
    )
    if holder is None:
        raise HoldError(
            f"hold {hold_id}: none of another agency that keeps reads of {actor.agency}; your own "
            "holds end with `alpr-repository hold release`"
        )
    if _standing(connection, hold_id, actor) is not None:
        raise HoldError(f"hold {hold_id}: {actor.agency} ends it for its reads already")
    ends_at = now + notice
    connection.execute(
        insert(hold_objections).values(
            hold_id=hold_id,
            agency_id=own,
            reason=reason,
            objected_by=actor.user_id,
            objected_by_name=actor.name,
            objected_at=now,
            ends_at=ends_at,
        )
    )
    detail = (
        f"{actor.agency} ends hold {hold_id} of {holder} for its own reads on {ends_at:%Y-%m-%d}: "
        f"{reason}"
    )
    raise_finding(connection, _FINDING, None, detail, now, subject=_subject(hold_id, actor.agency))
    request: dict[str, JSON] = {
        "hold": hold_id,
        "holder": holder,
        "reason": reason,
        "ends_at": ends_at.isoformat(),
    }
    record(connection, "hold.object", actor, origin, now, request)
    return ends_at


def take_back(
    connection: Connection, hold_id: int, *, reason: str, actor: Actor, origin: str, now: datetime
) -> None:
    """Let the hold go on as before, while its end has not taken effect.

    Raises:
        HoldError: if the actor's agency does not end it, or it has ended.
    """
    require_text("reason", reason, MAX_REASON)
    locks.take(connection, Turn.RETENTION)
    found = _standing(connection, hold_id, actor)
    if found is None or found[1] <= now:
        raise HoldError(f"hold {hold_id}: {actor.agency} has no end of it that can be taken back")
    connection.execute(
        update(hold_objections).where(hold_objections.c.id == found[0]).values(withdrawn_at=now)
    )
    subject = _subject(hold_id, actor.agency)
    settle_finding(connection, _FINDING, None, "taken back", now, subject=subject)
    request: dict[str, JSON] = {"hold": hold_id, "reason": reason}
    record(connection, "hold.object_withdraw", actor, origin, now, request)


def lapse_on_others(connection: Connection, now: datetime) -> Collection[int]:
    """Let go of other agencies' reads whose time is over, or whose owner ended the hold on them.

    Gives the holds of which something was let go.
    """
    own = holds.alias()
    owner = units.alias()
    ended = exists().where(
        hold_objections.c.hold_id == own.c.id,
        hold_objections.c.agency_id == owner.c.agency_id,
        hold_objections.c.withdrawn_at.is_(None),
        hold_objections.c.ends_at <= now,
    )
    over = exists().where(
        own.c.id == hold_reads.c.hold_id,
        own.c.released_at.is_(None),
        owner.c.id == hold_reads.c.unit_id,
        owner.c.agency_id != own.c.agency_id,
        or_(own.c.others_until <= now, ended),
    )
    concerned = select(holds.c.id).where(
        holds.c.released_at.is_(None),
        or_(
            holds.c.others_until <= now,
            exists().where(
                hold_objections.c.hold_id == holds.c.id,
                hold_objections.c.withdrawn_at.is_(None),
                hold_objections.c.ends_at <= now,
            ),
        ),
    )
    let_go = connection.scalars(
        update(hold_reads)
        .where(hold_reads.c.hold_id.in_(concerned), hold_reads.c.lapsed_at.is_(None), over)
        .values(lapsed_at=now)
        .returning(hold_reads.c.hold_id)
    )
    found = sorted(set(let_go))
    if found:
        _settle(connection, now)
        request: dict[str, JSON] = {"holds": found, "of": "reads of other agencies than theirs"}
        record(connection, "hold.lapse", SYSTEM, _JOBS, now, request)
    return found


def _keeps_reads_of(own: ColumnElement[int]) -> ColumnElement[bool]:
    keeps = exists().where(
        hold_reads.c.hold_id == holds.c.id,
        hold_reads.c.lapsed_at.is_(None),
        units.c.id == hold_reads.c.unit_id,
        units.c.agency_id == own,
    )
    return holds.c.released_at.is_(None) & (holds.c.agency_id != own) & keeps


def _standing(connection: Connection, hold_id: int, actor: Actor) -> tuple[int, datetime] | None:
    row = connection.execute(
        select(hold_objections.c.id, hold_objections.c.ends_at).where(
            hold_objections.c.hold_id == hold_id,
            hold_objections.c.agency_id == agency_of(actor),
            hold_objections.c.withdrawn_at.is_(None),
        )
    ).one_or_none()
    return None if row is None else (row.id, row.ends_at)


def _settle(connection: Connection, now: datetime) -> None:
    over = connection.execute(
        select(hold_objections.c.hold_id, agencies.c.name)
        .join(agencies, agencies.c.id == hold_objections.c.agency_id)
        .where(hold_objections.c.withdrawn_at.is_(None), hold_objections.c.ends_at <= now)
    )
    for hold_id, name in over.all():
        subject = _subject(hold_id, name)
        settle_finding(connection, _FINDING, None, "took effect", now, subject=subject)


def _subject(hold_id: int, agency: str) -> str:
    return f"hold {hold_id} {agency}"
