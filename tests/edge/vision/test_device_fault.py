"""A camera of this machine that does not open: missing, forbidden, or used by another."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.vision.device_fault import device_fault
from tests.edge.nobody import as_nobody


@pytest.fixture
def device() -> Iterator[Path]:
    """A file in a folder that everybody may look into, in place of a device."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = Path(folder, "video0")
        path.touch(mode=0o600)
        yield path


def test_one_that_is_missing_is_told_with_those_that_are_there(device: Path) -> None:
    missing = device.with_name("video7")
    assert f"{missing} is not there, but {device}: plug the camera in" in device_fault(str(missing))
    device.unlink()
    assert "nor any other" in device_fault(str(missing))
    assert device_fault(63).startswith("camera device /dev/video63 is not there")


def test_one_that_this_user_may_not_open_is_told_with_its_remedy(device: Path) -> None:
    device.chmod(0)
    with as_nobody():
        said = device_fault(str(device))
    assert said.startswith(f"this user may not open camera device {device}: add the daemon's user")
    assert "usermod -aG video" in said


def test_one_that_opens_is_used_by_another(device: Path) -> None:
    said = device_fault(str(device))
    assert f"{device} is there and gives no picture: end the program that uses it" in said
    assert f"fuser -v {device}" in said


def test_one_that_the_driver_refuses_is_told_with_why(device: Path) -> None:
    said = device_fault(str(device.parent))
    assert "does not open (Is a directory): unplug the camera" in said
