"""From pictures to a search on the ledger, through the installed commands and a real broker."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from demo_site import site as sites
from demo_site.processes import BIN, end, free_port, json_command, start, wait_for_port
from tests.e2e.conftest import CopySite
from tests.servers import Broker
from tests.street import write_pictures

Brokers = Callable[..., Broker]


def run_edge(site: sites.Site, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(BIN / "alpr-edge"), "run", "--settings", str(site.edge_settings), *options],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.mark.policy("M-V-C1")
def test_what_the_camera_saw_is_found_by_a_named_person(
    tmp_path: Path, mosquitto_broker: Brokers
) -> None:
    plates = write_pictures(tmp_path / "pictures", 3)
    listed = tmp_path / "hotlist.csv"
    listed.write_text(f"plate,state,kind\n{plates[1]},,stolen_vehicle\n")
    site = sites.lay_out(
        tmp_path / "site", str(tmp_path / "pictures"), listed, None, mosquitto_broker().port
    )
    log = site.logs / "repository.log"
    repository = start(site.repository("run"), log)
    try:
        wait_for_port(site.web_port, repository, log, 60)
        ran = run_edge(site, "--once", "--console", "json")
        assert ran.returncode == 0, ran.stderr
        *events, summary = map(json.loads, ran.stdout.splitlines())
        assert [event["plate"] for event in events] == plates
        assert [event["file"] for event in events] == ["000.png", "001.png", "002.png"]
        assert [bool(event["hits"]) for event in events] == [False, True, False]
        assert summary["spooled"] == summary["receipted"] == 4
        assert summary["waiting"] == summary["pictures_waiting"] == 0

        counts = json_command(site.repository("db", "counts", "--json"))
        assert counts["reads"] == 3
        assert counts["hits"] == 1
        assert counts["pictures_held"] == 6
        assert counts["quarantined"] == 0

        session = sites.first_user(site)
        found = json_command([*sites.search_command(site, plates[2], session), "--json"])
        assert [read["plate"] for read in found["reads"]] == [plates[2]]
        verdict = json_command(site.repository("ledger", "verify", "--json"))
        assert verdict["ok"]
        assert verdict["size"] > found["ledger_entry"]
    finally:
        end(repository)
    logged = log.read_text() + ran.stderr
    secrets = (site.password.read_text().strip(), session.read_text().strip())
    for secret in (*plates, *secrets):
        assert secret not in logged


def test_a_unit_without_a_broker_keeps_everything_and_says_so_once(
    tmp_path: Path, copy_site: CopySite
) -> None:
    site = copy_site(tmp_path / "site", free_port())
    ran = run_edge(site, "--once", "--patience", "5")
    assert ran.returncode == 3
    summary = json.loads(ran.stdout.splitlines()[-1])
    assert summary["spooled"] == summary["waiting"] == 1
    assert summary["receipted"] == 0
    assert ran.stderr.count("cannot be reached") == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ('source = ""', "cameras[0].source"),
        ('sauce = "pictures"', "cameras[0].sauce: no such setting"),
        ('source = "pictures"\nname = "Front"', "not TOML"),
    ],
)
def test_a_wrong_settings_file_names_the_key(tmp_path: Path, change: str, said: str) -> None:
    settings = tmp_path / "edge.toml"
    settings.write_text(
        '[unit]\nagency = "a"\nname = "u"\n[[cameras]]\nname = "front"\n'
        f'{change}\n[position]\nkind = "none"\n'
        '[uplink]\nhost = "127.0.0.1"\nrepository_public_key = "r.pub"\n'
    )
    ran = subprocess.run(
        [str(BIN / "alpr-edge"), "run", "--settings", str(settings)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 1
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr
