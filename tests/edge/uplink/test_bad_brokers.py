"""Brokers and links that drop, refuse, accept and forget, stall, repeat and flood."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from edge.contract.batch import encode_message
from edge.contract.topics import UnitTopic
from edge.uplink.mailbox import MAX_MAIL, Mailbox
from edge.uplink.messages import Pace
from edge.uplink.mqtt import LinkProblem, LinkReceived
from tests.edge.spool.samples import (
    AGENCY,
    UNIT,
    by_digest,
    malfunction,
    picture_bytes,
    read_and_hit,
    read_with,
    receipt,
    sha256,
)
from tests.edge.uplink.conftest import Unit, until
from tests.edge.uplink.proxy import Proxy
from tests.edge.uplink.responder import Responder
from tests.servers import Broker

MakeUnit = Callable[..., Unit]
IMPATIENT = Pace(
    first_silence_s=0.2, longest_silence_s=0.5, untaken_s=1.0, slowest_bytes_per_s=1024 * 1024
)


@pytest.fixture
def proxy(broker: Broker) -> Iterator[Proxy]:
    running = Proxy(broker.port)
    yield running
    running.close()


def large(number: int) -> bytes:
    return picture_bytes(number) * 100  # 200 kB


def test_a_connection_cut_in_the_middle_of_messages_loses_and_doubles_nothing(
    make_unit: MakeUnit, proxy: Proxy, responder: Responder
) -> None:
    unit = make_unit(proxy.port)
    unit.uplink.start()
    until(lambda: unit.uplink.counts().connected)
    for number, after in enumerate((700, 3000, 5000, 150_000)):
        connections = proxy.connections
        proxy.cut_after = after
        unit.add([read_with(large(number))], by_digest(large(number)))
        unit.add(read_and_hit(), {})
        until(lambda before=connections: proxy.connections > before)  # type: ignore[misc]
    until(unit.empty)
    assert [record.seq for record in responder.records] == list(range(1, 13))
    assert responder.held == {sha256(large(number)) for number in range(4)}


def test_a_broker_that_stalls_is_left_and_the_uplink_answers_all_the_while(
    make_unit: MakeUnit, proxy: Proxy, responder: Responder
) -> None:
    unit = make_unit(proxy.port, pace=IMPATIENT)
    unit.uplink.start()
    until(lambda: unit.uplink.counts().connected)
    proxy.stall()
    for number in range(8):
        unit.add([read_with(large(number))], by_digest(large(number)))
    until(lambda: any("it takes no messages" in str(said) for _, said in unit.problems))
    assert unit.uplink.is_alive()
    assert unit.spool.counts().waiting == 8
    proxy.flow()
    until(unit.empty)
    assert [record.seq for record in responder.records] == list(range(1, 9))
    assert len(responder.held) == 8


def test_a_unit_stops_at_once_also_where_nothing_goes_any_more(
    make_unit: MakeUnit, proxy: Proxy, responder: Responder
) -> None:
    unit = make_unit(proxy.port)
    unit.uplink.start()
    until(lambda: unit.uplink.counts().connected)
    proxy.stall()
    for number in range(8):
        unit.add([read_with(large(number))], by_digest(large(number)))
    until(lambda: unit.uplink.counts().session.batches_sent > 0)
    stopped = threading.Thread(target=unit.uplink.stop)
    stopped.start()
    stopped.join(10)
    assert not stopped.is_alive()
    assert not unit.uplink.is_alive()
    assert responder.records == []


@contextlib.contextmanager
def answering(connack: bytes) -> Iterator[int]:
    """The port of a server that answers each connection's first message so, and no other."""
    held: list[socket.socket] = []

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = server.accept()
                held.append(connection)
                connection.recv(1000)
                connection.sendall(connack)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in held:
                connection.close()


@pytest.mark.parametrize(
    ("connack", "sentence"),
    [
        (b"\x20\x02\x00\x03", "it refuses this unit (server unavailable)"),
        (b"\x20\x02\x00\x02", "it refuses this unit (client identifier not valid)"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not answer as a broker"),
    ],
)
def test_a_broker_that_refuses_is_said_once_and_asked_again(
    make_unit: MakeUnit, connack: bytes, sentence: str
) -> None:
    attempts: list[float] = []

    def jitter() -> float:
        attempts.append(0)
        return 0.0

    with answering(connack) as port:
        unit = make_unit(port, jitter, accept_within_s=0.1)
        unit.uplink.start()
        unit.add([malfunction], {})
        until(lambda: len(attempts) > 3)
        assert not unit.uplink.counts().connected
        unit.uplink.stop()
    said = {str(sentence) for _, sentence in unit.problems}
    assert len(unit.problems) == len(said) == 1
    assert sentence in said.pop()
    assert unit.spool.counts().waiting == 1


def test_a_broker_that_accepts_and_forgets_gets_everything_again_and_purges_nothing(
    make_unit: MakeUnit, broker: Broker
) -> None:
    unit = make_unit(broker.port)  # and nobody listens behind that broker
    unit.uplink.start()
    unit.add([read_with(picture_bytes(1))], by_digest(picture_bytes(1)))
    unit.add(read_and_hit(), {})
    until(lambda: unit.uplink.counts().session.sent_again >= 6)
    counts = unit.spool.counts()
    assert (counts.waiting, counts.hits_waiting, counts.pictures_waiting) == (3, 1, 1)
    assert unit.problems == []


def test_receipts_that_flood_in_old_ones_and_new_ones_change_nothing_but_what_they_cover(
    unit: Unit, responder: Responder
) -> None:
    unit.uplink.start()
    unit.add([malfunction] * 3, {})
    until(unit.empty)
    responder.silent = True
    unit.add([malfunction] * 3, {})
    until(lambda: unit.uplink.counts().session.batches_sent >= 2)
    topic = str(UnitTopic(AGENCY, UNIT, "receipt"))
    root = responder.chain_root
    flood = [receipt(3, root), receipt(0, "0" * 64), receipt(2, "b" * 64), receipt(9, "c" * 64)]
    payloads = [encode_message(one) for one in flood]
    payloads += [b"{}", encode_message(receipt(6, root, unit="car-8"))]
    before = unit.uplink.counts()
    for number in range(3000):
        responder.client.publish(topic, payloads[number % len(payloads)], 0)

    def seen() -> int:
        now = unit.uplink.counts()
        one, other = now.session, before.session
        return (
            one.receipts
            + one.receipts_malformed
            + one.receipts_of_others
            + now.receipts_dropped
            - other.receipts
            - other.receipts_malformed
            - other.receipts_of_others
        )

    until(lambda: seen() >= 3000)
    assert unit.spool.counts().receipted == 3
    assert unit.spool.counts().waiting == 3
    responder.silent = False
    until(unit.empty)
    assert [record.seq for record in responder.records] == [1, 2, 3, 4, 5, 6]


def test_the_mailbox_is_bounded_and_drops_receipts_alone() -> None:
    mailbox = Mailbox()
    for _ in range(MAX_MAIL + 10):
        mailbox.put(LinkReceived(b""))
    mailbox.put(LinkProblem("gone"))
    taken = mailbox.take(0)
    assert len(taken) == MAX_MAIL + 1
    assert taken[-1] == LinkProblem("gone")
    assert mailbox.dropped == 10
