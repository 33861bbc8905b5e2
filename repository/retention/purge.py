"""The purge: what has outlived its time and is not held goes, day by day, each with a certificate.

Invariants:

- A day goes in one transaction, with its certificate on the ledger; the watermarks are raised
  before the first. A crash leaves whole days undone and the next run does them: what is done is
  not looked at again, since nothing past its time is left of it.
- Each record goes by its own moment of capture and its agency's rule. A hit and what was said of it
  stay with a held read; shift checks and reports of malfunctions name no plate and stay.
- Picture files and words of the dictionary go after the commit. Until then they are named in
  ``doomed_pictures`` and ``doomed_plates``, or lie under a day that has no key. A day's key goes
  with the day's last picture that is not held.
- One runner at a time, whoever it is, and nothing is taken in within a transaction of its own: see
  ``store.locks``.
- A purge that does not look right is refused: see :mod:`repository.retention.forecast`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlalchemy import Connection, Delete, Engine, delete, select, update

from repository.ledger import log
from repository.ledger.entry import JSON, SYSTEM, Actor, Entry
from repository.retention import forecast, holds_ending, purge_pictures, purge_plates, watermarks
from repository.retention.certificates import Certificate, Count, Hand, sum_of
from repository.retention.duties import Duties
from repository.retention.forecast import PurgeError
from repository.retention.purge_day import count_day, purge_day
from repository.retention.purge_plan import Plan, make_plan
from repository.retention.purge_rows import Expired
from repository.store import locks, partitions, space
from repository.store.alone import alone
from repository.store.engine import reading
from repository.store.locks import Turn
from repository.store.pictures import PictureStore
from repository.store.rows import put
from repository.store.tables.reads import quarantine_budgets
from repository.store.tables.retention import purge_state
from repository.wording import counted

__all__ = ["PurgeBusyError", "PurgeError", "Purged", "preview", "purge_restored", "run"]

LoadDuties = Callable[[Connection], Duties]
"""Gives the rules as they are now."""

_JOBS = "jobs"


class PurgeBusyError(PurgeError):
    """Somebody else purges now; the text says who."""


@dataclass(frozen=True, slots=True)
class Purged:
    """What a run took: a certificate for each day that something went of."""

    certificates: tuple[Certificate, ...]

    @property
    def counts(self) -> dict[str, Count]:
        """Of each table by its name, what was found on these days, and what of it is held."""
        return sum_of([each.counts for each in self.certificates])

    @property
    def reads_purged(self) -> int:
        """How many reads went."""
        return self.counts["reads"].purged


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a person vouches for: today's date in UTC, or how many reads go; or any number."""

    clock_is: date | None = None
    count: int | None = None
    any_count: bool = False


_UNCONFIRMED = Confirmation()


@dataclass(frozen=True, slots=True)
class Preview:
    """What a purge would do: its days, reads by rule, and rows of each table by its name."""

    plan: Plan
    by_rule: dict[str, dict[str, int]]
    counts: dict[str, Count]


def preview(engine: Engine, load_duties: LoadDuties, *, now: datetime) -> Preview:
    """What a purge at this moment would do."""
    with reading(engine) as connection:
        duties, expired = _what_has_expired(connection, load_duties, now)
        plan = make_plan(connection, expired)
        days = [count_day(connection, day, expired) for day in plan.days]
        return Preview(plan, plan.by_rule(duties), sum_of(days))


def run(
    engine: Engine,
    store: PictureStore,
    load_duties: LoadDuties,
    *,
    now: datetime,
    actor: Actor = SYSTEM,
    origin: str = _JOBS,
    confirmed: Confirmation = _UNCONFIRMED,
    progress: Callable[[str], None] = lambda _: None,
) -> Purged:
    """Purge, then remove the files and words that this or an earlier purge left.

    ``progress`` is told of each day in a sentence.

    Raises:
        PurgeBusyError: if another purge runs.
        PurgeError: if the clock or the number of reads does not look right and nobody confirmed
            it; nothing is purged.
        DatabaseUnavailableError: if something could not be committed; the days before it are done.
        PictureError: if the disk refused to remove a file; the next run tries again.
    """
    hand = Hand(actor, origin, now)
    with _only_runner(engine, hand):
        with engine.begin() as connection:
            locks.take(connection, Turn.RETENTION)
            duties, expired = _what_has_expired(connection, load_duties, now)
            forecast.require_plausible_clock(connection, expired, now, confirmed.clock_is)
            holds_ending.lapse(connection, duties.default, now)
            plan = make_plan(connection, expired)
            if not confirmed.any_count:
                forecast.require_expected_count(connection, plan.total, now, confirmed.count)
            watermarks.advance(connection, expired.bounds)
        return _purge(engine, store, duties, expired, plan, hand, progress)


