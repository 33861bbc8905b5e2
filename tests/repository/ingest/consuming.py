"""A consumer at work behind a real broker, and a unit's own connection to that broker."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from paho.mqtt.enums import CallbackAPIVersion

from edge.contract import batch as b
from repository.ingest.consumer import Consumer
from repository.ingest.take import Ingest
from repository.settings import BrokerSettings
from tests.repository.sender import Sender
from tests.servers import Broker

SHARE = "8f2c6d1be07a4935b1c4f0d2a9e35768"
WAIT_S = 60.0


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same steps with shorter waits between them."""
    monkeypatch.setattr("repository.ingest.consumer._FIRST_RETRY_S", 0.05)
    monkeypatch.setattr("repository.ingest.consumer._TICK_S", 0.05)


@dataclass
class Link:
    """A unit's own connection to the broker: publishes, and gathers its receipts."""

    port: int
    sender: Sender
    key: Ed25519PrivateKey
    receipts: queue.Queue[b.Receipt] = field(default_factory=queue.Queue)

    def __post_init__(self) -> None:
        self.client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=f"unit-{self.sender.unit}", clean_session=False
        )
        subscribed = threading.Event()
        self.client.reconnect_delay_set(1, 1)
        self.client.on_subscribe = lambda *_: subscribed.set()
        self.client.on_connect = lambda client, *_: client.subscribe(
            self.sender.topic("receipt"), 1
        )
        self.client.on_message = lambda _client, _data, message: self._receive(message)
        self.client.connect("127.0.0.1", self.port)
        self.client.loop_start()
        assert subscribed.wait(WAIT_S)

    def _receive(self, message: mqtt.MQTTMessage) -> None:
        found = b.decode_receipt(message.payload)
        b.verify_receipt(found, self.key.public_key())
        self.receipts.put(found)

    def send(self, topic: str, body: bytes) -> None:
        self.client.publish(topic, body, qos=1)

    def receipt_for(self, body: bytes) -> b.Receipt:
        """The next receipt that answers this message; others before it are dropped."""
        while True:
            found = self.receipts.get(timeout=WAIT_S)
            if found.message == b.message_digest(body):
                return found

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


class Running:
    """A consumer at work in a thread."""

    def __init__(self, broker: Broker, taker: Any, **settings: Any) -> None:
        chosen = BrokerSettings(host="127.0.0.1", port=broker.port, **settings)
        self.consumer = Consumer(chosen, SHARE, taker)
        self.thread = threading.Thread(target=self.consumer.run, name="consumer")
        self.thread.start()
        assert self.consumer.wait_until_subscribed(WAIT_S)

    def stop(self) -> None:
        self.consumer.stop()
        self.thread.join(WAIT_S)
        assert not self.thread.is_alive()


RunConsumer = Callable[..., Running]


@pytest.fixture
def run_consumer() -> Iterator[RunConsumer]:
    running: list[Running] = []

    def start(*arguments: Any, **settings: Any) -> Running:
        running.append(Running(*arguments, **settings))
        return running[-1]

    yield start
    for each in running:
        each.stop()


@pytest.fixture
def broker(mosquitto_broker: Callable[..., Broker]) -> Broker:
    return mosquitto_broker("message_size_limit 0")


@pytest.fixture
def link(broker: Broker, sender: Sender, repository_key: Ed25519PrivateKey) -> Iterator[Link]:
    opened = Link(broker.port, sender, repository_key)
    yield opened
    opened.close()


def made_of(kind: type[Ingest], ingest: Ingest) -> Ingest:
    """Ingest of another kind with the same parts."""
    return kind(**{each.name: getattr(ingest, each.name) for each in fields(ingest)})
