"""The purge: what has expired and is not held goes, with a certificate.

Invariants:

- Everything in the database goes in one transaction, together with the certificate, the ledger's
  entry and the watermark; a crash before its commit leaves everything as it was.
- Each record goes by its own moment of capture. A hit and what was said of it stay with a held
  read; shift checks and reports of malfunctions name no plate and stay.
- The watermark never goes back. Nothing captured before it is taken in any more.
- Picture files go after the commit. Until a file is gone its name stays in ``doomed_pictures``,
  so that whoever comes next removes it, unless a read that is there names it by then. A day's key
  goes with the day's last picture.
- While a purge or the removal of its files runs, nothing is taken in: see ``store.locks``.
- A clock that is years ahead purges nothing: see :func:`run`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Table,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
)

from repository.errors import RepositoryError
from repository.ledger import log
from repository.ledger.entry import SYSTEM, Actor, Entry
from repository.retention.holds import is_held
from repository.retention.rules import RetentionRule
from repository.store import locks
from repository.store.engine import reading
from repository.store.locks import Turn
from repository.store.pictures import PictureStore
from repository.store.rows import insert_new, put
from repository.store.tables.fleet import units
from repository.store.tables.ledger import ledger_entries
from repository.store.tables.reads import (
    hits,
    picture_keys,
    pictures,
    quarantine,
    quarantine_budgets,
    reads,
    unit_records,
)
from repository.store.tables.retention import (
    doomed_pictures,
    hold_reads,
    holds,
    purges,
    retention_state,
)

_AT_ONCE = 500
_PLATELESS = ("shift_check", "malfunction")
_JOBS = "jobs"
_QUIET = timedelta(days=1)


class PurgeError(RepositoryError):
    """A purge is refused; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a purge did, or would do.

    ``ids_digest`` is the SHA-256 of the purged reads' ids, one a line, by unit and capture;
    ``ledger_index`` is None for a purge that only counted.
    """

    expired_before: datetime
    reads_purged: int
    reads_held: int
    hits_purged: int
    unit_records_purged: int
    quarantine_purged: int
    pictures_purged: int
    ids_digest: str
    rule_digest: str
    ledger_index: int | None


def preview(engine: Engine, rule: RetentionRule, *, now: datetime) -> Certificate:
    """What a purge at this moment would do."""
    with reading(engine) as connection:
        return _count(connection, rule, now)


def run(
    engine: Engine,
    store: PictureStore,
    rule: RetentionRule,
    *,
    now: datetime,
    actor: Actor = SYSTEM,
    origin: str = _JOBS,
    clock_confirmed: date | None = None,
) -> Certificate:
    """Purge, then remove the picture files that this or an earlier purge left.

    ``clock_confirmed`` is today's date in UTC, on somebody's word that the clock is right.

    Raises:
        PurgeError: if the clock seems to be far ahead and nobody confirmed it; nothing is purged.
        DatabaseUnavailableError: if nothing could be committed; nothing is purged then.
        PictureError: if the disk refused to remove a file; the next run tries again.
    """
    with engine.begin() as connection:
        locks.take(connection, Turn.RETENTION)
        _require_plausible(connection, rule.expired_before(now, hit=False), now, clock_confirmed)
        counted = _count(connection, rule, now)
        _delete(connection, counted.expired_before, rule.expired_before(now, hit=False))
        certificate = _certify(connection, counted, rule, actor=actor, origin=origin, now=now)
    remove_files(engine, store)
    return certificate


def remove_files(engine: Engine, store: PictureStore) -> None:
    """Remove the files of purged pictures, and folders of days that no picture is left of.

    Raises:
        PictureError: if the disk refused; what is left is removed by the next call.
    """
    while True:
        with engine.begin() as connection:
            locks.take(connection, Turn.RETENTION)
            doomed = connection.execute(select(doomed_pictures).limit(_AT_ONCE)).all()
            for day, sha256 in doomed:
                # A read that is held, or that came since, may name the same picture.
                if not _number(connection, pictures, _on_day(day) & (pictures.c.sha256 == sha256)):
                    store.remove(day, sha256)
                connection.execute(
                    delete(doomed_pictures).where(
                        doomed_pictures.c.day == day, doomed_pictures.c.sha256 == sha256
                    )
                )
        if len(doomed) < _AT_ONCE:
            break
    with engine.begin() as connection:
        locks.take(connection, Turn.RETENTION)
        mark = connection.scalar(select(retention_state.c.watermark))
        if mark is None:
            return
        for day in store.days():
            expired = day < mark.astimezone(UTC).date()
            if expired and not _number(connection, pictures, _on_day(day)):
                store.remove_day(day)


def _require_plausible(
    connection: Connection, expired_before: datetime, now: datetime, clock_confirmed: date | None
) -> None:
    """Refuse what looks like a clock that is years ahead rather than like years gone by.

    Each sign counts by itself, since whatever is done under a wrong clock covers up the ledger's.
    """
    if clock_confirmed == now.astimezone(UTC).date():
        return
    last_entry = select(ledger_entries.c.at).order_by(ledger_entries.c.entry_index.desc()).limit(1)
    signs = {"entry of the ledger": connection.scalar(last_entry)}
    young = _every_unit(reads) & (reads.c.captured_at >= expired_before)
    if connection.execute(select(reads.c.read_id).where(young).limit(1)).first() is None:
        newest = select(func.max(reads.c.received_at))
        signs["read"] = connection.scalar(
            newest.where(_of_every_unit(reads, expired_before), ~is_held(reads))
        )
    for what, at in signs.items():
        if at is not None and expired_before - at > _QUIET:
            raise PurgeError(
                f"purge: the clock says {now:%Y-%m-%d}, but the last {what} is of {at:%Y-%m-%d}; "
                "nothing was purged. Set the clock, or if it is right, run "
                f"`alpr-repository purge --now --clock-is {now:%Y-%m-%d}`"
            )


def _count(connection: Connection, rule: RetentionRule, now: datetime) -> Certificate:
    mark = connection.scalar(select(retention_state.c.watermark))
    expired_before = rule.expired_before(now, hit=False)
    bound = max(expired_before, mark or expired_before)
    digest = hashlib.sha256()
    purged = 0
    for read_id in _expired_ids(connection, bound):
        digest.update(f"{read_id}\n".encode())
        purged += 1
    return Certificate(
        expired_before=bound,
        reads_purged=purged,
        reads_held=_number(connection, reads, _of_every_unit(reads, bound) & is_held(reads)),
        hits_purged=_number(connection, hits, _expired_hits(bound)),
        unit_records_purged=_number(connection, unit_records, _expired_unit_records(bound)),
        quarantine_purged=_number(
            connection, quarantine, _expired_quarantine(bound, expired_before)
        ),
        pictures_purged=_number(connection, pictures, _expired_pictures(bound)),
        ids_digest=digest.hexdigest(),
        rule_digest=rule.sha256,
        ledger_index=None,
    )


def _delete(connection: Connection, bound: datetime, received_before: datetime) -> None:
    doomed = _doom_pictures(connection, bound)
    connection.execute(delete(unit_records).where(_expired_unit_records(bound)))
    connection.execute(delete(hits).where(_expired_hits(bound)))
    connection.execute(delete(quarantine).where(_expired_quarantine(bound, received_before)))
    connection.execute(
        delete(quarantine_budgets).where(
            quarantine_budgets.c.day < received_before.astimezone(UTC).date()
        )
    )
    connection.execute(delete(pictures).where(_expired_pictures(bound)))
    connection.execute(delete(reads).where(_of_every_unit(reads, bound) & ~is_held(reads)))
    rows = [{"day": day, "sha256": sha256} for day, sha256 in sorted(doomed)]
    insert_new(connection, doomed_pictures, rows)
    for day in sorted({day for day, _ in doomed}):
        if not _number(connection, pictures, _on_day(day)):
            connection.execute(delete(picture_keys).where(picture_keys.c.day == day))


def _certify(
    connection: Connection,
    counted: Certificate,
    rule: RetentionRule,
    *,
    actor: Actor,
    origin: str,
    now: datetime,
) -> Certificate:
    put(connection, retention_state, {"id": 1, "watermark": counted.expired_before})
    counts = {
        "reads_purged": counted.reads_purged,
        "reads_held": counted.reads_held,
        "hits_purged": counted.hits_purged,
        "unit_records_purged": counted.unit_records_purged,
        "quarantine_purged": counted.quarantine_purged,
        "pictures_purged": counted.pictures_purged,
    }
    appended = log.append(
        connection,
        Entry(
            action="purge.run",
            actor=actor,
            at=now,
            origin=origin,
            request={
                "expired_before": counted.expired_before.isoformat(),
                "rule": rule.name,
                "rule_source": rule.source,
                "rule_digest": rule.sha256,
                **counts,
            },
            count=counted.reads_purged,
            result_digest=counted.ids_digest,
        ),
    )
    connection.execute(
        insert(purges).values(
            purged_at=now,
            expired_before=counted.expired_before,
            ids_digest=counted.ids_digest,
            rule_digest=counted.rule_digest,
            ledger_index=appended.index,
            **counts,
        )
    )
    return Certificate(
        expired_before=counted.expired_before,
        ids_digest=counted.ids_digest,
        rule_digest=counted.rule_digest,
        ledger_index=appended.index,
        **counts,
    )


def _expired_ids(connection: Connection, bound: datetime) -> Iterator[str]:
    query = (
        select(reads.c.read_id)
        .where(_of_every_unit(reads, bound), ~is_held(reads))
        .order_by(reads.c.unit_id, reads.c.captured_at, reads.c.read_id)
        .execution_options(yield_per=_AT_ONCE)
    )
    for read_id in connection.scalars(query):
        yield str(read_id)


def _doom_pictures(connection: Connection, bound: datetime) -> set[tuple[date, str]]:
    query = (
        select(pictures.c.captured_at, pictures.c.sha256)
        .where(_expired_pictures(bound))
        .execution_options(yield_per=_AT_ONCE)
    )
    return {
        (captured_at.astimezone(UTC).date(), sha256)
        for captured_at, sha256 in connection.execute(query)
    }


def _every_unit(table: Table) -> ColumnElement[bool]:
    # The primary key begins with the unit: naming the units lets the database walk the key.
    return table.c.unit_id.in_(select(units.c.id))


def _of_every_unit(table: Table, bound: datetime) -> ColumnElement[bool]:
    return _every_unit(table) & (table.c.captured_at < bound)


def _hit_held() -> ColumnElement[bool]:
    return exists().where(
        hold_reads.c.unit_id == hits.c.unit_id,
        hold_reads.c.read_id == hits.c.read_id,
        holds.c.id == hold_reads.c.hold_id,
        holds.c.released_at.is_(None),
    )


def _expired_hits(bound: datetime) -> ColumnElement[bool]:
    return _of_every_unit(hits, bound) & ~_hit_held()


def _expired_unit_records(bound: datetime) -> ColumnElement[bool]:
    of_held_hit = exists().where(
        hits.c.unit_id == unit_records.c.unit_id,
        hits.c.hit_id == unit_records.c.hit_id,
        _hit_held(),
    )
    return (
        _of_every_unit(unit_records, bound) & unit_records.c.type.not_in(_PLATELESS) & ~of_held_hit
    )


def _expired_pictures(bound: datetime) -> ColumnElement[bool]:
    return _of_every_unit(pictures, bound) & ~is_held(pictures)


def _expired_quarantine(bound: datetime, received_before: datetime) -> ColumnElement[bool]:
    return or_(quarantine.c.captured_at < bound, quarantine.c.received_at < received_before)


def _on_day(day: date) -> ColumnElement[bool]:
    start = datetime.combine(day, time(), UTC)
    return _of_every_unit(pictures, start + timedelta(days=1)) & (pictures.c.captured_at >= start)


def _number(connection: Connection, table: Table, which: ColumnElement[bool]) -> int:
    return connection.scalar(select(func.count()).select_from(table).where(which)) or 0
