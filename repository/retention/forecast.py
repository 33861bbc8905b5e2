"""Whether a purge is what is to be expected, or a clock or a rule is wrong.

The clock: nothing is purged where the last entry of the ledger, or the last read that came in, is
older than the longest term allows (a month at least) by more than a day. That looks like a clock
that is far ahead, and less like a repository that has slept for so long.

The count: a purge of more than a thousand reads is refused if it would take more than four times
what the busiest of the last 28 days brought in or purged. That is what a rule looks like that was
made a year shorter by mistake, or a clock that is some weeks ahead: many days would go at once.

Either is overruled by a person who says that it is right.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Connection, func, select

from repository.errors import RepositoryError
from repository.retention.holds import is_held
from repository.retention.purge_rows import Expired
from repository.store.days import utc_day
from repository.store.tables.fleet import units
from repository.store.tables.ledger import ledger_entries
from repository.store.tables.reads import batches, reads
from repository.store.tables.retention import purges

FEW = 1000
TIMES_USUAL = 4
_LOOK_BACK = timedelta(days=28)
_QUIET = timedelta(days=1)
_MONTH = timedelta(days=31)


class PurgeError(RepositoryError):
    """A purge is refused; the text says why and what to do."""


def require_plausible_clock(
    connection: Connection, expired: Expired, now: datetime, confirmed: date | None
) -> None:
    """Refuse what looks like a clock that is far ahead rather than like so much time gone by.

    Each sign counts by itself, since whatever is done under a wrong clock covers up the ledger's.

    Raises:
        PurgeError: unless ``confirmed`` is today's date in UTC; also where it is another date.
    """
    if confirmed is not None:
        today = now.astimezone(UTC).date()
        if confirmed != today:
            raise PurgeError(
                f"purge: the clock says {today} (UTC), --clock-is says {confirmed}; nothing was "
                "purged. Give today's date as another clock has it, or set this machine's clock"
            )
        return
    oldest = min([now - _MONTH, *(each.expired_before for each in expired.bounds)])
    last_entry = select(ledger_entries.c.at).order_by(ledger_entries.c.entry_index.desc()).limit(1)
    signs = {"entry of the ledger": connection.scalar(last_entry)}
    every_unit = reads.c.unit_id.in_(select(units.c.id))
    young = select(reads.c.read_id).where(every_unit, reads.c.captured_at >= oldest).limit(1)
    if connection.execute(young).first() is None:
        newest = select(func.max(reads.c.received_at))
        signs["read"] = connection.scalar(newest.where(every_unit, ~is_held(reads)))
    for what, at in signs.items():
        if at is not None and oldest - at > _QUIET:
            raise PurgeError(
                f"purge: the clock says {now:%Y-%m-%d}, but the last {what} is of {at:%Y-%m-%d}; "
                "nothing was purged. Set the clock, or if it is right, run "
                f"`alpr-repository purge --now --clock-is {now:%Y-%m-%d}`"
            )


def require_expected_count(
    connection: Connection, count: int, now: datetime, confirmed: int | None
) -> None:
    """Refuse to purge far more reads than come in or go on a busy day.

    Raises:
        PurgeError: unless ``confirmed`` is that count, to a hundredth.
    """
    if count <= FEW or (confirmed is not None and abs(count - confirmed) * 100 <= count):
        return
    usual = _busiest_purge(connection, now)
    if count > TIMES_USUAL * usual:
        usual = max(usual, _busiest_intake(connection, now))
    if count > TIMES_USUAL * usual:
        raise PurgeError(
            f"purge: {count} reads would go, but the busiest of the last {_LOOK_BACK.days} days "
            f"brought in or purged {usual}; nothing was purged. See what would go with "
            "`alpr-repository purge --dry-run`; if that is right, run "
            f"`alpr-repository purge --now --user YOUR_LOGIN --confirm-count {count}`"
        )


def _busiest_purge(connection: Connection, now: datetime) -> int:
    """The most reads purged on one of the last days."""
    day = utc_day(connection, purges.c.purged_at)
    daily = (
        select(func.sum(purges.c.reads_purged).label("number"))
        .where(purges.c.purged_at >= now - _LOOK_BACK)
        .group_by(day)
        .subquery()
    )
    return int(connection.scalar(select(func.max(daily.c.number))) or 0)


def _busiest_intake(connection: Connection, now: datetime) -> int:
    """The most records that came in on one of the last days, as their batches say."""
    day = utc_day(connection, batches.c.received_at)
    records = batches.c.last_seq - batches.c.first_seq + 1
    daily = (
        select(func.sum(records).label("number"))
        .where(batches.c.received_at >= now - _LOOK_BACK)
        .group_by(day)
        .subquery()
    )
    return int(connection.scalar(select(func.max(daily.c.number))) or 0)
