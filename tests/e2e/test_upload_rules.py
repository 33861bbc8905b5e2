"""What an administrator keeps from the repository never reaches the wire, over the whole line."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from demo_site.processes import BIN
from edge.health.status import STATUS_FILE, read_status
from edge.health.status_text import Standing, status_text
from edge.settings import load_settings
from repository.store.engine import reading
from repository.units import enrolment
from tests.e2e.conftest import CopySite, Ingesting
from tests.e2e.wire import database, stored
from tests.servers import Broker
from tests.street import write_pictures


class Onlooker:
    """Hears everything that anybody says at the broker."""

    def __init__(self, port: int) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="onlooker")
        self._client.on_message = lambda _c, _u, said: self.heard.append((said.topic, said.payload))
        self._client.connect("127.0.0.1", port)
        self._client.subscribe("#", 1)
        self._client.loop_start()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.mark.policy("C-5b")
@pytest.mark.policy("C-7a")
def test_a_filtered_plate_rings_and_is_nowhere_on_the_wire(
    tmp_path: Path,
    mosquitto_broker: Callable[..., Broker],
    copy_site: CopySite,
    ingesting: Ingesting,
) -> None:
    plates = write_pictures(tmp_path / "pictures", 3)
    listed = tmp_path / "hotlist.csv"
    listed.write_text(f"plate,state,kind\n{plates[1]},,stolen_vehicle\n")
    own = tmp_path / "own.txt"
    own.write_text(f"# not for others\n{plates[1]}\n")
    own.chmod(0o600)
    broker = mosquitto_broker()
    site = copy_site(tmp_path / "site", broker.port)
    text = re.sub(
        'source = ".*"', f'source = "{tmp_path / "pictures"}"', site.edge_settings.read_text()
    )
    site.edge_settings.write_text(
        f"{text}\n[[hotlists]]\nname = 'state'\npath = '{listed}'\n"
        "\n[uplink.upload]\nwhen = 'command'\nhits_at_once = false\n"
        f"\n[[uplink.filters]]\nname = 'own-cars'\nplates = '{own}'\n"
    )
    onlooker = Onlooker(broker.port)
    with ingesting(site):
        ran = subprocess.run(
            [
                *(str(BIN / "alpr-edge"), "run", "--settings", str(site.edge_settings)),
                *("--once", "--console", "json"),
            ],
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        kept = stored(site)
    *events, summary = map(json.loads, ran.stdout.splitlines())
    assert [(event["plate"], bool(event["hits"])) for event in events] == [
        (plates[0], False),
        (plates[1], True),
        (plates[2], False),
    ]
    assert (summary["reads"], summary["hits"]) == (3, 1)
    assert summary["spooled"] == summary["receipted"] == 2
    assert (kept["reads"], kept["hits"], kept["pictures_held"]) == (2, 0, 4)

    status, _ = read_status(load_settings(site.edge_settings).unit.data / STATUS_FILE)
    assert "withheld from the repository: 1 by own-cars; 1 still" in status_text(
        status, Standing(runs=False, said_ago_s=1)
    )
    with database(site) as engine, reading(engine) as connection:
        (unit,) = enrolment.list_units(connection)
    assert unit.health is not None

    onlooker.close()
    said = b"".join(topic.encode() + payload for topic, payload in onlooker.heard)
    assert plates[0].encode() in said  # so that what is looked for would be found
    assert plates[1].encode() not in said
    pictures = {payload for topic, payload in onlooker.heard if "/picture/" in topic}
    assert len(pictures) == 4
    assert not [topic for topic, _ in onlooker.heard if topic.endswith("/hits")]
