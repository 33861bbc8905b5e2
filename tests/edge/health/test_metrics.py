"""The metrics are scraped as Prometheus does it, and hold what the status holds and no more."""

from __future__ import annotations

import http.client
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import ValidationError

from edge.health.health import Health
from edge.health.metrics_server import AT_ONCE, MetricsServer
from edge.health.observe import Observer
from edge.health.settings import MetricsSettings
from edge.recording.recorder import Recorder
from edge.spool.withheld import Age, Withheld
from edge.supervision.supervisor import PartState
from tests.edge.daemon_parts import IDENTITY, unit
from tests.edge.spool.samples import read
from tests.waiting import until


@dataclass
class Scrape:
    """A running server of metrics, and what it is asked."""

    server: MetricsServer
    recorder: Recorder

    def get(self, path: str = "/metrics") -> tuple[int, str]:
        assert self.server.port is not None
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    def samples(self) -> dict[str, float]:
        _, text = self.get()
        return {
            sample.name + "".join(f"{{{key}={label}}}" for key, label in labels): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            for labels in (sorted(sample.labels.items()),)
        }


@contextmanager
def serving(server: MetricsServer) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=server.run, args=(stop,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


@pytest.fixture
def scrape(tmp_path: Path) -> Iterator[Scrape]:
    with unit(tmp_path, None, []) as (_, recorder):  # type: ignore[arg-type]
        observer = Observer(recorder, lambda: [PartState("camera-front", True, 2)])
        server = MetricsServer("127.0.0.1", 0, observer.status, recorder.health)
        with serving(server):
            until(lambda: server.port)
            yield Scrape(server, recorder)


def test_what_is_scraped_is_what_the_health_says_at_that_moment(scrape: Scrape) -> None:
    health = scrape.recorder.health
    health.watch("curb")
    health.count("frames", 3, camera="front")
    health.count("reads", camera="front")
    health.timed("frame_to_alert_ms", 120.0)
    health.trouble("gps", "the cable is out")
    samples = scrape.samples()
    assert samples["plateward_frames_total"] == 3
    assert samples["plateward_camera_frames_total{camera=front}"] == 3
    assert samples["plateward_camera_frames_per_second{camera=curb}"] == 0
    assert "plateward_camera_last_frame_age_seconds{camera=curb}" not in samples
    assert samples["plateward_latency_seconds{quantile=0.95}{step=frame_to_alert}"] == 0.12
    assert samples["plateward_latency_observations_total{step=frame_to_alert}"] == 1
    assert samples["plateward_trouble{part=gps}"] == 1
    assert samples["plateward_part_restarts_total{part=camera-front}"] == 2
    assert samples["plateward_uplink_connected"] == 0
    assert samples["plateward_spool_records_waiting"] == 0
    assert samples["plateward_disk_free_bytes"] > 0
    assert samples["plateward_memory_bytes"] > 1_000_000
    assert samples["plateward_clock_source{source=system}"] == 1
    health.count("frames", camera="front")
    health.recovered("gps")
    samples = scrape.samples()
    assert samples["plateward_frames_total"] == 4
    assert "plateward_trouble{part=gps}" not in samples


@pytest.mark.policy("C-5b")
def test_reads_that_stay_on_the_unit_are_counted_by_rule(scrape: Scrape) -> None:
    owner = {"agency": IDENTITY.agency, "unit": IDENTITY.unit}
    kept = Withheld((lambda seq: read(seq, **owner),), {}, "clinic", Age(0.0, None), keep_s=10.0)
    scrape.recorder.spool.add([], {}, withheld=[kept])
    samples = scrape.samples()
    assert samples["plateward_spool_withheld_total{rule=clinic}"] == 1
    assert samples["plateward_spool_withheld_kept"] == 1
    scrape.recorder.spool.purge_withheld(Age(10.0, None))
    samples = scrape.samples()
    assert samples["plateward_spool_withheld_total{rule=clinic}"] == 1
    assert samples["plateward_spool_withheld_kept"] == 0


def test_every_metric_has_a_help_text_and_a_name_of_this_product(scrape: Scrape) -> None:
    _, text = scrape.get()
    for family in text_string_to_metric_families(text):
        assert family.name.startswith("plateward_")
        assert family.documentation
        assert not re.search(r"_(ms|s|min)$", family.name), "units are written out"


def test_nothing_but_the_metrics_is_served(scrape: Scrape) -> None:
    assert scrape.get("/metrics?name[]=x")[0] == 200
    for path in ("/", "/metricsx", "/../etc/passwd", "/metrics/"):
        assert scrape.get(path)[0] == 404


@contextmanager
def dripping(port: int | None, number: int) -> Iterator[list[socket.socket]]:
    """So many clients that send a request which never ends, a byte at a time."""
    assert port is not None
    clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(number)]
    ended = threading.Event()

    def drip() -> None:
        data = b"GET /metrics HTTP/1.1\r\nX: "
        while not ended.is_set():
            for client in clients:
                with suppress(OSError):
                    client.sendall(data)
            data = b"a"
            ended.wait(0.02)

    thread = threading.Thread(target=drip)
    thread.start()
    yield clients
    ended.set()
    thread.join()
    for client in clients:
        client.close()


@pytest.mark.parametrize("number", [1, 3 * AT_ONCE])
def test_clients_that_never_end_their_requests_keep_nobody_waiting(
    scrape: Scrape, number: int
) -> None:
    with dripping(scrape.server.port, number):
        for _ in range(3):
            assert scrape.get()[0] == 200


def test_a_request_has_so_much_time_in_all_however_busy_its_client(
    scrape: Scrape, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.health.metrics_server._REQUEST_LIMIT_S", 0.1)
    monkeypatch.setattr("edge.health.metrics_server._Server.timeout", 0.02)
    with dripping(scrape.server.port, 1) as (client,):
        client.settimeout(30)
        with suppress(ConnectionResetError):
            assert client.recv(1) == b""


def test_a_stop_waits_for_no_client() -> None:
    stop = threading.Event()
    server = MetricsServer("127.0.0.1", 0, lambda: pytest.fail("nobody asked"), Health())
    thread = threading.Thread(target=server.run, args=(stop,))
    thread.start()
    until(lambda: server.port)
    with dripping(server.port, AT_ONCE) as clients:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()
        for client in clients:
            client.settimeout(30)
            with suppress(ConnectionResetError):
                assert client.recv(1) == b""


def test_a_port_that_is_taken_is_a_trouble_and_found_when_it_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.health.metrics_server._RETRY_S", 0.01)
    health = Health()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = MetricsServer("127.0.0.1", port, lambda: pytest.fail("nobody asked"), health)
        with serving(server):
            until(lambda: "metrics" in health.report().troubles)
            assert "who listens there" in health.report().troubles["metrics"]
            taken.close()
            until(lambda: server.port == port)
            until(lambda: health.report().healthy)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1"])
def test_metrics_are_off_unless_a_port_is_set_and_stay_on_this_machine(address: str) -> None:
    assert MetricsSettings().port is None
    assert MetricsSettings(port=9469, address=address).address == address


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.0.2.1", "localhost"])  # noqa: S104
def test_another_address_needs_a_clear_word(address: str) -> None:
    with pytest.raises(ValidationError, match=r"beyond_loopback|digits"):
        MetricsSettings(port=9469, address=address)
    if address != "localhost":
        assert MetricsSettings(port=9469, address=address, beyond_loopback=True).port == 9469
