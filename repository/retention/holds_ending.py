"""How holds end: released by people, at the day that was set, or when their case is disposed of.

A read that no hold keeps any more falls back to the ordinary rule, and goes with the next purge if
that has passed.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Row, exists, insert, or_, select, update

from repository.ledger import log
from repository.ledger.entry import JSON, SYSTEM, Actor, Entry
from repository.retention.holds_request import MAX_REASON, HoldError, require_text
from repository.retention.rules import RetentionRule
from repository.store import locks
from repository.store.locks import Turn
from repository.store.tables.fleet import agencies
from repository.store.tables.retention import hold_reads, hold_reviews, holds
from repository.units.findings import raise_finding, settle_finding

UNTIL_DISPOSITION = "enforcement_action"
"""The kind of hold that a case's final disposition ends; the others of section 7 (b) go on."""

_JOBS = "jobs"
_OVERDUE = "hold_review_overdue"


def release(
    connection: Connection, hold_id: int, *, reason: str, actor: Actor, origin: str, now: datetime
) -> Literal["released", "proposed"]:
    """Release a hold of the actor's agency; of evidence, propose that, for a second person.

    Raises:
        HoldError: if there is no such hold of the agency, it is released already, or its release
            is proposed already.
    """
    require_text("reason", reason, MAX_REASON)
    hold = _standing(connection, hold_id, actor)
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
    _change(connection, hold_id, changes)
    proposed = hold.kind == "evidence"
    if not proposed:
        _settle(connection, hold_id, "released", now)
    action = "hold.propose_release" if proposed else "hold.release"
    _record(connection, action, actor, origin, now, {"hold": hold_id, "reason": reason})
    return "proposed" if proposed else "released"


def confirm_release(
    connection: Connection, hold_id: int, *, actor: Actor, origin: str, now: datetime
) -> None:
    """Release evidence, as a second person of the hold's agency, after one proposed it.

    Raises:
        HoldError: if there is no such hold, nobody proposed it, or the actor did.
    """
    hold = _standing(connection, hold_id, actor)
    if hold.release_proposed_at is None:
        raise HoldError(
            f"hold {hold_id}: nobody has proposed its release; the first person does that with "
            "`alpr-repository hold release`"
        )
    if hold.release_proposed_by == actor.user_id:
        raise HoldError(f"hold {hold_id}: you proposed its release; another person must confirm it")
    _change(connection, hold_id, _released(actor, now))
    _settle(connection, hold_id, "released", now)
    request: dict[str, JSON] = {
        "hold": hold_id,
        "proposed_by": hold.release_proposed_by_name,
        "reason": hold.release_reason,
    }
    _record(connection, "hold.confirm_release", actor, origin, now, request)


def withdraw_release(
    connection: Connection, hold_id: int, *, reason: str, actor: Actor, origin: str, now: datetime
) -> None:
    """Take back, or refuse, a proposed release: the hold stands as before.

    Raises:
        HoldError: if there is no such hold, or nobody proposed its release.
    """
    require_text("reason", reason, MAX_REASON)
    hold = _standing(connection, hold_id, actor)
    if hold.release_proposed_at is None:
        raise HoldError(f"hold {hold_id}: nobody has proposed its release")
    names = ("release_proposed_by", "release_proposed_by_name", "release_proposed_at")
    _change(connection, hold_id, dict.fromkeys((*names, "release_reason")))
    request: dict[str, JSON] = {"hold": hold_id, "reason": reason}
    _record(connection, "hold.withdraw_release", actor, origin, now, request)


