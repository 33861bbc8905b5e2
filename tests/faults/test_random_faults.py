"""Ten runs of a whole unit with faults drawn at random: no read is lost, doubled, or goes unsaid.

The unit, its broker and its repository are the real programs. The unit watches a street on the
network, hears a receiver on a port, keeps its spool on a small disk of its own, and takes its time
from a clock that this test sets.
"""

from __future__ import annotations

import json
import os
import random
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from prometheus_client.parser import text_string_to_metric_families

from demo_site import site as sites
from demo_site.processes import BIN, end, free_port, start
from edge.contract.records import AnyRecord, Read, decode_record
from edge.vision.tracker import LOST_AFTER_S
from tests.faults.faulty_world import Link, Receiver, SmallDisk, Street, SystemClock
from tests.servers import Broker
from tests.street import write_pictures

SEED = 20261121
RUNS = 10
CALM_S = (1.0, 3.0)
HELD_S = (2.0, 4.0)
SAID_WITHIN_S = 90.0
DISK_MB = 192
DELIVERED_WITHIN_S = 120.0

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounts a disk of its own: needs root")
needs_faketime = pytest.mark.skipif(
    not SystemClock.LIBRARIES, reason="sets a program's clock: needs Debian's libfaketime"
)


class Replayer:
    """A client at the broker that publishes old receipts again, in any order."""

    def __init__(self, port: int) -> None:
        self._receipts: list[tuple[str, bytes]] = []
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="replayer")
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe("alpr/1/+/+/receipt", 1)
        self._client.on_message = self._keep
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def replay(self, chance: random.Random, number: int) -> None:
        until = time.monotonic() + SAID_WITHIN_S
        while not self._receipts:
            assert time.monotonic() < until, "no receipt came that could be repeated"
            time.sleep(0.1)
        kept = list(self._receipts)
        for topic, payload in chance.choices(kept, k=min(number, 3 * len(kept))):
            self._client.publish(topic, payload, qos=1)

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _keep(self, _client: mqtt.Client, _userdata: Any, message: mqtt.MQTTMessage) -> None:
        if len(self._receipts) < 500:
            self._receipts.append((message.topic, message.payload))


