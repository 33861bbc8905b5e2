"""How a real daemon that has only begun to start ends, and what the next one says of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from edge.health.status import STATUS_FILE
from tests.edge.doctor.units import write_settings
from tests.servers import free_port

ALPR_EDGE = str(Path(sys.executable).with_name("alpr-edge"))
TOLD = "had ended without being told to"
WITHIN_S = 60.0
CAMERA = '[[cameras]]\nname = "front"\nsource = "device:97"\n'


class Unit:
    """A daemon's settings, and what it says of itself."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.held = folder / "models.toml"
        """A manifest that ends only when somebody writes it: models load until then."""
        os.mkfifo(self.held)

    @contextmanager
    def running(self, *, held: bool) -> Iterator[subprocess.Popen[bytes]]:
        """A daemon whose models load, or are ``held`` back."""
        more = f'[engine]\nmodels = "{self.held}"\n' if held else ""
        settings = write_settings(self.folder, more, camera=CAMERA, port=free_port())
        with (self.folder / "log").open("wb") as log:
            daemon = subprocess.Popen(
                [ALPR_EDGE, "run", "--settings", str(settings), "--console", "none"],
                stdout=log,
                stderr=log,
            )
            try:
                yield daemon
            finally:
                daemon.kill()
                daemon.wait()

    def let_go(self, daemon: subprocess.Popen[bytes]) -> None:
        """Let the models load, unless the daemon ends before."""
        while daemon.poll() is None:
            with suppress(OSError):  # nobody reads it yet, or any more
                os.close(os.open(self.held, os.O_WRONLY | os.O_NONBLOCK))
            time.sleep(0.02)

    def status(self) -> dict[str, Any]:
        try:
            said: dict[str, Any] = json.loads((self.folder / "data" / STATUS_FILE).read_text())
        except FileNotFoundError:
            return {}
        return said

    def wait(self, holds: Callable[[dict[str, Any]], bool]) -> None:
        until_s = time.monotonic() + WITHIN_S
        while not holds(self.status()):
            assert time.monotonic() < until_s, (self.log(), self.status())
            time.sleep(0.02)

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def ask(self, *command: str) -> tuple[int, str]:
        """Another command's exit status and output, for which no models are held back."""
        settings = write_settings(self.folder, camera=CAMERA, port=free_port())
        done = subprocess.run(
            [ALPR_EDGE, *command, "--settings", str(settings)],
            capture_output=True,
            text=True,
            timeout=WITHIN_S,
        )
        return done.returncode, done.stdout


@pytest.fixture
def unit(tmp_path: Path) -> Unit:
    return Unit(tmp_path)


@pytest.mark.policy("M-D4")
def test_a_daemon_that_is_killed_while_it_starts_is_told_of_by_the_next(unit: Unit) -> None:
    with unit.running(held=True) as daemon:
        unit.wait(lambda said: said.get("process", {}).get("pid") == daemon.pid)
        code, said = unit.ask("status")
        assert (code, "starts since" in said) == (4, True)
        checks = json.loads(unit.ask("doctor", "--json")[1])["checks"]
        assert [
            "it starts since" in one["found"] for one in checks if one["check"] == "daemon"
        ] == [True]
        assert not any(one["check"].startswith(("camera", "gps")) for one in checks)
        daemon.kill()
        daemon.wait()
    code, said = unit.ask("status")
    assert (code, "was KILLED, or its power cut, while it started" in said) == (4, True)
    assert "though nobody told it to stop" in unit.ask("doctor")[1]
    with unit.running(held=False) as daemon:
        unit.wait(lambda said: "ready_s" in said.get("reached", {}))
        assert unit.status()["counters"]["unclean_ends"] == 1
        assert TOLD in unit.log()
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(WITHIN_S) == 0
    assert unit.status()["stopped"] is True


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_daemon_that_is_stopped_while_it_starts_has_ended_as_it_should(
    unit: Unit, number: signal.Signals
) -> None:
    with unit.running(held=True) as daemon:
        unit.wait(lambda said: said.get("process", {}).get("pid") == daemon.pid)
        daemon.send_signal(number)
        unit.let_go(daemon)
        assert daemon.wait(WITHIN_S) == 0, unit.log()
    assert unit.status()["stopped"] is True
    assert "ended while it started" in unit.ask("status")[1]
    with unit.running(held=False):
        unit.wait(lambda said: "ready_s" in said.get("reached", {}))
        assert "unclean_ends" not in unit.status()["counters"]
        assert TOLD not in unit.log()


def test_a_second_daemon_leaves_the_first_ones_status_alone(unit: Unit) -> None:
    with unit.running(held=True) as daemon:
        unit.wait(lambda said: said.get("process", {}).get("pid") == daemon.pid)
        code, _ = unit.ask("run", "--console", "none")
        assert code == 1
        assert (unit.status()["process"]["pid"], unit.status()["stopped"]) == (daemon.pid, False)


def test_a_start_that_fails_says_so_and_was_no_unclean_end(unit: Unit) -> None:
    with unit.running(held=True) as daemon:
        unit.wait(lambda said: said.get("process", {}).get("pid") == daemon.pid)
        unit.held.write_text("no manifest")
        assert daemon.wait(WITHIN_S) == 1
    assert "no manifest of models" in unit.log()
    code, said = unit.ask("status")
    assert (code, "ended while it started" in said) == (4, True)
