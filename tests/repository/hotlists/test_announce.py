"""New versions reach units at a real broker: retained, verified, their own agency's alone."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import Engine

from edge.contract.hotlist import HotlistManifest, verify_manifest
from repository.hotlists.announce import AGAIN_AFTER, Announcer
from repository.settings import BrokerLink
from repository.units import enrolment
from repository.units.access import mosquitto_rules
from tests.repository.listing import SIGNER, entries, issue
from tests.repository.people import Clock
from tests.repository.sender import Sender
from tests.servers import Broker, free_port

WAIT_S = 20.0


class Unit:
    """A client that hears everything the broker lets it hear."""

    def __init__(self, broker: Broker, user: str) -> None:
        self.heard: queue.Queue[mqtt.MQTTMessage] = queue.Queue()
        subscribed = queue.Queue[bool]()
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=user)
        self.client.username_pw_set(user, None)
        self.client.on_message = lambda _client, _data, message: self.heard.put(message)
        self.client.on_subscribe = lambda *_: subscribed.put(True)
        self.client.connect("127.0.0.1", broker.port)
        self.client.loop_start()
        self.client.subscribe("alpr/1/+/hotlist", qos=1)
        assert subscribed.get(timeout=WAIT_S)

    def hears(self) -> tuple[str, bool, HotlistManifest]:
        message = self.heard.get(timeout=WAIT_S)
        manifest = verify_manifest(message.payload, SIGNER.public_key())
        return message.topic, message.retain, manifest


@contextmanager
def unit(broker: Broker, user: str) -> Iterator[Unit]:
    opened = Unit(broker, user)
    yield opened
    opened.client.disconnect()
    opened.client.loop_stop()


@pytest.fixture
def site(
    engine: Engine, clock: Clock, mosquitto_broker: Callable[..., Broker], tmp_path: Path
) -> Broker:
    """A broker under the access rules of two agencies with a unit each."""
    for agency in ("salem-pd", "boston-pd"):
        Sender(agency=agency).enrol(engine, clock())
    with engine.begin() as connection:
        rules = tmp_path / "plateward.acl"
        rules.write_text(mosquitto_rules(enrolment.list_units(connection)))
    return mosquitto_broker(f"acl_file {rules}")


def announcer(engine: Engine, port: int) -> Announcer:
    link = BrokerLink.model_validate({"port": port, "username": "repository"})
    return Announcer(engine, link, "plateward-hotlists")


@pytest.mark.policy("M-C7")
@pytest.mark.policy("M-D1")
def test_units_hear_of_new_versions_of_their_own_agency_alone(
    engine: Engine, clock: Clock, site: Broker
) -> None:
    announces = announcer(engine, site.port)
    issue(engine, entries(1), clock(), "salem-pd")
    issue(engine, entries(1), clock(), "boston-pd", name="atl")
    assert announces.look(clock()) == 2
    with unit(site, "salem-pd.car-12") as salem, unit(site, "boston-pd.car-12") as boston:
        topic, retained, manifest = salem.hears()
        assert (topic, retained) == ("alpr/1/salem-pd/hotlist", True)
        assert (manifest.agency, manifest.list.name, manifest.list.version) == (
            "salem-pd", "stolen", 1,
        )  # fmt: skip
        assert boston.hears()[2].list.name == "atl"
        assert announces.look(clock()) == 0
        issue(engine, entries(2), clock(), "salem-pd")
        clock.pass_(minutes=1)
        issue(engine, entries(3), clock(), "salem-pd", name="bolo")
        assert announces.look(clock()) == 2
        said = [salem.hears() for _ in range(2)]
        assert [(each[2].list.name, each[2].list.version) for each in said] == [
            ("stolen", 2), ("bolo", 1),
        ]  # fmt: skip
        assert boston.heard.empty()
    with unit(site, "salem-pd.car-12") as later:
        assert later.hears()[2].list.name == "bolo"  # the one made last is what stays
        assert later.heard.empty()


def test_a_start_and_an_hour_announce_everything_again(
    engine: Engine, clock: Clock, site: Broker
) -> None:
    issue(engine, entries(1), clock(), "salem-pd")
    first = announcer(engine, site.port)
    assert (first.look(clock()), first.look(clock())) == (1, 0)
    assert announcer(engine, site.port).look(clock()) == 1
    clock.time += AGAIN_AFTER
    assert (first.look(clock()), first.look(clock())) == (1, 0)


def test_what_no_broker_took_is_news_the_next_time(
    engine: Engine, clock: Clock, site: Broker
) -> None:
    issue(engine, entries(1), clock(), "salem-pd")
    announces = announcer(engine, free_port())
    assert announces.look(clock()) == 0
    announces.broker = announcer(engine, site.port).broker
    assert (announces.look(clock()), announces.look(clock())) == (1, 0)