class World:
    """Everything around the unit, and the unit."""

    def __init__(self, folder: Path, broker: Broker) -> None:
        self.broker = broker
        self.plates = write_pictures(folder / "pictures", 12)
        self.street = Street(sorted((folder / "pictures").iterdir()))
        self.link = Link(broker.port)
        self.receiver = Receiver(folder / "gps")
        self.receiver.plug()
        self.disk = SmallDisk(folder / "disk", DISK_MB)
        self.clock = SystemClock(folder / "clock")
        listed = folder / "hotlist.csv"
        listed.write_text(f"plate,kind\n{self.plates[0]},bolo\n{self.plates[5]},stolen_vehicle\n")
        self.site = sites.lay_out(
            folder / "site", self.street.address, listed, str(self.receiver.port), self.link.port
        )
        broker_settings = self.site.repository_settings.read_text()
        self.site.repository_settings.write_text(
            broker_settings.replace(f"port = {self.link.port}", f"port = {broker.port}")
        )
        self.metrics_port = free_port()
        settings = self.site.edge_settings.read_text()
        settings = settings.replace(
            "[unit]\n", f'[unit]\ndata = "{self.disk.folder}/data"\nkeys = "keys"\n'
        )
        settings += f"\n[metrics]\nport = {self.metrics_port}\n"
        self.site.edge_settings.write_text(settings)
        self.replayer = Replayer(broker.port)
        self.lines: list[str] = []
        self.repository = start(
            self.site.repository("run", "--only", "ingest"), self.site.logs / "repository.log"
        )
        self._unit: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    def start_unit(self) -> None:
        arguments = [
            *("env", *(f"{key}={value}" for key, value in self.clock.environment.items())),
            *(str(BIN / "alpr-edge"), "run", "--settings", str(self.site.edge_settings)),
            *("--console", "json"),
        ]
        self._unit = start(arguments, self.site.logs / "edge.log", pipe=True)
        self._reader = threading.Thread(target=self._read, args=(self._unit,))
        self._reader.start()

    def stop_unit(self, *, kill: bool = False) -> None:
        assert self._unit is not None
        assert self._reader is not None
        if kill:
            self._unit.kill()
            self._unit.wait()
        else:
            end(self._unit)
        self._reader.join()

    def unit_is_up(self) -> bool:
        return self._unit is not None and self._unit.poll() is None

    def status(self) -> dict[str, Any]:
        """What the unit last said of itself."""
        try:
            said: dict[str, Any] = json.loads((self.disk.folder / "data/status.json").read_text())
        except FileNotFoundError:
            return {}
        return said

    def health(self) -> dict[str, float] | None:
        """What `alpr-edge status` shows: parts in trouble, and counters; None while it is down."""
        said = self.status()
        if self._unit is None or said.get("process", {}).get("pid") != self._unit.pid:
            return None  # another process wrote it
        return {
            **dict.fromkeys(said["troubles"], 1.0),
            **said["counters"],
            **said["uplink"]["counts"],
        }

    def metrics(self) -> dict[str, float] | None:
        """Parts in trouble, and counters, by their names; None while the unit gives none."""
        address = f"http://127.0.0.1:{self.metrics_port}/metrics"
        try:
            text = httpx.get(address, timeout=2.0).text
        except httpx.HTTPError:
            return None
        return {
            sample.labels.get("part")
            or sample.labels.get("what")
            or family.name.removeprefix("plateward_"): sample.value
            for family in text_string_to_metric_families(text)
            if family.type == "counter" or family.name.endswith("_trouble")
            for sample in family.samples
            if not sample.name.endswith("_created")
        }

    def wait_until_silent_of(self, trouble: str) -> None:
        """Wait for the end of that trouble, where a fault before left it standing."""
        until = time.monotonic() + SAID_WITHIN_S
        while time.monotonic() < until:
            voices = self.health(), self.metrics()
            if all(
                said is not None and (trouble not in TROUBLES or said.get(trouble) != 1)
                for said in voices
            ):
                return
            time.sleep(0.25)

    def wait_until_delivered(self) -> None:
        """Wait until the repository has everything that the unit captured until now."""
        until = time.monotonic() + DELIVERED_WITHIN_S
        while time.monotonic() < until:
            spool = self.status().get("spool") or {}
            if spool.get("waiting") == 0 and spool.get("pictures_waiting") == 0:
                return
            time.sleep(0.5)
        raise AssertionError(f"not delivered: {self.status()}")

    def stored(self) -> list[AnyRecord]:
        """Every record of the unit that the repository has."""
        with sqlite3.connect(self.site.folder / "repository" / "repository.sqlite") as database:
            found = [
                decode_record(row[0])
                for table in ("reads", "hits", "unit_records")
                for row in database.execute(f"SELECT record FROM {table}")  # noqa: S608
            ]
        database.close()
        return found

    def shown(self) -> set[str]:
        """Ids of the reads that the console showed, so that were durable."""
        ids = set()
        for line in self.lines:
            try:
                said = json.loads(line)
            except json.JSONDecodeError:
                continue
            if said.get("event") == "read":
                ids.add(said["id"])
        return ids

    def close(self) -> None:
        if self.unit_is_up():
            self.stop_unit()
        self.replayer.stop()
        end(self.repository)
        self.receiver.pull()
        self.street.close()
        self.link.close()
        self.disk.unmount()

    def _read(self, unit: subprocess.Popen[str]) -> None:
        assert unit.stdout is not None
        with unit.stdout:
            self.lines.extend(unit.stdout)


class Ear:
    """Collects what one of a unit's voices says that it did not say before."""

    def __init__(self, voice: Callable[[], dict[str, float] | None]) -> None:
        self._voice = voice
        self._before = voice() or {}
        self.said: set[str] = set()

    def listen(self) -> None:
        now = self._voice()
        if now is None:
            self._before = {}  # it does not run: it will count from nought
            return
        self.said |= {what for what, number in now.items() if number > self._before.get(what, 0)}


