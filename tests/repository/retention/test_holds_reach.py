"""Which reads a hold reaches, by every part that it names. Pure."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from repository.retention.holds_reach import Reach, moment_of

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
END = NOW + timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)
ONE, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)
READ: dict[str, Any] = {
    "unit_id": 1, "captured_at": NOW, "read_id": ONE, "plate": "1ABC20", "state": "MA",
    "agency_id": 1,
}  # fmt: skip


@pytest.mark.parametrize(
    ("names", "differs", "covered"),
    [
        ({}, {}, True),
        ({}, {"captured_at": NOW - MICROSECOND}, False),
        ({}, {"captured_at": END - MICROSECOND}, True),
        ({}, {"captured_at": END}, False),
        ({"unit_id": 1}, {}, True),
        ({"unit_id": 1}, {"unit_id": 2}, False),
        ({"owner_id": 1}, {}, True),
        ({"owner_id": 1}, {"agency_id": 2}, False),
        ({"read_id": ONE}, {}, True),
        ({"read_id": ONE}, {"read_id": OTHER}, False),
        ({"plate": "1ABC20"}, {}, True),
        ({"plate": "1ABC20"}, {"plate": "1ABC2O"}, False),
        ({"plate": "1ABC20", "plate_state": "MA"}, {}, True),
        ({"plate": "1ABC20", "plate_state": "MA"}, {"state": None}, True),
        ({"plate": "1ABC20", "plate_state": "MA"}, {"state": "NH"}, False),
    ],
)
def test_a_hold_reaches_what_agrees_with_all_that_it_names(
    names: dict[str, Any], differs: dict[str, Any], covered: bool
) -> None:
    reach = Reach(scope="plate", **{"from_at": NOW, "until_at": END} | names)
    assert reach.covers(READ | differs) is covered


def test_a_hold_on_single_reads_reaches_nothing_that_comes_later() -> None:
    assert not Reach(scope="reads").covers(READ)


def test_an_id_tells_its_millisecond_or_none() -> None:
    assert moment_of(uuid.UUID(int=1_772_366_400_123 << 80)) == NOW + timedelta(milliseconds=123)
    assert moment_of(uuid.UUID(int=2**128 - 1)) is None
