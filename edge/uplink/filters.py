"""Which reads never leave the unit, by plate, place, time and camera (clause C-5b).

A rule withholds a read that meets all of its conditions; a read that meets any rule stays. What
cannot be told counts as met, because what was sent cannot be called back: a read without a place
where there is an area, a read of a clock that was never set where there are hours, a plate that
differs from a listed one by confusable characters alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from msgspec import UNSET

from edge.area import Area
from edge.contract.plates import Confusables, normalise
from edge.contract.records import Clock, FixedSite, GpsFix, Position
from edge.schedule import Schedule


class Sighted(Protocol):
    """What a rule looks at: a read has it all."""

    @property
    def plate(self) -> str:
        """The plate as read."""
        ...

    @property
    def camera(self) -> str:
        """The camera's name."""
        ...

    @property
    def captured_at(self) -> datetime:
        """When it was seen, in UTC."""
        ...

    @property
    def clock(self) -> Clock:
        """What that time rests on."""
        ...

    @property
    def position(self) -> Position:
        """Where it was seen."""
        ...


@dataclass(frozen=True, slots=True)
class PlateSet:
    """Plates and patterns of plates, compared through confusable characters."""

    plates: frozenset[str]
    patterns: tuple[re.Pattern[str], ...]
    confusables: Confusables

    @classmethod
    def of(cls, lines: Iterable[str], confusables: Confusables) -> PlateSet:
        """Plates, one a line; '?' stands for one character, '*' for any number of them.

        Empty lines and those that begin with '#' say nothing.

        Raises:
            ValueError: if a line holds no character of a plate; it names the line's number alone.
        """
        plates: set[str] = set()
        patterns: list[re.Pattern[str]] = []
        for number, line in enumerate(lines, 1):
            text = line.strip()
            if not text or text.startswith("#"):
                continue
            if not normalise(text):
                raise ValueError(f"line {number} holds no plate: write letters and digits")
            parts = re.split(r"([?*])", text)
            folded = [
                {"?": ".", "*": ".*"}.get(part) or confusables.fold(normalise(part))
                for part in parts
            ]
            if len(parts) == 1:
                plates.add(folded[0])
            else:
                patterns.append(re.compile("".join(folded)))
        return cls(frozenset(plates), tuple(patterns), confusables)

    def holds(self, plate: str) -> bool:
        """Whether the plate is listed, or may be."""
        folded = self.confusables.fold(plate)
        return folded in self.plates or any(one.fullmatch(folded) for one in self.patterns)


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterRule:
    """Conditions that are all to be met; ``keep_s`` is how long the unit keeps such a read."""

    name: str
    keep_s: float
    plates: PlateSet | None = None
    area: Area | None = None
    schedule: Schedule | None = None
    cameras: frozenset[str] | None = None

    def withholds(self, read: Sighted) -> bool:
        """Whether every condition is met, or cannot be told."""
        return (
            (self.cameras is None or read.camera in self.cameras)
            and (self.schedule is None or _may_be_open(self.schedule, read))
            and (self.area is None or _may_lie_in(self.area, read.position))
            and (self.plates is None or self.plates.holds(read.plate))
        )


@dataclass(frozen=True, slots=True)
class Filter:
    """Every rule of a unit."""

    rules: tuple[FilterRule, ...] = ()

    def withholds(self, read: Sighted) -> FilterRule | None:
        """The first rule by which this read must stay on the unit; None if it may be sent."""
        return next((rule for rule in self.rules if rule.withholds(read)), None)


def _may_be_open(schedule: Schedule, read: Sighted) -> bool:
    return read.clock.source == "unset" or schedule.is_open(read.captured_at)


def _may_lie_in(area: Area, position: Position) -> bool:
    match position:
        case GpsFix(latitude_deg=latitude_deg, longitude_deg=longitude_deg, uncertainty_m=within):
            return area.may_hold(latitude_deg, longitude_deg, 0.0 if within is UNSET else within)
        case FixedSite(latitude_deg=latitude_deg, longitude_deg=longitude_deg, accuracy_m=within):
            return area.may_hold(latitude_deg, longitude_deg, within or 0.0)
        case _:
            return True
