"""A daemon in a process of its own, whose camera's driver never returns."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import edge.daemon
import edge.health.malfunctions
import edge.housekeeping
import edge.supervision.supervisor
from edge.daemon import Daemon
from edge.supervision.service_manager import ServiceManager
from edge.vision.frames import Frame
from edge.vision.tracker import Tracker
from edge.watch import Camera
from tests.edge.daemon_parts import unit

# Everything in a hundredth of the time that a unit on the road takes.
edge.daemon.CAMERA_LIMIT_S = 0.5
edge.daemon.STUCK_STOP_WITHIN_S = 0.5
edge.supervision.supervisor.GRACE_S = 0.8
edge.housekeeping.EVERY_S = 0.1
edge.health.malfunctions._HICCUP_S = 0.1


class HangingSource:
    """A camera whose driver is asked for a frame and waits for ever, outside Python."""

    live = True
    dropped = 0
    unreadable = 0
    gone: str | None = None

    def frames(self) -> Iterator[Frame | None]:
        for _ in range(10):
            yield None
        nothing_comes, _keep_open = os.pipe()
        os.read(nothing_comes, 1)

    def close(self) -> None:
        pass


def main(folder: Path) -> None:
    with unit(folder, None, []) as (_, recorder):  # type: ignore[arg-type]
        front = Camera(
            name="front",
            source="device:9",
            open=lambda _after: HangingSource(),
            tracker=Tracker,
            engine=None,  # type: ignore[arg-type]
        )
        daemon = Daemon(
            [front],
            recorder,
            None,
            folder / "status.json",
            service=ServiceManager(os.environ),
        )
        object.__setattr__(recorder, "beat", daemon._hearts.beat)
        daemon.run()


main(Path(sys.argv[1]))
