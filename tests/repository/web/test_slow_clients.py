"""Clients that send their requests slowly, or not at all, over a real server on loopback."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from repository.web import patience
from tests.repository.web.attacked import Site, attacked

WAIT_S = 30.0
NOBODY = b'{"login":"nobody","password":"x"}'
HALF_A_HEAD = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
SIGN_IN = b"POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Length: 40\r\n\r\n"


@pytest.fixture(scope="module")
def site(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with attacked(tmp_path_factory.mktemp("slow") / "site", migrated_sqlite) as opened:
        yield opened


def connected(site: Site) -> socket.socket:
    url = site.client.base_url
    return socket.create_connection((url.host, url.port or 80), WAIT_S)


def read_answer(link: socket.socket) -> None:
    """Read that all is well, in however many pieces it comes."""
    answered = b""
    while not answered.endswith(b'{"status":"ok"}'):
        came = link.recv(65536)
        assert came
        answered += came


def is_dropped(link: socket.socket) -> bool:
    """Whether the server ends the connection, without a word, before the patience of the test."""
    try:
        return link.recv(1) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


@pytest.mark.parametrize("sent", [b"", HALF_A_HEAD, HALF_A_HEAD + b"\r\n" + HALF_A_HEAD])
def test_a_head_that_is_never_whole_is_dropped(
    sent: bytes, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "HEAD_S", 0.3)
    with connected(site) as link:
        link.sendall(sent)
        if sent.count(HALF_A_HEAD) == 2:
            read_answer(link)
        assert is_dropped(link)


def test_a_head_that_drips_is_dropped_as_well(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "HEAD_S", 0.3)
    with connected(site) as link:
        with suppress(OSError):
            link.sendall(HALF_A_HEAD)
            for _ in range(100):
                link.sendall(b"X-Drip: 1\r\n")
                time.sleep(0.05)
        link.settimeout(1)
        assert is_dropped(link)


@pytest.mark.parametrize("drips", [0, 39])
def test_a_body_that_comes_too_slowly_is_dropped(
    drips: int, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "WINDOW_S", 0.4)
    with connected(site) as link:
        link.sendall(SIGN_IN)
        with suppress(OSError):
            for _ in range(drips):
                link.sendall(b" ")
                time.sleep(0.05)
        assert is_dropped(link)


def test_a_body_that_comes_steadily_is_answered_however_long_it_takes(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "WINDOW_S", 1.0)
    monkeypatch.setattr(patience, "BYTES_PER_S", 1)
    with connected(site) as link:
        link.sendall(SIGN_IN)
        for _ in range(40):
            time.sleep(0.06)
            link.sendall(b" ")
        assert link.recv(65536).startswith(b"HTTP/1.1 4")


def test_those_who_ask_are_answered_among_many_who_say_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "MAX_CONNECTIONS", 20)
    with ExitStack() as held:
        silent = [held.enter_context(connected(site)) for _ in range(60)]
        for link in silent:
            with suppress(OSError):
                link.sendall(HALF_A_HEAD)
        assert site.client.get("/healthz").status_code == 200
        assert all(is_dropped(link) for link in silent[:40])
        silent[-1].sendall(b"\r\n")
        assert silent[-1].recv(65536).startswith(b"HTTP/1.1 200")


def asked_for_body(site: Site, held: ExitStack) -> socket.socket:
    """A client whose head is taken, and that is asked for its body."""
    link = held.enter_context(connected(site))
    head = b"POST /api/v1/login HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
    kind = b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    link.sendall(head + kind % len(NOBODY))
    assert link.recv(65536).startswith(b"HTTP/1.1 100")
    return link


def test_a_head_without_its_body_keeps_nobody_out(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "MAX_CONNECTIONS", 5)
    with ExitStack() as held:
        asking = [asked_for_body(site, held) for _ in range(5)]
        assert site.client.get("/healthz").status_code == 200
        assert is_dropped(asking[0])
        for link in asking[1:]:
            link.sendall(NOBODY)
            assert link.recv(65536).startswith(b"HTTP/1.1 401")


def test_who_is_being_answered_is_not_dropped_for_the_newest(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "MAX_CONNECTIONS", 5)
    with ExitStack() as held:
        asking = [asked_for_body(site, held) for _ in range(5)]
        with site.rooms.engine.begin():  # nobody is answered yet: a sign-in is recorded
            for link in asking:
                link.sendall(NOBODY)
            assert is_dropped(held.enter_context(connected(site)))
        assert all(link.recv(65536).startswith(b"HTTP/1.1 401") for link in asking)
