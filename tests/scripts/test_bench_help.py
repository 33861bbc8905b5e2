"""Every bench says how it is called by those who call it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
BENCHES = sorted(each.stem for each in (SCRIPTS / "benches").glob("[a-z]*.py"))


@pytest.mark.parametrize("name", BENCHES)
def test_its_usage_names_the_script(name: str) -> None:
    told = subprocess.run(
        [SCRIPTS / "bench", name, "--help"], check=True, capture_output=True, text=True
    )
    assert told.stdout.lower().startswith(f"usage: scripts/bench {name} ")
