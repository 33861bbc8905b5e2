"""Drawing the samples of audits, once a checkpoint covers their opening (see `sampling`).

The entries are read apart from what is then written: what a checkpoint covers stays as it is, so
the sample is the same whenever it is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, Engine, insert, select, update

from repository.audits import entries, records
from repository.audits.entries import Which
from repository.audits.errors import AuditError
from repository.audits.opening import JOBS
from repository.audits.records import Audit
from repository.audits.reminders import raise_undrawn, settle_undrawn
from repository.audits.sampling import draw, seed_of
from repository.ledger import log
from repository.ledger.entry import JSON, SYSTEM, Entry, Recorded, digest_of_ids
from repository.store.engine import reading
from repository.store.tables.accounts import users
from repository.store.tables.audits import audit_counts, audit_samples, audits
from repository.store.tables.fleet import agencies
from repository.store.tables.ledger import ledger_checkpoints

SEARCHES = ("search.run", "hold.add", "hold.show", "retention.explain")
"""The actions of searches, and of holds that told of reads; others are counted, and not drawn."""


def draw_due(engine: Engine, size: int, now: datetime, *, only: int | None = None) -> list[int]:
    """Draw for every audit that waits and whose checkpoint is there; gives their numbers.

    With ``only`` it is drawn for the audit of that number alone.

    One whose entries are not what was recorded is not drawn, which is a finding.
    """
    with reading(engine) as connection:
        waiting = select(audits.c.id).where(audits.c.seed.is_(None)).order_by(audits.c.id)
        if only is not None:
            waiting = waiting.where(audits.c.id == only)
        numbers = list(connection.scalars(waiting))
    drawn = []
    for number in numbers:
        try:
            if _draw(engine, number, size, now):
                drawn.append(number)
        except AuditError as error:
            with engine.begin() as connection:
                raise_undrawn(connection, number, str(error), now)
    return drawn


def drawn_again(connection: Connection, audit: Audit) -> list[int]:
    """The indexes that the audit's seed draws from the ledger as it is now.

    Raises:
        AuditError: if nothing was drawn yet, or the seed is not what the ledger's checkpoint gives.
    """
    signed = _checkpoint(connection, audit)
    if audit.seed is None or signed is None:
        raise AuditError(f"audit {audit.id}: its sample is drawn once a checkpoint is signed")
    if seed_of(audit.id, *signed) != audit.seed:
        raise AuditError(f"audit {audit.id}: its seed is not what the ledger's checkpoint gives")
    size = len(records.samples(connection, audit.id))
    return draw(audit.seed, (index for index, _ in _searches(connection, audit, signed[0])), size)


def covered(connection: Connection, audit: Audit) -> Sequence[str]:
    """The short names of the agencies that the audit is of."""
    if audit.agency is not None:
        return (audit.agency,)
    return tuple(connection.scalars(select(agencies.c.name).order_by(agencies.c.name)))


def is_search(recorded: Recorded) -> bool:
    """Whether the entry is of a search that was answered, or of a look at reads like one."""
    entry = recorded.entry
    return entry.outcome == "done" and (
        entry.action == SEARCHES[0] or {"criteria", "purpose"} <= entry.request.keys()
    )


def _draw(engine: Engine, number: int, size: int, now: datetime) -> bool:
    with reading(engine) as connection:
        audit = records.find(connection, number)
        signed = None if audit is None else _checkpoint(connection, audit)
        if audit is None or signed is None:
            return False
        seed = seed_of(audit.id, *signed)
        searched = dict(_searches(connection, audit, signed[0]))
        drawn = draw(seed, searched, size)
        counted = _counts(connection, audit, signed[0])
    with engine.begin() as connection:
        standing = records.lock(connection, number)
        if standing is None or standing.seed is not None:
            return False
        if counted:
            connection.execute(insert(audit_counts), counted)
        if drawn:
            rows = [
                {
                    "audit_id": number,
                    "place": place,
                    "ledger_index": index,
                    "user_id": searched[index],
                }
                for place, index in enumerate(drawn, start=1)
            ]
            connection.execute(insert(audit_samples), rows)
        connection.execute(
            update(audits)
            .where(audits.c.id == number)
            .values(
                checkpoint_size=signed[0],
                checkpoint_root=signed[1],
                seed=seed,
                searches=len(searched),
            )
        )
        request: dict[str, JSON] = {
            "audit": number,
            "checkpoint": signed[0],
            "root": signed[1],
            "seed": seed,
            "searches": len(searched),
        }
        digest = digest_of_ids(map(str, drawn))
        settle_undrawn(connection, number, now)
        log.append(
            connection,
            Entry(
                "audits.draw",
                SYSTEM,
                now,
                JOBS,
                request,
                count=len(drawn),
                result_digest=digest,
            ),
        )
    return True


def _checkpoint(connection: Connection, audit: Audit) -> tuple[int, str] | None:
    """Size and root, in hexadecimal, of the first checkpoint that covers the audit's opening."""
    if audit.opened_index is None:
        return None
    columns = ledger_checkpoints.c
    row = connection.execute(
        select(columns.size, columns.root)
        .where(columns.size > audit.opened_index)
        .order_by(columns.size)
        .limit(1)
    ).one_or_none()
    return None if row is None else (row.size, row.root.hex())


def _searches(connection: Connection, audit: Audit, before: int) -> Iterator[tuple[int, str]]:
    which = Which(
        covered(connection, audit),
        audit.period_start,
        audit.period_end,
        actions=SEARCHES,
        before=before,
    )
    for each in entries.every(connection, which):
        if is_search(each):
            yield each.index, each.entry.actor.user_id


def _counts(connection: Connection, audit: Audit, before: int) -> list[dict[str, object]]:
    # Of the repository itself: what operators and its own jobs did.
    named = ("",) if audit.agency is None else (audit.agency,)
    which = Which(named, audit.period_start, audit.period_end, before=before)
    found = entries.counts(connection, which)
    names = _names(connection, {user_id for user_id, _, _ in found})
    return [
        {
            "audit_id": audit.id,
            "user_id": user_id,
            "action": action,
            "name": names.get(user_id, user_id),
            "number": number,
        }
        for user_id, action, number in found
    ]


def _names(connection: Connection, ids: set[str]) -> dict[str, str]:
    people = []
    for each in ids:
        try:
            people.append(UUID(each))
        except ValueError:
            continue
    query = select(users.c.id, users.c.name).where(users.c.id.in_(people))
    return {str(row.id): row.name for row in connection.execute(query)}
