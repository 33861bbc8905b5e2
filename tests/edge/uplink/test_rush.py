"""How many packets over a link are too many."""

from __future__ import annotations

import pytest

from edge.uplink.rush import Rush


@pytest.mark.parametrize(
    ("received", "sent", "too_many"),
    [(300, 0, False), (301, 0, True), (900, 100, False), (901, 100, True), (0, 1000, False)],
)
def test_a_hundred_a_second_beyond_what_answers_are_too_many(
    received: int, sent: int, too_many: bool
) -> None:
    assert Rush(3.0, 50, 10.0).is_on(received, 50 + sent, 13.0) is too_many


def test_a_burst_is_judged_over_the_whole_time_and_each_time_by_itself() -> None:
    rush = Rush(3.0, 0, 0.0)
    assert not rush.is_on(5000, 0, 2.9)
    assert rush.is_on(5000, 0, 3.0)
    assert not rush.is_on(5000, 0, 6.0)
    assert not rush.is_on(5300, 0, 9.0)
    assert rush.is_on(9000, 0, 12.0)
