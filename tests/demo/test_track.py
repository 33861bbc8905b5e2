import os
import threading
import time
from datetime import UTC, datetime

import pynmea2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo_drive.drive import FULL
from demo_drive.gps_feed import GpsFeed
from demo_drive.track import Motion, nmea_text, point_at, track
from edge.position.clock import UnitClock
from edge.position.history import FixHistory
from edge.position.receiver import Reports
from edge.position.receiver_watch import ReceiverWatch
from edge.position.serial_port import SerialReceiver

_STARTED = datetime(2026, 6, 12, 14, 5, tzinfo=UTC)


def test_every_sentence_parses_with_its_checksum_and_says_where_the_car_is():
    points = track(Motion(24.0), _STARTED)
    assert len(points) == 25
    lines = nmea_text(points).splitlines()
    messages = [pynmea2.parse(line, check=True) for line in lines]
    assert [m.sentence_type for m in messages[:4]] == ["RMC", "GGA", "GSA", "VTG"]
    assert len(messages) == 4 * len(points)
    for point, rmc, gga in zip(points, messages[::4], messages[1::4], strict=True):
        assert rmc.datetime == point.time
        assert rmc.status == "A"
        assert rmc.spd_over_grnd == pytest.approx(point.speed_mps * 1.943844, abs=0.01)
        for message in (rmc, gga):
            assert message.latitude == pytest.approx(point.latitude_deg, abs=2e-6)
            assert message.longitude == pytest.approx(point.longitude_deg, abs=2e-6)


@given(st.floats(0, 100), st.floats(0, 100))
def test_the_car_only_moves_on_and_never_faster_than_its_speed_allows(a, b):
    motion = Motion(100.0)
    first, last = sorted((a, b))
    driven = motion.distance_m(last) - motion.distance_m(first)
    top = motion.mean_speed_mps + motion.swing_mps
    assert -1e-9 <= driven <= top * (last - first) + 1e-6


def test_the_track_is_in_northampton_at_patrol_speeds():
    for point in track(FULL.motion, FULL.started):
        assert 42.31 < point.latitude_deg < 42.33
        assert -72.65 < point.longitude_deg < -72.62
        assert 2 < point.speed_mps < 8


def test_past_the_route_the_car_stands():
    point = point_at(Motion(10_000.0), _STARTED, 9_000.0)
    assert point.speed_mps == 0.0
    assert point == point_at(Motion(10_000.0), _STARTED, 9_000.0)


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="zone"):
        track(Motion(1.0), datetime(2026, 6, 12, 14, 5))  # noqa: DTZ001


def test_the_real_serial_adapter_hears_the_whole_track():
    points = track(Motion(6.0), _STARTED)
    stop, heard_all = threading.Event(), threading.Event()
    fixes = []

    class Heard(Reports):
        def take(self, report):
            super().take(report)
            fixes.append(report)
            if report.latitude_deg == pytest.approx(points[-1].latitude_deg, abs=2e-6):
                heard_all.set()

    opened = threading.Event()

    class Watch(ReceiverWatch):
        def opened(self, hint):
            super().opened(hint)
            opened.set()

    feed = GpsFeed(points, now=lambda: _STARTED, seconds_between=0.02)
    clock = UnitClock(
        system=lambda: _STARTED, monotonic_s=time.monotonic, service_error_ms=lambda: None
    )
    receiver = SerialReceiver(
        [feed.path],
        [9600],
        reports=Heard(FixHistory(), clock, lambda *_: None),
        watch=Watch("GPS", now_s=time.monotonic, fix_lasts_s=10, say=lambda _: None),
    )
    thread = threading.Thread(target=receiver.run, args=(stop,))
    thread.start()
    try:
        assert opened.wait(20)
        feed.start()
        feed.depart()
        assert heard_all.wait(20)
    finally:
        stop.set()
        thread.join(20)
        feed.close()
    assert not thread.is_alive()
    assert fixes[0].latitude_deg == pytest.approx(points[0].latitude_deg, abs=2e-6)


def test_a_feed_that_nobody_reads_neither_blocks_nor_outlives_its_stop():
    points = track(Motion(200.0), _STARTED)
    with GpsFeed(points, now=lambda: _STARTED, seconds_between=0.0) as feed:
        feed.depart()
        descriptor = os.open(feed.path, os.O_RDONLY | os.O_NOCTTY)
        try:
            assert os.read(descriptor, 6) == b"$GPRMC"
        finally:
            os.close(descriptor)
    assert "demo-gps-feed" not in {thread.name for thread in threading.enumerate()}


def test_a_feed_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one point"):
        GpsFeed([], now=lambda: _STARTED)
