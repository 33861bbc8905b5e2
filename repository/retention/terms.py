"""How long something is kept: a term by the calendar, in UTC. Pure.

A term of minutes or days is that many minutes or days of 24 hours after the capture. A term of
months or years ends on the same day of the month at the same time of day; in a month that has no
such day it ends at the first moment of the month after. So nothing ends early, what was captured
first ends first, and one moment parts what has ended from what has not.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

from repository.errors import RepositoryError

Unit = Literal["minutes", "days", "months", "years"]
UNITS: tuple[Unit, ...] = get_args(Unit)

_LONGEST: dict[Unit, int] = {"minutes": 52_560_000, "days": 36_500, "months": 1200, "years": 100}
_STEP = timedelta(microseconds=1)
_CYCLE_DAYS = 4 * 365 + 1


class TermError(RepositoryError):
    """A term that none could be."""


@dataclass(frozen=True, slots=True)
class Term:
    """So many minutes, days, months or years."""

    count: int
    unit: Unit

    def __post_init__(self) -> None:
        """Refuse what is no term, or one beyond a hundred years."""
        if self.unit not in UNITS:
            raise TermError(f"{self.unit}: is none of {', '.join(UNITS)}")
        if type(self.count) is not int or not 1 <= self.count <= _LONGEST[self.unit]:
            raise TermError(f"{self.unit}: needs a whole number from 1 to {_LONGEST[self.unit]}")

    def __str__(self) -> str:
        """As one says it: ``21 days``."""
        return f"{self.count} {self.unit if self.count > 1 else self.unit.removesuffix('s')}"

    def end(self, captured_at: datetime) -> datetime:
        """The first moment at which what was captured at that moment has ended."""
        start = captured_at.astimezone(UTC)
        if self._length is not None:
            return start + self._length
        shifted, exists = _shift(start, self._months)
        return shifted if exists else _shift(shifted, 1)[0]

    def ended_before(self, now: datetime) -> datetime:
        """The moment of capture that parts, at ``now``, what has ended from what has not.

        What was captured before it has ended; what was captured at it or later has not.
        """
        now = now.astimezone(UTC)
        if self._length is not None:
            return now - self._length + _STEP
        shifted, exists = _shift(now, -self._months)
        return shifted + _STEP if exists else _shift(shifted, 1)[0]

    def exceeds(self, other: Term) -> bool:
        """Whether anything captured on some day is kept longer under this term than the other.

        Days of a whole cycle of leap years are tried.
        """
        first = datetime(2024, 1, 1, tzinfo=UTC)
        days = (first + timedelta(days=day) for day in range(_CYCLE_DAYS))
        return any(self.end(day) > other.end(day) for day in days)

    @property
    def _length(self) -> timedelta | None:
        """The term where it is the same for every capture."""
        if self.unit == "minutes":
            return timedelta(minutes=self.count)
        return timedelta(days=self.count) if self.unit == "days" else None

    @property
    def _months(self) -> int:
        return self.count * 12 if self.unit == "years" else self.count


def _shift(moment: datetime, months: int) -> tuple[datetime, bool]:
    """The same day and time so many months on, and whether that month has such a day.

    Where it has none, the first moment of that month stands for it.
    """
    years, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    try:
        return moment.replace(year=years, month=month + 1), True
    except ValueError:
        return datetime(years, month + 1, 1, tzinfo=UTC), False
