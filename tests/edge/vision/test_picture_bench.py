"""The bench of picture health runs on any folder of street scenes and says what it used."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from tests.edge.vision.test_picture_health import drawn_block

BENCH = Path(__file__).resolve().parents[3] / "scripts" / "bench"


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    for number in range(6):
        cv2.imwrite(str(tmp_path / f"{number}.jpg"), drawn_block(number))
    return tmp_path


def bench(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(BENCH), "pictures", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_case_is_run_and_counted(scenes: Path) -> None:
    ran = bench("--views", str(scenes), "--drive", str(scenes), "--runs", "1",
                "--case", "dead sensor, blue", "--json")  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    said = json.loads(ran.stdout)
    assert set(said["cases"]) == {"dead sensor, blue"}
    for one in said["cases"].values():
        assert (one["runs"], one["noticed"], one["over"], one["false_alarms"]) == (1, 1.0, 1.0, [])
        assert one["after_s"] == 60.0
    assert (said["half"], said["sound_runs"]) == ("report", 0)
    assert said["glance_ms"] > 0


def test_a_folder_without_pictures_is_one_sentence(tmp_path: Path) -> None:
    ran = bench("--views", str(tmp_path), "--drive", str(tmp_path / "none"))
    assert ran.returncode == 1
    assert ran.stderr.startswith("bench: ")
    assert "Traceback" not in ran.stderr
