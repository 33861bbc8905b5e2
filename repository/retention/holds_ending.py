"""How holds end: released by people, at the day that was set, or when their case is disposed of.

A read that no hold keeps any more falls back to the ordinary rule, and goes with the next purge if
that has passed.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, exists, or_, select, update

from repository.ledger.entry import JSON, SYSTEM, Actor
from repository.retention.holds_objecting import lapse_on_others
from repository.retention.holds_request import MAX_REASON, HoldError, require_text
from repository.retention.holds_review import (
    agency_of,
    change,
    record,
    settle_overdue,
    standing,
)
from repository.retention.rules import RetentionRule
from repository.store import locks
from repository.store.locks import Turn
from repository.store.tables.retention import hold_reads, holds

UNTIL_DISPOSITION = "enforcement_action"
"""The kind of hold that a case's final disposition ends; the others of section 7 (b) go on."""

_JOBS = "jobs"


def release(
    connection: Connection, hold_id: int, *, reason: str, actor: Actor, origin: str, now: datetime
) -> Literal["released", "proposed"]:
    """Release a hold of the actor's agency; of evidence, propose that, for a second person.

    Raises:
        HoldError: if there is no such hold of the agency, it is released already, or its release
            is proposed already.
    """
    require_text("reason", reason, MAX_REASON)
    hold = standing(connection, hold_id, actor)
    if hold.kind == "evidence":
        if hold.release_proposed_at is not None:
            raise HoldError(
                f"hold {hold_id}: {hold.release_proposed_by_name} proposed its release already; "
                "another person confirms it with `alpr-repository hold confirm-release`"
            )
        changes: dict[str, Any] = {
            "release_proposed_by": actor.user_id,
            "release_proposed_by_name": actor.name,
            "release_proposed_at": now,
            "release_reason": reason,
        }
    else:
        changes = {**_released(actor, now), "release_reason": reason}
    change(connection, hold_id, changes)
    proposed = hold.kind == "evidence"
    if not proposed:
        settle_overdue(connection, hold_id, "released", now)
    action = "hold.propose_release" if proposed else "hold.release"
    record(connection, action, actor, origin, now, {"hold": hold_id, "reason": reason})
    return "proposed" if proposed else "released"


def confirm_release(
    connection: Connection, hold_id: int, *, actor: Actor, origin: str, now: datetime
) -> None:
    """Release evidence, as a second person of the hold's agency, after one proposed it.

    Raises:
        HoldError: if there is no such hold, nobody proposed it, or the actor did.
    """
    hold = standing(connection, hold_id, actor)
    if hold.release_proposed_at is None:
        raise HoldError(
            f"hold {hold_id}: nobody has proposed its release; the first person does that with "
            "`alpr-repository hold release`"
        )
    if hold.release_proposed_by == actor.user_id:
        raise HoldError(f"hold {hold_id}: you proposed its release; another person must confirm it")
    change(connection, hold_id, _released(actor, now))
    settle_overdue(connection, hold_id, "released", now)
    request: dict[str, JSON] = {
        "hold": hold_id,
        "proposed_by": hold.release_proposed_by_name,
        "reason": hold.release_reason,
    }
    record(connection, "hold.confirm_release", actor, origin, now, request)


def withdraw_release(
    connection: Connection, hold_id: int, *, reason: str, actor: Actor, origin: str, now: datetime
) -> None:
    """Take back, or refuse, a proposed release: the hold stands as before.

    Raises:
        HoldError: if there is no such hold, or nobody proposed its release.
    """
    require_text("reason", reason, MAX_REASON)
    hold = standing(connection, hold_id, actor)
    if hold.release_proposed_at is None:
        raise HoldError(f"hold {hold_id}: nobody has proposed its release")
    names = ("release_proposed_by", "release_proposed_by_name", "release_proposed_at")
    change(connection, hold_id, dict.fromkeys((*names, "release_reason")))
    request: dict[str, JSON] = {"hold": hold_id, "reason": reason}
    record(connection, "hold.withdraw_release", actor, origin, now, request)