class Witness:
    """Collects what a unit's health and metrics say while something is wrong."""

    def __init__(self, world: World) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._listen)
        self.ears = {"health": Ear(world.health), "metrics": Ear(world.metrics)}

    def __enter__(self) -> Witness:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def hears(self, fault: Fault) -> bool:
        """Whether the unit comes to say so in a while, in both."""
        until = time.monotonic() + SAID_WITHIN_S
        while time.monotonic() < until and not self._heard(fault):
            time.sleep(0.25)
        return self._heard(fault)

    def _heard(self, fault: Fault) -> bool:
        return all(fault.said_as in ear.said for ear in self.ears.values())

    def _listen(self) -> None:
        while not self._stop.wait(0.25):
            for ear in self.ears.values():
                ear.listen()


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong, how it is mended, and the trouble or counter that must say so."""

    name: str
    begin: Callable[[World, random.Random], None]
    mend: Callable[[World], None]
    said_as: str


def kill(world: World, _chance: random.Random) -> None:
    world.stop_unit(kill=True)


def stop_broker(world: World, _chance: random.Random) -> None:
    world.broker.kill()


def cut_link(world: World, chance: random.Random) -> None:
    world.link.cut_after(chance.randint(1, 20_000))


def fill_disk(world: World, _chance: random.Random) -> None:
    world.disk.fill()


def pull_receiver(world: World, _chance: random.Random) -> None:
    world.receiver.pull()


def replay(world: World, chance: random.Random) -> None:
    world.wait_until_silent_of("uplink link")  # a unit that does not listen hears no receipts
    world.replayer.replay(chance, 60)


def step_back(world: World, _chance: random.Random) -> None:
    world.clock.step(-3600)


def nothing(_world: World) -> None:
    """It mends by itself."""


TROUBLES = frozenset({"uplink link", "spool", "gps", "clock of the system"})
FAULTS = (
    Fault("kill", kill, World.start_unit, "unclean_ends"),
    Fault("broker gone", stop_broker, lambda world: world.broker.start(), "uplink link"),
    Fault("link cut", cut_link, nothing, "links_lost"),
    Fault("disk full", fill_disk, lambda world: world.disk.empty(), "spool"),
    Fault("gps pulled", pull_receiver, lambda world: world.receiver.plug(), "gps"),
    Fault("clock set back", step_back, lambda world: world.clock.step(0), "clock of the system"),
    Fault("receipts repeated", replay, nothing, "receipts_late"),
)


@pytest.fixture
def world(tmp_path: Path, mosquitto_broker: Callable[..., Broker]) -> Iterator[World]:
    broker = mosquitto_broker("persistence true", "persistence_location {folder}/")
    made = World(tmp_path, broker)
    yield made
    made.close()


@needs_root
@needs_faketime
@pytest.mark.timeout(900)
@pytest.mark.policy("M-V-C1")
@pytest.mark.policy("M-D4")
def test_whatever_fails_each_read_arrives_exactly_once_and_the_fault_is_said(world: World) -> None:
    chance = random.Random(SEED)
    deck: list[Fault] = []
    unsaid: list[str] = []
    world.start_unit()
    for _ in range(RUNS):
        if len(deck) < 2:
            deck += chance.sample(FAULTS, len(FAULTS))
        for fault in (deck.pop(), deck.pop()):
            time.sleep(chance.uniform(*CALM_S))
            world.wait_until_silent_of(fault.said_as)
            with Witness(world) as witness:
                fault.begin(world, chance)
                time.sleep(chance.uniform(*HELD_S))
                heard = world.unit_is_up() and witness.hears(fault)
                fault.mend(world)
                if not (heard or witness.hears(fault)):
                    heard_of = {name: sorted(ear.said) for name, ear in witness.ears.items()}
                    unsaid.append(f"{fault.name}: {heard_of}")
    world.street.empty_for_good()
    time.sleep(2 * LOST_AFTER_S)  # what is in view becomes a read
    world.wait_until_delivered()
    world.stop_unit()

    stored = world.stored()
    reads = [record for record in stored if isinstance(record, Read)]
    last = world.status()["spool"]["spooled"]
    assert sorted(record.seq for record in stored) == list(range(1, last + 1))
    assert len({record.id for record in stored}) == len(stored)
    assert world.shown() <= {str(record.id) for record in reads}
    assert {read.plate for read in reads} <= set(world.plates)
    passes: dict[tuple[str, int], list[tuple[datetime, datetime, str]]] = {}
    for read in reads:
        showing = world.street.showing(world.plates.index(read.plate), read.first_seen)
        seen = (read.first_seen, read.last_seen, read.clock.source)
        passes.setdefault((read.plate, showing), []).append(seen)
    assert not {which: some for which, some in passes.items() if len(some) > 1}
    assert len(reads) <= world.street.shown()
    assert not unsaid, "\n".join(unsaid)
