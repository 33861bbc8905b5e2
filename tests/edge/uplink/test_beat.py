"""How often the unit says how it is."""

from __future__ import annotations

from edge.uplink.beat import EVERY_S, LOOK_EVERY_S, StatusBeat

NONE: frozenset[str] = frozenset()
GPS = frozenset({"gps"})


def test_it_speaks_on_connecting_when_troubles_change_and_now_and_then() -> None:
    beat = StatusBeat()
    assert beat.is_due(NONE, 0)
    assert not beat.is_due(NONE, EVERY_S - 1)
    assert beat.is_due(GPS, EVERY_S - 1)
    assert not beat.is_due(GPS, EVERY_S + 1)
    assert beat.is_due(GPS, 2 * EVERY_S)
    beat.restart()
    assert beat.is_due(GPS, 2 * EVERY_S + 1)


def test_a_trouble_that_comes_and_goes_is_not_told_each_time() -> None:
    beat = StatusBeat()
    assert beat.is_due(NONE, 0)
    told = [now for now in range(1, 31) if beat.is_due(GPS if now % 2 else NONE, now)]
    assert told == [11, 22]


def test_parts_are_asked_now_and_then_and_on_every_connection() -> None:
    beat = StatusBeat()
    assert beat.is_look_due(0)
    assert not beat.is_look_due(LOOK_EVERY_S / 2)
    assert beat.is_look_due(LOOK_EVERY_S)
    beat.restart()
    assert beat.is_look_due(LOOK_EVERY_S)
