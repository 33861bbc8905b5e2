"""Keys and passwords that others can read are found, and nothing of them is shown."""

from __future__ import annotations

import shutil
from pathlib import Path

from edge.doctor.findings import Finding
from edge.doctor.key_checks import check_keys
from edge.enrolment import enrol
from edge.settings import Settings
from tests.edge.doctor.units import UPLINK, settings_of
from tests.edge.nobody import as_nobody

USER = UPLINK + 'username = "car-12"\npassword_file = "password"\n'
CAMERA = """
[[cameras]]
name = "curb"
source = "rtsp://192.0.2.17/stream1"
credentials_file = "curb.txt"
"""


def look(settings: Settings, *, runs: bool = False) -> dict[str, Finding]:
    return {one.check: one for one in check_keys(settings, runs=runs)}


def test_secrets_of_mode_600_are_well_and_others_are_not(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, uplink=USER, camera=CAMERA)
    for name in ("password", "curb.txt"):
        (tmp_path / name).write_text("hush-hush")
        (tmp_path / name).chmod(0o600)
    found = look(settings)
    assert {one.verdict for one in found.values()} == {"ok"}
    (tmp_path / "password").chmod(0o640)
    (tmp_path / "curb.txt").chmod(0o604)
    found = look(settings)
    for check in ("broker's password", "password of camera curb"):
        assert found[check].verdict == "fail"
        assert "chmod 600" in found[check].do
    assert "hush-hush" not in str(found)


def test_a_key_that_is_missing_or_read_by_others_is_told(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    assert look(settings)["keys"].verdict == "ok"
    (tmp_path / "keys").chmod(0o777)
    assert look(settings)["keys' folder"].verdict == "warning"
    (tmp_path / "keys" / "unit.pub").unlink()
    for secret in (tmp_path / "keys").glob("*"):
        secret.chmod(0o644)
    found = look(settings)
    assert found["keys"].verdict == "fail"
    assert "chmod 600" in found["keys"].do
    assert "credentials" in look(settings, runs=True)["keys"].found
    assert found["repository's key"].verdict == "fail"


def test_a_unit_that_was_never_enrolled_is_not_told_to_restore_a_key(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    shutil.rmtree(tmp_path / "keys")
    finding = look(settings)["keys"]
    assert (finding.verdict, "is not enrolled" in finding.found) == ("fail", True)
    assert f"alpr-edge enrol --keys {settings.unit.keys}" in finding.do
    (settings.unit.data / "spool").mkdir()
    lost = look(settings)["keys"]
    assert "there is no key" in lost.found
    assert lost.do.startswith("restore it from its copy"), "what waits is sealed under it"


def test_keys_that_this_user_may_not_read_are_given_to_the_daemons_user(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    for key in (tmp_path / "keys").iterdir():
        key.chmod(0)
    with as_nobody():
        found = look(settings)
    for check in ("keys", "repository's key"):
        assert "Permission denied" in found[check].found
        assert "chown -R plateward" in found[check].do


def test_a_repositorys_key_that_is_missing_or_none_says_which_to_copy(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    path = settings.uplink.repository_public_key
    for content in (None, "no key"):
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_text(content)
        finding = look(settings)["repository's key"]
        assert finding.do.startswith(f"copy the repository's receipts.pub to {path}")


def test_a_password_that_is_not_there_is_told(tmp_path: Path) -> None:
    found = look(settings_of(tmp_path, uplink=USER))
    assert "No such file" in found["broker's password"].found


def test_a_signing_key_of_another_unit_is_told_whether_the_daemon_runs_or_not(
    tmp_path: Path,
) -> None:
    settings = settings_of(tmp_path)
    enrol(tmp_path / "others")
    shutil.copy(tmp_path / "others" / "unit.key", tmp_path / "keys" / "unit.key")
    for runs in (False, True):
        found = look(settings, runs=runs)["keys"]
        assert found.verdict == "fail"
        assert "put back the unit.key" in found.do
