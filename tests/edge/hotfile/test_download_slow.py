"""No slow or hostile web holds the unit up, and what an honest slow link brings is kept.

The web sends a piece for each beat of the unit, and the unit's clock goes on with each.
"""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain, repeat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.contract.hotlist import HotlistVersion
from edge.hotfile.download import (
    LARGE_WITHIN_S,
    SMALL_WITHIN_S,
    BrokenDeltaError,
    RepositoryWeb,
    Unit,
    UnreachableError,
)
from edge.hotfile.link import LEAST_BYTES_PER_S, MAX_ADDRESSES, RATE_OVER_S
from edge.hotfile.partial import PartialFile
from edge.hotfile.process_apart import StoppedError

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = Ed25519PrivateKey.generate()
LIST = "state-hotfile"
TIMEOUT_S = 20.0
SILENCE_S = 120.0
STEPS = 400


@dataclass
class Clock:
    """A clock that goes on by a step with each beat, for which the web sends its next piece."""

    step_s: float = 5.0
    at_s: float = 0.0
    beats_s: list[float] = field(default_factory=list)
    turns: queue.Queue[bool] = field(default_factory=queue.Queue)
    stop: threading.Event = field(default_factory=threading.Event)
    stop_at_s: float = float("inf")

    def beat(self) -> None:
        assert len(self.beats_s) < STEPS, "this goes on for ever"
        self.at_s += self.step_s
        self.beats_s.append(self.at_s)
        if self.at_s >= self.stop_at_s:
            self.stop.set()
        self.turns.put(True)

    def web(self, port: int) -> RepositoryWeb:
        return RepositoryWeb(
            f"http://127.0.0.1:{port}",
            None,
            Unit("northfield-pd", "car-12", KEY),
            timeout_s=TIMEOUT_S,
            now=lambda: NOON,
            stop=self.stop,
            beat=self.beat,
            monotonic_s=lambda: self.at_s,
        )


def head(length: int, *more: str, status: str = "200 OK") -> bytes:
    lines = (f"HTTP/1.1 {status}", f"Content-Length: {length}", *more)
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode("latin-1")


