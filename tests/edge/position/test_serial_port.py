"""The serial receiver on a pseudo-terminal: a real port, as far as pyserial can tell."""

from __future__ import annotations

import os
import threading
import time
import tty
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge.contract.records import GpsFix, NoPosition
from edge.position.nmea import Fix
from edge.position.serial_port import SerialReceiver

GOLDEN = Path(__file__).parent / "golden"
PATIENCE_S = 30.0


class Cable:
    """A pseudo-terminal behind a link, as udev gives a receiver a lasting name."""

    def __init__(self, link: Path) -> None:
        self._link = link
        self._master: int | None = None
        self._slave: int | None = None

    def plug(self) -> None:
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        fresh = self._link.with_suffix(".new")
        fresh.symlink_to(os.ttyname(self._slave))
        fresh.replace(self._link)

    def pull(self) -> None:
        for descriptor in (self._master, self._slave):
            if descriptor is not None:
                os.close(descriptor)
        self._master = self._slave = None

    def send(self, data: bytes) -> None:
        assert self._master is not None
        os.write(self._master, data)


class Bench:
    """A receiver in its thread, what it said, and what it heard."""

    def __init__(self, link: Path) -> None:
        self.cable = Cable(link)
        self.fixes: list[Fix] = []
        self.changes: list[tuple[bool, str]] = []
        self.stop = threading.Event()
        self.receiver = SerialReceiver(
            str(link),
            4800,
            now=self.now,
            on_fix=self.fixes.append,
            on_change=lambda is_open, sentence: self.changes.append((is_open, sentence)),
            first_retry_s=0.01,
            max_retry_s=0.05,
        )
        self.thread = self.receiver.start(self.stop)

    @staticmethod
    def now() -> datetime:
        return datetime.now(UTC)

    def wait(self, done: Callable[[], bool]) -> None:
        patience = time.monotonic() + PATIENCE_S
        while not done():
            assert time.monotonic() < patience, (self.changes, self.receiver.counts)
            time.sleep(0.005)

    def is_open(self) -> bool:
        return bool(self.changes) and self.changes[-1][0]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "gps")
    yield made
    made.stop.set()
    made.thread.join(PATIENCE_S)
    made.cable.pull()
    assert not made.thread.is_alive()


def plugged(bench: Bench) -> Bench:
    bench.cable.plug()
    bench.wait(bench.is_open)
    return bench


def recording(name: str) -> list[bytes]:
    return (GOLDEN / f"{name}.nmea").read_bytes().splitlines(keepends=True)


def test_a_drive_gives_fixes(bench: Bench) -> None:
    plugged(bench).cable.send(b"".join(recording("drive")))
    bench.wait(lambda: len(bench.fixes) == 4)
    assert bench.fixes[-1].at == datetime(2026, 3, 3, 14, 5, 3, tzinfo=UTC)
    position = bench.receiver.at(bench.now())
    assert isinstance(position, GpsFix)
    assert (position.latitude_deg, position.longitude_deg) == (42.35565, -71.06265)
    assert (position.speed_mps, position.heading_deg) == (11.112, 216.4)
    assert bench.thread.name == "position-serial"


def test_bad_checksums_and_noise_are_counted_and_give_nothing(bench: Bench) -> None:
    lines = recording("noise")
    plugged(bench).cable.send(b"".join(lines[:5]))
    counts = bench.receiver.counts
    bench.wait(lambda: counts.bad_checksums + counts.malformed == 4)
    assert (counts.accepted, bench.fixes) == (0, [])
    assert bench.receiver.at(bench.now()) == NoPosition(reason="no_receiver")
    bench.cable.send(b"".join(lines[5:]))
    bench.wait(lambda: len(bench.fixes) == 2)


def test_no_fix_then_a_fix_then_lost_midway(bench: Bench) -> None:
    plugged(bench)
    lines = recording("lost")
    counts = bench.receiver.counts
    positions = []
    heard = 0
    for upto in (2, 5, 7, 8):
        bench.cable.send(b"".join(lines[heard:upto]))
        heard = upto
        bench.wait(lambda upto=upto: counts.accepted == upto)
        positions.append(bench.receiver.at(bench.now()))
    first, second, third, fourth = positions
    assert first == third == NoPosition(reason="no_fix")
    assert isinstance(second, GpsFix)
    assert second.quality == "gps 2d"
    assert isinstance(fourth, GpsFix)
    assert bench.is_open()


def test_a_missing_port_is_said_once_in_one_sentence(bench: Bench) -> None:
    bench.wait(lambda: bool(bench.changes))
    time.sleep(0.2)
    ((is_open, sentence),) = bench.changes
    assert not is_open
    assert sentence.startswith("GPS receiver at ")
    assert sentence.endswith(
        "gps: No such file or directory; check its cable and the setting position.port;"
        " it is tried again until it answers"
    )
    assert bench.receiver.at(bench.now()) == NoPosition(reason="no_receiver")


def test_a_pulled_cable_is_said_once_and_found_again_under_its_link(bench: Bench) -> None:
    lines = recording("drive")
    plugged(bench).cable.send(b"".join(lines[:5]) + lines[5][:20])
    bench.wait(lambda: len(bench.fixes) == 2)
    before = list(bench.changes)
    bench.cable.pull()
    bench.wait(lambda: not bench.is_open())
    time.sleep(0.2)
    ((is_open, sentence),) = bench.changes[len(before) :]
    assert not is_open
    assert "check its cable" in sentence
    plugged(bench).cable.send(b"".join(lines[10:]))
    bench.wait(lambda: len(bench.fixes) == 3)
    assert bench.fixes[-1].latitude_deg == 42.35565
    assert [is_open for is_open, _ in bench.changes[-3:]] == [True, False, True]
    assert bench.receiver.counts.malformed == 0


def test_a_file_that_is_no_port_is_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "gps").write_text("not a port")
    bench = Bench(tmp_path / "gps")
    bench.wait(lambda: bool(bench.changes))
    bench.stop.set()
    bench.thread.join(PATIENCE_S)
    ((is_open, sentence),) = bench.changes
    assert not is_open
    assert "\n" not in sentence
    assert "Errno" not in sentence
