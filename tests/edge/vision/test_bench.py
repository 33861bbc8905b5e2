"""The bench over drawn pictures: what it counts, and how it says that it cannot."""

from __future__ import annotations

import csv
import json
import subprocess
from pathlib import Path

import cv2
import pytest

from benches._vision_figures import accept_threshold, calibration_error

BENCH = Path(__file__).resolve().parents[3] / "scripts" / "bench"
KEYS = {
    "exact", "exact_folded", "state", "recall50", "recall30", "precision50", "false_per_picture",
    "cer", "no_read", "ece", "accept_threshold", "accepted_share", "ms_median", "ms_p95",
    "detector_ms", "reader_ms", "rss_mb", "n",
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
    assert report["ms_p95"] >= report["ms_median"] > report["detector_ms"] > 0
    assert report["reader_ms"] > 0
    assert report["false_per_picture"] == 0
    assert report["rss_mb"] > 0


def test_what_was_misread_is_shown_and_listed(scenes):
    done = bench(
        "vision", "--scenes", str(scenes),
        "--sheet", str(scenes / "sheet.png"), "--misreads", str(scenes / "misreads.csv"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with (scenes / "misreads.csv").open(newline="") as lines:
        rows = [(row["file"], row["plate"], row["read"]) for row in csv.DictReader(lines)]
    assert rows == [("b.png", "3KLM916", "3KLM915"), ("c.png", "5XYZ123", "")]
    assert cv2.imread(str(scenes / "sheet.png")).shape[1] == 6 * 260


def test_the_calibration_error_is_the_mean_gap():
    assert calibration_error([(0.9, True)] * 9 + [(0.9, False)], bins=1) == pytest.approx(0)
    assert calibration_error([(0.6, True)] * 4 + [(0.8, False)] * 4, bins=2) == pytest.approx(0.6)
    assert calibration_error([]) is None


def test_the_threshold_accepts_as_many_as_it_can():
    sure = [(0.99, True)] * 60 + [(0.9, False)] + [(0.8, True)] * 60 + [(0.7, False)] * 2
    assert accept_threshold(sure) == (0.8, 121)
    assert accept_threshold([(0.9, False)]) == (None, 0)
    # Equal confidences are accepted together or not at all.
    assert accept_threshold([(0.9, True), (0.8, True), (0.8, False)]) == (0.9, 1)


def test_crops_are_reported_under_their_own_key(tmp_path, draw):
    crop = draw.street(360, 200)
    draw.plate(crop, "7ABC482", 20, 10, width=320, state="California")
    cv2.imwrite(str(tmp_path / "a.png"), crop)
    (tmp_path / "truth.csv").write_text("file,state,plate\na.png,CA,7ABC482\n")
    done = bench("vision", "--crops", str(tmp_path), "--engine", "ppocr", "--json")
    assert done.returncode == 0, done.stderr
    crops = json.loads(done.stdout)["crops"]
    assert set(crops) == KEYS
    assert crops["exact"] == crops["state"] == 1.0
    assert crops["recall50"] is None
    assert crops["false_per_picture"] is None


def test_a_folder_without_labels_is_one_sentence(tmp_path):
    done = bench("vision", "--scenes", str(tmp_path))
    assert done.returncode == 1
    assert "truth.csv" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_size_that_is_none_is_one_sentence(scenes):
    done = bench("vision", "--scenes", str(scenes), "--detector-size", "huge")
    assert done.returncode == 1
    assert "must be 'fast', 'far' or a whole number of pixels" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_bench_names_those_there_are():
    done = bench("nothing")
    assert done.returncode == 2
    assert "vision" in done.stderr


def test_help_has_an_example():
    assert "example: scripts/bench vision" in bench("vision", "--help").stdout
