"""A live camera's frames reach the judge once a second; aim checks reach it and get a frame."""

from __future__ import annotations

import os
import threading
import zlib
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from edge.vision.aim_frame import UNFETCHED_AFTER_S, ask_daemon
from edge.vision.aim_reference import load_reference, reference_of, save_reference
from edge.vision.camera_settings import CameraSettings
from edge.vision.errors import CaptureError
from edge.vision.geometry import Box
from edge.vision.picture_health_glance import glance
from edge.vision.picture_health_watch import PictureWatch
from tests.edge.vision.test_picture_health import noisy, view

TAKEN_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Unit:
    """A camera whose time is set by hand, and what is wrong with it by the watch's own words."""

    def __init__(self, folder: Path, **settings: object) -> None:
        made = {"name": "gate", "source": "device:0", "kind": "fixed"} | settings
        self.folder = folder
        self.now_s = 1000.0
        self.troubles: dict[str, str] = {}
        self.news: list[tuple[str, bool]] = []
        self.watch = PictureWatch(CameraSettings.model_validate(made), folder, self.tell, self)

    def monotonic(self) -> float:
        return self.now_s

    def time(self) -> float:
        return self.now_s

    def tell(self, part: str, sentence: str | None) -> None:
        if (sentence is not None) != (part in self.troubles):
            self.news.append((part, sentence is not None))
        if sentence is None:
            self.troubles.pop(part, None)
        else:
            self.troubles[part] = sentence

    def show(self, picture: np.ndarray, seconds: float, every_s: float = 5.0) -> None:
        for _ in range(round(seconds / every_s)):
            self.now_s += every_s
            self.watch.take(picture, plate_seen=False)


@pytest.mark.policy("M-D4")
def test_a_fault_is_told_once_with_its_part_and_ends(tmp_path: Path) -> None:
    unit = Unit(tmp_path, picture={"frozen_after_s": 10, "well_after_s": 5})
    stuck = noisy(view())
    unit.show(stuck, 40)
    assert "over and over" in unit.troubles["picture gate frozen"]
    for _ in range(3):
        unit.show(noisy(view()), 5)
    assert unit.troubles == {}
    assert unit.news == [("picture gate frozen", True), ("picture gate frozen", False)]


def test_a_picture_is_judged_once_a_second_at_most_and_not_where_nobody_wants_it(
    tmp_path: Path,
) -> None:
    stuck = noisy(view())
    fast = Unit(tmp_path, picture={"frozen_after_s": 10})
    fast.show(stuck, 9.5, every_s=0.01)
    assert fast.troubles == {}
    fast.show(stuck, 3, every_s=0.1)
    assert list(fast.troubles) == ["picture gate frozen"]
    unwatched = Unit(tmp_path, picture={"frozen_after_s": 10, "watched": False})
    unwatched.show(stuck, 60)
    assert unwatched.troubles == {}


def test_an_accepted_aim_is_in_use_at_once_and_a_damaged_one_is_said(tmp_path: Path) -> None:
    unit = Unit(tmp_path, picture={"shifted_after_s": 20})
    for _ in range(20):
        unit.show(noisy(view(right=32)), 5)
    assert unit.troubles == {}
    seen = noisy(view())
    picture = save_reference(tmp_path, "gate", reference_of(seen, TAKEN_AT, 1.0))
    for _ in range(20):
        unit.show(noisy(view(right=32)), 5)
    assert "32 px to the right" in unit.troubles["picture gate shifted"]
    picture.write_bytes(b"another picture")
    os.utime(tmp_path / "gate.json", ns=(1, 1))
    unit.show(noisy(view(right=32)), 5)
    assert (
        "take a new one with 'alpr-edge aim gate --accept'"
        in unit.troubles["picture gate reference"]
    )
    assert "picture gate shifted" not in unit.troubles


def test_a_frame_is_handed_over_sealed_when_asked_for_and_left_nowhere(tmp_path: Path) -> None:
    unit = Unit(tmp_path / "aim", picture={"watched": False})
    shown = noisy(view())
    lay: dict[str, bytes] = {}
    modes = []

    def wait(_seconds: float) -> None:
        unit.show(shown, 5)
        for path in unit.folder.iterdir():
            lay[path.name] = path.read_bytes()
            modes.append(path.stat().st_mode & 0o777)

    given = ask_daemon(unit.folder, "gate", 2.0, wait)
    assert given is not None
    assert np.array_equal(given, shown)
    assert modes == [0o600]
    assert (unit.folder.stat().st_mode & 0o777) == 0o700
    assert list(unit.folder.iterdir()) == []
    assert ask_daemon(unit.folder, "gate", 0.4, lambda seconds: None) is None
    assert list(unit.folder.iterdir()) == []
    assert unit.troubles == {}
    # What lay on the disk is no picture, and neither is anything in it.
    (sealed,) = lay.values()
    assert b"PNG" not in sealed
    assert len(zlib.compress(sealed)) > 0.99 * len(sealed)


