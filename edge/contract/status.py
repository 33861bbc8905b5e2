"""How a unit is: what it says of itself beside whether it is online. Never a plate."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from edge.contract.records import Clock, Count, Label, ListInUse, Part, UtcTime

MAX_TROUBLES = 50
MAX_COUNTERS = 200


class Trouble(Part, frozen=True, kw_only=True):
    """A part of the unit that does not work: a sentence for whoever mends it, and since when."""

    part: Label
    sentence: Annotated[str, Meta(min_length=1, max_length=500)]
    since: UtcTime


class UnitHealth(Part, frozen=True, kw_only=True):
    """Troubles of this moment, counters since ``started_at``, the lists in use and the clock."""

    started_at: UtcTime
    troubles: Annotated[tuple[Trouble, ...], Meta(max_length=MAX_TROUBLES)]
    counters: Annotated[dict[Label, Count], Meta(max_length=MAX_COUNTERS)]
    hotlists: Annotated[tuple[ListInUse, ...], Meta(max_length=MAX_TROUBLES)]
    clock: Clock
