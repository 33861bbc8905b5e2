"""What the service manager hears is what sd_notify(3) prescribes."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from edge.supervision.service_manager import ServiceManager


@pytest.fixture(params=["path", "abstract"])
def listener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    """A real socket as systemd makes it, and the address that it puts into the environment."""
    address = str(tmp_path / "notify") if request.param == "path" else f"@{uuid4().hex}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(address.replace("@", "\0", 1) if address[0] == "@" else address)
        receiver.setblocking(False)
        yield address, receiver


def test_every_word_arrives_as_one_datagram(listener: tuple[str, socket.socket]) -> None:
    address, receiver = listener
    service = ServiceManager({"NOTIFY_SOCKET": address})
    service.status("models\nare loaded")
    service.ready("runs")
    service.alive("all parts work")
    service.stopping("stops")
    assert [receiver.recv(4096).decode() for _ in range(4)] == [
        "STATUS=models are loaded",
        "READY=1\nSTATUS=runs",
        "WATCHDOG=1\nSTATUS=all parts work",
        "STOPPING=1\nSTATUS=stops",
    ]


def test_without_a_service_manager_nothing_is_said(tmp_path: Path) -> None:
    for environment in ({}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": str(tmp_path / "nobody")}):
        ServiceManager(environment).ready("runs")


def test_a_service_manager_that_does_not_listen_holds_nothing_up(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(tmp_path / "notify"))
        service = ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "notify")})
        for _ in range(5000):
            service.alive("x" * 400)


@pytest.mark.parametrize(
    ("environment", "every_s"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "60000000"}, 30.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_is_told_twice_in_its_time(
    environment: dict[str, str], every_s: float | None
) -> None:
    assert ServiceManager(environment).beat_every_s == every_s
