"""The broker's side of ingest: messages in, receipts out, nothing acknowledged uncommitted.

Two threads: the MQTT client's own puts messages into a bounded queue, one worker takes them in
order. When the queue is full the client's thread waits, so that the broker's own window closes;
should that last beyond the keep-alive, the broker drops the connection and delivers again what is
not acknowledged, which is harmless.
"""

from __future__ import annotations

import queue
import ssl
import threading
import traceback
from dataclasses import dataclass, field
from typing import Any, Protocol

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, StatementError

from edge.contract.topics import ingest_filters
from repository.errors import RepositoryError
from repository.ingest.take import Taken
from repository.settings import BrokerSettings

_QOS = 1
_KEEPALIVE_S = 60
_FIRST_RETRY_S = 1
_LAST_RETRY_S = 60
_TICK_S = 0.5
_MAX_RECEIPTS_WAITING = 10_000
# What bytes that nobody foresaw can bring about, in the program or in a statement's values. The
# database's own faults are subclasses of StatementError; see where these are caught.
_FAULTS_OF_A_MESSAGE = (
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    StatementError,
)

_log = structlog.get_logger("ingest")


class Taker(Protocol):
    """What the consumer hands messages to; see `repository.ingest.take.Ingest`."""

    def take(self, topic: str, body: bytes) -> Taken:
        """Commit a message and answer it."""
        ...

    def refuse_unprocessable(self, topic: str, body: bytes, error: Exception) -> Taken:
        """Set aside a message that could not be taken for no fault of the unit's."""
        ...


@dataclass(frozen=True, slots=True)
class _Delivery:
    """A message in hand; ``connection`` counts connections, since message ids live in one."""

    topic: str
    body: bytes
    mid: int
    qos: int
    connection: int


@dataclass
class Counts:
    """What the consumer did since it started."""

    messages: int = 0
    records_kept: int = 0
    records_refused: int = 0
    duplicates: int = 0
    refused: dict[str, int] = field(default_factory=dict)

    def add(self, taken: Taken) -> None:
        """Count one message."""
        self.messages += 1
        self.records_kept += taken.records_kept
        self.records_refused += taken.records_refused
        self.duplicates += taken.outcome == "duplicate"
        if taken.reason is not None:
            self.refused[taken.reason] = self.refused.get(taken.reason, 0) + 1


