"""The unit's health as the repository is told it: never a plate, and bounded whatever happens."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from edge.contract.records import Clock, ListInUse
from edge.contract.status import MAX_COUNTERS, MAX_TROUBLES, Trouble, UnitHealth
from edge.health.health import HealthReport

_LABEL_LENGTH = 128
_SENTENCE_LENGTH = 500


def unit_health(report: HealthReport, lists: Iterable[ListInUse], clock: Clock) -> UnitHealth:
    """What the report says, cut to what the contract admits: the longest troubles come first."""
    oldest_first = sorted(report.troubles, key=lambda part: report.since[part])
    return UnitHealth(
        started_at=report.started_at,
        troubles=tuple(
            Trouble(
                part=part[:_LABEL_LENGTH],
                sentence=report.troubles[part][:_SENTENCE_LENGTH] or "it does not work",
                since=report.since[part],
            )
            for part in oldest_first[:MAX_TROUBLES]
        ),
        counters={
            name[:_LABEL_LENGTH]: max(0, number)
            for name, number in islice(sorted(report.counters.items()), MAX_COUNTERS)
        },
        hotlists=tuple(islice(lists, MAX_TROUBLES)),
        clock=clock,
    )
