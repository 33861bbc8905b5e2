"""The link to the broker: a lasting session that shares the units' messages with other processes.

With MQTT 5 every ingest process subscribes to the same filters under one share name, a secret
(`repository.ingest.share`), so that the broker gives each message to one of them. Its session
outlives a restart, and the receive maximum bounds what the broker hands over before it is
acknowledged. What a unit says of itself is not shared: the broker brings its last word to whoever
connects, which a shared subscription would not.

A broker that speaks 3.1.1 alone has no such thing: one process, instance 1, takes everything then.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from edge.contract.topics import ingest_filters
from repository.errors import RepositoryError
from repository.ingest.share import FORMER_SHARE, shared
from repository.mqtt import secure
from repository.settings import BrokerSettings

SESSION_EXPIRY_S = 30 * 24 * 3600
_QOS = 1
_KEEPALIVE_S = 60
_FIRST_RETRY_S = 1
_LAST_RETRY_S = 60
_PATIENCE_S = 2.0
_ASK_S = 5.0
_UNSUPPORTED_PROTOCOL = 132
_SESSION_TAKEN_OVER = 142

_log = structlog.get_logger("ingest")


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message in hand; ``connection`` counts connections, since message ids live in one."""

    topic: str
    body: bytes
    mid: int
    qos: int
    retained: bool
    connection: int