class Consumer:
    """Takes messages from a broker until stopped, through whatever outages there are."""

    def __init__(self, broker: BrokerSettings, taker: Taker) -> None:
        self.counts = Counts()
        self._broker = broker
        self._taker = taker
        self._deliveries: queue.Queue[_Delivery] = queue.Queue(maxsize=broker.queue)
        self._stop = threading.Event()
        self._subscribed = threading.Event()
        self._connection = 0
        self._said_down = False
        self._client = _client(broker)
        self._client.on_connect = self._on_connect
        self._client.on_connect_fail = self._on_connect_fail
        self._client.on_disconnect = self._on_disconnect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message

    def run(self) -> None:
        """Take messages until :meth:`stop`; call it in the thread that is to be the worker."""
        self._client.connect_async(self._broker.host, self._broker.port, keepalive=_KEEPALIVE_S)
        self._client.loop_start()
        try:
            while not self._stop.is_set():
                try:
                    delivery = self._deliveries.get(timeout=_TICK_S)
                except queue.Empty:
                    continue
                self._handle(delivery)
        finally:
            self._client.disconnect()
            self._client.loop_stop()

    def stop(self) -> None:
        """End :meth:`run` after the message in hand; what is not acknowledged comes again."""
        self._stop.set()

    def wait_until_subscribed(self, timeout_s: float) -> bool:
        """Whether the broker confirmed the subscription within that time."""
        return self._subscribed.wait(timeout_s)

    def _handle(self, delivery: _Delivery) -> None:
        taken = self._take(delivery)
        if taken is None:
            return
        self.counts.add(taken)
        if taken.reason is not None:
            _log.warning("message refused", topic=delivery.topic, reason=taken.reason)
        if taken.reply is not None:
            self._client.publish(taken.reply.topic, taken.reply.payload, qos=_QOS)
        # Of an older connection the broker has forgotten the id, or given it to another message.
        if delivery.connection == self._connection:
            self._client.ack(delivery.mid, delivery.qos)

    def _take(self, delivery: _Delivery) -> Taken | None:
        """Commit a message or its refusal, however long it takes; None if stopped before."""
        wait_s = _FIRST_RETRY_S
        said = False
        while True:
            try:
                taken = self._take_or_refuse(delivery)
            except Exception as error:  # noqa: BLE001 - whatever it is, the message is kept
                if not said:
                    _log.error("nothing can be committed; trying again", **_describe(error))
                    said = True
                if self._stop.wait(wait_s):
                    return None
                wait_s = min(wait_s * 2, _LAST_RETRY_S)
            else:
                if said:
                    _log.info("committing again")
                return taken

    def _take_or_refuse(self, delivery: _Delivery) -> Taken:
        """One attempt. A fault that the message itself brings about would come again for ever."""
        try:
            return self._taker.take(delivery.topic, delivery.body)
        except _FAULTS_OF_A_MESSAGE as error:
            if isinstance(error, DBAPIError) and not isinstance(error, DataError | IntegrityError):
                raise
            _log.error("a message could not be processed", topic=delivery.topic, **_describe(error))
            return self._taker.refuse_unprocessable(delivery.topic, delivery.body, error)

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
        self._connection += 1
        client.subscribe([(filter_, _QOS) for filter_ in ingest_filters()])

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
        _reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if not self._stop.is_set():
            self._say_down("closed the connection")

    def _on_message(self, _client: mqtt.Client, _userdata: Any, message: mqtt.MQTTMessage) -> None:
        delivery = _Delivery(
            _topic(message), bytes(message.payload), message.mid, message.qos, self._connection
        )
        while not self._stop.is_set():
            try:
                self._deliveries.put(delivery, timeout=_TICK_S)
            except queue.Full:
                continue
            return

    def _say_down(self, what: str) -> None:
        if not self._said_down:
            self._said_down = True
            _log.warning(f"the broker {self._name()} {what}; trying again")

    def _name(self) -> str:
        return f"{self._broker.host}:{self._broker.port}"


def _describe(error: Exception) -> dict[str, str]:
    """What happened; of a fault nobody foresaw no text, which may quote a plate, but its place."""
    if isinstance(error, RepositoryError):
        return {"why": str(error)}
    return {
        "error": type(error).__name__,
        "where": "".join(traceback.format_tb(error.__traceback__)[-2:]),
    }


def _topic(message: mqtt.MQTTMessage) -> str:
    try:
        return message.topic
    except UnicodeDecodeError:  # no unit's topic; what it brought is set aside under none
        return ""


def _client(broker: BrokerSettings) -> mqtt.Client:
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2,
        client_id=broker.client_id,
        clean_session=False,
        protocol=mqtt.MQTTv311,
        manual_ack=True,
    )
    client.reconnect_delay_set(_FIRST_RETRY_S, _LAST_RETRY_S)
    client.max_queued_messages_set(_MAX_RECEIPTS_WAITING)
    if broker.username is not None:
        client.username_pw_set(broker.username, _password(broker))
    if broker.tls is not None:
        try:
            context = ssl.create_default_context(cafile=broker.tls.ca)
            context.load_cert_chain(broker.tls.certificate, broker.tls.key)
        except (OSError, ssl.SSLError) as error:
            raise RepositoryError(
                f"broker.tls: its certificates cannot be used: {error.strerror or error}"
            ) from error
        client.tls_set_context(context)
    return client


def _password(broker: BrokerSettings) -> str | None:
    if broker.password_file is None:
        return None
    try:
        return broker.password_file.read_text("utf-8").rstrip("\n")
    except OSError as error:
        raise RepositoryError(
            f"broker.password_file: {broker.password_file}: {error.strerror}"
        ) from error
