"""Serves the metrics over HTTP, a few requests at a time; never more than the metrics.

Whoever reaches the port may ask, so nobody may keep others from it: a request has a limit for all
of it, however slowly it drips in, one too many takes the place of the oldest that still goes on,
and the end of the daemon waits for none.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from socketserver import ThreadingMixIn
from typing import Any

from edge.health.health import Health
from edge.health.metrics import CONTENT_TYPE, metrics_text
from edge.health.status import Status

AT_ONCE = 8
"""Requests that are answered side by side."""

_POLL_S = 0.5
_REQUEST_LIMIT_S = 5.0
_RETRY_S = 30.0


class MetricsServer:
    """Answers ``GET /metrics`` with the metrics of a status made at that moment."""

    def __init__(
        self, address: str, port: int, status: Callable[[], Status], health: Health
    ) -> None:
        """``port`` 0 takes a free one; see :attr:`port`."""
        self._address = (address, port)
        self._status = status
        self._health = health
        self.port: int | None = None
        """The port that is listened on, once it is."""

    def run(self, stop: threading.Event) -> None:
        """Serve until told to stop. A port that is taken is a trouble, and tried again."""
        while not stop.is_set():
            try:
                with _Server(self._address, self._status) as server:
                    self.port = server.server_port
                    self._health.recovered("metrics")
                    while not stop.is_set():
                        server.handle_request()
                        server.end_overdue()
            except OSError as error:
                host, port = self._address
                self._health.trouble(
                    "metrics",
                    f"metrics cannot be served on {host} port {port} ({error.strerror}): check "
                    "the settings metrics.address and metrics.port, and who listens there",
                )
                stop.wait(_RETRY_S)


class _Server(ThreadingMixIn, HTTPServer):
    timeout = _POLL_S
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], status: Callable[[], Status]) -> None:
        self.status = status
        self._begun_s: dict[socket.socket, float] = {}  # of each connection, the oldest first
        self._lock = threading.Lock()
        if ip_address(address[0]).version == 6:
            self.address_family = socket.AF_INET6
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Bind without asking the name service for this machine's name."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread of its own; where there are too many, end the oldest."""
        with self._lock:
            if len(self._begun_s) >= AT_ONCE:
                self._end(next(iter(self._begun_s)))
            self._begun_s[request] = time.monotonic()
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection that is done with."""
        with self._lock:
            self._begun_s.pop(request, None)
        super().shutdown_request(request)

    def goes_on(self, request: Any) -> bool:
        """Whether this connection has not been ended."""
        with self._lock:
            return request in self._begun_s

    def end_overdue(self) -> None:
        """End the requests that have taken too long."""
        now_s = time.monotonic()
        with self._lock:
            for request, begun_s in list(self._begun_s.items()):
                if now_s - begun_s > _REQUEST_LIMIT_S:
                    self._end(request)

    def server_close(self) -> None:
        """Listen no more, and end every request."""
        super().server_close()
        with self._lock:
            for request in list(self._begun_s):
                self._end(request)

    def _end(self, request: socket.socket) -> None:
        """Wake the thread that waits for this connection: it reads the end, and closes it."""
        del self._begun_s[request]
        with suppress(OSError):
            request.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever asked has gone: that concerns nobody else."""


class _Handler(BaseHTTPRequestHandler):
    server_version = "plateward"
    sys_version = ""
    server: _Server

    def do_GET(self) -> None:
        if self.path.partition("?")[0] != "/metrics":
            self.send_error(404, "only /metrics is here")
            return
        if not self.server.goes_on(self.request):
            return  # what was heard of it is no whole request
        body = metrics_text(self.server.status)
        self.send_response(200)
        self.send_header("Content-Type", CONTENT_TYPE)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing: that it was asked is no news."""
