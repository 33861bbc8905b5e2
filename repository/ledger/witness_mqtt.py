"""A topic at another broker as a witness: the newest checkpoint is retained, each is published.

The broker handles what one client sends in order: a question published after subscribing comes
back after what is retained, so that a topic without anything needs no waiting time to be known.
"""

from __future__ import annotations

import queue
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from repository import mqtt as links
from repository.errors import RepositoryError
from repository.ledger.witness import Step, WitnessError
from repository.settings import BrokerLink

_WITHIN_S = 10.0
_QOS = 1
_Received = queue.Queue[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class TopicOfCheckpoints:
    """A connection is made for each act and closed after it."""

    name: str
    topic: str
    link: BrokerLink
    shows: bool = True

    @property
    def where(self) -> str:
        """Broker and topic."""
        return f"mqtt {self.link.host}:{self.link.port} {self.topic}"

    def newest(self) -> str | None:
        """What is retained there."""
        asked = f"{self.topic}/asked"
        word = secrets.token_bytes(16)
        with self._connected([self.topic, asked]) as (client, received):
            self._publish(client, asked, word, retain=False)
            held: bytes | None = None
            while True:
                try:
                    topic, payload = received.get(timeout=_WITHIN_S)
                except queue.Empty:
                    raise WitnessError(
                        f"{self.where}: does not answer; may this user read and write {asked}?"
                    ) from None
                if topic == self.topic:
                    held = payload
                elif payload == word:
                    return None if held is None else held.decode("utf-8", "replace")

    def give(self, step: Step) -> None:
        """Publish the note, retained; the broker has confirmed it when this returns."""
        with self._connected([]) as (client, _):
            self._publish(client, self.topic, step.note.encode(), retain=True)

    def _publish(self, client: mqtt.Client, topic: str, payload: bytes, *, retain: bool) -> None:
        sent = client.publish(topic, payload, qos=_QOS, retain=retain)
        try:
            sent.wait_for_publish(_WITHIN_S)
            confirmed = sent.is_published()
        except (ValueError, RuntimeError):
            confirmed = False
        if not confirmed:
            raise WitnessError(f"{self.where}: the broker did not confirm it")

    @contextmanager
    def _connected(self, topics: list[str]) -> Iterator[tuple[mqtt.Client, _Received]]:
        received: _Received = queue.Queue()
        ready: queue.Queue[str | None] = queue.Queue()
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="", protocol=mqtt.MQTTv311)

        def on_connect(
            client: mqtt.Client, _data: object, _flags: object, reason: ReasonCode, _rest: object
        ) -> None:
            if reason.is_failure:
                ready.put(str(reason))
            elif topics:
                client.subscribe([(each, _QOS) for each in topics])
            else:
                ready.put(None)

        def on_subscribe(
            _client: object, _data: object, _mid: object, reasons: list[ReasonCode], _rest: object
        ) -> None:
            refused = any(each.is_failure for each in reasons)
            ready.put("may not subscribe" if refused else None)

        def on_message(_client: object, _data: object, message: mqtt.MQTTMessage) -> None:
            received.put((message.topic, bytes(message.payload)))

        client.on_connect = on_connect
        client.on_subscribe = on_subscribe
        client.on_message = on_message
        client.connect_timeout = _WITHIN_S
        try:
            links.secure(client, self.link, f"ledger.witnesses {self.name}")
            client.connect(self.link.host, self.link.port)
        except (OSError, RepositoryError) as error:
            raise WitnessError(f"{self.where}: {error}") from error
        client.loop_start()
        try:
            try:
                problem = ready.get(timeout=_WITHIN_S)
            except queue.Empty:
                problem = "does not answer"
            if problem is not None:
                raise WitnessError(f"{self.where}: {problem}")
            yield client, received
        finally:
            client.disconnect()
            client.loop_stop()
