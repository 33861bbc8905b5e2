"""Faults of the database and of the repository itself hold ingest up while they last, no longer."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine, text
from structlog.testing import capture_logs

from repository.ingest import consumer
from repository.ingest.arrived import Arrived, open_message
from repository.ingest.take import Ingest, Taken
from repository.store.engine import open_engine
from repository.store.migrate import upgrade
from repository.store.tables.reads import quarantine, reads
from tests.repository.ingest.conftest import NOW
from tests.repository.ingest.consuming import Link, RunConsumer, made_of
from tests.repository.ingest.taking import SEEN, count
from tests.repository.sender import Sender
from tests.servers import Broker, PostgresServer

pytestmark = pytest.mark.usefixtures("impatient")


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
    postgres_engine: Engine,
    ingest_on: Callable[[Engine], Ingest],
    repository_key: Ed25519PrivateKey,
    run_consumer: RunConsumer,
) -> None:
    engine = postgres_engine
    sender = Sender()
    sender.enrol(engine, NOW)
    link = Link(broker.port, sender, repository_key)
    set_read_only(engine, "on")
    engine.dispose()
    messages = [sender.message(sender.read(SEEN)) for _ in range(3)]
    with capture_logs() as logged:
        running = run_consumer(broker, ingest_on(engine))
        for message in messages:
            link.send(sender.topic(), message)
        while not any("nothing can be committed" in line["event"] for line in logged):
            time.sleep(0.05)
        set_read_only(engine, "off")
        assert link.receipt_for(messages[-1]).committed_through == 3
        running.stop()
    link.close()
    assert (count(engine, reads), count(engine, quarantine)) == (3, 0)


def set_read_only(engine: Engine, state: str) -> None:
    """As an administrator does it during a switch of servers; connections made after it obey."""
    with engine.begin() as connection:
        connection.execute(text("SET TRANSACTION READ WRITE"))
        connection.execute(
            text(f"ALTER DATABASE {engine.url.database} SET default_transaction_read_only={state}")
        )
