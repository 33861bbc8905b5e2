"""HTTP/1.1 for clients that may be slow on purpose: bounds on time and on connections.

A request's head must be whole ``HEAD_S`` after it began. Its body must bring ``BYTES_PER_S`` in
each ``WINDOW_S`` in which the application took what came, and as much of an answer must be read in
each in which some of it waits here. Whoever is slower is dropped.

Beyond ``MAX_CONNECTIONS`` the one is dropped for the newest whose client has had its turn longest,
to ask, to send the body or to read the answer, so that those who ask promptly are answered however
many do not, and files are left for the database and the broker in the same process. Whoever waits
for the application keeps theirs.
"""

from __future__ import annotations

import asyncio
import fcntl
import struct
import termios
from collections.abc import Callable

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_S = 15.0
WINDOW_S = 20.0
BYTES_PER_S = 1024
MAX_CONNECTIONS = 256


class PatientProtocol(H11Protocol):
    """A connection whose client is waited for, but not for ever."""

    _clock: asyncio.TimerHandle | None = None
    _awaits: Callable[[], None] | None = None
    _began = True
    _bytes = 0
    _paused = False
    _turn_since = 0.0
    _reading: asyncio.TimerHandle | None = None
    _unread = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, in another's place if there are too many."""
        super().connection_made(transport)
        # To be told as soon as an answer waits here. With 0, TLS pauses at nothing.
        transport.set_write_buffer_limits(1)
        self._turn_since = self.loop.time()
        self._watch()
        open_ = [
            each
            for each in self.connections
            if isinstance(each, PatientProtocol) and not each.is_gone
        ]
        if len(open_) > MAX_CONNECTIONS:
            waited_for = [each for each in open_ if each.has_turn]
            min(waited_for, key=lambda each: each._turn_since).transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self._wait_for(None, 0)
        self._cancel_reading()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came, and see what is to come next."""
        self._began = True
        self._bytes += len(data)
        before = self.cycle
        super().data_received(data)
        if self.cycle is not before:
            self._turn_since = self.loop.time()
        self._watch()

    def on_response_complete(self) -> None:
        """Wait for the next request; uvicorn ends the connection if none begins."""
        self._turn_since = self.loop.time()
        self._began = bool(self.conn.trailing_data[0])
        super().on_response_complete()
        self._watch()

    def pause_writing(self) -> None:
        """Have the client read what waits."""
        super().pause_writing()
        self._turn_since = self.loop.time()
        self._watch_reading()

    def resume_writing(self) -> None:
        """Nothing of an answer waits any more, but in the system's own buffers."""
        super().resume_writing()
        self._cancel_reading()

    @property
    def is_gone(self) -> bool:
        """Whether the connection has ended; one that closes waits until its answer is read."""
        return self.transport.is_closing() and not self.transport.get_write_buffer_size()

    @property
    def has_turn(self) -> bool:
        """Whether it is the client that is waited for."""
        idle = self.cycle is None or self.cycle.response_complete
        return idle or self.flow.write_paused or (
            self.cycle.more_body and not self.flow.read_paused
        )  # fmt: skip

    def _watch(self) -> None:
        self._paused = self._paused or self.flow.read_paused
        if self.conn.their_state is h11.SEND_BODY:
            self._wait_for(self._look_at_body, WINDOW_S)
        elif self.conn.their_state is h11.IDLE and self._began:
            self._wait_for(self.transport.abort, HEAD_S)
        else:
            self._wait_for(None, 0)

    def _wait_for(self, what: Callable[[], None] | None, seconds: float) -> None:
        """Set the clock, unless it runs for that already."""
        if what == self._awaits:
            return
        if self._clock is not None:
            self._clock.cancel()
        self._awaits, self._bytes, self._paused = what, 0, False
        self._clock = None if what is None else self.loop.call_later(seconds, what)

    def _look_at_body(self) -> None:
        slow = self._bytes < BYTES_PER_S * WINDOW_S
        if slow and not self._paused and not self.flow.read_paused:
            self.transport.abort()
            return
        self._turn_since = self.loop.time()
        self._awaits = None
        self._watch()

    def _watch_reading(self) -> None:
        self._unread = self._count_unread()
        self._reading = self.loop.call_later(WINDOW_S, self._look_at_reading)

    def _look_at_reading(self) -> None:
        if self._unread - self._count_unread() < BYTES_PER_S * WINDOW_S:
            self.transport.abort()
            return
        self._turn_since = self.loop.time()
        self._watch_reading()

    def _cancel_reading(self) -> None:
        if self._reading is not None:
            self._reading.cancel()

    def _count_unread(self) -> int:
        """Bytes of answers that the client's side has not got: those here, and the system's own."""
        link = self.transport.get_extra_info("socket")
        (queued,) = struct.unpack("i", fcntl.ioctl(link.fileno(), termios.TIOCOUTQ, bytes(4)))
        return int(self.transport.get_write_buffer_size() + queued)
