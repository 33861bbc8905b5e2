"""Days on which offices of Massachusetts work, for terms that are given in business days.

A business day is none of Saturday, Sunday and the legal holidays of Massachusetts (M.G.L. c. 4,
s. 7, cl. 18, as the package `holidays` has them, without those of Suffolk County alone).
"""

from __future__ import annotations

import functools
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import holidays

MASSACHUSETTS = ZoneInfo("America/New_York")
_SATURDAY = 5
_MAX_DAYS = 2_500


def add(day: date, days: int) -> date:
    """The business day that is so many business days after ``day``, which is itself not counted.

    With 0 it is ``day`` itself, or the next business day where that is none.

    Raises:
        ValueError: if the number is negative or over 2,500, or the calendar ends before.
        TypeError: for a moment, which is another day elsewhere.
    """
    if not 0 <= days <= _MAX_DAYS:
        raise ValueError(f"{days} business days: expected 0 to {_MAX_DAYS}")
    if isinstance(day, datetime):
        raise TypeError("a moment is no day: give the date in Massachusetts, see day_of")
    left = days
    try:
        while left or not is_business_day(day):
            day += timedelta(days=1)
            if left and is_business_day(day):
                left -= 1
    except OverflowError as error:
        raise ValueError("the calendar ends before that many business days") from error
    return day


def is_business_day(day: date) -> bool:
    """Whether offices work on that day."""
    return day.weekday() < _SATURDAY and day not in _holidays(day.year)


def day_of(moment: datetime) -> date:
    """The date in Massachusetts at that moment."""
    return moment.astimezone(MASSACHUSETTS).date()


@functools.lru_cache(maxsize=16)
def _holidays(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("US", subdiv="MA", years=year))
