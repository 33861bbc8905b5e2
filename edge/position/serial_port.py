"""A GPS receiver on a serial port: opened, heard, and opened again when its cable comes back."""

from __future__ import annotations

import os
import termios
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

import serial

from edge.contract.records import Position
from edge.position.history import DEFAULT_FIX_LASTS_S, FixHistory
from edge.position.nmea import Fix, LineSplitter, NmeaCounts, NmeaDecoder

_READ_TIMEOUT_S = 0.5


class SerialReceiver:
    """A position source that listens to NMEA sentences from a serial port.

    It is silent until :meth:`run` is given a thread. A port that cannot be opened or that goes
    away is tried again, each time after twice the wait, up to ``max_retry_s``.

    Args:
        port: the port's path, or a link to it such as /dev/serial/by-id/….
        baud: the port's speed.
        now: the unit's clock.
        on_fix: called with every fix, in the receiver's thread.
        on_change: called once whenever the port is opened or lost, with whether it is open and a
            sentence for the person who looks after the unit.
        fix_lasts_s: age past which a fix no longer says where the unit is.
    """

    def __init__(
        self,
        port: str,
        baud: int,
        *,
        now: Callable[[], datetime],
        on_fix: Callable[[Fix], None],
        on_change: Callable[[bool, str], None],
        fix_lasts_s: float = DEFAULT_FIX_LASTS_S,
        first_retry_s: float = 1.0,
        max_retry_s: float = 30.0,
    ) -> None:
        self._port = port
        self._baud = baud
        self._now = now
        self._on_fix = on_fix
        self._on_change = on_change
        self._first_retry_s = first_retry_s
        self._max_retry_s = max_retry_s
        self._decoder = NmeaDecoder()
        self._history = FixHistory(fix_lasts_s)
        self._open: bool | None = None

    @property
    def counts(self) -> NmeaCounts:
        """What became of the lines heard so far."""
        return self._decoder.counts

    def at(self, moment: datetime) -> Position:
        """Where the unit was at that moment of its own clock, or why that is not known."""
        return self._history.at(moment)

    def start(self, stop: threading.Event) -> threading.Thread:
        """A started thread that runs until ``stop`` is set."""
        thread = threading.Thread(
            target=self.run, args=(stop,), name="position-serial", daemon=True
        )
        thread.start()
        return thread

    def run(self, stop: threading.Event) -> None:
        """Listen until ``stop`` is set."""
        retry_s = self._first_retry_s
        while not stop.is_set():
            try:
                with serial.Serial(
                    self._port, self._baud, timeout=_READ_TIMEOUT_S, exclusive=True
                ) as device:
                    self._say(True, f"GPS receiver at {self._port}: the port is open")
                    retry_s = self._first_retry_s
                    self._listen(device, stop)
            except (OSError, termios.error, ValueError) as error:
                self._say(
                    False,
                    f"GPS receiver at {self._port}: {_reason(error)}; check its cable and the"
                    " setting position.port; it is tried again until it answers",
                )
                stop.wait(retry_s)
                retry_s = min(2 * retry_s, self._max_retry_s)

    def _listen(self, device: serial.Serial, stop: threading.Event) -> None:
        splitter = LineSplitter()
        while not stop.is_set():
            for line in splitter.feed(device.read(device.in_waiting or 1)):
                report = self._decoder.feed(line, self._now())
                if report is None:
                    continue
                self._history.add(report)
                if isinstance(report, Fix):
                    self._on_fix(report)

    def _say(self, is_open: bool, sentence: str) -> None:
        if is_open is not self._open:
            self._open = is_open
            self._on_change(is_open, sentence)


def _reason(error: Any) -> str:
    number = error.args[0] if isinstance(error, termios.error) else getattr(error, "errno", None)
    if number is not None:
        return os.strerror(number)
    return str(error) if isinstance(error, ValueError) else "it went away"
