"""TLS, certificates and access rules as `deploy/` ships them, under the installed programs."""

from __future__ import annotations

import json
import re
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from demo_site import site as sites
from demo_site.processes import BIN, command, end, start
from tests.e2e.conftest import CopySite, Ingesting
from tests.e2e.wire import Client, certificate, database, stored
from tests.repository.sender import Sender
from tests.servers import Broker, shipped_broker

DEPLOY = Path(__file__).parents[2] / "deploy"
CLIENTS = {  # file of a certificate, and its common name
    "unit": f"{sites.AGENCY}.{sites.UNIT}",
    "neighbour": f"{sites.AGENCY}.car-13",
    "elsewhere": "amherst-pd.car-12",
    "retired": f"{sites.AGENCY}.car-14",
    "taken-back": f"{sites.AGENCY}.car-15",
}


def shell_blocks() -> list[str]:
    """What deploy/README.md tells an administrator to run for certificates."""
    text = (DEPLOY / "README.md").read_text(encoding="utf-8")
    return re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def issue(folder: Path) -> None:
    """Run the README's own commands, and the same again for two more units."""
    functions, example = shell_blocks()
    assert "northfield-pd.car-12" in example
    more = [
        f"request {file} {name}\nsign {file} {name} extendedKeyUsage=clientAuth"
        for file, name in CLIENTS.items()
        if file != "unit"
    ]
    script = "\n".join([functions, example.replace("northfield-pd.car-12", CLIENTS["unit"]), *more])
    run_shell(script, folder)


def run_shell(script: str, folder: Path) -> None:
    """As an administrator would in that folder."""
    subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOST": "localhost"},
        check=True,
        capture_output=True,
    )


@dataclass(frozen=True)
class Line:
    """A site behind a broker with TLS, ingest at work, and two units of the test's own."""

    site: sites.Site
    files: Path
    broker: Broker
    neighbour: Sender
    elsewhere: Sender
    retired: Sender

    def client(self, name: str, client_id: str | None = None) -> Client:
        """A client with the certificate of that name, and that client id or else its name."""
        return Client(self.site, client_id or name, certificate(self.files, name))


@pytest.fixture(scope="module")
def line(
    tmp_path_factory: pytest.TempPathFactory, copy_site: CopySite, ingesting: Ingesting
) -> Iterator[Line]:
    folder = tmp_path_factory.mktemp("tls")
    files = folder / "files"
    files.mkdir()
    issue(files)
    broker = Broker(folder / "mosquitto", shipped_broker(files))
    site = copy_site(folder / "site", broker.port)
    for settings, section, name, port in (
        (site.edge_settings, "uplink", "unit", broker.port),
        (site.repository_settings, "broker", "repository", broker.repository_port),
    ):
        text = settings.read_text(encoding="utf-8").replace('host = "127.0.0.1"\n', "")
        text = text.replace(f"port = {broker.port}\n", f"port = {port}\n")
        text = text.replace(f"[{section}]", f'[{section}]\nhost = "localhost"')
        text += f'\n[{section}.tls]\nca = "{files}/ca.pem"\n'
        text += f'certificate = "{files}/{name}.pem"\nkey = "{files}/{name}.key"\n'
        settings.write_text(text, encoding="utf-8")
    made = Line(
        site,
        files,
        broker,
        neighbour=Sender(agency=sites.AGENCY, unit="car-13"),
        elsewhere=Sender(agency="amherst-pd", unit="car-12"),
        retired=Sender(agency=sites.AGENCY, unit="car-14"),
    )
    with database(site) as engine:
        for sender in (made.neighbour, made.elsewhere, made.retired):
            sender.enrol(engine, datetime.now(UTC))
    (files / "plateward.acl").write_text(command(site.repository("units", "acl")))
    broker.start()
    try:
        with ingesting(site):
            yield made
    finally:
        broker.stop()


