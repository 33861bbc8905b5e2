"""HTTP/1.1 for clients that may be slow on purpose: bounds on time and on connections.

A request's head must be whole ``HEAD_S`` after it began, and its body must bring
``BODY_BYTES_PER_S`` in each ``BODY_WINDOW_S`` in which the application took what came. Whoever is
slower is dropped. Beyond ``MAX_CONNECTIONS`` the one without a request in hand that waits longest
is dropped for the newest, so that those who ask promptly are answered however many say nothing,
and files are left for the database and the broker in the same process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_S = 15.0
BODY_WINDOW_S = 20.0
BODY_BYTES_PER_S = 1024
MAX_CONNECTIONS = 256


class PatientProtocol(H11Protocol):
    """A connection whose client is waited for, but not for ever."""

    _clock: asyncio.TimerHandle | None = None
    _awaits: Callable[[], None] | None = None
    _began = True
    _bytes = 0
    _paused = False
    _idle_since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, in another's place if there are too many."""
        super().connection_made(transport)
        self._idle_since = self.loop.time()
        self._watch()
        open_ = [each for each in self.connections if not each.transport.is_closing()]
        if len(open_) > MAX_CONNECTIONS:
            idle = [each for each in open_ if isinstance(each, PatientProtocol) and each.is_idle]
            min(idle, key=lambda each: each._idle_since).transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self._wait_for(None, 0)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came, and see what is to come next."""
        self._began = True
        self._bytes += len(data)
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """Wait for the next request; uvicorn ends the connection if none begins."""
        self._idle_since = self.loop.time()
        self._began = bool(self.conn.trailing_data[0])
        super().on_response_complete()
        self._watch()

    @property
    def is_idle(self) -> bool:
        """Whether no request of its client's is in hand."""
        return self.cycle is None or self.cycle.response_complete

    def _watch(self) -> None:
        self._paused = self._paused or self.flow.read_paused
        if self.conn.their_state is h11.SEND_BODY:
            self._wait_for(self._look_at_body, BODY_WINDOW_S)
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
        slow = self._bytes < BODY_BYTES_PER_S * BODY_WINDOW_S
        if slow and not self._paused and not self.flow.read_paused:
            self.transport.abort()
            return
        self._awaits = None
        self._watch()
