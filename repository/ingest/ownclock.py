"""Whether the repository's own clock can be believed.

A record is refused for good where its time is impossible. Were it the repository that is years
off, it would so refuse whatever comes. Therefore the last moment at which nothing spoke against
its clock is kept, and the clock is in doubt where it is before that moment, or long after: then a
message is refused as a whole that holds a record out of the window, and the unit keeps it and
sends it again. What is in the window is taken as ever. A clock that seems far ahead is believed
again once a unit whose own clock was set by GPS or a time server brings a record of that time; any
other doubt ends with time, or by a person's word.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Connection, select

from repository.ingest.verdicts import Kept
from repository.store.rows import put
from repository.store.tables.findings import clock_watch
from repository.units.findings import raise_finding, settle_finding

BEHIND = timedelta(hours=1)
AHEAD = timedelta(days=30)
_AGREES = timedelta(days=1)
_KIND = "repository_clock"

Doubt = Literal["behind", "ahead"]


def doubt(now: datetime, trusted_at: datetime | None) -> Doubt | None:
    """What speaks against a clock that says ``now``."""
    if trusted_at is None:
        return None
    if now < trusted_at - BEHIND:
        return "behind"
    return "ahead" if now > trusted_at + AHEAD else None


def standing_doubt(connection: Connection, now: datetime) -> Doubt | None:
    """What speaks against the clock by what the database has; said to the administrator."""
    trusted_at = connection.scalar(select(clock_watch.c.trusted_at))
    found = doubt(now, trusted_at)
    if found is not None and trusted_at is not None:
        detail = (
            f"the clock says {now:%Y-%m-%d %H:%M} UTC and was right at "
            f"{trusted_at:%Y-%m-%d %H:%M} UTC: set it. If it is right, say so with "
            "`alpr-repository ingest trust-clock`. Until then units keep what seems too old or "
            "in the future, and send it again"
        )
        raise_finding(connection, _KIND, None, detail, now)
    return found


def trust(connection: Connection, now: datetime, why: str) -> None:
    """Believe the clock from now on."""
    put(connection, clock_watch, {"id": 1, "trusted_at": now})
    settle_finding(connection, _KIND, None, why, now)


def agrees(records: Iterable[Kept], now: datetime) -> bool:
    """Whether a unit whose clock was set from outside brings a record of about this time."""
    return any(
        one.record.clock.source in ("gps", "ntp") and abs(one.record.captured_at - now) <= _AGREES
        for one in records
    )
