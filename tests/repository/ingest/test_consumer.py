"""Ingest behind a real broker: outages, repeats and hostile messages lose and double nothing."""

from __future__ import annotations

import queue
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import Engine, func, select, text
from structlog.testing import capture_logs

from edge.contract import batch as b
from repository import bootstrap
from repository.ingest import consumer
from repository.ingest.arrived import Arrived, open_message
from repository.ingest.consumer import Consumer
from repository.ingest.take import Ingest, Taken
from repository.settings import BrokerSettings, load_settings
from repository.store.engine import open_engine, reading
from repository.store.migrate import upgrade
from repository.store.tables.reads import quarantine, reads
from tests.repository.ingest.conftest import NOW, SHARE
from tests.repository.ingest.test_take import REFUSED_WHOLE, SEEN, count
from tests.repository.sender import Sender
from tests.servers import Broker, PostgresServer

WAIT_S = 60.0
StartBroker = Callable[..., Broker]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same steps with shorter waits between them."""
    monkeypatch.setattr("repository.ingest.consumer._FIRST_RETRY_S", 0.05)
    monkeypatch.setattr("repository.ingest.consumer._TICK_S", 0.05)


@dataclass
class Link:
    """A unit's own connection to the broker: publishes, and gathers its receipts."""

    port: int
    sender: Sender
    key: Ed25519PrivateKey
    receipts: queue.Queue[b.Receipt] = field(default_factory=queue.Queue)

    def __post_init__(self) -> None:
        self.client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=f"unit-{self.sender.unit}", clean_session=False
        )
        subscribed = threading.Event()
        self.client.reconnect_delay_set(1, 1)
        self.client.on_subscribe = lambda *_: subscribed.set()
        self.client.on_connect = lambda client, *_: client.subscribe(
            self.sender.topic("receipt"), 1
        )
        self.client.on_message = lambda _client, _data, message: self._receive(message)
        self.client.connect("127.0.0.1", self.port)
        self.client.loop_start()
        assert subscribed.wait(WAIT_S)

    def _receive(self, message: mqtt.MQTTMessage) -> None:
        found = b.decode_receipt(message.payload)
        b.verify_receipt(found, self.key.public_key())
        self.receipts.put(found)

    def send(self, topic: str, body: bytes) -> None:
        self.client.publish(topic, body, qos=1)

    def receipt_for(self, body: bytes) -> b.Receipt:
        """The next receipt that answers this message; others before it are dropped."""
        while True:
            found = self.receipts.get(timeout=WAIT_S)
            if found.message == b.message_digest(body):
                return found

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


class Running:
    """A consumer at work in a thread."""

    def __init__(self, broker: Broker, taker: Any, **settings: Any) -> None:
        chosen = BrokerSettings(host="127.0.0.1", port=broker.port, **settings)
        self.consumer = Consumer(chosen, SHARE, taker)
        self.thread = threading.Thread(target=self.consumer.run, name="consumer")
        self.thread.start()
        assert self.consumer.wait_until_subscribed(WAIT_S)

    def stop(self) -> None:
        self.consumer.stop()
        self.thread.join(WAIT_S)
        assert not self.thread.is_alive()


@pytest.fixture
def run_consumer() -> Iterator[Callable[..., Running]]:
    running: list[Running] = []

    def start(*arguments: Any, **settings: Any) -> Running:
        running.append(Running(*arguments, **settings))
        return running[-1]

    yield start
    for each in running:
        each.stop()


@pytest.fixture
def broker(mosquitto_broker: StartBroker) -> Broker:
    return mosquitto_broker("message_size_limit 0")


@pytest.fixture
def link(broker: Broker, sender: Sender, repository_key: Ed25519PrivateKey) -> Iterator[Link]:
    opened = Link(broker.port, sender, repository_key)
    yield opened
    opened.close()


RunConsumer = Callable[..., Running]


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


def test_a_database_that_goes_away_is_waited_for_and_nothing_is_acknowledged_meanwhile(
    broker: Broker,
    postgres_server: PostgresServer,
    postgres_dsn: str,
    ingest_on: Callable[[Engine], Ingest],
    repository_key: Ed25519PrivateKey,
    run_consumer: RunConsumer,
) -> None:
    engine = open_engine(postgres_dsn)
    upgrade(engine)
    sender = Sender()
    sender.enrol(engine, NOW)
    link = Link(broker.port, sender, repository_key)
    with capture_logs() as logged:
        running = run_consumer(broker, ingest_on(engine))
        postgres_server.stop("immediate")
        try:
            message = sender.message(sender.read(SEEN))
            link.send(sender.topic(), message)
            while not any("nothing can be committed" in line["event"] for line in logged):
                time.sleep(0.05)
            assert link.receipts.empty()
            assert running.consumer.counts.messages == 0
        finally:
            postgres_server.start()
        assert link.receipt_for(message).committed_through == 1
        running.stop()
    link.close()
    assert count(engine, reads) == 1
    engine.dispose()
    said = [line["event"] for line in logged if "heartbeat" not in line["event"]]
    assert said == [
        "taking messages",
        "nothing can be committed; trying again",
        "committing again",
    ]


