"""A TCP proxy before a broker that can cut or stall what goes through it."""

from __future__ import annotations

import contextlib
import socket
import threading

_RECEIVE_BYTES = 65_536


class Proxy:
    """Passes bytes both ways between the unit and a broker, until a test tells it otherwise."""

    def __init__(self, broker_port: int) -> None:
        self._broker_port = broker_port
        self._server = socket.create_server(("127.0.0.1", 0))
        # Or the system would take in megabytes from the unit while nobody reads.
        self._server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
        self.port: int = self._server.getsockname()[1]
        self.connections = 0
        self.cut_after: int | None = None
        """Cut the connection in the middle of what the unit sends, after so many bytes more."""
        self._flows = threading.Event()
        self._flows.set()
        self._open: set[socket.socket] = set()
        self._accepting = threading.Thread(target=self._accept)
        self._threads: list[threading.Thread] = []
        self._accepting.start()

    def stall(self) -> None:
        """Read nothing more from the unit, and give it nothing."""
        self._flows.clear()

    def flow(self) -> None:
        """Pass everything on again."""
        self._flows.set()

    def close(self) -> None:
        """Break every connection, and end."""
        self._flows.set()
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._accepting.join()
        for one in list(self._open):
            _break(one)
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                unit, _ = self._server.accept()
                self.connections += 1
                thread = threading.Thread(target=self._serve, args=(unit,))
                self._threads.append(thread)
                thread.start()

    def _serve(self, unit: socket.socket) -> None:
        with unit, socket.create_connection(("127.0.0.1", self._broker_port)) as broker:
            self._open |= {unit, broker}
            down = threading.Thread(target=self._pass_down, args=(broker, unit))
            down.start()
            with contextlib.suppress(OSError):
                self._pass_up(unit, broker)
            _break(unit)
            _break(broker)
            down.join()
            self._open -= {unit, broker}

    def _pass_up(self, unit: socket.socket, broker: socket.socket) -> None:
        while self._flows.wait() and (data := unit.recv(65_536)):
            self._flows.wait()
            if self.cut_after is not None and self.cut_after < len(data):
                broker.sendall(data[: self.cut_after])
                self.cut_after = None
                return
            if self.cut_after is not None:
                self.cut_after -= len(data)
            broker.sendall(data)

    def _pass_down(self, broker: socket.socket, unit: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := broker.recv(65_536):
                self._flows.wait()
                unit.sendall(data)
        _break(unit)
        _break(broker)


def _break(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
