"""Who takes part in ingest is expected until it is retired, and its session with it."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt import publish
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from sqlalchemy import Engine

from repository.accounts.roles import Role
from repository.bootstrap import build, initialise
from repository.ingest import consumers
from repository.ingest.consumers import ConsumerError
from repository.ingest.link import SESSION_EXPIRY_S, Delivery, Link, drop_session
from repository.ingest.take import Ingest
from repository.settings import BrokerSettings, Settings
from repository.store.engine import reading
from repository.units.findings import list_findings
from tests.repository.ingest.conftest import NOW, Clock
from tests.repository.ingest.consuming import SHARE, WAIT_S
from tests.repository.people import PASSWORD, CommandLine, recorded
from tests.servers import Broker, free_port

FORMER = "$share/plateward-ingest/"
WITH_DEMO = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3] / "scripts")}


def absent(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return [each.subject for each in list_findings(connection)]


def test_a_process_that_falls_silent_is_missed_by_the_others_until_it_is_back(
    ingest: Ingest, engine: Engine, clock: Clock
) -> None:
    ingest.beat("one", "host-a")
    ingest.beat("two", "host-b")
    clock.now = NOW + timedelta(minutes=2)
    ingest.beat("two", "host-b")
    assert absent(engine) == []
    clock.now += timedelta(seconds=1)
    ingest.beat("two", "host-b")
    assert absent(engine) == ["one"]
    ingest.beat("one", "host-a")
    assert absent(engine) == []
    with reading(engine) as connection:
        listed = consumers.list_consumers(connection)
    assert [(each.client_id, each.host, each.enrolled_at) for each in listed] == [
        ("one", "host-a", NOW),
        ("two", "host-b", NOW),
    ]


def test_only_what_is_not_at_work_is_retired_and_then_missed_no_more(
    ingest: Ingest, engine: Engine, clock: Clock
) -> None:
    ingest.beat("one", "host")
    with engine.begin() as connection:
        with pytest.raises(ConsumerError, match="there is none"):
            consumers.require_idle(connection, "two", NOW)
        with pytest.raises(ConsumerError, match="is at work"):
            consumers.require_idle(connection, "one", NOW)
    clock.now = NOW + timedelta(hours=1)
    with engine.begin() as connection:
        assert consumers.miss_absent(connection, clock.now) == ["one"]
        consumers.require_idle(connection, "one", clock.now)
        consumers.retire(connection, "one", clock.now)
        assert consumers.miss_absent(connection, clock.now) == []
    assert absent(engine) == []


def listening(broker: Broker, instance: int) -> tuple[Link, list[str], threading.Event]:
    topics: list[str] = []
    came = threading.Event()

    def deliver(delivery: Delivery) -> None:
        topics.append(delivery.topic)
        link.acknowledge(delivery)
        came.set()

    link = Link(
        BrokerSettings(host="127.0.0.1", port=broker.port, instance=instance),
        SHARE,
        deliver,
    )
    link.open()
    assert link.wait_until_subscribed(WAIT_S)
    return link, topics, came


def units_send(port: int, units: int) -> None:
    """A message from each of so many units."""
    messages = [
        {"topic": f"alpr/1/a/u{number}/records", "payload": b"x", "qos": 1}
        for number in range(units)
    ]
    publish.multiple(messages, hostname="127.0.0.1", port=port)


@pytest.mark.policy("C-4a")
def test_retiring_drops_the_session_at_the_broker_and_is_on_the_ledger(
    mosquitto_broker: Callable[..., Broker], command_line: CommandLine, tmp_path: Path
) -> None:
    broker = mosquitto_broker()
    with command_line.settings.open("a") as file:
        file.write(f"[broker]\nport = {broker.port}\n")
    command_line.hire("jdoe", frozenset({Role.OPERATOR}))
    with command_line.engine.begin() as connection:
        consumers.beat(connection, "plateward-repository-2", "host", NOW)
    link, _, _ = listening(broker, 2)
    link.close()
    (listed,) = json.loads(command_line.ok("ingest", "list", "--json"))
    assert listed["client_id"] == "plateward-repository-2"

    command_line.ok(
        "ingest", "retire", "--user=jdoe", "--client-id=plateward-repository-2",
        "--reason=Two are enough", password=PASSWORD,
    )  # fmt: skip

    assert recorded(command_line.engine)[-1]["action"] == "ingest.retire"
    assert json.loads(command_line.ok("ingest", "list", "--json")) == []
    # Every message now comes to the one that is left: none waits for the other.
    link, topics, _ = listening(broker, 1)
    sender, _, _ = listening(broker, 3)
    drop_session(BrokerSettings(host="127.0.0.1", port=broker.port), "plateward-repository-3")
    units_send(broker.port, 20)
    while len(topics) < 20:
        time.sleep(0.05)
    assert len(topics) == 20
    sender.close()
    link.close()


def test_two_processes_share_what_comes_and_an_instance_keeps_its_share_while_away(
    mosquitto_broker: Callable[..., Broker],
) -> None:
    broker = mosquitto_broker()
    first, of_first, _ = listening(broker, 1)
    second, _, _ = listening(broker, 2)
    second.close()
    units_send(broker.port, 20)
    again, of_second, came = listening(broker, 2)
    assert came.wait(WAIT_S)
    while len(of_first) + len(of_second) < 20:
        came.wait(0.05)
    assert len(of_first) == len(of_second) == 10
    assert not set(of_first) & set(of_second)
    again.close()
    first.close()


@pytest.mark.parametrize("held", ["alpr/1/+/+/records", f"{FORMER}alpr/1/+/+/records"])
def test_a_session_from_before_loses_nothing_and_gets_nothing_twice(
    held: str, mosquitto_broker: Callable[..., Broker]
) -> None:
    broker = mosquitto_broker()
    leave_session(broker, "plateward-repository", held)
    units_send(broker.port, 20)
    link, topics, came = listening(broker, 1)
    while len(topics) < 20:
        came.wait(0.05)
    waited = sorted(topics)
    assert waited == sorted(set(waited))
    topics.clear()
    other, of_other, came_too = listening(broker, 2)
    units_send(broker.port, 20)
    while len(topics) + len(of_other) < 20:
        came.wait(0.05)
        came_too.wait(0.05)
    assert sorted([*topics, *of_other]) == waited
    link.close()
    other.close()


def leave_session(broker: Broker, client_id: str, filter_: str) -> None:
    """A lasting session that holds a subscription and is away."""
    before = mqtt.Client(
        CallbackAPIVersion.VERSION2, client_id=client_id, protocol=MQTTProtocolVersion.MQTTv5
    )
    subscribed = threading.Event()
    before.on_subscribe = lambda *_: subscribed.set()
    before.on_connect = lambda client, *_: client.subscribe(filter_, 1)
    lasting = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    lasting.SessionExpiryInterval = SESSION_EXPIRY_S
    before.connect("127.0.0.1", broker.port, clean_start=False, properties=lasting)
    before.loop_start()
    assert subscribed.wait(WAIT_S)
    before.disconnect()
    before.loop_stop()


def test_the_share_is_one_for_all_processes_of_an_installation_and_no_other(
    tmp_path: Path,
) -> None:
    names = []
    for key in ("one", "one", "other"):
        chosen = Settings(data=tmp_path / key)
        initialise(chosen)
        with closing(build(chosen)) as services:
            names.append(services.ingest_share)
    assert names[0] == names[1] != names[2]
    assert re.fullmatch("[0-9a-f]{32}", names[0])


def test_a_broker_of_the_older_protocol_serves_one_process_and_refuses_a_second() -> None:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "demo_site.broker", str(port)], env=WITH_DEMO)
    try:
        while not listens(port):
            time.sleep(0.05)
        came = threading.Event()
        first = Link(BrokerSettings(port=port), SHARE, lambda _: came.set())
        first.open()
        assert first.wait_until_subscribed(WAIT_S)
        units_send(port, 1)
        assert came.wait(WAIT_S)
        second = Link(BrokerSettings(port=port, instance=2), SHARE, lambda _: None)
        second.open()
        while second.fault is None:
            time.sleep(0.05)
        assert "one ingest process alone" in str(second.fault)
        first.close()
        second.close()
    finally:
        process.kill()
        process.wait()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
