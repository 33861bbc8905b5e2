"""Months, quarters and years of audits and reports, in UTC. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from repository.audits.errors import AuditError

_QUARTER = re.compile(r"(20[0-9]{2})-Q([1-4])")


@dataclass(frozen=True, slots=True)
class Period:
    """From ``start`` until before ``end``, both in UTC; ``name`` is as people write it."""

    name: str
    start: datetime
    end: datetime


def month(year: int, number: int) -> Period:
    """That month; 1 is January."""
    start = datetime(year, number, 1, tzinfo=UTC)
    after = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)
    return Period(f"{start:%Y-%m}", start, after)


def months_over(since: datetime, now: datetime) -> Iterator[Period]:
    """The months that begin at or after ``since`` and are over, the oldest first."""
    each = month(since.year, since.month)
    if each.start < since:
        each = month(each.end.year, each.end.month)
    while each.end <= now:
        yield each
        each = month(each.end.year, each.end.month)


def month_before(now: datetime) -> Period:
    """The newest month that is over."""
    last = now.replace(day=1) - timedelta(days=1)
    return month(last.year, last.month)


def quarter(name: str) -> Period:
    """The quarter written as ``2026-Q1``.

    Raises:
        AuditError: if it is none.
    """
    written = _QUARTER.fullmatch(name)
    if written is None:
        raise AuditError(f"quarter {name!r}: expected a year and a quarter, such as 2026-Q1")
    year, first = int(written[1]), (int(written[2]) - 1) * 3 + 1
    return Period(name, month(year, first).start, month(year, first + 2).end)


def quarter_over(name: str, now: datetime) -> Period:
    """The same, refused while it lasts: its numbers still grow.

    Raises:
        AuditError: if it is none, or not over.
    """
    found = quarter(name)
    if found.end > now:
        raise AuditError(
            f"quarter {name}: not over; only quarters that are over are reported, and of one that "
            "runs `audits quarterly` and `face-requests export` show with --so-far what there is "
            "(over HTTP so_far=true)"
        )
    return found


def quarter_so_far(name: str, now: datetime) -> Period:
    """What is over of a quarter that runs: until now.

    Raises:
        AuditError: if it is none, has not begun, or is over.
    """
    found = quarter(name)
    if found.start >= now:
        raise AuditError(f"quarter {name}: has not begun")
    if found.end <= now:
        raise AuditError(f"quarter {name}: is over; have its report, without 'so far'")
    return replace(found, end=now)


def add_years(at: datetime, years: int) -> datetime:
    """The same moment so many years on; 29 February becomes the 28th."""
    day = 28 if (at.month, at.day) == (2, 29) else at.day
    return at.replace(year=at.year + years, day=day)
