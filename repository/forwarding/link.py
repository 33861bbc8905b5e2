"""The link to the other repository's broker: messages out, receipts in."""

from __future__ import annotations

import queue
import threading
from typing import Any

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge.contract.topics import UnitTopic
from repository.mqtt import secure
from repository.settings import ForwardSettings

_QOS = 1
_KEEPALIVE_S = 60
_FIRST_RETRY_S = 1
_LAST_RETRY_S = 60
_MAX_RECEIPTS_WAITING = 10_000

_log = structlog.get_logger("forward")


class Link:
    """A connection that comes back by itself; what was under way when it broke is sent again."""

    def __init__(self, settings: ForwardSettings) -> None:
        self.connections = 0
        """How often the broker let this one in and granted its subscriptions."""
        self._settings = settings
        self._ready = threading.Event()
        self._receipts: queue.Queue[bytes] = queue.Queue(maxsize=_MAX_RECEIPTS_WAITING)
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=settings.client_id, clean_session=True
        )
        self._client.reconnect_delay_set(_FIRST_RETRY_S, _LAST_RETRY_S)
        secure(self._client, settings, "forward")
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message

    def start(self) -> None:
        """Begin to connect."""
        self._client.connect_async(self._settings.host, self._settings.port, keepalive=_KEEPALIVE_S)
        self._client.loop_start()

    def stop(self) -> None:
        """End the connection."""
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def ready(self) -> bool:
        """Whether messages can be sent and their receipts will come."""
        return self._ready.is_set()

    def publish(self, topic: str, message: bytes) -> None:
        """Send a message; whether it arrived, its receipt says."""
        self._client.publish(topic, message, qos=_QOS)

    def receipt(self, timeout_s: float) -> bytes | None:
        """The next receipt; None if none comes within that time."""
        try:
            return self._receipts.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def _on_connect(
        self,
        client: mqtt.Client,
        _userdata: Any,
        _flags: mqtt.ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            _log.warning("the other repository's broker refuses this one", why=str(reason))
            return
        client.subscribe(
            [
                (str(UnitTopic(agency, "x", "receipt")).replace("/x/", "/+/"), _QOS)
                for agency in self._settings.agencies
            ]
        )

    def _on_subscribe(
        self,
        _client: mqtt.Client,
        _userdata: Any,
        _mid: int,
        reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            _log.error("the other repository's broker does not let this one hear receipts")
            return
        self.connections += 1
        self._ready.set()
        _log.info("forwarding", broker=f"{self._settings.host}:{self._settings.port}")

    def _on_disconnect(
        self,
        _client: mqtt.Client,
        _userdata: Any,
        _flags: mqtt.DisconnectFlags,
        _reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if self._ready.is_set():
            _log.warning("the link to the other repository is down; trying again")
        self._ready.clear()

    def _on_message(self, _client: mqtt.Client, _userdata: Any, message: mqtt.MQTTMessage) -> None:
        try:
            self._receipts.put_nowait(bytes(message.payload))
        except queue.Full:  # its message is sent again, and answered again
            _log.warning("a receipt was dropped: too many wait")