def purge_restored(
    engine: Engine,
    store: PictureStore,
    load_duties: LoadDuties,
    *,
    now: datetime,
    actor: Actor,
    origin: str,
    progress: Callable[[str], None] = lambda _: None,
) -> Purged:
    """Purge what came back with a backup, before the repository opens.

    Days' worth of reads may go at once, and the ledger ends where the backup was made: neither
    stands against it. Who restores has looked at the clock.

    Raises:
        As :func:`run`, but no PurgeError for clock or count.
    """
    return run(
        engine,
        store,
        load_duties,
        now=now,
        actor=actor,
        origin=origin,
        confirmed=Confirmation(now.astimezone(UTC).date(), any_count=True),
        progress=progress,
    )


def remove_leftovers(engine: Engine, store: PictureStore) -> None:
    """Remove the files and words that a purge left when it was cut off.

    Raises:
        PictureError: if the disk refused to remove a file; the next call tries again.
    """
    purge_plates.forget(engine)
    purge_pictures.remove_files(engine, store)


def last_finished(connection: Connection) -> datetime | None:
    """When the last purge that ended well began; None before the first."""
    return connection.scalar(select(purge_state.c.finished_at))


def _purge(
    engine: Engine,
    store: PictureStore,
    duties: Duties,
    expired: Expired,
    plan: Plan,
    hand: Hand,
    progress: Callable[[str], None],
) -> Purged:
    certificates = []
    for number, day in enumerate(plan.days, start=1):
        if expired.has_passed(day):
            purge_pictures.wrap_held(engine, store, day)
        with engine.begin() as connection:
            locks.take(connection, Turn.RETENTION)
            done = purge_day(connection, store, day, duties, expired, hand)
        if done is not None:
            certificates.append(done)
            gone = done.counts["reads"]
            progress(
                f"{day}: {counted(gone.purged, 'read')} purged, {gone.held} stay because "
                "they are held "
                f"({number} of {counted(len(plan.days), 'day')})"
            )
    purge_pictures.retire_keys(engine, store, hand.now.astimezone(UTC).date())
    remove_leftovers(engine, store)
    purged = Purged(tuple(certificates))
    with engine.begin() as connection:
        locks.take(connection, Turn.RETENTION)
        partitions.drop_empty(connection, _first_kept_day(expired, hand.now))
        connection.execute(_forget_budgets(expired, hand.now))
        _note_end(connection, hand, purged)
    if certificates:
        space.give_back(engine)
    return purged


def _what_has_expired(
    connection: Connection, load_duties: LoadDuties, now: datetime
) -> tuple[Duties, Expired]:
    duties = load_duties(connection)
    bounds = watermarks.raised(connection, duties.bounds(now))
    own = (duties.default.expired_before(now, hit=hit) for hit in (False, True))
    refused_before = max([*own, *(each.expired_before for each in bounds)])
    return duties, Expired(bounds, refused_before, len(duties.agency_ids))


@contextmanager
def _only_runner(engine: Engine, hand: Hand) -> Iterator[None]:
    with alone(engine, Turn.PURGE) as mine:
        if not mine:
            with reading(engine) as connection:
                row = connection.execute(select(purge_state)).one_or_none()
            who = f"{row.who}, since {row.started_at:%Y-%m-%d %H:%M} UTC" if row else "somebody"
            raise PurgeBusyError(f"purge: one runs already, by {who}; wait until it is done")
        with engine.begin() as connection:
            _note_start(connection, hand)
        yield


def _note_start(connection: Connection, hand: Hand) -> None:
    who = f"{hand.actor.name} ({hand.actor.login}), {hand.origin}"[:400]
    row = {"id": 1, "who": who, "started_at": hand.now}
    put(connection, purge_state, row)


def _note_end(connection: Connection, hand: Hand, purged: Purged) -> None:
    """A person's purge is on the ledger as such; what the repository's jobs do, by certificates."""
    connection.execute(update(purge_state).values(finished_at=hand.now))
    if hand.actor != SYSTEM:
        days = [each.day.isoformat() for each in purged.certificates]
        request: dict[str, JSON] = {}
        if days:
            request = {"days": len(days), "first_day": days[0], "last_day": days[-1]}
        entry = Entry(
            "purge.run", hand.actor, hand.now, hand.origin, request, count=purged.reads_purged
        )
        log.append(connection, entry)


def _first_kept_day(expired: Expired, now: datetime) -> date:
    """The first day that something may still be kept of without being held."""
    first = min([now, *(each.expired_before for each in expired.bounds)])
    return first.astimezone(UTC).date()


def _forget_budgets(expired: Expired, now: datetime) -> Delete:
    first = min(expired.latest, now).astimezone(UTC).date()
    return delete(quarantine_budgets).where(quarantine_budgets.c.day < first)
