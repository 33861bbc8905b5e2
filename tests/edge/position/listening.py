"""A receiver's thread under test: what it said, counted and heard; and a cable to pull."""

from __future__ import annotations

import os
import threading
import time
import tty
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from edge.contract.records import Position
from edge.position.clock import UnitClock
from edge.position.history import FixHistory
from edge.position.receiver import Reports
from edge.position.receiver_watch import ReceiverWatch

GOLDEN = Path(__file__).parent / "golden"
PATIENCE_S = 30.0


def recording(name: str) -> list[bytes]:
    """The lines of a golden recording, with their ends."""
    return (GOLDEN / f"{name}.nmea").read_bytes().splitlines(keepends=True)


def sentence(body: str) -> bytes:
    """The sentence with its checksum: the exclusive or of what stands between $ and *."""
    checksum = 0
    for byte in body.encode():
        checksum ^= byte
    return f"${body}*{checksum:02X}".encode()


class Clock:
    """A steady clock that a test turns on at will, on top of the real time."""

    def __init__(self) -> None:
        self.turned_s = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.turned_s


class Runs(Protocol):
    """A receiver."""

    def run(self, stop: threading.Event) -> None:
        """Listen until ``stop`` is set."""
        ...


class Watch(ReceiverWatch):
    """The real watch, that also counts how often something was opened to listen to."""

    opens = 0

    def opened(self, hint: str) -> None:
        super().opened(hint)
        self.opens += 1


class Listening:
    """A receiver in its thread over a real history, clock and watch."""

    def __init__(self, make: Callable[[Reports, ReceiverWatch], Runs]) -> None:
        self.steady = Clock()
        self.said: list[str | None] = []
        self.good = self.bad = 0
        self.service_error_ms: float | None = None
        self.clock = UnitClock(
            system=lambda: datetime.now(UTC),
            monotonic_s=time.monotonic,
            service_error_ms=lambda: self.service_error_ms,
        )
        self.reports = Reports(FixHistory(), self.clock, self._count)
        self.watch = Watch(
            "GPS receiver", now_s=self.steady, fix_lasts_s=10.0, say=self.said.append
        )
        receiver = make(self.reports, self.watch)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=receiver.run, args=(self._stop,))
        self._thread.start()

    def _count(self, good: int, bad: int) -> None:
        self.good += good
        self.bad += bad

    def wait(self, done: Callable[[], bool]) -> None:
        patience = time.monotonic() + PATIENCE_S
        while not done():
            assert time.monotonic() < patience, (self.said, self.good, self.bad)
            assert self._thread.is_alive()
            time.sleep(0.005)

    def wait_open(self, opens: int = 1) -> None:
        """Until something was opened so often: what was sent to a port before that is lost."""
        self.wait(lambda: self.watch.opens >= opens)

    def wait_said(self, part: str) -> str:
        """Until the last that was said has these words; all of it."""
        self.wait(lambda: bool(self.said) and part in (self.said[-1] or ""))
        return str(self.said[-1])

    def well(self) -> bool:
        return bool(self.said) and self.said[-1] is None

    def here(self) -> Position:
        return self.reports.at(self.clock.now_s())

    def end(self) -> None:
        self._stop.set()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()


class Cable:
    """A pseudo-terminal: a real serial port, as far as pyserial can tell."""

    def __init__(self) -> None:
        self.master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)

    def plug_in(self, link: Path) -> None:
        """Give the port this name, as udev does."""
        fresh = link.with_name(f".{link.name}.new")
        fresh.symlink_to(self.port)
        fresh.replace(link)

    def pull(self) -> None:
        os.close(self.master)
        os.close(self._slave)

    def send(self, data: bytes) -> None:
        os.write(self.master, data)
