"""A sentence that noise garbled may have the right checksum: it moves the unit nowhere."""

from __future__ import annotations

import dataclasses
import random
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benches._drive import START, drive
from edge.contract.records import GpsFix
from edge.position.between import METRES_PER_DEGREE, apart_m
from edge.position.clock import UnitClock
from edge.position.history import FixHistory
from edge.position.nmea import Fix, NmeaDecoder
from edge.position.reachable import FASTEST_MPS, SCATTER_M, Reachable
from edge.position.receiver import Reports
from tests.edge.position.listening import sentence

HERE = drive(1, 1).fixes[0]


def moved(north_m: float) -> Fix:
    return dataclasses.replace(HERE, latitude_deg=HERE.latitude_deg + north_m / METRES_PER_DEGREE)


def test_a_fix_that_cannot_be_reached_counts_once_the_next_bears_it_out() -> None:
    reachable = Reachable()
    assert reachable.takes(HERE, 0.0)
    assert not reachable.takes(moved(50_000), 1.0)
    assert reachable.takes(moved(20), 2.0), "one wild fix is forgotten"
    assert not reachable.takes(moved(50_000), 3.0)
    assert reachable.takes(moved(50_030), 4.0), "two agree: it was the first that was wrong"
    assert not reachable.takes(moved(20), 5.0)


def test_two_wild_fixes_that_do_not_agree_count_as_little_as_one() -> None:
    reachable = Reachable()
    assert reachable.takes(HERE, 0.0)
    for second in range(1, 10):
        assert not reachable.takes(moved(50_000 * second), float(second))


def test_after_a_tunnel_the_unit_may_be_far_away() -> None:
    reachable = Reachable()
    assert reachable.takes(HERE, 0.0)
    assert reachable.takes(moved(0.99 * (SCATTER_M + 180 * FASTEST_MPS)), 180.0)


@given(st.floats(-89, 89), st.floats(-180, 180), st.floats(-0.01, 0.01), st.floats(-0.01, 0.01))
def test_over_short_ways_the_earth_is_flat(
    latitude_deg: float, longitude_deg: float, north_deg: float, east_deg: float
) -> None:
    one = dataclasses.replace(HERE, latitude_deg=latitude_deg, longitude_deg=longitude_deg)
    other = dataclasses.replace(
        one, latitude_deg=latitude_deg + north_deg, longitude_deg=longitude_deg + east_deg
    )
    assert apart_m(one, other) == pytest.approx(apart_m(other, one), abs=1e-3)
    north_m = abs(north_deg) * METRES_PER_DEGREE
    assert north_m - 1 <= apart_m(one, other) <= north_m + abs(east_deg) * METRES_PER_DEGREE + 1


def test_on_a_noisy_line_no_fix_is_far_from_the_unit() -> None:
    """A bit in a thousand is flipped, which spoils every third sentence: some pass as sound."""
    chance, passed_s, wild, kept, farthest_m = random.Random(1), [0.0], 0, 0, 0.0
    clock = UnitClock(
        system=lambda: START + timedelta(seconds=passed_s[0]),
        monotonic_s=lambda: passed_s[0],
        service_error_ms=lambda: 5.0,
    )
    reports, decoder = Reports(FixHistory(), clock, lambda *_: None), NmeaDecoder()
    for second in range(12_000):
        passed_s[0] = second + 0.3
        at = START + timedelta(seconds=second)
        line = bytearray(
            sentence(f"GPRMC,{at:%H%M%S}.00,A,4221.3520,N,07103.7460,W,0.0,216.4,{at:%d%m%y},,,A")
        )
        for place in range(len(line)):
            for bit in range(7):
                line[place] ^= (chance.random() < 0.001) << bit
        report = decoder.feed(bytes(line), clock.now())
        if report is not None:
            reports.take(report)
            wild += isinstance(report, Fix) and apart_m(report, HERE) > SCATTER_M
        position = reports.at(clock.now_s())
        if isinstance(position, GpsFix):
            kept += 1
            told = dataclasses.replace(
                HERE, latitude_deg=position.latitude_deg, longitude_deg=position.longitude_deg
            )
            farthest_m = max(farthest_m, apart_m(told, HERE))
    assert wild > 5
    assert kept > 10_000
    assert farthest_m < 1000
