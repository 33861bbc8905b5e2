"""An MQTT client that a broker cannot fill: what comes is measured before it is read.

MQTT 3.1.1 lets a broker announce packets of up to 256 MB, and has no way to ask for smaller ones.
The library reads each packet whole and keeps what it owes the broker without limit. Here a packet
that is longer than any receipt, one that the unit must keep until it is released, and a broker
that takes none of its answers end the connection.

It builds on three inner parts of the library, which a new version of it may move:
``_sock_recv`` reads at most so many bytes and is asked for all that is left of a packet;
``_packet_handle`` handles the packet of which ``_in_packet`` is the head; ``_out_packet`` holds
what waits to be written.
"""

from __future__ import annotations

from collections.abc import Callable

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion

from edge.contract.batch import MAX_MESSAGE_BYTES

MAX_PACKET_BYTES = MAX_MESSAGE_BYTES + 1024
"""The largest receipt, with its topic and number."""

_MAX_OWED = 1000
_PUBLISH_EXACTLY_ONCE = 0x34
_KIND_AND_QOS = 0xF6


class BoundedClient(Client):
    """A client of MQTT 3.1.1 with a clean session that leaves a broker which sends too much."""

    def __init__(self, client_id: str, on_excess: Callable[[str], None]) -> None:
        """``on_excess`` is told what was too much, from the client's thread."""
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=True,
            protocol=MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
        )
        self.packets_received = 0
        self._on_excess = on_excess

    def _sock_recv(self, bufsize: int) -> bytes:
        if bufsize > MAX_PACKET_BYTES:
            self._on_excess(f"it sent a message of {bufsize} bytes, larger than any receipt")
            raise ConnectionAbortedError
        return super()._sock_recv(bufsize)

    def _packet_handle(self) -> MQTTErrorCode:
        self.packets_received += 1
        if self._in_packet["command"] & _KIND_AND_QOS == _PUBLISH_EXACTLY_ONCE:
            self._on_excess("it sent a message in a way that this unit did not ask for")
            return MQTTErrorCode.MQTT_ERR_PROTOCOL
        if len(self._out_packet) > _MAX_OWED:
            self._on_excess("it sends and takes no answers")
            return MQTTErrorCode.MQTT_ERR_PROTOCOL
        return super()._packet_handle()
