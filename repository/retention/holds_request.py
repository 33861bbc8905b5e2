"""What a hold is asked to be: why, for which case, and what it reaches. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal, TypeAlias, get_args
from uuid import UUID

from edge.contract.plates import normalise
from repository.errors import RepositoryError

HoldKind = Literal[
    "enforcement_action",
    "arrest",
    "criminal_investigation",
    "evidence",
    "administrator_direction",
]
"""In the order of the policy's section 7, paragraph b, i to v."""

HOLD_KINDS: tuple[HoldKind, ...] = get_args(HoldKind)
OF_ANOTHER_RECORD: tuple[HoldKind, ...] = ("arrest", "criminal_investigation")
"""Kinds whose reads are kept as long as the record of their case, which has a period of its own."""

MAX_REASON = 2000
MAX_CASE = 128
MAX_PERIOD = timedelta(days=3653)
_MAX_PLATE = 12
_NOT_KEPT = re.compile("[\x00\ud800-\udfff]")
_STATE = re.compile(r"[A-Z]{2}")


class HoldError(RepositoryError):
    """A hold cannot be placed, changed or released; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class HitTarget:
    """A hit of a unit: its read, and what was recorded of it."""

    hit_id: UUID


@dataclass(frozen=True, slots=True)
class PlateTarget:
    """Every read of a plate captured from ``start`` until before ``end``, by whatever unit.

    With a state, reads whose state could not be told are reached too: they may be of that plate.
    """

    plate: str
    state: str | None
    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        """Refuse what is no plate in canonical spelling, no state, or no period."""
        if normalise(self.plate) != self.plate or not 1 <= len(self.plate) <= _MAX_PLATE:
            raise HoldError(f"plate: needs 1 to {_MAX_PLATE} capitals and digits")
        if self.state is not None and not _STATE.fullmatch(self.state):
            raise HoldError("state: needs its two capitals, such as MA")
        _require_period(self.start, self.end)


@dataclass(frozen=True, slots=True)
class UnitTarget:
    """Every read of a unit captured from ``start`` until before ``end``."""

    agency: str
    unit: str
    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        """Refuse what is no period."""
        _require_period(self.start, self.end)


Target: TypeAlias = tuple[UUID, ...] | HitTarget | PlateTarget | UnitTarget
"""What a hold reaches; a tuple names single reads by their ids."""


@dataclass(frozen=True, slots=True)
class HoldRequest:
    """What a hold is to be.

    ``review_due`` is the day on which it is looked at again, ``ends_on`` the last day in UTC of an
    administrator's direction, ``direction`` its text, and ``record_period`` how long the record of
    the case itself is kept.
    """

    case_number: str
    kind: HoldKind
    reason: str
    target: Target
    review_due: date | None = None
    ends_on: date | None = None
    direction: str | None = None
    record_period: str | None = None

    def __post_init__(self) -> None:
        """Refuse a hold without a case, a reason, reads, or what its kind needs besides."""
        require_text("case number", self.case_number, MAX_CASE)
        require_text("reason", self.reason, MAX_REASON)
        if self.kind not in HOLD_KINDS:
            raise HoldError(f"kind: {self.kind!r} is none of {', '.join(HOLD_KINDS)}")
        if self.target == ():
            raise HoldError("reads: a hold needs at least one")
        if self.kind == "evidence" and self.review_due is None:
            raise HoldError(
                "review: data held as evidence is kept until it is no longer reasonable to expect "
                "that it becomes evidence; give the day on which that is reviewed"
            )
        directed = self.kind == "administrator_direction"
        if directed and (self.direction is None or self.ends_on is None):
            raise HoldError("direction: needs its text and the last day on which it is in force")
        if not directed and (self.direction is not None or self.ends_on is not None):
            raise HoldError(
                "direction: its text and end belong to the kind administrator_direction"
            )
        if self.direction is not None:
            require_text("direction", self.direction, MAX_REASON)
        if self.record_period is not None:
            if self.kind not in OF_ANOTHER_RECORD:
                raise HoldError(f"record period: belongs to {' and '.join(OF_ANOTHER_RECORD)}")
            require_text("record period", self.record_period, MAX_REASON)


def require_text(what: str, value: str, limit: int) -> None:
    """Refuse a text that is empty, too long, or that cannot be kept.

    Raises:
        HoldError: naming what it is.
    """
    if not value.strip() or len(value) > limit or _NOT_KEPT.search(value):
        raise HoldError(f"{what}: needs 1 to {limit} characters")


def _require_period(start: datetime, end: datetime) -> None:
    if start.utcoffset() is None or end.utcoffset() is None:
        raise HoldError("period: its moments need their offset from UTC")
    if not start.astimezone(UTC) < end.astimezone(UTC):
        raise HoldError("period: its beginning must lie before its end")
    if end - start > MAX_PERIOD:
        raise HoldError(
            "period: ten years at most, since a hold must be no wider than its case; where the "
            "case needs more, place another hold for the rest"
        )
