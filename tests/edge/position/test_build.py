"""From settings to a source that answers, with its troubles and counts in the unit's health."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter, ValidationError

from edge.bootstrap.position import build_position
from edge.contract.records import FixedSite, GpsFix, NoPosition
from edge.health.health import Health
from edge.position.clock import UnitClock
from edge.position.settings import GpsdPosition, NoReceiver, SerialPosition, SitePosition
from tests.edge.position.listening import PATIENCE_S, Cable, recording


def clock() -> UnitClock:
    return UnitClock(
        system=lambda: datetime.now(UTC),
        monotonic_s=time.monotonic,
        service_error_ms=lambda: None,
    )


def wait(done: Callable[[], bool]) -> None:
    patience = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < patience
        time.sleep(0.01)


def test_a_receiver_on_a_port_is_heard_and_its_loss_is_in_the_health() -> None:
    cable, health, stop, now = Cable(), Health(), threading.Event(), clock()
    settings = SerialPosition(kind="serial", port=cable.port, baud="auto")
    source, run = build_position(settings, now, health)
    assert run is not None
    thread = threading.Thread(target=run, args=(stop,))
    thread.start()
    try:

        def heard() -> bool:
            cable.send(b"".join(recording("drive")) + b"$GPRMC,garbled*00\r\n")
            return isinstance(source.at(now.now_s()), GpsFix)

        wait(heard)
        cable.pull()
        wait(lambda: "gps" in health.report().troubles)
        assert "check its cable" in health.report().troubles["gps"]
        counters = health.report().counters
        assert counters["gps_sentences"] >= 12
        assert counters["gps_sentences_bad"] >= 1
    finally:
        stop.set()
        thread.join(PATIENCE_S)


def test_a_gpsd_that_does_not_run_is_in_the_health() -> None:
    health, stop = Health(), threading.Event()
    source, run = build_position(GpsdPosition(kind="gpsd", port=1), clock(), health)
    assert run is not None
    thread = threading.Thread(target=run, args=(stop,))
    thread.start()
    wait(lambda: "gps" in health.report().troubles)
    stop.set()
    thread.join(PATIENCE_S)
    assert "see that gpsd runs" in health.report().troubles["gps"]
    assert source.at(0.0) == NoPosition(reason="no_receiver")


def test_a_surveyed_site_passes_its_accuracy_on() -> None:
    settings = SitePosition(
        kind="site", site="Pike at 128", latitude_deg=42.3, longitude_deg=-71.2, accuracy_m=0.75
    )
    source, run = build_position(settings, clock(), Health())
    assert run is None
    assert source.at(0.0) == FixedSite(
        site="Pike at 128", latitude_deg=42.3, longitude_deg=-71.2, accuracy_m=0.75
    )


def test_a_unit_without_a_receiver_says_so() -> None:
    source, run = build_position(NoReceiver(kind="none"), clock(), Health())
    assert run is None
    assert source.at(0.0) == NoPosition(reason="no_receiver")


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"port": "usb:1546"}, "usb:VENDOR:PRODUCT"),
        ({"port": ["/dev/ttyACM0", "usb:zzzz:0001"]}, "usb:VENDOR:PRODUCT"),
        ({"port": "/dev/ttyACM0", "baud": "fast"}, "auto"),
        ({"port": ""}, "at least 1"),
    ],
)
def test_a_port_that_cannot_be_meant_is_refused(fields: dict[str, object], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        TypeAdapter(SerialPosition).validate_python({"kind": "serial", **fields})


def test_ports_are_named_in_any_of_the_ways() -> None:
    ports = ["/dev/serial/by-id/usb-u-blox", "/dev/ttyACM*", "usb:1546:01A7", "usb-serial:A50285BI"]
    settings = TypeAdapter(SerialPosition).validate_python(
        {"kind": "serial", "port": ports, "baud": "auto"}
    )
    assert settings.port == tuple(ports)
