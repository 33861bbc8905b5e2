"""A mosquitto of a bench's own, on loopback."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from demo_site.processes import end, start, wait_for_port

LONG_QUEUES = ("max_inflight_messages 500", "max_queued_messages 100000")
"""Settings under which it holds what many units send at once."""

_STARTS_WITHIN_S = 60.0


@contextmanager
def mosquitto(folder: Path, port: int, *options: str) -> Iterator[int]:
    """The process of a broker that lets everybody in; its settings and log lie in the folder.

    Raises:
        DemoError: if it does not start.
    """
    program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    settings, log = folder / "mosquitto.conf", folder / "mosquitto.log"
    lines = (f"listener {port} 127.0.0.1", "allow_anonymous true", *options)
    settings.write_text("\n".join(lines) + "\n")
    process = start([program, "-c", str(settings)], log)
    try:
        wait_for_port(port, process, log, _STARTS_WITHIN_S)
        yield process.pid
    finally:
        end(process)
