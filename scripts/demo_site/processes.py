"""Programs of the demo as processes: started, waited for, ended."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

BIN = Path(sys.executable).parent
_END_WITHIN_S = 20.0


class DemoError(Exception):
    """The demo cannot go on; the text says what happened and where to look."""


def free_port() -> int:
    """A port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start(arguments: Sequence[str], log: Path, *, pipe: bool = False) -> subprocess.Popen[str]:
    """Start a program with its messages in a file, and its output there too or in a pipe.

    An interruption from the keyboard reaches only whoever started it.
    """
    with log.open("a", encoding="utf-8") as messages:
        return subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if pipe else messages,
            stderr=messages,
            text=True,
            start_new_session=True,
        )


def end(process: subprocess.Popen[str]) -> None:
    """Ask a process to end, and insist if it does not."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_END_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for_port(port: int, process: subprocess.Popen[str], log: Path, within_s: float) -> None:
    """Wait until the process listens.

    Raises:
        DemoError: if it ends, or does not listen in that time.
    """
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise DemoError(f"a program ended early, with {process.returncode}; see {log}")
        with socket.socket() as probe:
            probe.settimeout(0.2)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise DemoError(f"nothing listens on port {port} after {within_s:.0f} s; see {log}")


def wait_for_line(log: Path, word: str, process: subprocess.Popen[str], within_s: float) -> None:
    """Wait until the process has written that word into its log, or has ended.

    Raises:
        DemoError: if it does neither in that time.
    """
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if word in log.read_text(encoding="utf-8") or process.poll() is not None:
            return
        time.sleep(0.05)
    raise DemoError(f"a program did not start within {within_s:.0f} s; see {log}")


def command(
    arguments: Sequence[str],
    environment: Mapping[str, str] | None = None,
    *,
    statuses: Collection[int] = (0,),
) -> str:
    """Run a command to its end and give what it printed; ``statuses`` are those of success.

    Raises:
        DemoError: with the command's own words if it fails.
    """
    done = subprocess.run(
        arguments,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **(environment or {})},
    )
    if done.returncode not in statuses:
        raise DemoError(f"{' '.join(arguments[:4])} …: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def json_command(
    arguments: Sequence[str],
    environment: Mapping[str, str] | None = None,
    *,
    statuses: Collection[int] = (0,),
) -> Any:
    """Run a command that prints JSON and give what it says; see ``command``."""
    return json.loads(command(arguments, environment, statuses=statuses))
