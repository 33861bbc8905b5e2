"""Cameras and place: asked of the daemon where it runs, else opened; real pictures and ports."""

from __future__ import annotations

import errno
import fcntl
import os
import threading
import tty
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest

from edge.bootstrap.daemon import build_clock
from edge.bootstrap.position import build_position
from edge.doctor import device_checks
from edge.doctor.device_checks import check_camera, check_place, judge_camera, judge_place
from edge.doctor.findings import Finding
from edge.health.health import Health
from edge.health.status import PositionFact, TroubleFact
from edge.position.source import PositionSource
from edge.settings import Settings
from edge.vision.camera_settings import CameraSettings
from tests.edge.doctor.units import settings_of
from tests.edge.health.test_status import AT, make
from tests.edge.instants import wall_instant
from tests.edge.position.listening import sentence

LIVE = CameraSettings(name="front", source="device:0")


def test_a_camera_is_judged_by_what_the_daemon_says_of_it() -> None:
    status = make()
    (front,) = status.cameras
    cases: list[tuple[dict[str, float | None], str, str]] = [
        ({}, "ok", "9.8 frames a second"),
        ({"frames_per_s": 1.0}, "warning", "only 1.0 frames"),
        ({"last_frame_s": 60.0}, "fail", "60 s ago"),
        ({"last_frame_s": None}, "fail", "never"),
    ]
    for changes, verdict, says in cases:
        changed = make(cameras=[msgspec.structs.replace(front, **changes)])
        (finding,) = judge_camera(LIVE, changed)
        assert (finding.verdict, says in finding.found) == (verdict, True)
    (finding,) = judge_camera(CameraSettings(name="new", source="device:1"), status)
    assert "restart the daemon" in finding.do
    gone = make(troubles={"camera front": TroubleFact(sentence="no cable: plug it", since=AT)})
    (finding,) = judge_camera(LIVE, gone)
    assert (finding.found, finding.do) == ("no cable", "plug it")
    (finding,) = judge_camera(CameraSettings(name="front", source="tape"), make())
    assert "recording" in finding.found


def picture(folder: Path, brightness: int) -> CameraSettings:
    folder.mkdir()
    image = np.full((120, 160, 3), brightness, dtype=np.uint8)
    cv2.imwrite(str(folder / "000.png"), image)
    return CameraSettings(name="front", source=str(folder))


def test_a_camera_is_opened_and_gives_a_picture(tmp_path: Path) -> None:
    (finding,) = check_camera(picture(tmp_path / "day", 120), wall_instant)
    assert (finding.verdict, "160 by 120" in finding.found) == ("ok", True)
    (finding,) = check_camera(picture(tmp_path / "night", 0), wall_instant)
    assert (finding.verdict, "black" in finding.found) == ("warning", True)


def test_a_camera_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_checks, "FRAME_WITHIN_S", 0.5)
    (finding,) = check_camera(CameraSettings(name="front", source="device:98"), wall_instant)
    assert finding.verdict == "fail"
    assert "/dev/video98 is not there" in finding.found
    assert finding.do.startswith("plug the camera in")


def test_a_recording_that_cannot_be_read_is_not_said_to_lack_power(tmp_path: Path) -> None:
    for source in (tmp_path / "nowhere", tmp_path):
        (finding,) = check_camera(CameraSettings(name="front", source=str(source)), wall_instant)
        assert finding.verdict == "fail"
        assert str(source) in finding.found
        assert finding.do.startswith(("name a folder", "see that the camera's source names"))


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (errno.ENOENT, "check its cable"),
        (errno.EACCES, "usermod -aG dialout"),
        (errno.EBUSY, "fuser -v"),
        (errno.EAGAIN, "fuser -v"),
    ],
)
def test_a_port_that_does_not_open_is_told_by_why(tmp_path: Path, number: int, says: str) -> None:
    settings = settings_of(
        tmp_path, position='[position]\nkind = "serial"\nport = "/dev/ttyUSB0"\n'
    )
    said = (
        f"GPS receiver at /dev/ttyUSB0: {os.strerror(number)}; check its cable and the setting "
        "position.port; it is tried again until it answers"
    )
    (finding,) = judge_place(settings, make(troubles={"gps": TroubleFact(sentence=said, since=AT)}))
    assert finding.found == f"GPS receiver at /dev/ttyUSB0: {os.strerror(number)}"
    assert says in finding.do


def test_the_place_is_judged_by_what_the_daemon_says(tmp_path: Path) -> None:
    site = settings_of(
        tmp_path,
        position='[position]\nkind = "serial"\nport = "/dev/ttyUSB0"\n',
    )
    cases = [
        (make(), "ok"),
        (make(position=PositionFact(state="site")), "ok"),
        (make(position=PositionFact(state="no_fix")), "warning"),
        (make(troubles={"gps": TroubleFact(sentence="no port: plug it", since=AT)}), "fail"),
    ]
    for status, verdict in cases:
        (finding,) = judge_place(site, status)
        assert finding.verdict == verdict


def listen(settings: Settings) -> Finding:
    clock = build_clock(None)

    def build(
        health: Health,
    ) -> tuple[PositionSource, Callable[[threading.Event], None] | None]:
        return build_position(settings.position, clock, health)

    (finding,) = check_place(settings, build, clock.now_s)
    return finding


def fix(at: datetime) -> bytes:
    return sentence(f"GPRMC,{at:%H%M%S}.00,A,4219.4,N,07238.0,W,0.0,0.0,{at:%d%m%y},,,A") + b"\r\n"


def no_fix(at: datetime) -> bytes:
    return sentence(f"GPRMC,{at:%H%M%S}.00,V,,,,,,,{at:%d%m%y},,,N") + b"\r\n"


@pytest.mark.parametrize(
    ("said", "verdict", "says"),
    [(fix, "ok", "a fix"), (no_fix, "warning", "no fix"), (None, "fail", "")],
)
def test_a_receiver_is_listened_to(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    said: Callable[[datetime], bytes] | None,
    verdict: str,
    says: str,
) -> None:
    monkeypatch.setattr(device_checks, "FIX_WITHIN_S", 1.0)
    master, slave = os.openpty()
    tty.setraw(slave)
    settings = settings_of(
        tmp_path, position=f'[position]\nkind = "serial"\nport = "{os.ttyname(slave)}"\n'
    )
    stop = threading.Event()

    def speak(make_sentence: Callable[[datetime], bytes]) -> None:
        at = datetime.now(UTC)
        while not stop.wait(0.1):
            at += timedelta(seconds=0.1)
            os.write(master, make_sentence(at))

    if said is not None:
        threading.Thread(target=partial(speak, said), daemon=True).start()
    try:
        finding = listen(settings)
    finally:
        stop.set()
    assert (finding.verdict, says in finding.found) == (verdict, True)


def test_a_port_that_another_program_holds_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_checks, "FIX_WITHIN_S", 1.0)
    _, slave = os.openpty()
    fcntl.flock(slave, fcntl.LOCK_EX | fcntl.LOCK_NB)
    position = f'[position]\nkind = "serial"\nport = "{os.ttyname(slave)}"\n'
    finding = listen(settings_of(tmp_path, position=position))
    assert (finding.verdict, "fuser -v" in finding.do) == ("fail", True)


def test_a_unit_without_a_receiver_is_told_so(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    assert listen(settings).verdict == "warning"
    (finding,) = judge_place(settings, make())
    assert finding == listen(settings)
    site = """
        [position]
        kind = "site"
        site = "Bridge Street"
        latitude_deg = 42.3
        longitude_deg = -72.6
    """
    assert listen(settings_of(tmp_path, position=site)).verdict == "ok"
