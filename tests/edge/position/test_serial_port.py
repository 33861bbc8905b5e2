"""The serial receiver on pseudo-terminals that are pulled, garbled and come back elsewhere."""

from __future__ import annotations

import termios
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from edge.contract.records import GpsFix, NoPosition
from edge.position.ports import UsbPort
from edge.position.receiver import Reports
from edge.position.receiver_watch import ReceiverWatch
from edge.position.serial_port import USUAL_BAUDS, SerialReceiver, usb_ports
from tests.edge.position.listening import Cable, Listening, recording, sentence


@dataclass
class OnUsb:
    """What list_ports tells of a port."""

    device: str
    vid: int | None = None
    pid: int | None = None
    serial_number: str | None = None


@dataclass
class Site:
    """Names for ports, what is plugged in, and receivers that listen."""

    folder: Path
    plugged: list[Cable]
    listening: list[Listening]
    usb: list[UsbPort]

    def plug(self, name: str) -> Cable:
        cable = Cable()
        cable.plug_in(self.folder / name)
        self.plugged.append(cable)
        return cable

    def pull(self, cable: Cable) -> None:
        self.plugged.remove(cable)
        cable.pull()

    def listen(self, *names: str, bauds: tuple[int, ...] = (4800,)) -> Listening:
        def make(reports: Reports, watch: ReceiverWatch) -> SerialReceiver:
            return SerialReceiver(
                [name if ":" in name else str(self.folder / name) for name in names],
                bauds,
                reports=reports,
                watch=watch,
                list_ports=lambda: self.usb,
                first_retry_s=0.01,
                max_retry_s=0.05,
            )

        self.listening.append(Listening(make))
        return self.listening[-1]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path, [], [], [])
    yield made
    for one in made.listening:
        one.end()
    for cable in made.plugged:
        cable.pull()


def talks(cable: Cable, listening: Listening, opens: int = 1) -> None:
    """The receiver is heard once opened so often: a fix has come, and nothing is wrong."""
    listening.wait_open(opens)
    heard = listening.good
    cable.send(b"".join(recording("drive")))
    listening.wait(lambda: listening.good >= heard + 12 and listening.well())


def test_a_drive_gives_fixes_of_their_own_seconds(site: Site) -> None:
    cable, listening = site.plug("gps"), site.listen("gps")
    listening.wait_open()
    # All three arrive at once: only a clock that is kept otherwise tells how old each is.
    listening.service_error_ms = 1.0
    moment = listening.clock.instant()
    now = moment.at.replace(microsecond=0)
    now_s = moment.at_s - (moment.at - now).total_seconds()
    for second in range(3):
        at = now - timedelta(seconds=1 - second)
        cable.send(
            sentence(f"GPRMC,{at:%H%M%S}.00,A,4221.3390,N,07103.7590,W,21.60,216.4,{at:%d%m%y},,,A")
            + b"\r\n"
        )
    listening.wait(lambda: listening.good == 3 and listening.well())
    position = listening.reports.at(now_s - 0.5)
    assert isinstance(position, GpsFix)
    assert (position.latitude_deg, position.longitude_deg) == (42.35565, -71.06265)
    assert (position.speed_mps, position.heading_deg) == (11.112, 216.4)
    assert position.age_ms == pytest.approx(500, abs=1)
    listening.service_error_ms = None
    assert listening.clock.state().source == "gps"


def test_bad_checksums_and_noise_are_counted_and_give_nothing(site: Site) -> None:
    lines = recording("noise")
    cable, listening = site.plug("gps"), site.listen("gps")
    listening.wait_open()
    cable.send(b"".join(lines[:5]))
    listening.wait(lambda: listening.bad == 4)
    assert listening.good == 0
    assert listening.here() == NoPosition(reason="no_receiver")
    cable.send(b"".join(lines[5:]))
    listening.wait(lambda: listening.good == 2)
    assert listening.bad == 11


def test_no_fix_then_a_fix_then_lost_midway(site: Site) -> None:
    cable, listening = site.plug("gps"), site.listen("gps")
    listening.wait_open()
    lines = recording("lost")
    positions = []
    heard = 0
    for upto in (2, 5, 7, 8):
        cable.send(b"".join(lines[heard:upto]))
        heard = upto
        listening.wait(lambda upto=upto: listening.good == upto)
        positions.append(listening.here())
    first, second, third, fourth = positions
    assert first == third == NoPosition(reason="no_fix")
    assert isinstance(second, GpsFix)
    assert second.quality == "gps 2d"
    assert isinstance(fourth, GpsFix)


def test_a_missing_port_is_said_once_in_one_sentence(site: Site) -> None:
    listening = site.listen("gps")
    listening.wait_said("gps: No such file or directory; check its cable")
    site.plug("other")
    talks(site.plug("gps"), listening)
    assert len(listening.said) == 2


def test_a_pulled_cable_is_said_once_and_found_again_under_its_link(site: Site) -> None:
    cable, listening = site.plug("gps"), site.listen("gps")
    listening.wait_open()
    lines = recording("drive")
    cable.send(b"".join(lines[:5]) + lines[5][:20])
    listening.wait(lambda: listening.good == 4 and listening.well())
    site.pull(cable)
    listening.wait_said("check its cable")
    talks(site.plug("gps"), listening, 2)
    assert [one is None for one in listening.said] == [True, False, True]
    assert listening.bad == 0


