"""The bench over drawn pictures: what it counts, and how it says that it cannot."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import cv2
import pytest

BENCH = Path(__file__).resolve().parents[3] / "scripts" / "bench"
KEYS = {
    "exact", "exact_folded", "state", "recall50", "recall30", "precision50", "cer", "no_read",
    "ms_median", "ms_p95", "rss_mb", "n",
}  # fmt: skip


def bench(*arguments):
    return subprocess.run([BENCH, *arguments], capture_output=True, text=True, timeout=200)


@pytest.fixture
def scenes(tmp_path, draw):
    rows = ["file,x,y,w,h,plate"]
    for name, drawn, labelled in (("a", "7ABC482", "7ABC482"), ("b", "3KLM915", "3KLM916")):
        scene = draw.street()
        draw.plate(scene, drawn, 220, 200)
        cv2.imwrite(str(tmp_path / f"{name}.png"), scene)
        rows.append(f"{name}.png,220,200,160,80,{labelled}")
    cv2.imwrite(str(tmp_path / "c.png"), draw.street())
    rows.append("c.png,220,200,160,80,5XYZ123")
    (tmp_path / "truth.csv").write_text("\n".join(rows) + "\n")
    return tmp_path


def test_the_figures_are_shares_of_all_labelled_plates(scenes):
    done = bench("vision", "--scenes", str(scenes), "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert set(report) == KEYS
    assert report["n"] == 3
    assert report["exact"] == report["exact_folded"] == pytest.approx(1 / 3, abs=1e-3)
    assert report["recall50"] == report["recall30"] == pytest.approx(2 / 3, abs=1e-3)
    assert report["no_read"] == pytest.approx(1 / 3, abs=1e-3)
    assert report["precision50"] == 1.0
    # One substitution and seven deletions over three labels of seven characters.
    assert report["cer"] == pytest.approx(8 / 21, abs=1e-3)
    assert report["state"] is None
    assert report["ms_p95"] >= report["ms_median"] > 0
    assert report["rss_mb"] > 0


def test_crops_are_reported_under_their_own_key(tmp_path, draw):
    crop = draw.street(360, 200)
    draw.plate(crop, "7ABC482", 20, 10, width=320, state="California")
    cv2.imwrite(str(tmp_path / "a.png"), crop)
    (tmp_path / "truth.csv").write_text("file,state,plate\na.png,CA,7ABC482\n")
    done = bench("vision", "--crops", str(tmp_path), "--json")
    assert done.returncode == 0, done.stderr
    crops = json.loads(done.stdout)["crops"]
    assert set(crops) == KEYS
    assert crops["exact"] == crops["state"] == 1.0
    assert crops["recall50"] is None


def test_a_folder_without_labels_is_one_sentence(tmp_path):
    done = bench("vision", "--scenes", str(tmp_path))
    assert done.returncode == 1
    assert "truth.csv" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_bench_names_those_there_are():
    done = bench("nothing")
    assert done.returncode == 2
    assert "vision" in done.stderr


def test_help_has_an_example():
    assert "example: scripts/bench vision" in bench("vision", "--help").stdout