def test_a_frame_that_another_check_asked_for_does_not_open_and_is_said(tmp_path: Path) -> None:
    unit = Unit(tmp_path, picture={"watched": False})

    def meanwhile(_seconds: float) -> None:
        mine = (tmp_path / "gate.asked").read_bytes()
        other = X25519PrivateKey.generate().public_key().public_bytes_raw()
        (tmp_path / "gate.asked").write_bytes(other)
        unit.show(noisy(view()), 5)
        assert mine != other

    with pytest.raises(CaptureError, match="another aim check"):
        ask_daemon(tmp_path, "gate", 2.0, meanwhile)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "asked",
    [b"", b"\0" * 32, b"\xff" * 31, b"x" * 100_000],
    ids=["empty", "no point of the curve", "short", "long"],
)
def test_what_is_no_request_is_taken_away_and_not_answered(tmp_path: Path, asked: bytes) -> None:
    unit = Unit(tmp_path, picture={"watched": False})
    (tmp_path / "gate.asked").write_bytes(asked)
    unit.show(noisy(view()), 5)
    assert list(tmp_path.iterdir()) == []
    assert unit.troubles == {}


def test_a_frame_that_nobody_fetched_goes_after_a_minute(tmp_path: Path) -> None:
    unit = Unit(tmp_path)
    left = tmp_path / "gate.frame"
    left.write_bytes(b"a frame")
    os.utime(left, (unit.now_s, unit.now_s))
    unit.show(noisy(view()), UNFETCHED_AFTER_S)
    assert left.exists()
    unit.show(noisy(view()), 5)
    assert not left.exists()


def test_what_a_killed_aim_check_left_goes_when_the_daemon_starts(tmp_path: Path) -> None:
    """Also frames as former releases left them, in the clear, of cameras that are no more."""
    save_reference(tmp_path, "gate", reference_of(noisy(view()), TAKEN_AT, None))
    kept = {path.name for path in tmp_path.iterdir()}
    for name in ("gate.frame", "gate.asked", "roof.frame.png", ".roof.frame.png.new"):
        (tmp_path / name).write_bytes(b"a plate can be read here")
    unit = Unit(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == kept
    assert unit.troubles == {}
    (tmp_path / "gate.frame").mkdir()
    unit = Unit(tmp_path)
    assert "gate.frame" in unit.troubles["picture gate left behind"]


def test_a_frame_that_cannot_be_judged_stops_nothing(tmp_path: Path) -> None:
    unit = Unit(tmp_path)
    unit.show(np.zeros((32, 32, 3), dtype=np.uint8), 20)
    unit.show(noisy(view()), 20)
    assert unit.troubles == {}
    asked = tmp_path / "gate.asked"
    asked.mkdir()  # not a file: it cannot be taken away as one
    unit.show(noisy(view()), 5)
    assert "gate.asked" in unit.troubles["picture gate request"]
    asked.rmdir()
    unit.show(noisy(view()), 5)
    assert unit.troubles == {}


def test_a_reference_comes_back_as_it_was_and_is_its_owners_alone(tmp_path: Path) -> None:
    shown = noisy(view())
    kept = reference_of(shown, TAKEN_AT, glance(shown).sharpness)
    picture = save_reference(tmp_path / "aim", "gate", kept)
    for path in (picture, picture.with_suffix(".json")):
        assert (path.stat().st_mode & 0o777) == 0o600
    back = load_reference(tmp_path / "aim", "gate")
    assert back is not None
    assert (back.taken_at, back.width_px, back.height_px, back.sharpness) == (
        TAKEN_AT, 640, 360, kept.sharpness,
    )  # fmt: skip
    assert back.picture.shape == (90, 160)
    assert np.array_equal(back.picture, kept.picture)
    assert load_reference(tmp_path / "aim", "other") is None


@pytest.mark.parametrize("damage", ["{", "{}", '{"sha256": 1}'])
def test_a_damaged_reference_is_one_sentence(tmp_path: Path, damage: str) -> None:
    save_reference(tmp_path, "gate", reference_of(noisy(view()), TAKEN_AT, None))
    (tmp_path / "gate.json").write_text(damage)
    with pytest.raises(CaptureError, match="aim check of camera gate is damaged"):
        load_reference(tmp_path, "gate")


def test_a_torn_write_leaves_the_reference_before_or_none_that_is_believed(tmp_path: Path) -> None:
    save_reference(tmp_path, "gate", reference_of(noisy(view()), TAKEN_AT, None))
    # Killed between its two files, a new check has put only its picture in place.
    other = cv2.imencode(".png", reference_of(noisy(view(right=40)), TAKEN_AT, None).picture)[1]
    (tmp_path / "gate.png").write_bytes(other.tobytes())
    with pytest.raises(CaptureError, match="its picture is another"):
        load_reference(tmp_path, "gate")


def test_no_plate_is_left_in_a_reference(tmp_path: Path) -> None:
    shown = view().copy()
    shown[100:220, 200:440] = 240
    cv2.putText(shown, "7KLM915", (210, 185), cv2.FONT_HERSHEY_SIMPLEX, 1.8, (20, 20, 20), 6)
    kept = reference_of(shown, TAKEN_AT, None, [Box(200, 100, 240, 120)])
    assert int(np.ptp(kept.picture[26:54, 51:109])) <= 2
    near_the_edge = reference_of(shown, TAKEN_AT, None, [Box(600, 300, 500, 500), Box(-9, 0, 5, 5)])
    assert near_the_edge.picture.shape == (90, 160)


def test_the_daemon_answers_from_its_own_thread(tmp_path: Path) -> None:
    unit = Unit(tmp_path)
    ended = threading.Event()

    def capture() -> None:
        while not ended.is_set():
            unit.show(noisy(view()), 5)

    thread = threading.Thread(target=capture, name="capture")
    thread.start()
    try:
        given = ask_daemon(tmp_path, "gate", 60.0, lambda seconds: ended.wait(0.01) and None)
    finally:
        ended.set()
        thread.join()
    assert given is not None
    assert given.shape == (360, 640, 3)