def review(
    connection: Connection,
    hold_id: int,
    *,
    next_due: date,
    reason: str,
    actor: Actor,
    origin: str,
    now: datetime,
) -> None:
    """Keep a hold after looking at it again, until it is looked at the next time.

    Raises:
        HoldError: if there is no such hold of the agency, or that day is not after today.
    """
    require_text("reason", reason, MAX_REASON)
    hold = _standing(connection, hold_id, actor)
    if next_due <= now.astimezone(UTC).date():
        raise HoldError(f"until: {next_due} is no day that lies ahead")
    _change(connection, hold_id, {"review_due": next_due})
    _settle(connection, hold_id, "reviewed", now)
    connection.execute(
        insert(hold_reviews).values(
            hold_id=hold_id,
            reviewed_at=now,
            reviewed_by=actor.user_id,
            reviewed_by_name=actor.name,
            reason=reason,
            next_due=next_due,
        )
    )
    request: dict[str, JSON] = {
        "hold": hold_id,
        "reason": reason,
        "was_due": hold.review_due.isoformat() if hold.review_due else None,
        "next_due": next_due.isoformat(),
    }
    _record(connection, "hold.review", actor, origin, now, request)


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
    if on > now.astimezone(UTC).date():
        raise HoldError(f"on: {on} lies ahead; a disposition is recorded once it is reached")
    locks.take(connection, Turn.RETENTION)
    ended = list(
        connection.scalars(
            update(holds)
            .where(
                holds.c.agency_id == _agency_of(actor),
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
    _record(connection, "hold.disposition", actor, origin, now, request)
    return sorted(ended)


def lapse(connection: Connection, rule: RetentionRule, now: datetime) -> list[int]:
    """End what ends by itself at that moment; gives the holds that stand no more.

    ``rule`` is the repository's own. A direction falls away when its end has come. Of a hold whose
    case is disposed of, each read is let go once that rule's time has passed since its capture,
    and the hold ends when it can reach none any more.
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
    ended = _end(connection, holds.c.ends_at <= now, "its end came", now)
    ended += _end(
        connection,
        holds.c.disposed_on.is_not(None) & reaches_none & ~keeps_some,
        "the case is disposed of, and the rule's time has passed",
        now,
    )
    for hold_id in ended:
        _settle(connection, hold_id, "ended", now)
    if ended:
        _record(connection, "hold.lapse", SYSTEM, _JOBS, now, {"holds": sorted(ended)})
    return sorted(ended)


def raise_overdue(connection: Connection, now: datetime) -> int:
    """Raise a finding for each hold whose review is overdue; gives their number."""
    query = (
        select(holds.c.id, holds.c.review_due, agencies.c.name)
        .join(agencies, agencies.c.id == holds.c.agency_id)
        .where(is_overdue(now))
        .order_by(holds.c.id)
    )
    overdue = connection.execute(query).all()
    for hold_id, due, agency in overdue:
        detail = (
            f"hold {hold_id} of {agency} was to be reviewed by {due}: `alpr-repository hold review`"
        )
        raise_finding(connection, _OVERDUE, None, detail, now, subject=_subject(hold_id))
    return len(overdue)


def is_overdue(now: datetime) -> ColumnElement[bool]:
    """Whether a row of ``holds`` stands though its review was due before today in UTC."""
    return holds.c.released_at.is_(None) & (holds.c.review_due < now.astimezone(UTC).date())


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


def _standing(connection: Connection, hold_id: int, actor: Actor) -> Row[Any]:
    """The hold of the actor's agency, which nobody changes until the transaction ends."""
    locks.take(connection, Turn.RETENTION)
    row = connection.execute(
        select(holds).where(
            holds.c.id == hold_id,
            holds.c.agency_id == _agency_of(actor),
            holds.c.released_at.is_(None),
        )
    ).one_or_none()
    if row is None:
        raise HoldError(
            f"hold {hold_id}: not one of agency {actor.agency or '(none)'}, or released already"
        )
    return row


def _agency_of(actor: Actor) -> Any:
    return select(agencies.c.id).where(agencies.c.name == actor.agency).scalar_subquery()


def _released(actor: Actor, now: datetime) -> dict[str, Any]:
    return {
        "released_by": actor.user_id,
        "released_by_name": actor.name,
        "released_at": now,
    }


def _settle(connection: Connection, hold_id: int, reason: str, now: datetime) -> None:
    """Close the finding that its review is overdue, if there is one."""
    settle_finding(connection, _OVERDUE, None, reason, now, subject=_subject(hold_id))


def _subject(hold_id: int) -> str:
    return f"hold {hold_id}"


def _change(connection: Connection, hold_id: int, changes: dict[str, Any]) -> None:
    connection.execute(update(holds).where(holds.c.id == hold_id).values(**changes))


def _record(
    connection: Connection,
    action: str,
    actor: Actor,
    origin: str,
    now: datetime,
    request: dict[str, JSON],
) -> None:
    log.append(connection, Entry(action, actor, now, origin, request))
