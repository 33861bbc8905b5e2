"""A camera is open by the time its thread runs, and is opened anew after that."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from edge.bootstrap.early import EarlyCameras
from edge.vision.frames import FrameSource
from edge.vision.live import LiveSource
from tests.edge.instants import wall_instant


class Device:
    """A camera that gives frames as long as it is held."""

    def __init__(self) -> None:
        self.read_from = threading.Event()
        self.released = threading.Event()

    def read(self) -> tuple[bool, Any]:
        self.read_from.set()
        return not self.released.wait(0.001), np.zeros((4, 4, 3), dtype=np.uint8)

    def release(self) -> None:
        self.released.set()


def live(device: Device) -> LiveSource:
    return LiveSource(lambda: device, "device:0", "front", wall_instant, lambda sentence: None)


def test_a_camera_that_began_is_read_before_anyone_takes_its_frames() -> None:
    device = Device()
    source = live(device)
    source.begin()
    assert device.read_from.wait(30)
    source.begin()  # no second thread
    frames = source.frames()
    assert next(frames) is not None
    assert sum(thread.name == "capture-front" for thread in threading.enumerate()) == 1
    source.close()


def test_the_open_camera_is_taken_once_and_those_left_are_closed() -> None:
    anew: list[str | None] = []
    taken, left, other = live(Device()), live(left_device := Device()), live(Device())
    left.begin()
    assert left_device.read_from.wait(30)
    early = EarlyCameras({"front": taken, "curb": left})

    def open_anew(after: str | None) -> FrameSource:
        anew.append(after)
        return other

    opener = early.opener("front", open_anew)
    assert opener(None) is taken
    assert opener("place") is other
    assert early.opener("tape", open_anew)(None) is other
    assert anew == ["place", None]
    early.close()
    assert left_device.released.wait(30)
    early.close()
