"""The command shows every finding with its remedy, and its exit status says the worst."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edge.cli import main
from edge.doctor.command import as_text
from edge.doctor.findings import Finding, fail, ok, warning
from edge.health.status import STATUS_FILE, write_status
from tests.edge.doctor.units import write_settings
from tests.edge.health.test_status import make
from tests.servers import free_port
from tests.street import write_pictures


def call(settings: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["doctor", "--settings", str(settings), *arguments])


def test_a_finding_has_its_remedy_below_it() -> None:
    findings = [
        ok("disk", "30 GiB free"),
        warning("clock", "slow", "set it"),
        fail("gps", "no", "x"),
    ]
    assert as_text(findings).splitlines() == [
        "ok      disk: 30 GiB free",
        "WARNING clock: slow",
        "        -> set it",
        "FAIL    gps: no",
        "        -> x",
        "Something does not work: begin with the first line marked FAIL.",
    ]


def test_wrong_settings_are_the_only_finding(tmp_path: Path) -> None:
    done = call(tmp_path / "nowhere.toml", "--json")
    assert done.exit_code == 2
    (check,) = json.loads(done.output)["checks"]
    assert (check["check"], check["verdict"]) == ("settings", "fail")


def test_every_part_of_a_unit_is_looked_at_and_no_plate_or_key_is_shown(tmp_path: Path) -> None:
    plates = write_pictures(tmp_path / "pictures", 1)
    settings = write_settings(tmp_path, port=free_port())
    done = call(settings, "--json")
    assert done.exit_code == 2
    shown = json.loads(done.output)
    assert shown["verdict"] == "fail"
    verdicts = {one["check"]: one["verdict"] for one in shown["checks"]}
    assert verdicts["settings"] == "ok"
    assert verdicts["camera front"] == "ok"
    assert verdicts["keys"] == "ok"
    assert verdicts["broker"] == "fail"
    assert verdicts["daemon"] == "warning"
    assert verdicts["gps"] == "warning"
    assert {"keys' disk", "clock", "disk: room", "spool", "hot lists", "model plate-reader"} < set(
        verdicts
    )
    assert all(one["do"] for one in shown["checks"] if one["verdict"] != "ok")
    assert plates[0] not in done.output
    for secret in (tmp_path / "keys").glob("*"):
        assert secret.read_text().strip() not in done.output


def test_nothing_but_findings_goes_to_standard_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.doctor.device_checks.FIX_WITHIN_S", 0.5)
    write_pictures(tmp_path / "pictures", 1)
    settings = write_settings(
        tmp_path,
        position='[position]\nkind = "serial"\nport = "/dev/there-is-none"\n',
        port=free_port(),
    )
    (gps,) = (
        one
        for one in json.loads(call(settings, "--json").stdout)["checks"]
        if one["check"] == "gps"
    )
    assert gps["found"] == "GPS receiver at /dev/there-is-none: No such file or directory"
    assert gps["do"].startswith("check its cable")


def test_beside_a_running_daemon_no_device_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = write_settings(
        tmp_path,
        camera='[[cameras]]\nname = "front"\nsource = "device:0"\n',
        position='[position]\nkind = "serial"\nport = "/dev/ttyUSB0"\n',
        port=free_port(),
    )
    write_status(tmp_path / "data" / STATUS_FILE, make())
    monkeypatch.setattr("edge.doctor.device_checks.open_source", None)
    monkeypatch.setattr("edge.bootstrap.position.build_position", None)
    shown = json.loads(call(settings, "--json").output)["checks"]
    found = {one["check"]: Finding(**one) for one in shown}
    assert found["daemon"].verdict == "ok"
    assert "as the daemon says" in found["camera front"].found
    assert found["gps"].verdict == "ok"
