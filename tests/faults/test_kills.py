"""Killed units, a restarted broker and doubled messages: each read arrives exactly once."""

from __future__ import annotations

import hashlib
import json
import random
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from demo_site import site as sites
from demo_site.processes import BIN, end, json_command, start
from edge.contract.records import Read, decode_record
from tests.servers import Broker
from tests.street import write_pictures

Brokers = Callable[..., Broker]
KILLS = 10


class Doubler:
    """A client at the broker that publishes every message it sees once more."""

    def __init__(self, port: int) -> None:
        self.doubled = 0
        self._seen: set[bytes] = set()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="doubler")
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = self._subscribe
        self._client.on_message = self._double
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _subscribe(self, client: mqtt.Client, *_: Any) -> None:
        client.subscribe([("alpr/1/+/+/+", 1), ("alpr/1/+/+/picture/+", 1)])

    def _double(self, client: mqtt.Client, _userdata: Any, message: mqtt.MQTTMessage) -> None:
        digest = hashlib.sha256(message.topic.encode() + b"\0" + message.payload).digest()
        if digest not in self._seen:
            self._seen.add(digest)
            self.doubled += 1
            client.publish(message.topic, message.payload, qos=1)


def read_to_end(process: subprocess.Popen[str], lines: list[str]) -> None:
    assert process.stdout is not None
    with process.stdout:
        lines.extend(process.stdout)


def shown(lines: list[str]) -> set[str]:
    """Ids of the reads that the console showed, so that were durable; the last line may be torn."""
    ids = set()
    for line in lines:
        try:
            said = json.loads(line)
        except json.JSONDecodeError:
            continue
        if said.get("event") == "read":
            ids.add(said["id"])
    return ids


@pytest.mark.timeout(600)
def test_each_read_arrives_exactly_once(tmp_path: Path, mosquitto_broker: Brokers) -> None:
    chance = random.Random(20261121)
    plates = write_pictures(tmp_path / "pictures", 16)
    listed = tmp_path / "hotlist.csv"
    listed.write_text(f"plate,kind\n{plates[0]},bolo\n{plates[5]},stolen_vehicle\n")
    broker = mosquitto_broker("persistence true", "persistence_location {folder}/")
    site = sites.lay_out(tmp_path / "site", str(tmp_path / "pictures"), listed, None, broker.port)
    arguments = [
        *(str(BIN / "alpr-edge"), "run", "--settings", str(site.edge_settings)),
        *("--console", "json"),
    ]
    repository = start(site.repository("run", "--only", "ingest"), site.logs / "repository.log")
    doubler = Doubler(broker.port)
    lines: list[str] = []
    try:
        for number in range(KILLS):
            unit = start(arguments, site.logs / "edge.log", pipe=True)
            reader = threading.Thread(target=read_to_end, args=(unit, lines))
            reader.start()
            time.sleep(chance.uniform(1.0, 6.0))
            if number in (3, 7):
                broker.kill()
                broker.start()
                time.sleep(chance.uniform(0.0, 2.0))
            unit.kill()
            unit.wait()
            reader.join()
        last = start([*arguments, "--once"], site.logs / "edge.log", pipe=True)
        output, _ = last.communicate(timeout=300)
        lines.extend(output.splitlines())
        assert last.returncode == 0, (site.logs / "edge.log").read_text()
    finally:
        doubler.stop()
        end(repository)

    summary = json.loads(lines[-1])
    with sqlite3.connect(site.folder / "repository" / "repository.sqlite") as database:
        stored = [
            decode_record(row[0])
            for table in ("reads", "hits", "unit_records")
            for row in database.execute(f"SELECT record FROM {table}")  # noqa: S608
        ]
        quarantined = database.execute("SELECT reason, detail FROM quarantine").fetchall()
    database.close()
    assert sorted(record.seq for record in stored) == list(range(1, summary["spooled"] + 1))
    assert len({record.id for record in stored}) == len(stored)
    assert shown(lines) <= {str(record.id) for record in stored}
    # A unit that came to the folder's end begins it anew at its next start: every plate is there
    # as often as the folder was read, which is the same number for all.
    times = Counter(one.plate for one in stored if isinstance(one, Read))
    assert set(times) == set(plates)
    assert len(set(times.values())) == 1, times
    # A batch that overtook the one before it is refused and set aside; it came again in its turn.
    assert {reason for reason, _ in quarantined} <= {"out_of_chain"}, quarantined
    assert summary["waiting"] == summary["pictures_waiting"] == 0
    assert doubler.doubled > summary["spooled"] / 10

    session = sites.first_user(site)
    found = json_command([*sites.search_command(site, plates[0], session), "--json"])
    wanted = {str(one.id) for one in stored if isinstance(one, Read) and one.plate == plates[0]}
    assert len(found["reads"]) == len(wanted) > 0
    assert json_command(site.repository("ledger", "verify", "--json"))["ok"]
