"""A daemon that hangs says which part, lets the watchdog run out, and ends; nothing is lost."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from edge.contract.records import Malfunction
from edge.daemon import EXIT_STUCK
from edge.health.status import read_status
from edge.spool.store import Spool
from tests.edge.daemon_parts import IDENTITY, stored

ROOT = Path(__file__).parents[3]


@pytest.mark.policy("M-D4")
def test_a_hanging_driver_is_told_to_the_service_manager_and_ends_the_process(
    tmp_path: Path,
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(60)
        environment = {
            **os.environ,
            "NOTIFY_SOCKET": str(tmp_path / "notify"),
            "WATCHDOG_USEC": "400000",
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "scripts")]),
        }
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.edge.hanging", str(tmp_path)],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        said: list[dict[str, str]] = []
        while not said or "STOPPING" not in said[-1]:
            try:
                lines = listener.recv(4096).decode().splitlines()
            except TimeoutError:
                child.kill()
                pytest.fail(f"it fell silent: {child.communicate()[0]}")
            said.append(dict(line.split("=", 1) for line in lines))
        log, _ = child.communicate(timeout=60)
    assert child.returncode == EXIT_STUCK, log
    assert 'hanging.py", line' in log  # where it hangs
    assert said[0]["READY"] == "1"
    first_silent = next(n for n, one in enumerate(said) if "hangs" in one["STATUS"])
    assert any("WATCHDOG" in one for one in said[:first_silent])
    assert not any("WATCHDOG" in one for one in said[first_silent:])
    assert said[first_silent]["STATUS"] == "hangs: camera-front"
    assert "camera-front hangs for" in said[-1]["STATUS"]

    status, _ = read_status(tmp_path / "status.json")
    assert "camera-front has not answered" in status.troubles["silence of camera-front"].sentence
    assert not status.stopped
    with Spool.open(
        tmp_path / "spool", b"s" * 32, agency=IDENTITY.agency, unit=IDENTITY.unit
    ) as spool:
        (malfunction,) = stored(spool)
        assert isinstance(malfunction, Malfunction)
        assert (malfunction.component, malfunction.camera) == ("camera", "front")
