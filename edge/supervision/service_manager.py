"""Word to the service manager that started the daemon: sd_notify(3), one datagram at a time.

Written from systemd's description of the protocol: lines of NAME=value to the Unix socket that
``NOTIFY_SOCKET`` names; a name that begins with @ is in the abstract namespace. Without the
variable nobody listens and nothing is said. A datagram that is not taken is no fault of the unit.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Mapping

_STATUS_LENGTH = 500


class ServiceManager:
    """Tells the service manager how the daemon is."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Take the address and the watchdog's time from the daemon's environment."""
        self._address = environment.get("NOTIFY_SOCKET", "")
        if self._address.startswith("@"):
            self._address = "\0" + self._address[1:]
        self._watchdog_s = _watchdog_s(environment)

    @property
    def beat_every_s(self) -> float | None:
        """How often to say that the daemon is well, half the time allowed; None if never."""
        return None if self._watchdog_s is None else self._watchdog_s / 2

    def status(self, sentence: str) -> None:
        """One line for ``systemctl status``."""
        self._send(f"STATUS={_one_line(sentence)}")

    def ready(self, sentence: str) -> None:
        """The daemon does its work from now on."""
        self._send(f"READY=1\nSTATUS={_one_line(sentence)}")

    def alive(self, sentence: str) -> None:
        """Every vital part turns: the watchdog may rest."""
        self._send(f"WATCHDOG=1\nSTATUS={_one_line(sentence)}")

    def stopping(self, sentence: str) -> None:
        """The daemon ends."""
        self._send(f"STOPPING=1\nSTATUS={_one_line(sentence)}")

    def _send(self, lines: str) -> None:
        if not self._address:
            return
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender,
        ):
            sender.setblocking(False)
            sender.sendto(lines.encode("utf-8"), self._address)


def _watchdog_s(environment: Mapping[str, str]) -> float | None:
    """The watchdog's time in seconds, if it is set and meant for this process."""
    for_process = environment.get("WATCHDOG_PID", "")
    try:
        meant = not for_process or int(for_process) == os.getpid()
        time_s = int(environment.get("WATCHDOG_USEC", "0")) / 1_000_000
    except ValueError:
        return None
    return time_s if meant and time_s > 0 else None


def _one_line(sentence: str) -> str:
    return " ".join(sentence.split())[:_STATUS_LENGTH]
