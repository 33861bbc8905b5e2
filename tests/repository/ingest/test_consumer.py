"""Ingest behind a real broker: outages, repeats and hostile messages lose and double nothing."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Sequence

import paho.mqtt.client as mqtt
import pytest
from sqlalchemy import Engine
from structlog.testing import capture_logs

from repository.ingest.arrived import Arrived
from repository.ingest.consumer import Consumer
from repository.ingest.take import Ingest, Taken
from repository.settings import BrokerSettings
from repository.store.tables.reads import reads
from tests.repository.ingest.consuming import SHARE, WAIT_S, Link, RunConsumer, made_of
from tests.repository.ingest.taking import SEEN, count
from tests.repository.ingest.test_take import REFUSED_WHOLE
from tests.repository.sender import Sender
from tests.servers import Broker

pytestmark = pytest.mark.usefixtures("impatient")


def test_hostile_messages_are_receipted_as_refused_and_good_ones_between_them_are_kept(
    broker: Broker,
    link: Link,
    ingest: Ingest,
    sender: Sender,
    engine: Engine,
    run_consumer: RunConsumer,
) -> None:
    running = run_consumer(broker, ingest)
    answered = [case for case in REFUSED_WHOLE if case[1] not in ("unknown_unit",)]
    good = 0
    for make, reason in answered:
        place = Sender(key=sender.key, seq=sender.seq, previous_root=sender.previous_root)
        topic, body = make(place)
        if topic.startswith(sender.topic().removesuffix("records")) and "receipt" not in topic:
            link.send(topic, body)
            if "status" not in topic:
                refused = link.receipt_for(body).refused
                assert [each.reason for each in refused] in ([reason], ["out_of_chain"])
        message = sender.message(sender.read(SEEN))
        link.send(sender.topic(), message)
        good += 1
        assert link.receipt_for(message).committed_through == good
    assert count(engine, reads) == good == running.consumer.counts.records_kept
    assert running.consumer.counts.refused["too_large"] == 1


def test_everything_sent_twice_is_kept_once(
    broker: Broker,
    link: Link,
    ingest: Ingest,
    sender: Sender,
    engine: Engine,
    run_consumer: RunConsumer,
) -> None:
    running = run_consumer(broker, ingest)
    messages = [sender.message(*(sender.read(SEEN) for _ in range(5))) for _ in range(10)]
    for message in messages:
        for _ in range(2):
            link.send(sender.topic(), message)
    assert link.receipt_for(messages[-1]).committed_through == 50
    assert link.receipt_for(messages[-1]).committed_through == 50
    assert count(engine, reads) == 50
    assert running.consumer.counts.duplicates == 10


def test_what_came_while_the_consumer_was_away_waits_for_it(
    broker: Broker,
    link: Link,
    ingest: Ingest,
    sender: Sender,
    engine: Engine,
    run_consumer: RunConsumer,
) -> None:
    run_consumer(broker, ingest).stop()
    message = sender.message(sender.read(SEEN))
    link.send(sender.topic(), message)
    run_consumer(broker, ingest)
    assert link.receipt_for(message).committed_through == 1


def test_a_broker_that_comes_back_is_found_again_and_said_once(
    broker: Broker,
    link: Link,
    ingest: Ingest,
    sender: Sender,
    run_consumer: RunConsumer,
) -> None:
    with capture_logs() as logged:
        running = run_consumer(broker, ingest)
        broker.kill()
        while not any("trying again" in line["event"] for line in logged):
            time.sleep(0.05)
        broker.start()
        message = sender.message(sender.read(SEEN))
        while True:  # the killed broker forgot its sessions; a unit sends until it is receipted
            link.send(sender.topic(), message)
            try:
                answer = link.receipts.get(timeout=2)
            except queue.Empty:
                continue
            break
        assert answer.committed_through == 1
        running.stop()
    assert [line["event"] for line in logged if "trying again" in line["event"]] == [
        f"the broker 127.0.0.1:{broker.port} closed the connection; trying again"
    ]


def test_a_missing_broker_is_said_in_one_sentence_and_waited_for(
    broker: Broker, ingest: Ingest
) -> None:
    broker.stop()
    with capture_logs() as logged:
        consumer = Consumer(BrokerSettings(host="127.0.0.1", port=broker.port), SHARE, ingest)
        thread = threading.Thread(target=consumer.run, name="consumer")
        thread.start()
        while not logged:
            time.sleep(0.05)
        broker.start()
        assert consumer.wait_until_subscribed(WAIT_S)
        consumer.stop()
        thread.join(WAIT_S)
    assert [line["event"] for line in logged] == [
        f"the broker 127.0.0.1:{broker.port} does not answer; trying again",
        "taking messages",
    ]


def test_a_message_is_acknowledged_when_the_broker_has_its_receipt(
    broker: Broker,
    link: Link,
    ingest: Ingest,
    sender: Sender,
    run_consumer: RunConsumer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    acknowledged: list[int] = []
    really = mqtt.Client.ack

    def ack(client: mqtt.Client, mid: int, qos: int) -> mqtt.MQTTErrorCode:
        acknowledged.append(mid)
        return really(client, mid, qos)

    class Frozen(Ingest):
        def take_all(self, arrived: Sequence[Arrived], overdue: Sequence[bool]) -> list[Taken]:
            taken = super().take_all(arrived, overdue)
            broker.freeze()
            return taken

    monkeypatch.setattr(mqtt.Client, "ack", ack)
    running = run_consumer(broker, made_of(Frozen, ingest))
    message = sender.message(sender.read(SEEN))
    link.send(sender.topic(), message)
    while running.consumer.counts.messages == 0:
        time.sleep(0.01)
    time.sleep(0.5)
    assert acknowledged == []
    broker.thaw()
    assert link.receipt_for(message).committed_through == 1
    deadline = time.monotonic() + WAIT_S
    while not acknowledged and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(acknowledged) == 1