class Link:
    """A connection that is made again whenever it is lost, until it is closed."""

    def __init__(
        self, broker: BrokerSettings, share: str, deliver: Callable[[Delivery], None]
    ) -> None:
        """``share`` is the name that all processes share under.

        ``deliver`` is called by the link's own thread, and may make it wait.
        """
        self.fault: RepositoryError | None = None
        self._broker = broker
        self._share = share
        self._deliver = deliver
        self._closed = threading.Event()
        self._subscribed = threading.Event()
        self._connection = 0
        self._receipts: dict[int, Delivery | None] = {}
        self._said_down = False
        self._answered = threading.Event()
        self._looking = threading.Thread(target=self._look_for_311, name="broker-3.1.1")
        self._client = self._make_client(MQTTProtocolVersion.MQTTv5)

    def open(self) -> None:
        """Connect, and go on trying."""
        self._connect()
        self._client.loop_start()
        self._looking.start()

    def close(self) -> None:
        """Disconnect; the session stays with the broker."""
        self._closed.set()
        self._answered.set()
        self._looking.join()
        self._client.disconnect()
        self._client.loop_stop()

    def answer(self, delivery: Delivery, topic: str, receipt: bytes) -> None:
        """Send a receipt, and acknowledge what it answers once the broker has it.

        So a process that ends between the two gets the message again, and answers it again.
        """
        self._meet(self._client.publish(topic, receipt, qos=_QOS).mid, delivery)

    def acknowledge(self, delivery: Delivery) -> None:
        """Tell the broker that this is committed."""
        # Of an older connection the broker has forgotten the id, or given it to another message.
        if delivery.connection == self._connection and delivery.qos:
            self._client.ack(delivery.mid, delivery.qos)

    def wait_until_subscribed(self, timeout_s: float) -> bool:
        """Whether the broker confirmed the subscriptions within that time."""
        return self._subscribed.wait(timeout_s)

    def _make_client(self, protocol: MQTTProtocolVersion) -> mqtt.Client:
        client = _client(self._broker, self._broker.session, protocol)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        return client

    def _connect(self) -> None:
        host, port = self._broker.host, self._broker.port
        if not self._speaks_5():
            self._client.connect_async(host, port, keepalive=_KEEPALIVE_S)
            return
        session = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        session.SessionExpiryInterval = SESSION_EXPIRY_S
        session.ReceiveMaximum = self._broker.queue
        self._client.connect_async(
            host, port, keepalive=_KEEPALIVE_S, clean_start=False, properties=session
        )

    def _speaks_5(self) -> bool:
        return self._client.protocol == MQTTProtocolVersion.MQTTv5

    def _look_for_311(self) -> None:
        """Begin anew with the older protocol where the broker has no other.

        Such a broker may fail to read what it is sent, and never answer: it is asked more simply.
        """
        wait_s: float = _PATIENCE_S
        while not self._answered.wait(wait_s):
            if not _refuses_5(self._broker):
                wait_s = min(wait_s * 2, _LAST_RETRY_S)
                continue
            if self._broker.instance != 1:
                self.fault = RepositoryError(
                    f"the broker {self._name()} has no MQTT 5, so one ingest process alone can "
                    "take its messages: run instance 1 and no other"
                )
                return
            _log.warning(
                "the broker has no MQTT 5: this must be the only ingest process",
                broker=self._name(),
            )
            refused, self._client = self._client, self._make_client(MQTTProtocolVersion.MQTTv311)
            refused.disconnect()
            refused.loop_stop()
            self._connect()
            self._client.loop_start()
            return

    def _on_connect(
        self,
        client: mqtt.Client,
        _userdata: Any,
        _flags: mqtt.ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._say_down(f"refuses the repository: {reason}")
            return
        self._answered.set()
        self._connection += 1
        *work, status = ingest_filters()
        if not self._speaks_5():
            client.subscribe([(filter_, _QOS) for filter_ in (*work, status)])
        else:
            own = [shared(self._share, filter_) for filter_ in work]
            client.subscribe(
                [
                    *((filter_, SubscribeOptions(qos=_QOS)) for filter_ in own),
                    (status, SubscribeOptions(qos=0)),
                ]
            )
            # A session from before ingest was shared, or shared under a secret name, holds these
            # and would get everything twice. What waits in it comes all the same.
            client.unsubscribe([*work, *(shared(FORMER_SHARE, filter_) for filter_ in work)])

    def _on_subscribe(
        self,
        _client: mqtt.Client,
        _userdata: Any,
        _mid: int,
        reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            self._say_down("does not let the repository subscribe; mend its access rules")
            return
        self._said_down = False
        self._subscribed.set()
        _log.info("taking messages", broker=self._name())

    def _on_connect_fail(self, _client: mqtt.Client, _userdata: Any) -> None:
        self._say_down("does not answer")

    def _on_disconnect(
        self,
        _client: mqtt.Client,
        _userdata: Any,
        _flags: mqtt.DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if self._closed.is_set():
            return
        if reason.value == _SESSION_TAKEN_OVER:
            self._say_down(
                f"gave the session {self._broker.session} to another ingest process: give each an "
                "--instance of its own, at the broker's port for the repository"
            )
        else:
            self._say_down("closed the connection")

    def _on_publish(
        self,
        _client: mqtt.Client,
        _userdata: Any,
        mid: int,
        _reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self._meet(mid, None)

    def _meet(self, receipt: int, what: Delivery | None) -> None:
        """Acknowledge once it is known what a receipt answers, and that the broker has it (None).

        Either may be first, in threads of their own. The client holds a lock both where it
        publishes and where it says that the broker has it, so that a lock here could wait for ever.
        """
        first = self._receipts.setdefault(receipt, what)
        if first is not what:
            del self._receipts[receipt]
            delivery = what or first
            if delivery is not None:
                self.acknowledge(delivery)

    def _on_message(self, _client: mqtt.Client, _userdata: Any, message: mqtt.MQTTMessage) -> None:
        self._deliver(
            Delivery(
                _topic(message),
                bytes(message.payload),
                message.mid,
                message.qos,
                bool(message.retain),
                self._connection,
            )
        )

    def _say_down(self, what: str) -> None:
        if not self._said_down:
            self._said_down = True
            _log.warning(f"the broker {self._name()} {what}; trying again")

    def _name(self) -> str:
        return f"{self._broker.host}:{self._broker.port}"


def drop_session(broker: BrokerSettings, client_id: str, timeout_s: float = 30.0) -> None:
    """Have the broker forget the session of that name, with the messages that wait in it.

    Raises:
        RepositoryError: if it does not answer in that time.
    """
    done = threading.Event()
    client = _client(broker, client_id, MQTTProtocolVersion.MQTTv5)
    client.on_connect = lambda *_: done.set()
    gone = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    gone.SessionExpiryInterval = 0
    client.connect_async(
        broker.host, broker.port, keepalive=_KEEPALIVE_S, clean_start=True, properties=gone
    )
    client.loop_start()
    try:
        if not done.wait(timeout_s):
            raise RepositoryError(
                f"the broker {broker.host}:{broker.port} does not answer; try again"
            )
    finally:
        client.disconnect()
        client.loop_stop()


def _refuses_5(broker: BrokerSettings) -> bool:
    """Whether the broker says that it has no MQTT 5.

    It is asked without properties, which a broker that does not know them may fail to read.
    """
    answer: queue.Queue[bool] = queue.Queue()
    client = _client(broker, f"{broker.session}-asks", MQTTProtocolVersion.MQTTv5)
    client.on_connect = lambda *found: answer.put(found[3].value == _UNSUPPORTED_PROTOCOL)
    client.connect_async(broker.host, broker.port, keepalive=_KEEPALIVE_S, clean_start=True)
    client.loop_start()
    try:
        return answer.get(timeout=_ASK_S)
    except queue.Empty:
        return False
    finally:
        client.disconnect()
        client.loop_stop()


def _client(broker: BrokerSettings, session: str, protocol: MQTTProtocolVersion) -> mqtt.Client:
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2,
        client_id=session,
        clean_session=None if protocol == MQTTProtocolVersion.MQTTv5 else False,
        protocol=protocol,
        manual_ack=True,
    )
    client.reconnect_delay_set(_FIRST_RETRY_S, _LAST_RETRY_S)
    secure(client, broker, "broker")
    return client


def _topic(message: mqtt.MQTTMessage) -> str:
    try:
        return message.topic
    except UnicodeDecodeError:  # no unit's topic; what it brought is set aside under none
        return ""
