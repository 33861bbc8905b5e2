"""What a list needs as time passes: reviews and ends that come, sources that stay away, renewal.

:func:`due` says what waits for a person; :func:`tend` does what needs none and raises findings for
the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Connection, func, select

from repository.hotlists import entries, holdings, sources, versions
from repository.hotlists.publish import Publisher
from repository.hotlists.settings import HotlistSettings
from repository.ledger.entry import SYSTEM
from repository.store.tables.fleet import agencies
from repository.store.tables.hotlists import hotlist_versions, hotlists
from repository.units.findings import list_findings, raise_finding, settle_finding

SOON = timedelta(days=3)
KIND = "hotlist_due"

What = Literal["check", "review", "ends_soon", "source_ends", "source_ended"]
_ORIGIN = "jobs"
_PATIENCE = {
    "check": timedelta(days=1),
    "review": timedelta(),
    "source_ends": -timedelta(days=366),
    "source_ended": timedelta(),
}
"""How long something may wait before it is a finding; what lies ahead is one at once."""


@dataclass(frozen=True, slots=True)
class Due:
    """Something that waits for a person, and since or until when; it names no plate."""

    what: What
    agency: str
    list: str
    subject: str
    at: datetime

    @property
    def sentence(self) -> str:
        """What is to be done."""
        when = f"{self.at:%Y-%m-%d %H:%M} UTC"
        return {
            "check": f"entry {self.subject} waits for a second person's check since {when}",
            "review": f"entry {self.subject} was to be reviewed by {when}",
            "ends_soon": f"entry {self.subject} ends at {when}",
            "source_ends": f"source {self.subject} ends at {when} unless it is imported anew",
            "source_ended": f"source {self.subject} ended at {when}; its entries left the list",
        }[self.what]


def due(connection: Connection, now: datetime, agency: str | None = None) -> list[Due]:
    """What waits for a person, of every agency or of one."""
    return [*_entries_due(connection, now, agency), *_sources_due(connection, now, agency)]


def tend(
    connection: Connection,
    publisher: Callable[[], Publisher],
    settings: HotlistSettings,
    now: datetime,
) -> int:
    """Issue the lists that changed by time alone, and raise findings; the number issued."""
    changed = _lists_to_issue(connection, timedelta(hours=settings.renew_every_h), now)
    for agency, name in changed:
        key = versions.lock_list(connection, agency, name)
        publisher().publish(connection, key, actor=SYSTEM, origin=_ORIGIN, now=now)
    waiting = [each for each in due(connection, now) if each.what != "ends_soon"]
    _raise(connection, [each for each in waiting if each.at <= now - _PATIENCE[each.what]], now)
    holdings.watch(connection, timedelta(hours=settings.behind_after_h), now)
    return len(changed)


def _lists_to_issue(
    connection: Connection, renew_every: timedelta, now: datetime
) -> list[tuple[str, str]]:
    """Lists from which a source has gone, and those that no source renews and that grow old."""
    made_at = func.max(hotlist_versions.c.imported_at)
    query = (
        select(agencies.c.name, hotlists.c.name, made_at)
        .join(hotlists, hotlists.c.agency_id == agencies.c.id)
        .join(hotlist_versions, hotlist_versions.c.hotlist_id == hotlists.c.id)
        .where(versions.is_issued())
        .group_by(agencies.c.name, hotlists.c.name)
        .order_by(agencies.c.name, hotlists.c.name)
    )
    ends: dict[tuple[str, str], list[datetime | None]] = {}
    for each in sources.everywhere(connection):
        ends.setdefault((each.agency, each.list), []).append(each.ends_at)
    found: list[tuple[str, str]] = []
    for agency, name, made in connection.execute(query):
        own = ends.get((agency, name), [])
        gone = any(end is not None and made < end <= now for end in own)
        if gone or (not own and now - made >= renew_every):
            found.append((agency, name))
    return found


def _raise(connection: Connection, waiting: list[Due], now: datetime) -> None:
    """One finding for each list with something that waits; those where nothing does are settled."""
    by_list: dict[str, list[Due]] = {}
    for each in waiting:
        by_list.setdefault(f"{each.agency}/{each.list}", []).append(each)
    for subject, some in by_list.items():
        detail = f"{some[0].sentence}; {len(some)} such in all: `alpr-repository hotlists due`"
        raise_finding(connection, KIND, None, detail, now, subject=subject)
    for finding in list_findings(connection):
        if finding.kind == KIND and finding.subject not in by_list:
            reason = "nothing of it waits any more"
            settle_finding(connection, KIND, None, reason, now, subject=finding.subject)


def _entries_due(connection: Connection, now: datetime, agency: str | None) -> Iterator[Due]:
    for each in entries.of_agency(connection, agency):
        state = each.state(now)
        if state == "proposed":
            yield Due("check", each.agency, each.list, each.label, each.proposed_at)
        elif state == "active" and each.review_due <= now:
            yield Due("review", each.agency, each.list, each.label, each.review_due)
        elif state == "active" and each.expires <= now + SOON:
            yield Due("ends_soon", each.agency, each.list, each.label, each.expires)


def _sources_due(connection: Connection, now: datetime, agency: str | None) -> Iterator[Due]:
    for each in sources.everywhere(connection, agency):
        if each.ends_at is None:
            continue
        lasts = each.ends_at - each.imported_at
        if each.ended(now):
            yield Due("source_ended", each.agency, each.list, each.name, each.ends_at)
        elif each.ends_at - now < lasts / 4:
            yield Due("source_ends", each.agency, each.list, each.name, each.ends_at)