def dispose(
    connection: Connection,
    case_number: str,
    *,
    on: date,
    disposition: str,
    actor: Actor,
    origin: str,
    now: datetime,
) -> list[int]:
    """Record the final disposition of a case of the actor's agency; gives the holds it ends.

    They are those for an enforcement action, investigation or prosecution. Each of their reads is
    kept until the repository's own rule lets it go, or until now, whichever is later: see
    :func:`lapse`.

    Raises:
        HoldError: if the case has no such hold that stands and awaits it, or the day lies ahead.
    """
    require_text("disposition", disposition, MAX_REASON)
    require_reached(on, now)
    locks.take(connection, Turn.RETENTION)
    ended = list(
        connection.scalars(
            update(holds)
            .where(
                holds.c.agency_id == agency_of(actor),
                holds.c.case_number == case_number,
                holds.c.kind == UNTIL_DISPOSITION,
                holds.c.released_at.is_(None),
                holds.c.disposed_on.is_(None),
            )
            .values(disposed_on=on, disposition=disposition, disposed_by_name=actor.name)
            .returning(holds.c.id)
        )
    )
    if not ended:
        raise HoldError(
            f"case {case_number}: agency {actor.agency or '(none)'} has no hold for an enforcement "
            "action that stands and awaits its disposition; other kinds are released"
        )
    request: dict[str, JSON] = {
        "case_number": case_number,
        "disposition": disposition,
        "on": on.isoformat(),
        "holds": sorted(ended),
    }
    record(connection, "hold.disposition", actor, origin, now, request)
    return sorted(ended)


def require_reached(on: date, now: datetime) -> None:
    """Refuse the day of a disposition that lies ahead.

    Raises:
        HoldError: if it does.
    """
    if on > now.astimezone(UTC).date():
        raise HoldError(f"on: {on} lies ahead; a disposition is recorded once it is reached")


def lapse(connection: Connection, rule: RetentionRule, now: datetime) -> list[int]:
    """End what ends by itself at that moment; gives the holds that stand no more.

    ``rule`` is the repository's own. A direction falls away when its end has come. Of a hold whose
    case is disposed of, each read is let go once that rule's time has passed since its capture,
    and the hold ends when it can reach none any more. Of other agencies' reads it lets go when
    their time is over, or their owner ended it: see `holds_objecting.lapse_on_others`.
    """
    locks.take(connection, Turn.RETENTION)
    bound = rule.expired_before(now, hit=True)
    disposed = select(holds.c.id).where(
        holds.c.released_at.is_(None), holds.c.disposed_on.is_not(None)
    )
    connection.execute(
        update(hold_reads)
        .where(
            hold_reads.c.hold_id.in_(disposed),
            hold_reads.c.captured_at < bound,
            hold_reads.c.lapsed_at.is_(None),
        )
        .values(lapsed_at=now)
    )
    keeps_some = exists().where(
        hold_reads.c.hold_id == holds.c.id, hold_reads.c.lapsed_at.is_(None)
    )
    reaches_none = or_(holds.c.until_at.is_(None), holds.c.until_at <= bound)
    lapse_on_others(connection, now)
    ended = _end(connection, holds.c.ends_at <= now, "its end came", now)
    ended += _end(
        connection,
        holds.c.disposed_on.is_not(None) & reaches_none & ~keeps_some,
        "the case is disposed of, and the rule's time has passed",
        now,
    )
    for hold_id in ended:
        settle_overdue(connection, hold_id, "ended", now)
    if ended:
        record(connection, "hold.lapse", SYSTEM, _JOBS, now, {"holds": sorted(ended)})
    return sorted(ended)


def _end(
    connection: Connection, which: ColumnElement[bool], reason: str, now: datetime
) -> list[int]:
    done = connection.scalars(
        update(holds)
        .where(which, holds.c.released_at.is_(None))
        .values(**_released(SYSTEM, now), release_reason=reason)
        .returning(holds.c.id)
    )
    return list(done)


def _released(actor: Actor, now: datetime) -> dict[str, Any]:
    return {
        "released_by": actor.user_id,
        "released_by_name": actor.name,
        "released_at": now,
    }
