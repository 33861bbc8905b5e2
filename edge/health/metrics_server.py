"""Serves the metrics over HTTP, one request at a time; never more than the metrics."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from typing import Any

from edge.health.health import Health
from edge.health.metrics import CONTENT_TYPE, metrics_text
from edge.health.status import Status

_POLL_S = 0.5
_REQUEST_TIMEOUT_S = 5.0
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
            except OSError as error:
                host, port = self._address
                self._health.trouble(
                    "metrics",
                    f"metrics cannot be served on {host} port {port} ({error.strerror}): check "
                    "the settings metrics.address and metrics.port, and who listens there",
                )
                stop.wait(_RETRY_S)


class _Server(HTTPServer):
    timeout = _POLL_S

    def __init__(self, address: tuple[str, int], status: Callable[[], Status]) -> None:
        self.status = status
        if ip_address(address[0]).version == 6:
            self.address_family = socket.AF_INET6
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Bind without asking the name service for this machine's name."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever asked has gone: that concerns nobody else."""


class _Handler(BaseHTTPRequestHandler):
    timeout = _REQUEST_TIMEOUT_S
    server_version = "plateward"
    sys_version = ""
    server: _Server

    def do_GET(self) -> None:
        if self.path.partition("?")[0] != "/metrics":
            self.send_error(404, "only /metrics is here")
            return
        body = metrics_text(self.server.status)
        self.send_response(200)
        self.send_header("Content-Type", CONTENT_TYPE)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing: that it was asked is no news."""