DIES_AFTER_COMMIT = """
import os, signal, sys
from pathlib import Path
from repository.bootstrap import build
from repository.ingest import consumer
from repository.ingest.arrived import Arrived, open_message
from repository.ingest.consumer import Consumer
from repository.settings import load_settings

services = build(load_settings(Path(sys.argv[1])))

class Dies:
    def take_all(self, arrived, overdue):
        services.ingest.take_all(arrived, overdue)
        os.kill(os.getpid(), signal.SIGKILL)

    def beat(self, client_id, host):
        pass

Consumer(services.settings.broker, services.ingest_share, Dies()).run()
"""


@dataclass
class Site:
    """A repository of its own in a folder, run as a process of its own."""

    folder: Path
    broker: Broker

    def __post_init__(self) -> None:
        self.settings = self.folder / "repository.toml"
        self.settings.write_text(f"data = 'data'\n[broker]\nport = {self.broker.port}\n")
        bootstrap.initialise(load_settings(self.settings))
        self.services = bootstrap.build(load_settings(self.settings))
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self, *program: str) -> subprocess.Popen[bytes]:
        """Run that program, or else ingest as the command line runs it."""
        command = Path(sys.executable).with_name("alpr-repository")
        ingest = (str(command), "--settings", str(self.settings), "run", "--only", "ingest")
        self.processes.append(
            subprocess.Popen(program or ingest, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        )
        return self.processes[-1]

    def close(self) -> None:
        """End what was started, should a test not have."""
        for each in self.processes:
            each.kill()
            each.wait()
            if each.stderr is not None:
                each.stderr.close()
        self.services.close()


@pytest.fixture
def site(broker: Broker, tmp_path: Path) -> Iterator[Site]:
    folder = tmp_path / "site"
    folder.mkdir()
    made = Site(folder, broker)
    yield made
    made.close()


def test_killed_between_commit_and_acknowledgement_it_gets_the_message_again(
    broker: Broker, site: Site, run_consumer: RunConsumer
) -> None:
    now = site.services.clock()
    sender = Sender()
    sender.enrol(site.services.engine, now)
    run_consumer(broker, site.services.ingest).stop()  # leaves its subscription at the broker
    link = Link(broker.port, sender, site.services.receipts_key)
    message = sender.message(sender.read(now))
    link.send(sender.topic(), message)
    dying = site.start(sys.executable, "-c", DIES_AFTER_COMMIT, str(site.settings))
    assert dying.wait(WAIT_S) == -signal.SIGKILL
    dying.communicate()
    assert count(site.services.engine, reads) == 1
    assert link.receipts.empty()

    running = run_consumer(broker, site.services.ingest)

    assert link.receipt_for(message).committed_through == 1
    assert running.consumer.counts.duplicates == 1
    assert count(site.services.engine, reads) == 1
    link.close()


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


def test_killed_at_random_moments_it_keeps_every_read_once(broker: Broker, site: Site) -> None:
    now = site.services.clock()
    sender = Sender()
    sender.enrol(site.services.engine, now)
    link = Link(broker.port, sender, site.services.receipts_key)
    messages = [sender.message(*(sender.read(now) for _ in range(5))) for _ in range(60)]
    moments = random.Random(20260301)
    process = site.start()
    assert process.stderr is not None
    process.stderr.readline()
    process.stderr.readline()  # subscribed: from here on the broker keeps what is not acknowledged
    for message in messages:
        link.send(sender.topic(), message)
    for _ in range(4):
        time.sleep(moments.uniform(0, 0.3))
        process.kill()
        process.communicate()
        process = site.start()
        assert process.stderr is not None
        process.stderr.readline()
        process.stderr.readline()
    assert link.receipt_for(messages[-1]).committed_through == 300
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=WAIT_S)
    assert process.returncode == 0
    with reading(site.services.engine) as connection:
        kept = connection.execute(
            select(func.count(), func.count(reads.c.read_id.distinct()), func.max(reads.c.seq))
        ).one()
    assert tuple(kept) == (300, 300, 300)
    assert count(site.services.engine, quarantine) == 0
    link.close()


def made_of(kind: type[Ingest], ingest: Ingest) -> Ingest:
    """Ingest of another kind with the same parts."""
    return kind(**{each.name: getattr(ingest, each.name) for each in fields(ingest)})


def ends_it(arrived: Arrived) -> bool:
    """Whether this is the refusal of what could not be processed."""
    return "could not process it" in str(arrived.content)


