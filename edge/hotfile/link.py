"""The connection to the repository's web, watched: no answer that comes slowly holds a unit up.

A timeout for each read alone lets a server, or a bad link, keep a reader for ever: with a byte now
and then, a header after another, one interim answer after another. Here every answer has an end by
the clock and a least rate, whatever part of it comes; and the unit lives on while it comes.
"""

from __future__ import annotations

import itertools
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import httpcore
import httpx

from edge.hotfile.process_apart import StoppedError

LEAST_BYTES_PER_S = 100.0
RATE_OVER_S = 30.0
MAX_ADDRESSES = 4
"""So many addresses of the server's name are tried, each for as long as the timeout."""

FAILURES = (
    httpx.HTTPError,
    httpx.InvalidURL,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.TimeoutException,
    UnicodeError,
)
"""What a request ends in that cannot be made, or is not answered as it should be."""


class Watch:
    """How long the answer that is waited for may take; used by one thread."""

    def __init__(
        self,
        stop: threading.Event,
        beat: Callable[[], None],
        timeout_s: float,
        monotonic_s: Callable[[], float],
    ) -> None:
        self._stop = stop
        self._beat = beat
        self._timeout_s = timeout_s
        self._monotonic_s = monotonic_s
        self.allow(timeout_s)

    def allow(self, within_s: float | None = None) -> None:
        """From now on the rest is to come within so many seconds, or within the timeout."""
        self._since_s = self._monotonic_s()
        self._until_s = self._since_s + (self._timeout_s if within_s is None else within_s)
        self._bytes = 0

    def turn(self) -> None:
        """Something happens.

        Raises:
            StoppedError: if the unit stops.
        """
        self._beat()
        if self._stop.is_set():
            raise StoppedError("the unit stops")

    def wait_s(self) -> float:
        """How long to wait for the next bytes.

        Raises:
            StoppedError: if the unit stops.
            httpcore.ReadTimeout: if the answer takes too long, or comes too slowly.
        """
        self.turn()
        now_s = self._monotonic_s()
        if now_s >= self._until_s:
            raise httpcore.ReadTimeout("the answer takes too long")
        passed_s = now_s - self._since_s
        if passed_s >= RATE_OVER_S:
            if self._bytes < LEAST_BYTES_PER_S * passed_s:
                raise httpcore.ReadTimeout("the answer comes too slowly")
            self._since_s, self._bytes = now_s, 0
        return min(self._timeout_s, self._until_s - now_s)

    def came(self, count: int) -> None:
        """So many bytes came."""
        self._bytes += count


class WatchedTransport(httpx.BaseTransport):
    """HTTP/1.1 over TCP and TLS, watched."""

    def __init__(self, trusted: ssl.SSLContext, watch: Watch) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=trusted, network_backend=_WatchedBackend(watch)
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, its body still to come; raises what :data:`FAILURES` names."""
        url = request.url
        answer = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
                ),
                headers=request.headers.raw,
                extensions=request.extensions,
            )
        )
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer))

    def close(self) -> None:
        """Close the connection."""
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


class _WatchedBackend(httpcore.SyncBackend):
    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        self._watch.turn()
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        failed: Exception = httpcore.ConnectError("the name has no address")
        addresses = dict.fromkeys(str(one[4][0]) for one in found)
        for address in itertools.islice(addresses, MAX_ADDRESSES):
            self._watch.turn()
            try:
                stream = super().connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
            else:
                return _WatchedStream(stream, self._watch)
        raise failed


class _WatchedStream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, watch: Watch) -> None:
        self._stream = stream
        self._watch = watch

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        wait_s = self._watch.wait_s()
        data = self._stream.read(max_bytes, wait_s if timeout is None else min(timeout, wait_s))
        self._watch.came(len(data))
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._watch.allow()
        self._stream.write(buffer, timeout)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        self._watch.turn()
        secured = self._stream.start_tls(ssl_context, server_hostname, timeout)
        return _WatchedStream(secured, self._watch)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