def test_a_unit_delivers_with_its_own_certificate(line: Line) -> None:
    ran = subprocess.run(
        [
            *(str(BIN / "alpr-edge"), "run", "--settings", str(line.site.edge_settings)),
            *("--once", "--console", "none"),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    counts = stored(line.site)
    assert (counts["reads"], counts["pictures_held"], counts["pictures_missing"]) == (1, 2, 0)


def test_a_unit_that_vanishes_is_said_to_be_offline(line: Line) -> None:
    topic = f"alpr/1/{sites.AGENCY}/{sites.UNIT}/status"
    own = line.files / "repository"
    onlooker = subprocess.Popen(
        [
            *("mosquitto_sub", "-h", "localhost", "-p", str(line.broker.repository_port)),
            *("--cafile", line.files / "ca.pem", "--cert", f"{own}.pem", "--key", f"{own}.key"),
            *("-i", "onlooker", "-q", "1", "-W", "120", "-t", topic),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert onlooker.stdout is not None
    states = (json.loads(said)["state"] for said in onlooker.stdout)
    settings = str(line.site.edge_settings)
    log = line.site.logs / "vanishing.log"
    unit = start([str(BIN / "alpr-edge"), "run", "--settings", settings, "--console", "none"], log)
    try:
        assert "online" in states
        unit.kill()
        assert "offline" in states
    finally:
        end(unit)
        end(onlooker)
        onlooker.stdout.close()


@pytest.mark.policy("M-C7")
def test_no_certificate_takes_over_the_session_of_another(line: Line) -> None:
    sender, own = line.neighbour, f"{sites.AGENCY}:car-13"
    for taken in ("plateward-repository", "repository", own, own.replace(":", ".")):
        with closing(line.client("neighbour", own)) as client:
            assert client.subscribe(sender.topic("receipt"))
            with closing(line.client("unit", taken)):
                for _ in range(3):
                    message = sender.message(sender.read(datetime.now(UTC)))
                    assert client.deliver(sender.topic(), message).committed_through == sender.seq


@pytest.mark.policy("M-C7")
def test_no_unit_takes_a_turn_among_the_processes_of_ingest(line: Line) -> None:
    sender = line.neighbour
    with closing(line.client("unit")) as intruder, closing(line.client("neighbour")) as client:
        assert client.subscribe(sender.topic("receipt"))
        intruder.subscribe("$share/plateward-ingest/alpr/1/+/+/records")
        for _ in range(5):
            message = sender.message(sender.read(datetime.now(UTC)))
            assert client.deliver(sender.topic(), message).committed_through == sender.seq


@pytest.mark.policy("C-6a")
@pytest.mark.parametrize("victim", ["neighbour", "elsewhere"])
def test_a_certificate_is_of_no_use_under_another_name(line: Line, victim: str) -> None:
    sender: Sender = getattr(line, victim)
    before = stored(line.site)
    now = datetime.now(UTC)
    # Signed with the victim's own key, so that ingest would keep it if the broker let it through.
    stolen = Sender(sender.unit, sender.agency, sender.key, sender.seq, sender.previous_root)
    with closing(line.client("unit")) as intruder:
        intruder.publish(sender.topic(), stolen.message(stolen.read(now)))
        intruder.publish(sender.topic("status"), b"not even a status")
    with closing(line.client(victim)) as client:
        assert client.subscribe(sender.topic("receipt"))
        receipt = client.deliver(sender.topic(), sender.message(sender.read(now)))
    assert receipt.refused == ()
    assert receipt.committed_through == sender.seq
    assert receipt.chain_root == sender.previous_root
    after = stored(line.site)
    assert after["reads"] == before["reads"] + 1
    assert after["quarantined"] == before["quarantined"]


@pytest.mark.policy("G-12")
def test_a_unit_hears_no_receipt_and_no_read_but_its_own(line: Line) -> None:
    own = f"alpr/1/{sites.AGENCY}/{sites.UNIT}"
    with closing(line.client("unit")) as onlooker:
        for filter_ in (
            line.neighbour.topic("receipt"),
            line.neighbour.topic("records"),
            line.elsewhere.topic("receipt"),
            "alpr/1/+/+/receipt",
            "#",
        ):
            onlooker.subscribe(filter_)
        for name in ("neighbour", "elsewhere"):
            sender: Sender = getattr(line, name)
            with closing(line.client(name)) as client:
                assert client.subscribe(sender.topic("receipt"))
                client.deliver(sender.topic(), sender.message(sender.read(datetime.now(UTC))))
        # Its own receipt comes after theirs: what it has not heard by then, it never hears.
        onlooker.deliver(f"{own}/records", b"no batch")
        assert set(onlooker.heard) == {f"{own}/receipt"}


def test_a_revoked_unit_is_stopped_at_the_broker_once_its_rules_are_written_anew(
    line: Line,
) -> None:
    sender = line.retired
    with closing(line.client("retired")) as client:
        assert client.subscribe(sender.topic("receipt"))
        message = sender.message(sender.read(datetime.now(UTC)))
        assert client.deliver(sender.topic(), message).committed_through == 1
    command(line.site.repository("units", "revoke", "--agency", sender.agency, "--unit", "car-14"))
    (line.files / "plateward.acl").write_text(command(line.site.repository("units", "acl")))
    line.broker.reload()
    before = stored(line.site)
    with closing(line.client("retired")) as client:
        client.publish(sender.topic(), sender.message(sender.read(datetime.now(UTC))))
    with closing(line.client("neighbour")) as client:
        assert client.subscribe(line.neighbour.topic("receipt"))
        client.deliver(line.neighbour.topic(), b"")
    # Ingest would have set it aside as well: the neighbour's message alone arrived.
    assert stored(line.site) == before | {"quarantined": before["quarantined"] + 1}


@pytest.mark.policy("C-6a")
def test_a_certificate_that_was_taken_back_opens_neither_port(line: Line) -> None:
    ports = (line.broker.port, line.broker.repository_port)
    lost = certificate(line.files, "taken-back")
    assert all(admits(port, lost) for port in ports)
    functions, _ = shell_blocks()
    run_shell(f"{functions}\nrevoke taken-back", line.files)
    line.broker.reload()
    kept = certificate(line.files, "unit")
    assert [(admits(port, lost), admits(port, kept)) for port in ports] == [(False, True)] * 2


@pytest.mark.policy("M-C7")
def test_nobody_speaks_to_the_broker_without_a_certificate_of_its_authority(
    line: Line, tmp_path: Path
) -> None:
    issue(tmp_path)  # the same names from another authority
    nobody = ssl.create_default_context(cafile=line.files / "ca.pem")
    forged = ssl.create_default_context(cafile=line.files / "ca.pem")
    forged.load_cert_chain(tmp_path / "unit.pem", tmp_path / "unit.key")
    for refused in (nobody, forged, None):
        assert not admits(line.broker.port, refused)
    assert admits(line.broker.port, certificate(line.files, "unit"))


def admits(port: int, tls: ssl.SSLContext | None) -> bool:
    """Whether a broker there accepts an MQTT connection over this TLS, or over none."""
    hello = b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01x"  # CONNECT, version 3.1.1
    with socket.create_connection(("localhost", port), timeout=30) as plain:
        try:
            wrapped = tls.wrap_socket(plain, server_hostname="localhost") if tls else plain
            with wrapped:
                wrapped.sendall(hello)
                return wrapped.recv(4) == b"\x20\x02\x00\x00"
        except OSError:
            return False
