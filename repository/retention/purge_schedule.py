"""When the repository purges by itself. Pure.

Terms of a week and more are looked at once a day, at the hour that was set; shorter ones every
minute. Whatever was missed, because the repository was down or something failed, is due at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta

from repository.retention.duties import Duties
from repository.retention.terms import Term

SHORT = timedelta(days=7)
DAILY = timedelta(days=1)
EACH_MINUTE = timedelta(minutes=1)


def interval(duties: Duties, now: datetime) -> timedelta:
    """How long after its time a read may still be there: from one purge to the next."""
    return EACH_MINUTE if _shortest(_terms(duties), now) < SHORT else DAILY


def grace(duties: Duties, now: datetime) -> timedelta:
    """How long after its time nothing may be there any more: an interval, and time to purge."""
    every = interval(duties, now)
    return every + (timedelta(hours=1) if every == DAILY else 10 * EACH_MINUTE)


def is_due(every: timedelta, purge_at: time | None, last: datetime | None, now: datetime) -> bool:
    """Whether to purge now, when the last purge that ended well began at ``last``.

    ``purge_at`` is the time of day in UTC of the daily purge; None for one that never purges.
    """
    if purge_at is None:
        return False
    if last is None or last > now:  # never, or under a clock that was ahead
        return True
    if every < DAILY:
        return now - last >= every
    today = datetime.combine(now.astimezone(UTC).date(), purge_at, UTC)
    return last < (today if today <= now else today - DAILY)


def _terms(duties: Duties) -> Iterable[Term]:
    rules = (duties.default, *(duties.rule_of(each) for each in duties.agency_ids))
    return {rule.term(hit=hit) for rule in rules for hit in (False, True)}


def _shortest(terms: Iterable[Term], now: datetime) -> timedelta:
    return min(term.end(now) - now.astimezone(UTC) for term in terms)
