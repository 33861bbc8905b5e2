"""A repository of the smallest kind, written from the contract alone: checks, keeps, receipts."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from edge.contract import topics
from edge.contract.batch import (
    GENESIS_ROOT,
    Refusal,
    UnitStatus,
    decode_batch,
    decode_hit,
    decode_status,
    encode_message,
    key_id,
    message_digest,
    seal_receipt,
    verify_batch_root,
    verify_batch_signature,
    verify_hit,
)
from edge.contract.records import Hit, Read, decode_record
from tests.edge.spool.samples import AGENCY, REPOSITORY_KEY, UNIT, sha256


class ModelRepository:
    """Checks what it is given by the contract, keeps it in memory, and answers with receipts."""

    def __init__(self, unit_key: Ed25519PublicKey) -> None:
        self.unit_key = unit_key
        self.refusing = False
        self.committed_through = 0
        self.chain_root = GENESIS_ROOT
        self.records: list[Any] = []
        self.wanted: set[str] = set()
        self.held: set[str] = set()
        self.order: list[tuple[str, int]] = []
        self.notices: list[Hit] = []
        self.statuses: list[UnitStatus] = []

    def answer(self, topic: str, payload: bytes) -> bytes | None:
        place = topics.parse(topic)
        assert (place.agency, place.unit) == (AGENCY, UNIT)
        refused: list[Refusal] = []
        match place.channel:
            case "status":
                if payload:
                    self.statuses.append(decode_status(payload))
                return None
            case "hits":
                notice = decode_hit(payload)
                verify_hit(notice, self.unit_key)
                record = decode_record(bytes(notice.record))
                assert isinstance(record, Hit)
                self.order.append(("hit", record.seq))
                self.notices.append(record)
            case "records":
                refused = self._commit(payload)
            case _:
                assert place.picture == sha256(payload)
                assert place.picture in self.wanted
                self.held.add(place.picture)
        return encode_message(
            seal_receipt(
                agency=AGENCY,
                unit=UNIT,
                message=message_digest(payload),
                committed_through=self.committed_through,
                chain_root=self.chain_root,
                refused=refused,
                missing_pictures=sorted(self.wanted - self.held),
                held_pictures=sorted(self.held),
                issued_at=datetime.now(UTC),
                private_key=REPOSITORY_KEY,
            )
        )

    def _commit(self, payload: bytes) -> list[Refusal]:
        batch = decode_batch(payload)
        if batch.key != key_id(self.unit_key):
            return [Refusal(seq=None, reason="bad_signature", detail="key: another")]
        verify_batch_signature(batch, self.unit_key)
        verify_batch_root(batch)
        self.order.append(("batch", batch.first_seq))
        if self.refusing:
            return [Refusal(seq=None, reason="unknown_unit", detail="not enrolled")]
        if batch.last_seq <= self.committed_through:
            return []
        if (batch.first_seq, batch.previous_root) != (self.committed_through + 1, self.chain_root):
            return [Refusal(seq=None, reason="out_of_chain", detail="")]
        for raw in batch.records:
            record = decode_record(bytes(raw))
            self.records.append(record)
            if isinstance(record, Read):
                self.wanted |= {named.sha256 for named in record.pictures}
        self.committed_through, self.chain_root = batch.last_seq, batch.root
        return []


class Responder(ModelRepository):
    """Subscribes like ingest does. ``silent`` swallows messages; ``twice`` handles each twice."""

    def __init__(self, port: int, unit_key: Ed25519PublicKey) -> None:
        super().__init__(unit_key)
        self.silent = False
        self.twice = False
        self.failures: list[str] = []
        self._ready = threading.Event()
        self.client = Client(CallbackAPIVersion.VERSION2, client_id="responder")
        self.client.reconnect_delay_set(0.1, 0.2)
        self.client.on_connect = self._on_connect
        self.client.on_subscribe = lambda *_: self._ready.set()
        self.client.on_message = self._on_message
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert self._ready.wait(60)

    def stop(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def _on_connect(self, client: Client, *_: Any) -> None:
        client.subscribe([(name, 1) for name in topics.ingest_filters()])

    def _on_message(self, client: Client, userdata: Any, message: MQTTMessage) -> None:
        if self.silent:
            return
        for _ in range(2 if self.twice else 1):
            try:
                reply = self.answer(message.topic, bytes(message.payload))
            except Exception as error:  # a test must see what its own thread swallows
                self.failures.append(repr(error))
                raise
            if reply is None:
                return
            for _ in range(2 if self.twice else 1):
                client.publish(str(topics.UnitTopic(AGENCY, UNIT, "receipt")), reply, 1)
