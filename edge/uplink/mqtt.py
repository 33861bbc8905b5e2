"""The link to the broker: MQTT 3.1.1 over paho, one connection after another.

Each attempt has a client of its own, so that nothing a broken connection left behind is sent
twice or in the wrong order: what to send again is decided above. The link says what is wrong in
one sentence, and says nothing more until that changes.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, cast

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge.uplink.bounded_client import BoundedClient
from edge.uplink.credentials import connect_failure, read_password, tls_context
from edge.uplink.rush import Rush

_QOS_AT_LEAST_ONCE = 1
_CONNECT_TIMEOUT_S = 5.0
_POLL_S = 1.0
_GOODBYE_S = 2.0
_HANG_UP_S = 1.0
_LASTED_S = 5.0
"""A connection that broke sooner counts as a failure: the next attempt waits longer."""

_MAX_INFLIGHT = 40
_MAX_QUEUED = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSettings:
    """Where the broker is and how the unit shows who it is.

    With ``ca_file`` the link is TLS 1.2 or newer and the broker's certificate must come from that
    authority; ``certificate_file`` and ``key_file`` are the unit's own. ``password_file`` holds
    the password alone. Whether more comes than a repository says is judged each ``judge_after_s``.
    """

    host: str
    port: int
    username: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    keepalive_s: int = 60
    first_wait_s: float = 1.0
    longest_wait_s: float = 60.0
    accept_within_s: float = 15.0
    judge_after_s: float = 3.0


@dataclass(frozen=True, slots=True)
class LinkConnected:
    """The broker accepted the unit."""


@dataclass(frozen=True, slots=True)
class LinkDisconnected:
    """The connection is gone."""


@dataclass(frozen=True, slots=True)
class LinkTaken:
    """The broker has taken the message of that number."""

    number: int


@dataclass(frozen=True, slots=True)
class LinkReceived:
    """A message came on a topic that was subscribed to."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class LinkProblem:
    """What keeps the link from working, in one sentence."""

    sentence: str


@dataclass(frozen=True, slots=True)
class LinkLeft:
    """The unit left the connection for what came over it: no repository sends such."""


LinkEvent: TypeAlias = (
    LinkConnected | LinkDisconnected | LinkTaken | LinkReceived | LinkProblem | LinkLeft
)


