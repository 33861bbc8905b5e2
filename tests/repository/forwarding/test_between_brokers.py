"""The whole way: two brokers, two repositories, the programs themselves, and kills in between."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import select

from edge.contract.batch import decode_batch, verify_batch_signature
from repository.store import keyfiles
from repository.store.engine import reading
from repository.store.tables.fleet import units
from repository.store.tables.reads import batches, reads
from tests.repository.people import CommandLine
from tests.repository.sender import Sender
from tests.servers import Broker

AGENCY = "salem-pd"
BATCHES = 30
WAIT_S = 60.0
PROGRAM = Path(sys.executable).with_name("alpr-repository")


class Site(CommandLine):
    """A repository with a broker of its own."""

    def __init__(self, folder: Path, broker: Broker) -> None:
        folder.mkdir()
        super().__init__(folder)
        self.broker = broker
        self.settings.write_text(f'data = "data"\n[broker]\nport = {broker.port}\n')

    @contextmanager
    def running(self, part: str) -> Iterator[subprocess.Popen[bytes]]:
        """``alpr-repository run --only`` that part, until it is ended or killed."""
        command = [str(PROGRAM), "--settings", str(self.settings), "run", "--only", part]
        with (self.folder / f"{part}.log").open("ab") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            if part == "ingest":
                self.wait_until(lambda: "taking messages" in self.log())
            yield process
        finally:
            process.terminate()
            process.wait(WAIT_S)

    def seqs(self) -> list[int]:
        with reading(self.engine) as connection:
            return list(connection.scalars(select(reads.c.seq).order_by(reads.c.seq)))

    def wait_for(self, number: int) -> None:
        self.wait_until(lambda: len(self.seqs()) >= number)

    def wait_until(self, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + WAIT_S
        while not done():
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.05)

    def log(self) -> str:
        return "".join(each.read_text() for each in sorted(self.folder.glob("*.log")))

    def forwarded(self) -> int:
        (unit,) = json.loads(self.ok("forward", "status", "--json"))
        return int(unit["through"])


def publish(broker: Broker, topic: str, messages: list[bytes]) -> None:
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    for message in messages:
        client.publish(topic, message, qos=1).wait_for_publish(WAIT_S)
    client.disconnect()
    client.loop_stop()


@pytest.mark.policy("M-VI")
def test_a_department_forwards_through_kills_and_each_read_arrives_once_and_proven(
    mosquitto_broker: Callable[..., Broker], tmp_path: Path
) -> None:
    department = Site(tmp_path / "department", mosquitto_broker())
    state = Site(tmp_path / "state", mosquitto_broker())
    unit = Sender(agency=AGENCY)
    pem = department.file("car-12.pub", keyfiles.public_pem(unit.key.public_key()).decode())
    department.ok("units", "add", "--agency", AGENCY, "--unit", "car-12", "--public-key", pem)
    exported = department.file("units.json", department.ok("units", "export", "--agency", AGENCY))
    shown = json.loads(state.ok("units", "import", "--file", exported, "--json"))
    assert [(each["unit"], each["enrolled"]) for each in shown] == [("car-12", True)]
    with department.settings.open("a") as settings:
        settings.write(
            f'[forward]\nport = {state.broker.port}\nagencies = ["{AGENCY}"]\nretry_s = 1\n'
            f'receipts_key = "{state.folder}/data/keys/receipts.pub"\n'
        )
    at = datetime.now(UTC)
    at = at.replace(microsecond=0) - timedelta(minutes=5)
    messages = [
        unit.message(unit.read(at + timedelta(seconds=each)), unit.read(at))
        for each in range(BATCHES)
    ]
    with department.running("ingest"), state.running("ingest") as state_ingest:
        with department.running("forward") as forward:
            publish(department.broker, unit.topic(), messages)
            department.wait_for(2 * BATCHES)
            state.wait_for(2)
            forward.kill()
        state_ingest.kill()
        state.broker.kill()
        with department.running("forward"):
            state.broker.start()
            with state.running("ingest"):
                state.wait_for(2 * BATCHES)
                department.wait_until(lambda: department.forwarded() == 2 * BATCHES)
    assert state.seqs() == list(range(1, 2 * BATCHES + 1))
    with reading(state.engine) as connection:
        raw = connection.scalar(select(units.c.public_key)) or b""
        rows = connection.execute(select(batches).order_by(batches.c.first_seq)).all()
    key = Ed25519PublicKey.from_public_bytes(raw)
    for row, message in zip(rows, messages, strict=True):
        batch = decode_batch(message)
        assert (row.root, row.signature) == (batch.root, batch.signature)
        verify_batch_signature(batch, key)
    assert "car-12  forwarded 60 of 60" in department.ok("forward", "status")
