"""A GPS receiver made of a pseudo-terminal: the serial adapter opens it as it would a real one."""

from __future__ import annotations

import os
import threading
import tty
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from types import TracebackType
from typing import Self

from .track import TrackPoint, nmea_text

_JOIN_TIMEOUT_S = 5.0
_PATIENCE_S = 0.05


class GpsFeed:
    """Sends a track's sentences to a pseudo-terminal, stamped with the time they are sent at.

    The receiver is parked at the first point until `depart`, and at the last one after it. A
    reader that is not there, or is slow, loses sentences as it would with a real receiver: what
    does not fit into the terminal's buffer is dropped, never waited for.
    """

    def __init__(
        self,
        points: Sequence[TrackPoint],
        *,
        now: Callable[[], datetime],
        seconds_between: float = 1.0,
    ) -> None:
        """Open the pseudo-terminal; nothing is sent before `start`.

        Args:
            points: what to send, in order; their own times are not sent.
            now: the time in UTC, which a receiver has from the satellites.
            seconds_between: pause after each point: 1 is real time, less is faster.

        Raises:
            ValueError: there is no point to send.
            OSError: no pseudo-terminal could be opened.
        """
        if not points:
            raise ValueError("points: a feed needs at least one point")
        self._points = list(points)
        self._stop = threading.Event()
        self._pause_s = seconds_between
        self._now = now
        self._departed = threading.Event()
        self._receiver, self._line = os.openpty()
        tty.setraw(self._line)
        os.set_blocking(self._receiver, False)
        self.path = os.ttyname(self._line)
        """What the serial adapter opens."""
        self._thread = threading.Thread(target=self._run, name="demo-gps-feed", daemon=True)

    def start(self) -> None:
        """Begin sending on a thread of its own, parked at the first point."""
        self._thread.start()

    def depart(self) -> None:
        """Begin to move along the track."""
        self._departed.set()

    def close(self) -> None:
        """Stop the thread and close the pseudo-terminal."""
        self._stop.set()
        self._departed.set()
        if self._thread.is_alive():
            self._thread.join(_JOIN_TIMEOUT_S)
        for descriptor in (self._receiver, self._line):
            os.close(descriptor)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _run(self) -> None:
        while not self._departed.is_set() and not self._stop.is_set():
            self._send(self._points[0])
            self._departed.wait(max(self._pause_s, _PATIENCE_S))
        for point in self._points:
            self._send(point)
            if self._stop.wait(self._pause_s):
                return
        while not self._stop.wait(max(self._pause_s, _PATIENCE_S)):
            self._send(self._points[-1])

    def _send(self, point: TrackPoint) -> None:
        data = nmea_text([replace(point, time=self._now())]).encode("ascii")
        try:
            os.write(self._receiver, data)
        except BlockingIOError:
            return
