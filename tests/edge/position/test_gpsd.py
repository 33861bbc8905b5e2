"""gpsd: the real one, fed by a receiver on a pseudo-terminal; and what it may say, by hand."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.contract.records import GpsFix, NoPosition
from edge.position.gpsd import GpsdReceiver
from edge.position.gpsd_reports import GpsdDecoder
from edge.position.nmea import Fix, NoFix
from edge.position.receiver_watch import DEAF_AFTER_S
from tests.edge.position.listening import PATIENCE_S, Cable, Listening, sentence

START = datetime(2026, 3, 3, 14, 5, tzinfo=UTC)
GPSD = shutil.which("gpsd", path="/usr/sbin:/usr/local/sbin:/usr/bin")
PLACE = "4221.3520,N,07103.7460,W"

TPV = {
    "class": "TPV",
    "mode": 3,
    "time": "2026-03-03T14:05:01.000Z",
    "lat": 42.35586667,
    "lon": -71.06243333,
    "speed": 11.112,
    "track": 216.4,
    "eph": 17.48,
    "status": 2,
}
SKY = {
    "class": "SKY",
    "hdop": 0.92,
    "satellites": [{"used": True}, {"used": False}, {"used": True}],
}


def said(decoder: GpsdDecoder, told: object, after_s: float = 0.0) -> Fix | NoFix | None:
    return decoder.feed(json.dumps(told).encode(), START + timedelta(seconds=after_s))


def without(*names: str) -> dict[str, object]:
    return {name: value for name, value in TPV.items() if name not in names}


def test_a_report_has_what_gpsd_knows() -> None:
    decoder = GpsdDecoder()
    assert said(decoder, SKY) is None
    assert said(decoder, TPV, 1) == Fix(
        latitude_deg=42.3558667,
        longitude_deg=-71.0624333,
        speed_mps=11.112,
        heading_deg=216.4,
        quality="dgps",
        satellites=2,
        hdop=0.92,
        at=datetime(2026, 3, 3, 14, 5, 1, tzinfo=UTC),
        received_at=START + timedelta(seconds=1),
        error_m=17.48,
    )
    old = said(decoder, TPV, 5.1)
    assert isinstance(old, Fix)
    assert (old.satellites, old.hdop) == (None, None)


def test_what_gpsd_does_not_know_is_not_known() -> None:
    bare = said(GpsdDecoder(), without("time", "speed", "track", "eph", "status") | {"mode": 2})
    assert isinstance(bare, Fix)
    assert (bare.at, bare.speed_mps, bare.heading_deg, bare.error_m) == (None, None, None, None)
    assert bare.quality == "gps 2d"


def test_errors_of_both_axes_are_joined_and_a_leap_second_is_the_next() -> None:
    told = without("eph") | {"epx": 3.0, "epy": 4.0, "time": "2026-12-31T23:59:60.000Z"}
    leap = said(GpsdDecoder(), told)
    assert isinstance(leap, Fix)
    assert leap.error_m == 5.0
    assert leap.at == datetime(2027, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("mode", [0, 1])
def test_no_fix_is_said(mode: int) -> None:
    assert said(GpsdDecoder(), {"class": "TPV", "mode": mode}) == NoFix(START)


@pytest.mark.parametrize(
    "told",
    [
        [],
        {"class": 7},
        without("lat"),
        TPV | {"lat": 91.0},
        TPV | {"lon": float("nan")},
        TPV | {"mode": None},
    ],
)
def test_what_makes_no_sense_is_counted_and_moves_nothing(told: object) -> None:
    decoder = GpsdDecoder()
    assert said(decoder, told) is None
    assert (decoder.counts.malformed, decoder.counts.accepted) == (1, 0)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(
        st.sampled_from([*TPV, "uSat", "hdop", "satellites", "devices", "epx", "epy"]),
        st.recursive(
            st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=30)),
            lambda inner: st.lists(inner, max_size=3),
            max_leaves=4,
        ),
    ),
    st.sampled_from(["TPV", "SKY", "DEVICES", "ERROR"]),
)
def test_no_objects_raise(told: dict[str, object], kind: str) -> None:
    decoder = GpsdDecoder()
    for fields in (told, TPV | told, SKY | told):
        said(decoder, fields | {"class": kind})
    report = said(decoder, TPV)
    assert isinstance(report, Fix)
    assert report.satellites is None or 0 <= report.satellites <= 255


@pytest.mark.parametrize(
    "told",
    [
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:60Z",
        "9999-12-31T23:59:59-10:00",
        "2026-03-03T14:05:60",
        "\ud800",
    ],
)
def test_a_time_that_is_none_leaves_the_place(told: str) -> None:
    report = said(GpsdDecoder(), TPV | {"time": told})
    assert isinstance(report, Fix)
    assert report.at is None


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.datetimes(), st.integers(0, 60), st.integers(-24 * 60 + 1, 24 * 60 - 1), st.booleans())
def test_no_times_raise(moment: datetime, second: int, offset_min: int, ends: bool) -> None:
    day = f"{'9999-12-31' if ends else moment.date().isoformat()}T{moment:%H:%M}:{second:02}"
    hours, minutes = divmod(abs(offset_min), 60)
    for zone in ("Z", "", f"{'-' if offset_min < 0 else '+'}{hours:02}:{minutes:02}"):
        report = said(GpsdDecoder(), TPV | {"time": day + zone})
        assert isinstance(report, Fix)
        assert report.at is None or report.at.tzinfo is UTC


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=200))
def test_no_bytes_raise(data: bytes) -> None:
    decoder = GpsdDecoder()
    assert decoder.feed(data, START) is None


class Gpsd:
    """A real gpsd on a port of its own."""

    def __init__(self, port: int, *words: str) -> None:
        self._process = subprocess.Popen(
            [str(GPSD), "-N", "-n", "-b", "-S", str(port), *words],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


class Talking(threading.Thread):
    """A receiver that tells the time and its place until it is stopped."""

    def __init__(self, cable: Cable) -> None:
        super().__init__()
        self.cable = cable
        self.stop = threading.Event()
        self.has_fix = True

    def run(self) -> None:
        while not self.stop.wait(0.1):
            at = datetime.now(UTC)
            of_day, on = f"{at:%H%M%S}.{at.microsecond // 10_000:02}", f"{at:%d%m%y}"
            lines = (
                [
                    f"GPGGA,{of_day},{PLACE},2,09,0.92,14.1,M,-33.0,M,,",
                    "GPGSA,A,3,02,05,12,13,15,18,20,24,25,,,,1.71,0.92,1.44",
                    f"GPRMC,{of_day},A,{PLACE},0.10,216.4,{on},,,D",
                ]
                if self.has_fix
                else [f"GPGGA,{of_day},,,,,0,00,,,,,,,", f"GPRMC,{of_day},V,,,,,,,{on},,,N"]
            )
            for line in lines:
                self.cable.send(sentence(line) + b"\r\n")


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def listening(free_port: int) -> Iterator[Listening]:
    made = Listening(
        lambda reports, watch: GpsdReceiver(
            "127.0.0.1",
            free_port,
            reports=reports,
            watch=watch,
            first_retry_s=0.01,
            max_retry_s=0.1,
        )
    )
    yield made
    made.end()


@pytest.fixture
def talking() -> Iterator[Callable[[], Talking]]:
    threads: list[Talking] = []

    def begin() -> Talking:
        threads.append(Talking(Cable()))
        threads[-1].start()
        return threads[-1]

    yield begin
    for thread in threads:
        thread.stop.set()
        thread.join()
        thread.cable.pull()


@pytest.fixture
def gpsd(free_port: int) -> Iterator[Callable[..., Gpsd]]:
    started: list[Gpsd] = []

    def start(*words: str) -> Gpsd:
        started.append(Gpsd(free_port, *words))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.mark.skipif(GPSD is None, reason="needs gpsd: apt-get install gpsd")
def test_the_real_gpsd_tells_places_and_time_and_is_found_again(
    listening: Listening, gpsd: Callable[..., Gpsd], talking: Callable[[], Talking]
) -> None:
    listening.wait_said("Connection refused; see that gpsd runs")
    receiver = talking()
    first = gpsd(receiver.cable.port)
    listening.wait(lambda: listening.well() and isinstance(listening.here(), GpsFix))
    position = listening.here()
    assert isinstance(position, GpsFix)
    assert position.latitude_deg == pytest.approx(42.3558667, abs=1e-5)
    assert position.longitude_deg == pytest.approx(-71.0624333, abs=1e-5)
    assert isinstance(position.uncertainty_m, float)
    assert position.uncertainty_m >= 1
    listening.wait(lambda: listening.clock.state().source == "gps")
    assert abs(listening.clock.now() - datetime.now(UTC)) < timedelta(seconds=2)
    receiver.has_fix = False
    listening.wait(lambda: listening.here() == NoPosition(reason="no_fix"))
    receiver.has_fix = True
    first.stop()
    listening.wait_said("at gpsd on 127.0.0.1")
    gpsd(receiver.cable.port)
    listening.wait(lambda: listening.well() and isinstance(listening.here(), GpsFix))


@pytest.mark.skipif(GPSD is None, reason="needs gpsd: apt-get install gpsd")
def test_a_gpsd_without_a_receiver_is_said(
    listening: Listening, gpsd: Callable[..., Gpsd], tmp_path: Path
) -> None:
    gpsd("-F", str(tmp_path / "control"))
    listening.wait_said("gpsd has none")


def test_a_gpsd_that_was_given_a_receiver_since_has_one() -> None:
    decoder = GpsdDecoder()
    said(decoder, {"class": "DEVICES", "devices": []})
    assert decoder.devices == 0
    said(decoder, TPV)
    assert decoder.devices is None


def test_something_else_on_the_port_is_said(free_port: int, listening: Listening) -> None:
    stop = threading.Event()

    def babble(server: socket.socket) -> None:
        while not stop.is_set():
            with suppress(OSError):
                client, _ = server.accept()
                with client:
                    while not stop.wait(0.01):
                        client.sendall(b"220 mail.example.gov ready\r\n" * 20)

    with socket.create_server(("127.0.0.1", free_port)) as server:
        server.settimeout(0.1)
        thread = threading.Thread(target=babble, args=(server,))
        thread.start()

        def garbage() -> bool:
            listening.steady.turned_s += 0.1
            return "garbage" in str(listening.said[-1:])

        listening.wait(garbage)
        stop.set()
        thread.join()
    assert "is not gpsd" in str([one for one in listening.said if "garbage" in str(one)])


def test_a_gpsd_whose_computer_lost_its_power_is_asked_anew(
    free_port: int, listening: Listening
) -> None:
    """It ends no connection: nothing more ever comes over the one that was open."""
    with socket.create_server(("127.0.0.1", free_port)) as server, ExitStack() as clients:
        server.settimeout(PATIENCE_S)
        for latitude_deg in (42.0, 42.0005):
            client = clients.enter_context(server.accept()[0])
            client.sendall(
                json.dumps(without("time", "speed") | {"lat": latitude_deg}).encode() + b"\n"
            )
            listening.wait(partial(at_latitude, listening, latitude_deg))
            assert listening.said[-1] is None
            listening.steady.turned_s += DEAF_AFTER_S + 10
    assert [one for one in listening.said if one and "silent" in one]


def at_latitude(listening: Listening, latitude_deg: float) -> bool:
    here = listening.here()
    return isinstance(here, GpsFix) and here.latitude_deg == latitude_deg
