"""deploy/protocol.md, followed to the letter by somebody who has nothing else of this project.

The commands, settings and program of its worked example are taken out of it and run against an
installed unit and a real broker, with mosquitto's own clients. Only the broker's port is another.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from demo_site.processes import BIN, end
from tests.servers import Broker, shipped_broker
from tests.street import write_pictures

DOCUMENT = Path(__file__).parents[2] / "deploy" / "protocol.md"
WAIT_S = 120.0
FEW_PICTURES = 2


def blocks(language: str) -> list[str]:
    """The document's fenced blocks in this language, in order."""
    text = DOCUMENT.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@dataclass
class Reader:
    """Somebody with the document, in an empty folder, and a broker on ports of its own."""

    folder: Path
    port: int = 0
    repository_port: int = 0
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    def has(self, broker: Broker, settings: str) -> None:
        """Write the unit's settings for this broker."""
        self.port, self.repository_port = broker.port, broker.repository_port
        (self.folder / "edge.toml").write_text(self.here(settings))

    def shell(self, command: str) -> str:
        """What a command of the document prints."""
        return subprocess.run(
            ["bash", "-ec", self.here(command)],
            cwd=self.folder,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=WAIT_S,
            check=True,
        ).stdout

    def here(self, text: str) -> str:
        for written, own in (
            ("1883", self.port),
            ("8883", self.port),
            ("8884", self.repository_port),
        ):
            text = text.replace(written, str(own))
        return text

    def environment(self) -> dict[str, str]:
        return {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}:/usr/sbin"}

    def start(self, command: str, log: str) -> subprocess.Popen[str]:
        """A program of the document that runs beside the others; what it says is in the log."""
        with (self.folder / log).open("w") as output:
            process = subprocess.Popen(
                ["bash", "-c", self.here(command)],
                cwd=self.folder,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        self.running.append(process)
        return process

    def batches(self, done: Callable[[list[bytes]], bool]) -> list[bytes]:
        """What a stranger's mosquitto_sub has heard on the topic for records, once it is enough."""
        patience = time.monotonic() + WAIT_S
        while True:
            whole_lines, _, _ = self.read("heard.log").rpartition("\n")
            heard = [bytes.fromhex(line) for line in whole_lines.split()]
            if done(heard):
                return heard
            assert time.monotonic() < patience, self.read("unit.log")
            time.sleep(0.05)

    def read(self, name: str) -> str:
        return (self.folder / name).read_text()

    def say(self, receipt: bytes) -> None:
        subprocess.run(
            ["mosquitto_pub", "-h", "localhost", "-p", str(self.port), "-q", "1",
             "-t", "alpr/1/demo-pd/car-1/receipt", "-s"],
            input=receipt,
            check=True,
            timeout=WAIT_S,
        )  # fmt: skip

    def summary(self) -> Mapping[str, Any]:
        """The last line of the unit's output."""
        line = self.read("unit.log").splitlines()
        return dict(json.loads(next(one for one in reversed(line) if one.startswith("{"))))


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """All of the worked example that is written before the programs run, but for the settings."""
    made = Reader(tmp_path)
    make_keys, *_ = blocks("sh")
    (program,) = blocks("python")
    made.shell(make_keys)
    (tmp_path / "station.py").write_text(program)
    write_pictures(tmp_path / "pictures", FEW_PICTURES)
    yield made
    for process in made.running:
        end(process)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # the station's own mosquitto_sub


def commands() -> tuple[str, str, str]:
    """The lines that start the station and the unit, and the one that shows the status."""
    _, run, status, *_ = blocks("sh")
    _, station, unit = run.splitlines()
    return station.removesuffix(" &"), unit, status


def check_kept(folder: Path) -> None:
    """The station has every read and every picture, as they were sent."""
    kept = folder / "kept"
    reads = [
        read
        for place in kept.glob("batch-*.json")
        for read in json.loads(place.read_bytes())["records"]
    ]
    assert sorted(read["seq"] for read in reads) == list(range(1, FEW_PICTURES + 1))
    pictures = {picture["sha256"] for read in reads for picture in read["pictures"]}
    assert {place.stem for place in kept.glob("*.jpg")} == pictures
    for place in kept.glob("*.jpg"):
        assert hashlib.sha256(place.read_bytes()).hexdigest() == place.stem


def wrong_receipts(right: Mapping[str, Any], sign: Callable[[Any], bytes]) -> dict[str, bytes]:
    """Receipts that must move nothing, beside the right one that is not signed yet."""
    another = Ed25519PrivateKey.generate()
    by_another = another.sign(b"plateward/receipt/1\0" + rfc8785.dumps(right)).hex()
    own = json.loads(sign(right))
    changed = own | {"committed_through": right["committed_through"] + 1}
    return {
        "signed by another key": rfc8785.dumps(own | {"signature": by_another}),
        "changed after it was signed": rfc8785.dumps(changed),
        "without a signature": rfc8785.dumps(right),
        "with a field too many": sign(right | {"comment": "purge"}),
        "for another unit": sign(right | {"unit": "car-2"}),
        "ahead of what was sent": sign(right | {"committed_through": 500}),
        "of another chain": sign(right | {"chain_root": hashlib.sha256(b"other").hexdigest()}),
        "ending where no batch does": sign(right | {"committed_through": 0}),
        "no JSON": b"committed_through: 2",
    }


def test_the_program_imports_nothing_of_this_project() -> None:
    (program,) = blocks("python")
    names = {
        alias.name.partition(".")[0]
        for node in ast.walk(ast.parse(program))
        if isinstance(node, ast.Import)
        for alias in node.names
    } | {
        str(node.module).partition(".")[0]
        for node in ast.walk(ast.parse(program))
        if isinstance(node, ast.ImportFrom)
    }
    assert names - sys.stdlib_module_names == {"cryptography", "rfc8785"}


@pytest.mark.policy("M-V-C1")
def test_a_receipt_by_hand_makes_the_unit_purge_and_a_wrong_one_does_not(
    reader: Reader, mosquitto_broker: Callable[..., Broker], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, _ = blocks("toml")
    reader.has(mosquitto_broker(), settings)
    run_station, run_unit, show_status = commands()
    topic = "alpr/1/demo-pd/car-1/records"
    reader.start(f"mosquitto_sub -h localhost -p 1883 -q 1 -F %x -t {topic}", "heard.log")
    # The station's lasting session: what comes while it is away waits for it at the broker.
    reader.shell(
        "mosquitto_sub -h localhost -p 1883 -q 1 -i station -c -E -t 'alpr/1/demo-pd/car-1/#'"
    )
    unit = reader.start(run_unit, "unit.log")
    first, *_ = reader.batches(lambda heard: len(heard) > 0)
    status = json.loads(reader.shell(show_status))
    assert (status["type"], status["state"]) == ("status", "online")

    batch = json.loads(first)
    monkeypatch.chdir(reader.folder)
    monkeypatch.setattr(
        sys, "argv", ["station.py", "demo-pd", "car-1", "-h", "localhost", "-p", str(reader.port)]
    )
    by_hand = runpy.run_path("station.py")
    right = by_hand["receipt"](first) | {
        "committed_through": batch["first_seq"] + len(batch["records"]) - 1,
        "chain_root": batch["root"],
    }
    for receipt in wrong_receipts(right, by_hand["signed"]).values():
        reader.say(receipt)
    # What no receipt covers is sent again.
    sent = reader.batches(lambda heard: len(heard) > 0).count(first)
    reader.batches(lambda heard: heard.count(first) > sent)
    assert unit.poll() is None

    reader.start(run_station, "station.log")
    assert unit.wait(WAIT_S) == 0, reader.read("unit.log")
    summary = reader.summary()
    assert summary["spooled"] == summary["receipted"] == FEW_PICTURES
    assert summary["waiting"] == summary["pictures_waiting"] == summary["refused"] == 0

    check_kept(reader.folder)
    assert json.loads(reader.shell(show_status))["state"] == "offline"
    assert reader.read("station.log") == ""


@pytest.mark.policy("M-C7")
def test_the_same_goes_over_tls_with_access_rules_by_hand(reader: Reader) -> None:
    files = reader.folder / "tls"
    files.mkdir()
    functions, example = re.findall(
        r"^```sh\n(.*?)^```", (DOCUMENT.parent / "README.md").read_text(), re.MULTILINE | re.DOTALL
    )
    certificates = functions + example.replace("northfield-pd.car-12", "demo-pd.car-1")
    reader.shell(f"cd tls; HOST=localhost\n{certificates}")
    (rules,) = blocks("text")
    (files / "plateward.acl").write_text(rules)
    broker = Broker(reader.folder / "mosquitto", shipped_broker(files))
    settings, tls = blocks("toml")
    reader.has(broker, settings.replace("port = 1883", "port = 8883") + "\n" + tls)
    *_, run = blocks("sh")
    who, station, unit, show_status = run.splitlines()
    broker.start()
    try:
        reader.start(f"{who}; {station.removesuffix(' &')}", "station.log")
        assert reader.start(unit, "unit.log").wait(WAIT_S) == 0, reader.read("unit.log")
        check_kept(reader.folder)
        assert json.loads(reader.shell(f"{who}\n{show_status}"))["state"] == "offline"
        assert reader.read("station.log") == ""
    finally:
        broker.stop()
