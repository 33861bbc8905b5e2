"""Clients that read their answers slowly, or not at all, over a real server on loopback."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest
from fastapi import FastAPI, Response

from repository.web import patience
from repository.web.server import make_server

WAIT_S = 30.0
LARGE = bytes(8 * 1024 * 1024)
"""More than the buffers of both sides hold."""
ASK = b"GET /large HTTP/1.1\r\nHost: x\r\n"
ASK_ONCE = ASK + b"Connection: close\r\n\r\n"
ASK_ON = ASK + b"\r\n"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Where a server listens that has a large answer."""
    app = FastAPI()
    app.get("/large")(lambda: Response(LARGE))
    app.get("/small")(lambda: Response(b"well"))
    server = make_server(app)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="web")
        thread.start()
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join()


def asking(port: int, asked: bytes) -> socket.socket:
    """A client that asks, and has room for little of the answer."""
    link = socket.socket()
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32768)
    link.settimeout(WAIT_S)
    link.connect(("127.0.0.1", port))
    link.sendall(asked)
    return link


def is_cut(*links: socket.socket) -> bool:
    """Whether the server ends one of the connections without more of it being read."""
    until = time.monotonic() + WAIT_S
    with suppress(ConnectionError):
        while time.monotonic() < until:
            for link in links:
                link.sendall(b"X")
            time.sleep(0.05)
        return False
    return True


def read(link: socket.socket) -> int:
    """How many bytes come until the server has done."""
    count = 0
    with suppress(ConnectionError):
        while came := link.recv(65536):
            count += len(came)
    return count


@pytest.mark.parametrize("asked", [ASK_ONCE, ASK_ON, ASK_ON + b"POST"])
def test_who_reads_no_answer_is_dropped(
    asked: bytes, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "WINDOW_S", 0.5)
    with asking(port, asked) as link:
        assert is_cut(link)
        assert read(link) < len(LARGE)


def test_who_reads_a_drip_of_it_is_dropped(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "WINDOW_S", 1.0)
    monkeypatch.setattr(patience, "BYTES_PER_S", 1024 * 1024)
    with asking(port, ASK_ONCE) as link:
        taken = 0
        with suppress(ConnectionError):
            for _ in range(60):
                taken += len(link.recv(4096))
                time.sleep(0.05)
        assert taken + read(link) < len(LARGE)


def test_who_reads_steadily_gets_the_whole_however_long_it_takes(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of what the system's own buffers take over, each window must see some go to the client."""
    monkeypatch.setattr(patience, "WINDOW_S", 1.5)
    monkeypatch.setattr(patience, "BYTES_PER_S", 1024)
    with asking(port, ASK_ONCE) as link:
        taken = 0
        while came := link.recv(65536):
            taken += len(came)
            time.sleep(0.02)
        assert taken > len(LARGE)


@pytest.mark.parametrize("asked", [ASK_ONCE, ASK_ON])
def test_who_reads_nothing_keeps_nobody_out(
    asked: bytes, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "MAX_CONNECTIONS", 3)
    with ExitStack() as held:
        deaf = [held.enter_context(asking(port, asked)) for _ in range(3)]
        for link in deaf:  # the answer has begun
            assert link.recv(1)
        for _ in range(4):
            with asking(
                port, b"GET /small HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            ) as one:
                assert one.recv(65536).startswith(b"HTTP/1.1 200")
        assert is_cut(*deaf), "whichever of them the server began to answer first"


def test_an_upgrade_to_another_protocol_is_not_taken_up(port: int) -> None:
    """A connection that changed its protocol would escape every bound here."""
    upgrade = (
        b"GET /small HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    with asking(port, upgrade) as link:
        assert link.recv(65536).startswith(b"HTTP/1.1 200")