class MqttLink:
    """A connection that is kept up by a thread of its own."""

    def __init__(
        self,
        settings: LinkSettings,
        *,
        client_id: str,
        on_event: Callable[[LinkEvent], None],
        last_will: Callable[[], tuple[str, bytes]],
        goodbye: Callable[[], tuple[str, bytes]],
        jitter: Callable[[], float],
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        """Read the link's secrets from their files.

        ``on_event`` is called from the link's threads and must not block; ``last_will`` gives
        topic and payload that the broker is to retain once the unit is gone, ``goodbye`` those
        that it retains when the unit leaves by itself; ``jitter`` gives numbers from 0 to 1;
        ``beat`` is called as long as the link's thread turns.

        Raises:
            UplinkError: if a file that the settings name cannot be used.
        """
        self._settings = settings
        self._client_id = client_id
        self._on_event = on_event
        self._last_will = last_will
        self._goodbye = goodbye
        self._jitter = jitter
        self._beat = beat
        self._password = read_password(settings.password_file)
        self._tls = tls_context(settings.ca_file, settings.certificate_file, settings.key_file)
        self._stopping = threading.Event()
        self._ended = threading.Event()
        self._client: Client | None = None
        self._accepted = False
        self._refused = False
        self._unheard = False
        self._given_up = False
        self._excess: str | None = None
        self._published = 0
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="uplink-link", daemon=True)

    def start(self) -> None:
        """Begin to connect."""
        self._thread.start()

    def stop(self) -> None:
        """Leave the goodbye as the unit's status, and disconnect."""
        self._stopping.set()
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join(_CONNECT_TIMEOUT_S + _GOODBYE_S)

    def is_alive(self) -> bool:
        """Whether the link's thread runs."""
        return self._thread.is_alive()

    def subscribe(self, topic: str) -> None:
        """Ask for a topic; without a connection this does nothing."""
        if (client := self._client) is not None:
            client.subscribe(topic, _QOS_AT_LEAST_ONCE)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int | None:
        """Hand a message to the broker, without waiting for it.

        Returns:
            the message's number, by which ``LinkTaken`` names it while this connection lasts;
            None if it does not go, and is for the caller to send again.
        """
        if (client := self._client) is None or not self._accepted:
            return None
        self._published += 1
        handed = client.publish(topic, payload, _QOS_AT_LEAST_ONCE, retain=retain)
        return handed.mid if handed.rc == MQTTErrorCode.MQTT_ERR_SUCCESS else None

    def renew(self) -> None:
        """Give this connection up: the next one is made anew."""
        self._given_up = True
        self._ended.set()

    def peer(self) -> str | None:
        """The broker's network address; None without a connection."""
        client = self._client
        own = None if client is None else cast(socket.socket | None, client.socket())
        if own is None:
            return None
        try:
            return str(own.getpeername()[0])
        except OSError:
            return None

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            self._beat()
            self._accepted = self._refused = self._unheard = False
            began_s = time.monotonic()
            self._converse()
            lasted = time.monotonic() - began_s >= _LASTED_S and self._excess is None
            failures = 0 if lasted and self._accepted else failures + 1
            wait_s = min(
                self._settings.first_wait_s * 2.0 ** min(failures, 30),
                self._settings.longest_wait_s,
            )
            self._stopping.wait(wait_s * (1 + 0.2 * self._jitter()))

    def _converse(self) -> None:
        """One connection, from the first byte to the last."""
        client = self._make_client()
        self._given_up, self._excess = False, None
        self._ended.clear()
        self._closed.clear()
        try:
            client.connect(self._settings.host, self._settings.port, self._settings.keepalive_s)
        except (OSError, ValueError) as error:
            self._on_event(LinkProblem(f"{self._broker}: {connect_failure(error)}"))
            return
        self._client = client
        client.loop_start()
        accept_by_s = time.monotonic() + self._settings.accept_within_s
        poll_s = min(_POLL_S, self._settings.accept_within_s)
        rush = Rush(self._settings.judge_after_s, self._published, time.monotonic())
        while not (self._ended.wait(poll_s) or self._stopping.is_set()):
            self._beat()
            if not self._accepted and time.monotonic() > accept_by_s:
                break
            if rush.is_on(client.packets_received, self._published, time.monotonic()):
                self._excess = "it sends more than answers to what this unit sent"
                break
        if self._stopping.is_set() and self._accepted:
            self._say_goodbye(client)
        self._client = None
        self._hang_up(client)
        if not (self._accepted or self._refused or self._stopping.is_set()):
            self._on_event(
                LinkProblem(
                    f"{self._broker}: it takes the connection and does not answer as a broker: "
                    "ask 'alpr-edge doctor' whether it refuses this unit's certificate; if not, "
                    "check the port and the broker"
                )
            )
        if self._accepted:
            self._on_event(LinkDisconnected())
            if self._excess is not None:
                self._on_event(LinkLeft())
            if not self._stopping.is_set():
                what = "it takes no messages" if self._given_up else "the connection was lost"
                self._on_event(
                    LinkProblem(
                        f"{self._broker}: {self._excess or what}; the unit keeps everything and "
                        "connects again"
                    )
                )

    def _say_goodbye(self, client: Client) -> None:
        topic, payload = self._goodbye()
        goodbye = client.publish(topic, payload, _QOS_AT_LEAST_ONCE, retain=True)
        if goodbye.rc == MQTTErrorCode.MQTT_ERR_SUCCESS:
            goodbye.wait_for_publish(_GOODBYE_S)

    def _hang_up(self, client: Client) -> None:
        """Close the connection, also one over which nothing goes any more."""
        client.disconnect()
        own = cast(socket.socket | None, client.socket())
        if not self._closed.wait(_HANG_UP_S) and own is not None:
            with contextlib.suppress(OSError):
                own.shutdown(socket.SHUT_RDWR)
        client.loop_stop()

    def _make_client(self) -> BoundedClient:
        client = BoundedClient(self._client_id, self._on_excess)
        client.connect_timeout = _CONNECT_TIMEOUT_S
        client.max_inflight_messages_set(_MAX_INFLIGHT)
        client.max_queued_messages_set(_MAX_QUEUED)
        if self._settings.username is not None:
            client.username_pw_set(self._settings.username, self._password)
        if self._tls is not None:
            client.tls_set_context(self._tls)
        topic, payload = self._last_will()
        client.will_set(topic, payload, _QOS_AT_LEAST_ONCE, retain=True)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        return client

    @property
    def _broker(self) -> str:
        return f"broker {self._settings.host}:{self._settings.port}"

    def _on_connect(
        self,
        _client: Client,
        _userdata: Any,
        _flags: ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if self._accepted:
            return
        if reason.is_failure:
            self._refused = True
            self._on_event(
                LinkProblem(
                    f"{self._broker}: it refuses this unit ({str(reason).lower()}): check the "
                    "user, password or certificate in the uplink's settings"
                )
            )
            return
        self._accepted = True
        self._on_event(LinkConnected())

    def _on_excess(self, what: str) -> None:
        self._excess = what

    def _on_disconnect(self, *_: Any) -> None:
        self._closed.set()
        self._ended.set()

    def _on_subscribe(
        self,
        _client: Client,
        _userdata: Any,
        _mid: int,
        reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        if not self._unheard and any(reason.is_failure for reason in reasons):
            self._unheard = True
            self._on_event(
                LinkProblem(
                    f"{self._broker}: it refuses this unit its receipts: check the broker's "
                    "access rules for the unit's user"
                )
            )

    def _on_publish(
        self,
        _client: Client,
        _userdata: Any,
        mid: int,
        _reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self._on_event(LinkTaken(mid))

    def _on_message(self, _client: Client, _userdata: Any, message: MQTTMessage) -> None:
        self._on_event(LinkReceived(bytes(message.payload)))
