"""A GPS receiver on a serial port: found, opened, heard, and opened again when it comes back."""

from __future__ import annotations

import os
import termios
import threading
from collections.abc import Callable, Iterable, Sequence
from enum import IntEnum
from typing import Any, cast

import serial
from serial.tools import list_ports

from edge.position.nmea import LineSplitter, NmeaCounts, NmeaDecoder
from edge.position.ports import UsbPort, find_ports
from edge.position.receiver import Reports
from edge.position.receiver_watch import ReceiverWatch

USUAL_BAUDS = (4800, 9600, 38400, 115_200)
"""What receivers are sold with."""

_READ_TIMEOUT_S = 0.2


def usb_ports() -> Iterable[UsbPort]:
    """The machine's serial ports, with what is known of those on USB."""
    return cast(Iterable[UsbPort], list_ports.comports())


class SerialReceiver:
    """Listens to NMEA sentences from a serial port, in the thread that is given to :meth:`run`.

    A port that cannot be opened or goes away is tried again, each time after twice the wait, up to
    ``max_retry_s``. Where several ports or speeds may be right, each is listened to until it is
    clear that no sentence comes, and the one that was right is tried first from then on.

    Args:
        names: how the port is named, see :mod:`edge.position.ports`.
        bauds: speeds to try, in order.
        reports: takes what the receiver reports.
        watch: is told how the receiver does.
        list_ports: the machine's serial ports.
    """

    def __init__(
        self,
        names: Sequence[str],
        bauds: Sequence[int],
        *,
        reports: Reports,
        watch: ReceiverWatch,
        list_ports: Callable[[], Iterable[UsbPort]] = usb_ports,
        first_retry_s: float = 1.0,
        max_retry_s: float = 30.0,
    ) -> None:
        self._names = tuple(names)
        self._bauds = tuple(bauds)
        self._reports = reports
        self._watch = watch
        self._list_ports = list_ports
        self._first_retry_s = first_retry_s
        self._max_retry_s = max_retry_s
        self._decoder = NmeaDecoder()
        self._right: tuple[str, int] | None = None

    @property
    def counts(self) -> NmeaCounts:
        """What became of the lines heard so far."""
        return self._decoder.counts

    def run(self, stop: threading.Event) -> None:
        """Listen until ``stop`` is set."""
        retry_s = self._first_retry_s
        while not stop.is_set():
            choices = self._choices()
            if not choices:
                named = " or ".join(self._names)
                self._watch.closed(
                    f": no port is {named}; check its cable and the setting position.port;"
                    " it is looked for until it is there"
                )
            outcome = _Outcome.CLOSED
            for choice in choices:
                outcome = max(outcome, self._open(*choice, stop, last=choice == choices[-1]))
                if outcome is _Outcome.HEARD or stop.is_set():
                    break
            if outcome is not _Outcome.CLOSED:
                retry_s = self._first_retry_s
            if stop.wait(retry_s):
                return
            retry_s = min(2 * retry_s, self._max_retry_s)

    def _choices(self) -> list[tuple[str, int]]:
        """Ports and speeds to try, the pair that was right last first."""
        ports = find_ports(self._names, self._list_ports)
        bauds = sorted(self._bauds, key=lambda baud: self._right is None or baud != self._right[1])
        pairs = [(port, baud) for port in ports for baud in bauds]
        return sorted(pairs, key=lambda pair: pair != self._right)

    def _open(self, port: str, baud: int, stop: threading.Event, *, last: bool) -> _Outcome:
        """Listen to one port at one speed until it goes away or makes no sense.

        What is wrong is said where it is the ``last`` choice, or was the right one.
        """
        before = self.counts.accepted
        outcome = _Outcome.CLOSED
        try:
            with serial.Serial(port, baud, timeout=_READ_TIMEOUT_S, exclusive=True) as device:
                outcome = _Outcome.DEAF
                self._watch.opened(self._hint(baud))
                self._listen(device, stop, last=last)
        except (OSError, termios.error, ValueError) as error:
            if last or self.counts.accepted > before:
                self._watch.closed(
                    f" at {port}: {_reason(error)}; check its cable and the setting position.port;"
                    " it is tried again until it answers"
                )
        if self.counts.accepted == before:
            return outcome
        self._right = (port, baud)
        return _Outcome.HEARD

    def _listen(self, device: serial.Serial, stop: threading.Event, *, last: bool) -> None:
        """Take what comes until nothing has made sense for a while."""
        splitter = LineSplitter()
        while not stop.is_set():
            data = device.read(device.in_waiting or 1)
            if data:
                self._watch.heard_bytes(len(data))
            for line in splitter.feed(data):
                before = self.counts.accepted
                report = self._decoder.feed(line, self._reports.now())
                if report is not None and not self._reports.take(report):
                    report = None
                if self.counts.accepted > before:
                    self._watch.heard_sentence(report)
            self._reports.counted(
                self.counts.accepted, self.counts.bad_checksums + self.counts.malformed
            )
            if last or not self._watch.deaf:
                self._watch.check()
            if self._watch.deaf:
                return

    def _hint(self, baud: int) -> str:
        if len(self._bauds) > 1:
            return 'its speed is none that position.baud = "auto" tries, or it is no receiver'
        return f'its speed is not position.baud = {baud}; set "auto" to have it found'


class _Outcome(IntEnum):
    CLOSED = 0
    DEAF = 1
    HEARD = 2


def _reason(error: Any) -> str:
    number = error.args[0] if isinstance(error, termios.error) else getattr(error, "errno", None)
    if number is not None:
        return os.strerror(number)
    return str(error) if isinstance(error, ValueError) else "it went away"