def test_a_fault_of_the_repository_sets_the_message_aside_and_others_go_on(
    broker: Broker,
    link: Link,
    ingest: Ingest,
    sender: Sender,
    engine: Engine,
    run_consumer: RunConsumer,
) -> None:
    plate = "1ABC23"

    class Faulty(Ingest):
        def take_all(self, arrived: Sequence[Arrived], overdue: Sequence[bool]) -> list[Taken]:
            if any(one.topic.endswith("hits") for one in arrived) and not ends_it(arrived[0]):
                raise KeyError(plate)
            return super().take_all(arrived, overdue)

    with capture_logs() as logged:
        run_consumer(broker, made_of(Faulty, ingest))
        link.send(sender.topic("hits"), b"{}")
        assert link.receipt_for(b"{}").refused[0].reason == "malformed"
        message = sender.message(sender.read(SEEN))
        link.send(sender.topic(), message)
        assert link.receipt_for(message).committed_through == 1
    assert count(engine, quarantine) == 1
    assert plate not in repr(logged)


@pytest.mark.parametrize("fault", [RuntimeError, OSError, MemoryError])
def test_a_fault_that_passes_is_waited_out_and_the_message_is_taken(
    fault: type[Exception],
    broker: Broker,
    link: Link,
    ingest: Ingest,
    sender: Sender,
    engine: Engine,
    run_consumer: RunConsumer,
) -> None:
    faults = [fault]

    class Faulty(Ingest):
        def take_all(self, arrived: Sequence[Arrived], overdue: Sequence[bool]) -> list[Taken]:
            if faults:
                raise faults.pop()
            return super().take_all(arrived, overdue)

        def refuse_unprocessable(self, topic: str, body: bytes, error: Exception) -> Taken:
            raise AssertionError("a good message was about to be refused")

    run_consumer(broker, made_of(Faulty, ingest))
    message = sender.message(sender.read(SEEN))
    link.send(sender.topic(), message)
    assert link.receipt_for(message).committed_through == 1
    assert count(engine, quarantine) == 0


@pytest.mark.parametrize("fault", [RuntimeError, MemoryError])
def test_a_fault_in_opening_that_passes_is_waited_out_too(
    fault: type[Exception],
    broker: Broker,
    link: Link,
    ingest: Ingest,
    sender: Sender,
    engine: Engine,
    run_consumer: RunConsumer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    faults = [fault(), fault()]

    def open_faultily(topic: str, body: bytes, *, retained: bool = False) -> Arrived:
        if faults:
            raise faults.pop()
        return open_message(topic, body, retained=retained)

    monkeypatch.setattr(consumer, "open_message", open_faultily)
    run_consumer(broker, ingest)
    message = sender.message(sender.read(SEEN))
    link.send(sender.topic(), message)
    assert link.receipt_for(message).committed_through == 1
    second = sender.message(sender.read(SEEN))
    link.send(sender.topic(), second)
    assert link.receipt_for(second).committed_through == 2
    assert count(engine, quarantine) == 0


def test_a_refusal_that_cannot_be_committed_is_tried_again(
    broker: Broker,
    link: Link,
    ingest: Ingest,
    sender: Sender,
    run_consumer: RunConsumer,
) -> None:
    faults = [ValueError]

    class Faulty(Ingest):
        def take_all(self, arrived: Sequence[Arrived], overdue: Sequence[bool]) -> list[Taken]:
            raise KeyError

        def refuse_unprocessable(self, topic: str, body: bytes, error: Exception) -> Taken:
            if faults:
                raise faults.pop()
            return ingest.refuse_unprocessable(topic, body, error)

    run_consumer(broker, made_of(Faulty, ingest))
    link.send(sender.topic("hits"), b"{}")
    assert link.receipt_for(b"{}").refused[0].reason == "malformed"


def test_a_database_that_only_reads_for_a_while_stops_nothing_for_good(
    broker: Broker,
    postgres_server: PostgresServer,
    migrated_postgres: str,
    ingest_on: Callable[[Engine], Ingest],
    repository_key: Ed25519PrivateKey,
    run_consumer: RunConsumer,
) -> None:
    name = postgres_server.create_database(template=migrated_postgres)
    engine = open_engine(postgres_server.dsn(name))
    sender = Sender()
    sender.enrol(engine, NOW)
    link = Link(broker.port, sender, repository_key)
    set_read_only(engine, name, "on")
    engine.dispose()
    messages = [sender.message(sender.read(SEEN)) for _ in range(3)]
    with capture_logs() as logged:
        running = run_consumer(broker, ingest_on(engine))
        for message in messages:
            link.send(sender.topic(), message)
        while not any("nothing can be committed" in line["event"] for line in logged):
            time.sleep(0.05)
        set_read_only(engine, name, "off")
        assert link.receipt_for(messages[-1]).committed_through == 3
        running.stop()
    link.close()
    assert (count(engine, reads), count(engine, quarantine)) == (3, 0)
    engine.dispose()
    postgres_server.drop_database(name)


def set_read_only(engine: Engine, database: str, state: str) -> None:
    """As an administrator does it during a switch of servers; connections made after it obey."""
    with engine.begin() as connection:
        connection.execute(text("SET TRANSACTION READ WRITE"))
        connection.execute(
            text(f"ALTER DATABASE {database} SET default_transaction_read_only={state}")
        )
