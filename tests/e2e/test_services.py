"""The systemd units of `deploy/`: systemd takes them, and the programs take their commands."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from demo_site.processes import BIN

UNITS = sorted((Path(__file__).parents[2] / "deploy" / "systemd").glob("*.service"))
INSTALLED = "/opt/plateward/bin"


def setting(unit: Path, name: str) -> list[str]:
    """The values of a setting, in order."""
    lines = unit.read_text(encoding="utf-8").splitlines()
    return [line.partition("=")[2] for line in lines if line.startswith(f"{name}=")]


def test_there_is_one_for_each_program() -> None:
    assert [unit.stem for unit in UNITS] == ["alpr-edge", "alpr-repository"]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_its_command_is_one_that_the_program_knows(unit: Path, tmp_path: Path) -> None:
    (command,) = setting(unit, "ExecStart")
    nowhere = str(tmp_path / "etc")
    arguments = command.replace(INSTALLED, str(BIN)).replace("/etc/plateward", nowhere).split()
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: settings file {nowhere}/")


def test_a_unit_that_grows_is_slowed_before_it_is_ended_and_never_takes_the_machine() -> None:
    (unit,) = (unit for unit in UNITS if unit.stem == "alpr-edge")
    assert (setting(unit, "MemoryHigh"), setting(unit, "MemoryMax")) == (["1536M"], ["2G"])
    assert setting(unit, "Restart") == ["always"]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_systemd_finds_no_fault_in_it_and_little_exposed(unit: Path, tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    copy = tmp_path / unit.name
    copy.write_text(unit.read_text(encoding="utf-8").replace(INSTALLED, str(BIN)))
    verified = subprocess.run(
        [analyze, "verify", str(copy)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (verified.returncode, verified.stderr) == (0, "")
    exposure = subprocess.run(
        [analyze, "security", "--offline=true", "--threshold=25", str(copy)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert exposure.returncode == 0, exposure.stdout
