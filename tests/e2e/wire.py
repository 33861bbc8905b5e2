"""What stands at the broker beside the installed programs: units made by a test, and onlookers."""

from __future__ import annotations

import queue
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import Engine

from demo_site import site as sites
from edge.contract import batch as b
from edge.enrolment import load_public_key
from repository.settings import load_settings
from repository.store.engine import open_engine, reading
from repository.store.statistics import count

WAIT_S = 60.0


@contextmanager
def database(site: sites.Site) -> Iterator[Engine]:
    """The site's database, to look into it while the programs run."""
    engine = open_engine(load_settings(site.repository_settings).database_address)
    try:
        yield engine
    finally:
        engine.dispose()


def stored(site: sites.Site) -> dict[str, int]:
    """How much the site's repository has, as ``alpr-repository db counts`` says it."""
    with database(site) as engine, reading(engine) as connection:
        return count(connection)


class Client:
    """A client at the broker, with a certificate if it is given the files of one.

    ``heard`` grows with the topic of each message that the broker hands it.
    """

    def __init__(self, site: sites.Site, name: str, tls: ssl.SSLContext | None = None) -> None:
        self.heard: list[str] = []
        self._key = load_public_key(site.folder / "repository" / "keys" / "receipts.pub")
        self._receipts: queue.Queue[b.Receipt] = queue.Queue()
        self._granted: queue.Queue[bool] = queue.Queue()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name)
        if tls is not None:
            self._client.tls_set_context(tls)
        connected = threading.Event()
        self._client.on_connect = lambda *_: connected.set()
        self._client.on_subscribe = lambda *said: self._granted.put(not said[3][0].is_failure)
        self._client.on_message = self._hear
        self._client.connect("localhost", site.broker_port)
        self._client.loop_start()
        assert connected.wait(WAIT_S)

    def _hear(self, _client: mqtt.Client, _userdata: Any, message: mqtt.MQTTMessage) -> None:
        self.heard.append(message.topic)
        if message.topic.endswith("/receipt"):
            receipt = b.decode_receipt(bytes(message.payload))
            b.verify_receipt(receipt, self._key)
            self._receipts.put(receipt)

    def subscribe(self, topic: str) -> bool:
        """Whether the broker grants it."""
        self._client.subscribe(topic, 1)
        return self._granted.get(timeout=WAIT_S)

    def publish(self, topic: str, body: bytes) -> None:
        """Publish and wait until the broker has taken it."""
        self._client.publish(topic, body, qos=1).wait_for_publish(WAIT_S)

    def deliver(self, topic: str, body: bytes) -> b.Receipt:
        """Publish, and give the receipt that answers it; others before it are dropped."""
        self.publish(topic, body)
        while True:
            receipt = self._receipts.get(timeout=WAIT_S)
            if receipt.message == b.message_digest(body):
                return receipt

    def close(self) -> None:
        """Leave the broker."""
        self._client.disconnect()
        self._client.loop_stop()
        del self._client  # which closes its sockets; in a circle with this they may be freed first


def certificate(folder: Path, name: str) -> ssl.SSLContext:
    """TLS with the certificate of that name in a folder of ``ca.pem``, keys and certificates."""
    context = ssl.create_default_context(cafile=folder / "ca.pem")
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    return context
