"""All units of a bench at once, as one client of the broker: batches out, more as some arrive."""

from __future__ import annotations

import random
import sys
import threading
import time

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import Engine, func, select

from benches._unit_batches import Message
from demo_site.processes import DemoError
from repository.store.tables.fleet import chains, units

UNDER_WAY = 4
"""Batches of a unit that are sent before the first of them is committed, as the uplink does."""

_WITHIN_S = 60.0
_ENDS_WITHIN_S = 3600.0
_SEND_AGAIN_S = 5.0
_LOOK_EVERY_S = 0.05


class Sender:
    """The units of a bench; ``sent_again`` counts the batches that were sent more than once."""

    def __init__(
        self, port: int, engine: Engine, messages: dict[str, list[Message]], rng: random.Random
    ) -> None:
        self.sent_again = 0
        self._engine = engine
        self._messages = messages
        self._rng = rng
        self._next = dict.fromkeys(messages, 0)
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="bench-units")
        self._client.max_inflight_messages_set(1000)
        connected = threading.Event()
        self._client.on_connect = lambda *_: connected.set()
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        if not connected.wait(_WITHIN_S):
            raise DemoError("the broker does not answer")

    def send_first(self) -> None:
        """Send what may be under way at once, and wait until the broker has it."""
        for one in self._send({}):
            one.wait_for_publish(_WITHIN_S)

    def send_rest(self, expected: int) -> float:
        """Send the rest as the first are committed; the moment at which all are.

        Raises:
            DemoError: if they are not committed within an hour.
        """
        deadline = time.monotonic() + _ENDS_WITHIN_S
        moved, last = time.monotonic(), 0
        while (total := self._total()) < expected:
            if total > last:
                moved, last = time.monotonic(), total
                self._send(self._through())
                sys.stderr.write(f"{total} of {expected}   \r")
            elif time.monotonic() - moved > _SEND_AGAIN_S:
                self._send_again(self._through())
                moved = time.monotonic()
            if time.monotonic() > deadline:
                raise DemoError(f"{total} of {expected} reads are committed and no more come")
            time.sleep(_LOOK_EVERY_S)
        return time.perf_counter()

    def close(self) -> None:
        """Take leave of the broker."""
        self._client.disconnect()
        self._client.loop_stop()

    def _total(self) -> int:
        with self._engine.connect() as connection:
            return int(connection.scalar(select(func.sum(chains.c.committed_through))) or 0)

    def _through(self) -> dict[str, int]:
        query = select(units.c.name, chains.c.committed_through).join(
            chains, chains.c.unit_id == units.c.id
        )
        with self._engine.connect() as connection:
            return {row.name: row.committed_through for row in connection.execute(query)}

    def _send(self, through: dict[str, int]) -> list[mqtt.MQTTMessageInfo]:
        due = []
        for unit, all_of_it in self._messages.items():
            done = sum(one.last_seq <= through.get(unit, 0) for one in all_of_it)
            due.append(all_of_it[self._next[unit] : done + UNDER_WAY])
            self._next[unit] = max(self._next[unit], min(done + UNDER_WAY, len(all_of_it)))
        sent = []
        while any(due):  # each unit in its own order, the units in any
            one = self._rng.choice([each for each in due if each]).pop(0)
            sent.append(self._client.publish(one.topic, one.body, qos=1))
        return sent

    def _send_again(self, through: dict[str, int]) -> None:
        for unit, all_of_it in self._messages.items():
            for one in all_of_it[: self._next[unit]]:
                if one.last_seq > through.get(unit, 0):
                    self.sent_again += 1
                    self._client.publish(one.topic, one.body, qos=1)