@contextmanager
def asked(clock: Clock, *answers: Iterable[bytes]) -> Iterator[RepositoryWeb]:
    """A web that gives these answers, one after another, a piece of each for each beat."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(10.0)

    def serve() -> None:
        for pieces in answers:
            unit, _ = listener.accept()
            unit.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with suppress(OSError), unit:
                unit.recv(65536)
                clock.turns.queue.clear()
                for piece in pieces:
                    unit.sendall(piece)
                    if not clock.turns.get():
                        break

    thread = threading.Thread(target=serve, name="web")
    thread.start()
    web = clock.web(listener.getsockname()[1])
    try:
        yield web
    finally:
        web.close()
        clock.turns.put(False)
        thread.join()
        listener.close()


ENDLESS_HEADS = {
    "hints": repeat(b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "lines": chain([b"HTTP/1.1 200 OK\r\n"], repeat(b"X-A: b\r\n")),
    "bytes": repeat(b"H"),
}
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
ENDLESS_BODIES = {
    "bytes": lambda: chain([head(16_000)], repeat(b" ")),
    "chunks": lambda: chain([CHUNKED], repeat(b"1\r\n \r\n")),
    "within a chunk's head": lambda: chain([CHUNKED, b"1;"], repeat(b"x")),
}


@pytest.mark.parametrize("pieces", ENDLESS_HEADS.values(), ids=ENDLESS_HEADS.keys())
def test_a_head_without_an_end_is_one_failed_look(pieces: Iterable[bytes]) -> None:
    clock = Clock()
    with asked(clock, pieces) as web, pytest.raises(UnreachableError, match="in time"):
        web.manifest(LIST, None)
    assert clock.at_s <= 2 * TIMEOUT_S


@pytest.mark.parametrize("body", ENDLESS_BODIES.values(), ids=ENDLESS_BODIES.keys())
def test_a_manifest_a_byte_at_a_time_is_one_failed_look(
    body: Callable[[], Iterable[bytes]],
) -> None:
    clock = Clock()
    with asked(clock, body()) as web, pytest.raises(UnreachableError, match="too slowly"):
        web.manifest(LIST, None)
    assert clock.at_s <= 2 * TIMEOUT_S + SMALL_WITHIN_S


@pytest.mark.parametrize("body", ENDLESS_BODIES.values(), ids=ENDLESS_BODIES.keys())
def test_a_delta_a_byte_at_a_time_is_given_up(body: Callable[[], Iterable[bytes]]) -> None:
    clock = Clock()
    with asked(clock, body()) as web, pytest.raises(BrokenDeltaError, match="too slowly"):
        web.delta(LIST, 2, 100_000)
    assert clock.at_s <= 2 * TIMEOUT_S + 2 * RATE_OVER_S


def test_an_honest_slow_delta_comes_whole_and_the_unit_lives_meanwhile() -> None:
    clock, piece = Clock(step_s=0.9), b"d" * 10_000
    delta = piece * 300
    with asked(clock, chain([head(len(delta))], repeat(piece, 300))) as web:
        assert web.delta(LIST, 2, len(delta)) == delta
    assert clock.at_s > 2 * SILENCE_S
    assert len(clock.beats_s) >= 290


def version(content: bytes) -> HotlistVersion:
    return HotlistVersion(
        name=LIST, version=2, issued_at=NOON, entries=1, sha256="0" * 64, size_bytes=len(content)
    )


def test_a_list_that_takes_longer_than_a_try_is_gone_on_with(tmp_path: Path) -> None:
    clock, piece = Clock(step_s=10.0), bytes(range(250)) * 10
    content = piece * 150
    tag = '"' + "0" * 64 + '"'

    def rest(start: int) -> Iterator[bytes]:
        where = f"Content-Range: bytes {start}-{len(content) - 1}/{len(content)}"
        yield head(len(content) - start, where, f"ETag: {tag}", status="206 Partial Content")
        for at in range(start, len(content), len(piece)):
            yield content[at : at + len(piece)]

    with PartialFile(tmp_path / "a.partial", sha256="0" * 64, spool_key=b"k" * 32) as partial:
        whole = chain([head(len(content))], repeat(piece, 150))
        on = "bytes are here, and the next try goes on"
        with asked(clock, whole) as web, pytest.raises(UnreachableError, match=on):
            web.fetch(version(content), partial)
        assert LARGE_WITHIN_S <= clock.at_s <= LARGE_WITHIN_S + 3 * TIMEOUT_S
        assert 50_000 < partial.size_bytes < len(content)
        with asked(clock, rest(partial.size_bytes)) as web:
            web.fetch(version(content), partial)
        assert b"".join(partial.pieces()) == content


def test_a_list_that_comes_below_the_least_rate_is_given_up_and_kept_so_far(
    tmp_path: Path,
) -> None:
    clock = Clock()
    slow = b"x" * int(LEAST_BYTES_PER_S * clock.step_s * 0.5)
    with PartialFile(tmp_path / "a.partial", sha256="0" * 64, spool_key=b"k" * 32) as partial:
        pieces = chain([head(10**6)], repeat(slow))
        with asked(clock, pieces) as web, pytest.raises(UnreachableError, match="too slowly; "):
            web.fetch(version(b"x" * 10**6), partial)
        assert partial.size_bytes >= len(slow)
    assert clock.at_s <= 2 * TIMEOUT_S + 2 * RATE_OVER_S


def test_a_unit_that_stops_waits_for_no_answer() -> None:
    clock = Clock(stop_at_s=20.0)
    with asked(clock, chain([head(16_000)], repeat(b" "))) as web, pytest.raises(StoppedError):
        web.manifest(LIST, None)
    assert clock.at_s == 20.0


def test_a_name_of_many_addresses_that_do_not_answer_keeps_the_unit_alive(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"127.0.0.{number}", 1))
        for number in range(2, 250)
    ]
    monkeypatch.setattr("edge.hotfile.link.socket.getaddrinfo", lambda *_, **__: found)
    tried: list[str] = []

    def refuse(address: tuple[str, int], *_: object, **__: object) -> None:
        tried.append(address[0])
        raise TimeoutError

    monkeypatch.setattr("socket.create_connection", refuse)
    clock = Clock()
    with pytest.raises(UnreachableError, match="in time"):
        clock.web(1).manifest(LIST, None)
    assert len(tried) == MAX_ADDRESSES
    assert len(clock.beats_s) >= MAX_ADDRESSES


@pytest.mark.parametrize("tag", ['"\xe9"', f'"{"x" * 500}"', '"\t"'])
def test_an_entity_tag_that_could_not_be_sent_back_is_left_out(tag: str) -> None:
    with asked(Clock(step_s=0.0), [head(2, f"ETag: {tag}") + b"{}"]) as web:
        assert web.manifest(LIST, None) == (b"{}", "")


def test_a_plain_entity_tag_is_kept() -> None:
    with asked(Clock(step_s=0.0), [head(2, 'ETag: "ab"') + b"{}"]) as web:
        assert web.manifest(LIST, None) == (b"{}", '"ab"')


@pytest.mark.parametrize("tag", ['"\xe9"', '"\n"'])
def test_a_request_that_cannot_be_made_is_one_failed_look(tag: str) -> None:
    with pytest.raises(UnreachableError, match="cannot be reached"):
        Clock().web(1).manifest(LIST, tag)
