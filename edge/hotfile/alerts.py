"""Which matches ring, by each list's rules, and which are only put on record; no clock of its own.

A match that does not ring is still in its read's hits and makes its hit record. Where a rule
cannot be judged, such as an area without a position or hours without a clock, the match rings.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from msgspec import UnsetType

from edge.area import Area
from edge.contract.records import FixedSite, GpsFix, HotlistKind, HotlistMatch, Position
from edge.instant import Instant
from edge.schedule import Schedule

Ring: TypeAlias = Literal[
    "ring",
    "quiet_schedule",
    "quiet_area",
    "quiet_kind",
    "quiet_priority",
    "quiet_unlikely",
    "quiet_repeat",
]

MAX_REMEMBERED = 10_000
"""Plates that rang which are remembered; beyond, the one that rang longest ago is forgotten."""


_DRAWN_ALIKE = (frozenset("0O"), frozenset("1I"))
"""Most dies draw these alike and people type one for the other: a reader's word says little."""


@dataclass(frozen=True, slots=True)
class AlertRule:
    """When the matches of one list ring. The fields are those of the list's alert settings."""

    schedule: Schedule | None = None
    area: Area | None = None
    kinds: frozenset[HotlistKind] = frozenset()
    least_urgent: int = 5
    min_probability: float = 0.0
    repeat_after_s: float = 300.0

    def quiet(
        self, match: HotlistMatch, position: Position, now: datetime, *, clock_set: bool = True
    ) -> Ring:
        """Whether the match rings if its plate has not rung lately, or why not."""
        if match.probability < self.min_probability and not _could_be_drawn_alike(match):
            return "quiet_unlikely"
        if self.kinds and match.kind not in self.kinds:
            return "quiet_kind"
        if match.priority > self.least_urgent:
            return "quiet_priority"
        if clock_set and self.schedule is not None and not self.schedule.is_open(now):
            return "quiet_schedule"
        if self.area is not None and not _may_be_in(self.area, position):
            return "quiet_area"
        return "ring"


@dataclass(frozen=True, slots=True)
class Sighted:
    """By which camera a plate was read, and when it was seen last."""

    camera: str
    plate: str
    at: Instant


class Alerts:
    """What rang lately on this unit, and by that and the rules what rings; for several threads."""

    def __init__(self, rules: Mapping[str, AlertRule]) -> None:
        """Take the rules by list; a list without one rings for everything."""
        self._rules = dict(rules)
        self._without = AlertRule()
        self._rang: OrderedDict[tuple[str, ...], datetime] = OrderedDict()
        self._repeats: dict[tuple[str, ...], Sighted] = {}
        self._lock = threading.Lock()

    def rings(
        self,
        match: HotlistMatch,
        plate: str,
        position: Position,
        now: datetime,
        sighted: Sighted | None = None,
        *,
        clock_set: bool = True,
    ) -> Ring:
        """Whether this match rings now; if so it counts as having rung, until :meth:`unring`.

        A plate that rang less than the rule's time before or after ``now`` is a repeat: frames of
        two cameras come out of order, and a clock set far back silences nothing.

        Args:
            match: the match of one read with one entry.
            plate: the plate read.
            position: where the unit was.
            now: moment of capture, UTC.
            sighted: what is to be told of a repeat, should what rang before it be taken back; None
                for a pass under way, which asks again.
            clock_set: whether the unit has had the time since it started; without it no hours
                keep a match quiet.
        """
        rule = self._rules.get(match.list_name, self._without)
        answer = rule.quiet(match, position, now, clock_set=clock_set)
        if answer != "ring":
            return answer
        about = _about(match, plate)
        with self._lock:
            before = self._rang.get(about)
            if before is not None and abs((now - before).total_seconds()) < rule.repeat_after_s:
                if sighted is not None:
                    self._repeats[about] = sighted
                return "quiet_repeat"
            self._rang[about] = now
            self._rang.move_to_end(about)
            self._repeats.pop(about, None)
            if len(self._rang) > MAX_REMEMBERED:
                forgotten, _ = self._rang.popitem(last=False)
                self._repeats.pop(forgotten, None)
        return "ring"

    def unring(self, match: HotlistMatch, plate: str) -> Sighted | None:
        """Forget that a match rang: it did not in the end, or was taken back.

        Returns:
            what ended last of the sightings that were quiet only because this one rang.
        """
        about = _about(match, plate)
        with self._lock:
            self._rang.pop(about, None)
            return self._repeats.pop(about, None)


def _about(match: HotlistMatch, plate: str) -> tuple[str, ...]:
    """What is the same thing to ring for, by the match and the plate read."""
    # A list's ids may change with every issue, and many plates fit one with wildcards.
    seen = plate if match.how == "wildcard" else match.plate
    return match.list_name, seen, match.plate, match.state or "", match.kind


def _could_be_drawn_alike(match: HotlistMatch) -> bool:
    """Whether the match is exact but for characters that the reader cannot tell apart."""
    return all(frozenset((swap.read, swap.listed)) in _DRAWN_ALIKE for swap in match.substitutions)


def _may_be_in(area: Area, position: Position) -> bool:
    match position:
        case GpsFix():
            known = position.uncertainty_m
            uncertainty_m = 0.0 if isinstance(known, UnsetType) else known
        case FixedSite():
            uncertainty_m = position.accuracy_m or 0.0
        case _:
            return True
    return area.may_hold(position.latitude_deg, position.longitude_deg, uncertainty_m)
