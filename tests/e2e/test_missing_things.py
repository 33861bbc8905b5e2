"""What is missing gets one clear sentence, and is waited for where it can come back."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from demo_site import site as sites
from demo_site.processes import BIN, command, end, free_port, start, wait_for_line
from edge.vision.manifest import manifest_file, read_manifest
from tests.e2e.conftest import CopySite
from tests.e2e.wire import Client, database
from tests.repository.sender import Sender
from tests.servers import Broker, PostgresServer

WITHIN_S = 60.0


@pytest.fixture
def site(copy_site: CopySite, tmp_path: Path) -> sites.Site:
    """A site with nothing running."""
    return copy_site(tmp_path / "site", free_port())


def failed(arguments: list[str], environment: dict[str, str] | None = None) -> str:
    """The one line that a program which cannot start has to say."""
    done = subprocess.run(
        arguments, capture_output=True, text=True, timeout=WITHIN_S, check=False, env=environment
    )
    assert (done.returncode, done.stdout) == (1, "")
    *log, said = done.stderr.splitlines()
    assert log == []
    assert said.startswith("Error: ")
    return said.removeprefix("Error: ")


def run_edge(site: sites.Site) -> list[str]:
    return [str(BIN / "alpr-edge"), "run", "--settings", str(site.edge_settings)]


def test_a_repository_waits_for_its_database_and_its_broker_and_says_so_once(
    tmp_path: Path,
    copy_site: CopySite,
    mosquitto_broker: Callable[..., Broker],
    postgres_server: PostgresServer,
    postgres_dsn: str,
) -> None:
    broker = mosquitto_broker()
    broker.stop()
    site = copy_site(tmp_path / "site", broker.port)
    settings = site.repository_settings.read_text(encoding="utf-8")
    site.repository_settings.write_text(f'database = "{postgres_dsn}"\n{settings}')
    command(site.repository("init"))
    sender = Sender(agency=sites.AGENCY, unit="car-13")
    with database(site) as engine:
        sender.enrol(engine, datetime.now(UTC))
    log = site.logs / "repository.log"
    postgres_server.stop("fast")
    try:
        repository = start(site.repository("run"), log)
        wait_for_line(log, "waiting for the database", repository, WITHIN_S)
    finally:
        postgres_server.start()
    try:
        wait_for_line(log, "does not answer; trying again", repository, WITHIN_S)
        broker.start()
        wait_for_line(log, "taking messages", repository, WITHIN_S)
        with closing(Client(site, "car-13")) as client:
            assert client.subscribe(sender.topic("receipt"))
            receipt = client.deliver(sender.topic(), sender.message(sender.read(datetime.now(UTC))))
        assert receipt.committed_through == 1
    finally:
        end(repository)
    assert repository.returncode == 0
    said = [json.loads(line)["event"] for line in log.read_text(encoding="utf-8").splitlines()]
    assert said.count("waiting for the database") == 1
    assert said.count(f"the broker 127.0.0.1:{broker.port} does not answer; trying again") == 1


def test_a_unit_says_once_what_it_waits_for_and_goes_on(site: sites.Site, tmp_path: Path) -> None:
    settings = site.edge_settings.read_text(encoding="utf-8")
    port = tmp_path / "no-such-port"
    settings = re.sub('source = ".*"', f'source = "{tmp_path}/no-such-folder"', settings)
    settings = settings.replace('kind = "none"', f'kind = "serial"\nport = "{port}"')
    settings += f'\n[[hotlists]]\nname = "state"\npath = "{tmp_path}/no-such-list.csv"\n'
    settings += '\n[engine]\nproviders = ["openvino"]\n'
    site.edge_settings.write_text(settings, encoding="utf-8")
    log = site.logs / "edge.log"
    unit = start([*run_edge(site), "--log", "json"], log)
    waits_for = {
        "camera front": f"source {tmp_path}/no-such-folder does not exist: ",
        "gps": f"{port}: No such file or directory; check its cable and the setting position.port",
        "hot list file state": "no-such-list.csv",
        "hot list state": "no read is compared with it",
        "engine providers": "provider openvino is not in the installed onnxruntime",
        "uplink link": f"127.0.0.1:{site.broker_port}: it cannot be reached (Connection refused)",
    }
    try:
        for part in waits_for:
            wait_for_line(log, f'"{part}"', unit, WITHIN_S)
        assert unit.poll() is None
    finally:
        end(unit)
    assert unit.returncode == 0
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    for part, words in waits_for.items():
        (said,) = [line["what"] for line in lines if line.get("part") == part]
        assert words in said
    shown = subprocess.run(
        [BIN / "alpr-edge", "status", "--settings", site.edge_settings, "--json"],
        stdout=subprocess.PIPE,
        check=False,
    )
    assert shown.returncode == 4  # it runs no more
    assert set(waits_for) <= set(json.loads(shown.stdout)["troubles"])


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("keys/unit.key", "there is no key: restore it from its copy"),
        ("keys/spool.key", "there is no key: restore it from its copy"),
        ("repository/keys/receipts.pub", "the public key cannot be read (No such file"),
    ],
)
def test_a_unit_without_a_key_names_the_file(site: sites.Site, missing: str, said: str) -> None:
    (site.folder / missing).unlink()
    assert failed(run_edge(site)).startswith(f"{site.folder / missing}: {said}")


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "cannot be read (No such file or directory)"), (b"another", "has SHA-256 ")],
)
def test_a_unit_without_the_models_of_its_manifest_does_not_start(
    site: sites.Site, tmp_path: Path, content: bytes | None, said: str
) -> None:
    with site.edge_settings.open("a", encoding="utf-8") as settings:
        settings.write('\n[engine]\nkind = "ppocr"\n')
    package = tmp_path / "shadow" / "rapidocr"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").touch()
    if content is not None:
        for name in model_files():
            (package / name).parent.mkdir(parents=True, exist_ok=True)
            (package / name).write_bytes(content)
    words = failed(run_edge(site), {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(package.parent)})
    assert words.startswith(f"model file {package}/")
    assert said in words
    assert words.endswith(": install it again")


def model_files() -> list[str]:
    entries = read_manifest(manifest_file()).values()
    return [entry.file for entry in entries if entry.package == "rapidocr"]


def test_a_unit_whose_own_model_was_changed_does_not_start(
    site: sites.Site, tmp_path: Path
) -> None:
    (tmp_path / "own.onnx").write_bytes(b"another")
    (tmp_path / "models.toml").write_text(
        f'[[model]]\nname = "own"\nfile = "own.onnx"\nsha256 = "{"0" * 64}"\nrole = "detector"\n'
    )
    with site.edge_settings.open("a", encoding="utf-8") as settings:
        settings.write(
            f'\n[engine]\nkind = "plateward"\nmodels = "{tmp_path}/models.toml"\ndetector = "own"\n'
        )
    words = failed(run_edge(site))
    assert words.startswith(f"model file {tmp_path}/own.onnx has SHA-256 ")


def test_a_repository_without_its_key_or_its_port_does_not_start(
    site: sites.Site, lax_broker: Broker
) -> None:
    settings = site.repository_settings.read_text(encoding="utf-8")
    site.repository_settings.write_text(
        settings.replace(f"[web]\nport = {site.web_port}", f"[web]\nport = {lax_broker.port}")
    )
    said = failed(site.repository("run", "--only", "web"))
    assert said.startswith(f"web: cannot listen on 127.0.0.1:{lax_broker.port}: Address already in")
    key = site.folder / "repository" / "keys" / "receipts.pem"
    key.unlink()
    assert failed(site.repository("run")).startswith(f"key {key}: does not exist; ")
    wrong = settings.replace("[web]", "[web]\nprot = 1")
    site.repository_settings.write_text(wrong, encoding="utf-8")
    assert failed(site.repository("run")).endswith(
        "web.prot: not a setting; remove it or mend its spelling"
    )