@pytest.mark.parametrize(
    ("named", "before", "after"),
    [
        (("ttyUSB*",), "ttyUSB0", "ttyUSB3"),
        (("ttyACM0", "ttyACM1"), "ttyACM0", "ttyACM1"),
        (("usb:1546:01a7",), "ttyACM0", "ttyACM1"),
        (("usb-serial:A50285BI",), "ttyUSB0", "ttyUSB1"),
    ],
)
def test_a_port_that_comes_back_under_another_name_is_found(
    site: Site, named: tuple[str, ...], before: str, after: str
) -> None:
    def plug(name: str) -> Cable:
        device = str(site.folder / name)
        other = OnUsb("/dev/null", 0x1A86, 0x7523, "another")
        site.usb = [other, OnUsb(device, 0x1546, 0x01A7, "A50285BI")]
        return site.plug(name)

    cable, listening = plug(before), site.listen(*named)
    talks(cable, listening)
    site.usb = []
    (site.folder / before).unlink()
    site.pull(cable)
    listening.wait(lambda: not listening.well())
    talks(plug(after), listening, 2)
    assert isinstance(listening.said[-2], str)


def test_a_port_that_nothing_fits_is_said(site: Site) -> None:
    listening = site.listen("usb:1546:01a7", "usb-serial:A50285BI")
    assert listening.wait_said("no port is") == (
        "GPS receiver: no port is usb:1546:01a7 or usb-serial:A50285BI; check its cable and the"
        " setting position.port; it is looked for until it is there"
    )


def test_a_modem_beside_the_receiver_is_passed_over(site: Site) -> None:
    modem, cable = site.plug("ttyUSB0"), site.plug("ttyUSB1")
    listening = site.listen("ttyUSB*")
    listening.wait_open()
    modem.send(b"AT+CREG?\r\n")
    listening.wait(lambda: listening.bad == 1)
    listening.steady.turned_s += 6
    talks(cable, listening, 2)
    assert listening.said == [None]


def test_a_silent_receiver_and_one_without_fix_are_said(site: Site) -> None:
    cable, listening = site.plug("gps"), site.listen("gps")
    talks(cable, listening)
    listening.steady.turned_s += 11
    listening.wait_said("is silent")
    talks(cable, listening, 2)
    lost = sentence("GNRMC,140510.00,V,,,,,,,030326,,,N") + b"\r\n"
    for heard in range(listening.good, listening.good + 4):
        cable.send(lost)
        listening.wait(lambda heard=heard: listening.good > heard)
        listening.steady.turned_s += 3
    listening.wait_said("has no fix")
    talks(cable, listening)
    assert [one is None for one in listening.said] == [True, False, True, False, True]


def test_a_receiver_whose_places_cannot_be_is_said_to_tell_none(site: Site) -> None:
    cable, listening = site.plug("gps"), site.listen("gps")
    talks(cable, listening)
    for number in range(4):
        heard = listening.good
        leap = f"GPRMC,1406{number:02}.00,A,{10 + number}21.3520,N,07103.7460,W,0.0,0.0,030326,,,A"
        cable.send(sentence(leap) + b"\r\n")
        listening.wait(lambda heard=heard: listening.good > heard)
        listening.steady.turned_s += 3
    listening.wait_said("tells no place any more")


class Garbling(threading.Thread):
    """A receiver of one speed: what it sends is noise for whoever listens at another."""

    def __init__(self, cable: Cable, speed: int) -> None:
        super().__init__()
        self._cable = cable
        self._speed = speed
        self.stop = threading.Event()

    def run(self) -> None:
        number = 0
        lines = recording("drive")
        while not self.stop.wait(0.02):
            ospeed = termios.tcgetattr(self._cable.master)[5]
            right = ospeed == getattr(termios, f"B{self._speed}")
            self._cable.send(lines[number % len(lines)] if right else b"\xe0\x1c\x00\xfe\x0c" * 80)
            number += 1


@pytest.fixture
def garbling(site: Site) -> Iterator[Callable[[Cable, int], None]]:
    threads: list[Garbling] = []

    def begin(cable: Cable, speed: int) -> None:
        threads.append(Garbling(cable, speed))
        threads[-1].start()

    yield begin
    for thread in threads:
        thread.stop.set()
        thread.join()


def test_a_wrong_speed_is_said(site: Site, garbling: Callable[[Cable, int], None]) -> None:
    cable, listening = site.plug("gps"), site.listen("gps")
    garbling(cable, 9600)

    def said() -> bool:
        listening.steady.turned_s += 0.1
        return bool(listening.said)

    listening.wait(said)
    assert listening.said[-1] == (
        "GPS receiver sends nothing but garbage: its speed is not position.baud = 4800;"
        ' set "auto" to have it found'
    )


def test_a_speed_is_found_and_not_said_before(
    site: Site, garbling: Callable[[Cable, int], None]
) -> None:
    cable, listening = site.plug("gps"), site.listen("gps", bauds=USUAL_BAUDS)
    garbling(cable, 38400)

    def found() -> bool:
        listening.steady.turned_s += 0.1
        return listening.well()

    listening.wait(found)
    assert listening.said == [None]
    assert termios.tcgetattr(cable.master)[5] == termios.B38400


def test_a_file_that_is_no_port_is_said_in_one_sentence(site: Site) -> None:
    (site.folder / "gps").write_text("not a port")
    said = site.listen("gps").wait_said("GPS receiver at")
    assert "\n" not in said
    assert "Errno" not in said


def test_what_is_plugged_in_here_can_be_listed() -> None:
    assert all(port.device.startswith("/") for port in usb_ports())
