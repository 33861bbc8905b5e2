"""Brokers and links that drop, refuse, accept and forget, stall, repeat and flood."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from edge.contract.batch import encode_message
from edge.contract.topics import UnitTopic
from edge.uplink.bounded_client import MAX_PACKET_BYTES, BoundedClient
from edge.uplink.mailbox import MAX_MAIL, MAX_MAIL_BYTES, Mailbox
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
from tests.edge.uplink.conftest import Unit
from tests.edge.uplink.proxy import Proxy
from tests.edge.uplink.responder import Responder
from tests.servers import Broker
from tests.waiting import until

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
    stopped.join(60)
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
    for number in range(280):
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

    until(lambda: seen() >= 280)
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


def test_the_mailbox_is_bounded_in_bytes_too() -> None:
    mailbox = Mailbox()
    large = LinkReceived(bytes(MAX_MAIL_BYTES // 4))
    for _ in range(6):
        mailbox.put(large)
    assert len(mailbox.take(0)) == 4
    assert mailbox.dropped == 2
    mailbox.put(large)
    assert len(mailbox.take(0)) == 1


ACCEPTED = b"\x20\x02\x00\x00"


def publish_head(length: int, qos: int = 0) -> bytes:
    """Of a PUBLISH whose remaining length is that."""
    head = bytearray([0x30 | qos << 1])
    while length > 127:
        head.append(length % 128 | 128)
        length //= 128
    return bytes([*head, length])


@pytest.mark.parametrize(
    ("packet", "what"),
    [
        (publish_head(MAX_PACKET_BYTES + 1) + b"x" * 3000, "larger than any receipt"),
        (publish_head(250 * 1024 * 1024) + b"x" * 3000, "larger than any receipt"),
        (publish_head(6, 2) + b"\x00\x01t\x00\x01x", "did not ask for"),
    ],
)
def test_a_broker_that_sends_what_no_repository_sends_is_left_before_it_is_read(
    make_unit: MakeUnit, packet: bytes, what: str
) -> None:
    waited: list[float] = []

    def jitter() -> float:
        waited.append(0)
        return 0.0

    with answering(ACCEPTED + packet) as port:
        unit = make_unit(port, jitter)
        unit.uplink.start()
        until(lambda: unit.uplink.counts().session.links_left >= 3)
        unit.uplink.stop()
    assert any(of == "link" and what in str(sentence) for of, sentence in unit.problems)
    assert len(waited) >= 3


def test_what_is_owed_to_a_broker_that_takes_nothing_is_bounded() -> None:
    said: list[str] = []
    client = BoundedClient("unit", said.append)
    ping = {"command": 0xC0, "remaining_length": 0}
    while not said:
        client._in_packet.update(ping)  # type: ignore[typeddict-item]
        client._packet_handle()
        assert len(client._out_packet) < 2000
    assert said == ["it sends and takes no answers"]


def test_a_flood_of_what_is_no_receipt_makes_the_unit_leave_and_come_back(
    make_unit: MakeUnit, broker: Broker, responder: Responder
) -> None:
    unit = make_unit(broker.port, judge_after_s=0.3, accept_within_s=0.1)
    unit.uplink.start()
    until(lambda: unit.uplink.counts().connected)
    topic = str(UnitTopic(AGENCY, UNIT, "receipt"))
    while unit.uplink.counts().session.links_left < 2:
        for _ in range(100):
            responder.client.publish(topic, b"{}", 0)
        until(lambda: not responder.client.want_write())
    assert any("more than answers" in str(sentence) for _, sentence in unit.problems)
    unit.add([malfunction] * 3, {})
    until(unit.empty)
    assert [record.seq for record in responder.records] == [1, 2, 3]
