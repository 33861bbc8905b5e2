"""``alpr-edge cameras`` and ``alpr-edge aim``: what an installer sees of a camera."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np
import pytest
from click.testing import CliRunner, Result

from edge.cli import main
from edge.health.status import Status
from edge.vision.aim_frame import answer_request
from edge.vision.aim_reference import load_reference
from tests.street import write_pictures

SETTINGS = """
[unit]
agency = "salem-pd"
name = "car-12"

[[cameras]]
name = "gate"
source = "{source}"
kind = "fixed"
mounting = "north gate"
region = [0.0, 0.2, 1.0, 1.0]

[[cameras]]
name = "curb"
source = "rtsp://192.0.2.17/stream1"
credentials_file = "curb.secret"

[engine]
threads = 1

[position]
kind = "none"

[uplink]
host = "127.0.0.1"
repository_public_key = "receipts.pub"
"""
SECOND = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Site:
    """A unit's folder with its settings, and commands run there."""

    def __init__(self, folder: Path, source: str) -> None:
        self.folder = folder
        self.settings = folder / "edge.toml"
        self.settings.write_text(SETTINGS.format(source=source), encoding="utf-8")
        self.aim_folder = folder / "data" / "aim"

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(main, [*words, "--settings", str(self.settings)])

    def daemon_says(self, *, stopped: bool = False, **troubles: str) -> None:
        """Write the status of a daemon, as of now."""
        moment = SECOND.isoformat()
        said = {
            "at": moment, "started_at": moment, "agency": "salem-pd", "unit": "car-12",
            "software": "plateward", "stopped": stopped, "counters": {},
            "troubles": {
                part.replace("_", " "): {"sentence": sentence, "since": moment}
                for part, sentence in troubles.items()
            },
            "cameras": [{"name": "gate", "frames_per_s": 9.5, "last_frame_s": 0.1,
                         "last_read_s": None, "counters": {}}],
            "hotlists": [], "position": {"state": "no_receiver"},
            "clock": {"source": "system", "error_ms": None}, "disk": None, "spool": None,
            "uplink": {"connected": False, "counts": {}}, "parts": {}, "reached": {},
            "durations": {},
            "process": {"pid": 1, "memory_bytes": 1, "threads": 1, "open_files": 1},
        }  # fmt: skip
        msgspec.convert(said, Status)
        data = self.folder / "data"
        data.mkdir(exist_ok=True)
        (data / "status.json").write_bytes(msgspec.json.encode(said))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    write_pictures(tmp_path / "pictures", 1)
    return Site(tmp_path, "pictures/000.png")


@pytest.fixture
def daemon_with_frames(site: Site) -> Iterator[list[np.ndarray]]:
    """A running daemon that holds the gate's camera and answers with the last of these frames."""
    Site(site.folder, "device:0")
    site.daemon_says()
    frames = [cv2.imread(str(site.folder / "pictures" / "000.png"))]
    ended = threading.Event()

    def capture() -> None:
        while not ended.is_set():
            answer_request(site.aim_folder, "gate", frames[-1], time.time)
            ended.wait(0.02)

    thread = threading.Thread(target=capture, name="daemon")
    thread.start()
    yield frames
    ended.set()
    thread.join()


def found(result: Result) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(result.stdout)
    return said


def test_an_aim_is_checked_shown_and_accepted(site: Site) -> None:
    picture = site.folder / "shown.png"
    result = site.run("aim", "gate", "--out", str(picture), "--accept", "--json")
    assert result.exit_code in (0, 3), result.output
    said = found(result)
    (plate,) = said["plates"]
    assert 55 <= plate["height_px"] <= 95
    assert abs(plate["tilt_deg"]) < 6
    assert {one["what"]: one["good"] for one in said["findings"]}["plates"]
    assert (result.exit_code == 0) == said["good"]
    assert cv2.imread(str(picture)).shape[1] == 480
    assert (picture.stat().st_mode & 0o777) == 0o600
    reference = load_reference(site.aim_folder, "gate")
    assert reference is not None
    assert (reference.width_px, reference.height_px) == (480, 320)
    # What an accepted check keeps says nothing of the plate.
    box = plate["box"]
    left, top, right, bottom = (
        round(side / 3) for side in (box[0], box[1], box[0] + box[2], box[1] + box[3])
    )
    assert int(np.ptp(reference.picture[top + 1 : bottom - 1, left + 1 : right - 1])) < 12


def test_the_daemon_that_holds_the_camera_hands_over_a_frame(
    site: Site, daemon_with_frames: list[np.ndarray]
) -> None:
    good = site.run("aim", "gate", "--accept", "--json")
    assert good.exit_code in (0, 3), good.output
    assert len(found(good)["plates"]) == 1
    moved = np.roll(daemon_with_frames[-1], 60, axis=1)
    daemon_with_frames.append(moved)
    result = site.run("aim", "gate")
    assert result.exit_code == 3
    assert "60 px to the right" in result.output
    assert "NOT GOOD YET" in result.output
    assert sorted(path.name for path in site.aim_folder.iterdir()) == ["gate.json", "gate.png"]


def test_a_daemon_that_does_not_answer_is_said(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.commands.cameras.DAEMON_PATIENCE_S", 0.2)
    Site(site.folder, "device:0")
    site.daemon_says()
    result = site.run("aim", "gate")
    assert result.exit_code == 1
    assert "gave no frame of camera gate" in result.output
    assert "as the user of the daemon" in result.output


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("aim", "roof"), 1, "no camera is named roof: the settings name gate, curb"),
        (("aim", "gate", "--out", "shown.jpg"), 2, "ends in .png"),
        (("aim", "curb"), 1, "credentials file"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    site: Site, words: tuple[str, ...], code: int, said: str
) -> None:
    result = site.run(*words)
    assert result.exit_code == code
    assert said in result.output
    assert "Traceback" not in result.output


@pytest.mark.policy("M-D4")
def test_the_list_says_how_each_camera_is_set_and_what_is_wrong_with_it(site: Site) -> None:
    never = json.loads(site.run("cameras", "list", "--json").stdout)
    assert [one["name"] for one in never] == ["gate", "curb"]
    assert never[0]["state"] == "the daemon has not run here yet"
    site.daemon_says(picture_gate_blurred="wipe the lens", picture_gatepost_dark="of another")
    site.run("aim", "gate", "--accept", "--json")
    gate, curb = json.loads(site.run("cameras", "list", "--json").stdout)
    assert gate["troubles"] == ["wipe the lens"]
    assert gate["state"].startswith("in trouble; last frame")
    assert gate["mounting"] == "north gate"
    assert gate["region"] == [[0.0, 0.2], [1.0, 0.2], [1.0, 1.0], [0.0, 1.0]]
    assert gate["aim_checked_at"] is not None
    assert (curb["source"], curb["troubles"]) == ("rtsp://192.0.2.17/stream1", [])
    assert "not compared" in curb["compared"]
    assert curb["state"] == "works; no frame yet"
    shown = site.run("cameras", "list").output
    assert "TROUBLE: wipe the lens" in shown
    assert "gate: " in shown
    site.daemon_says(stopped=True)
    assert "does not run" in site.run("cameras", "list").output


def test_a_damaged_aim_check_is_said_in_the_list(site: Site) -> None:
    site.aim_folder.mkdir(parents=True)
    (site.aim_folder / "gate.json").write_text("{")
    gate, _ = json.loads(site.run("cameras", "list", "--json").stdout)
    assert "aim check of camera gate is damaged" in gate["troubles"][0]
