"""Days and hours of a week in one time zone."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|(24):(00))")


@dataclass(frozen=True, slots=True)
class Hours:
    """From one minute of the day up to another; past midnight where the second is not later."""

    start_min: int
    end_min: int

    @classmethod
    def parse(cls, text: str) -> Hours:
        """Hours written as ``HH:MM-HH:MM``; ``24:00`` is the end of the day.

        Raises:
            ValueError: if the text is written otherwise.
        """
        found = _HOURS.fullmatch(text)
        if found is None:
            raise ValueError(f"'{text}': write hours as 22:00-06:00")
        start_h, start_m, *ends = (part for part in found.groups() if part is not None)
        return cls(int(start_h) * 60 + int(start_m), int(ends[0]) * 60 + int(ends[1]))


@dataclass(frozen=True, slots=True)
class Schedule:
    """When something is open: ``days`` are 0 for Monday to 6, and hours belong to their first day.

    Hours are those of the wall clock: where it is set back, an hour counts both times.
    """

    zone: ZoneInfo
    days: frozenset[int]
    hours: tuple[Hours, ...]

    @classmethod
    def of(cls, zone: str, days: Iterable[Day], hours: Iterable[str]) -> Schedule:
        """The schedule of a zone's name, days of ``DAYS`` and hours as ``Hours.parse`` reads them.

        Raises:
            ValueError: if the hours are written otherwise.
            ZoneInfoNotFoundError: if there is no such zone.
        """
        return cls(
            ZoneInfo(zone),
            frozenset(DAYS.index(day) for day in days),
            tuple(Hours.parse(text) for text in hours),
        )

    def is_open(self, at: datetime) -> bool:
        """Whether that moment lies within."""
        local = at.astimezone(self.zone)
        minute, today = local.hour * 60 + local.minute, local.weekday()
        return any(self._covers(hours, minute, today) for hours in self.hours)

    def _covers(self, hours: Hours, minute: int, today: int) -> bool:
        if hours.start_min < hours.end_min:
            return today in self.days and hours.start_min <= minute < hours.end_min
        begun_today = today in self.days and minute >= hours.start_min
        begun_yesterday = (today - 1) % 7 in self.days and minute < hours.end_min
        return begun_today or begun_yesterday
