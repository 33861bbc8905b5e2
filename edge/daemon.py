"""The daemon: one thread a camera, one that keeps house, the uplink's own; started and stopped.

When a thread dies that should run, the daemon ends with an error, for the service manager to
start it anew, rather than run on half dead.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

import structlog

from edge.errors import EdgeError
from edge.health import Health
from edge.hotfile.errors import HotfileError
from edge.recorder import Recorder
from edge.watch import Camera, CameraFault, CameraWatch

HOUSEKEEPING_EVERY_S = 2.0
SUPERVISE_EVERY_S = 0.2

_log = structlog.get_logger()


class Alive(Protocol):
    """Anything that runs in threads of its own."""

    def is_alive(self) -> bool:
        """Whether they still run."""
        ...


class DaemonError(EdgeError):
    """The daemon had to end; the text says which part failed and how."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What one run did, and what the spool holds of all runs."""

    frames: int
    frames_dropped: int
    cameras_failed: int
    pictures_unreadable: int
    inference_failures: int
    records_unfit: int
    reads: int
    hits: int
    spooled: int
    receipted: int
    refused: int
    waiting: int
    pictures_waiting: int

    @property
    def complete(self) -> bool:
        """Whether every camera was read and the repository took everything that was captured."""
        return not (
            self.cameras_failed
            or self.records_unfit
            or self.refused
            or self.waiting
            or self.pictures_waiting
        )


class Daemon:
    """Runs one unit until told to stop, or until its recordings end."""

    def __init__(
        self,
        cameras: Sequence[Camera],
        recorder: Recorder,
        receiver: Callable[[threading.Event], threading.Thread] | None,
        status_file: Path,
    ) -> None:
        """``receiver`` starts the thread of a GPS receiver; the recorder's parts are run here."""
        self._cameras = cameras
        self._recorder = recorder
        self._health: Health = recorder.health
        self._receiver = receiver
        self._status_file = status_file
        self._stop = threading.Event()
        self._capture_ended = recorder.give_up
        self._until_delivered = False
        self._fault: DaemonError | None = None

    def stop(self) -> None:
        """Ask the daemon to end: passes in view are stored first.

        A run until all is delivered still waits for receipts; asked again, it does not.
        """
        if self._capture_ended.is_set() or not self._until_delivered:
            self._stop.set()
        self._capture_ended.set()

    def run(self, *, until_delivered: bool = False, patience_s: float = 120.0) -> Summary:
        """Run until stopped; with ``until_delivered``, until sources ended and all is receipted.

        ``patience_s`` bounds the wait for receipts while none comes. With ``until_delivered`` a
        camera that cannot be opened is not tried again.

        Raises:
            DaemonError: if a part ended or failed too often in a way that nobody foresaw.
        """
        self._until_delivered = until_delivered
        if self._receiver is not None:
            self._receiver(self._stop)
        self._load_hotlists()
        self._recorder.uplink.start()
        cameras = [
            threading.Thread(target=self._watch, args=(camera,), name=f"camera-{camera.name}")
            for camera in self._cameras
        ]
        house = threading.Thread(target=self._keep_house, name="housekeeping")
        vital: tuple[Alive, ...] = (house, self._recorder.uplink)
        try:
            for thread in (*cameras, house):
                thread.start()
            _log.info("running", cameras=[camera.name for camera in self._cameras])
            while not until_delivered or any(thread.is_alive() for thread in cameras):
                if self._stop.wait(SUPERVISE_EVERY_S):
                    break
                self._require_alive(vital)
            if until_delivered:
                self._wait_for_receipts(patience_s, vital)
        finally:
            self._stop.set()
            self._capture_ended.set()
            for thread in (*cameras, house):
                if thread.ident is not None:
                    thread.join()
            self._recorder.uplink.stop()
            self._write_status()
        if self._fault is not None:
            raise self._fault
        return self.summary()

    def summary(self) -> Summary:
        """Counters now."""
        counters = self._health.report().counters
        counts = self._recorder.spool.counts()
        return Summary(
            frames=counters.get("frames", 0),
            frames_dropped=counters.get("frames_dropped", 0),
            cameras_failed=counters.get("cameras_failed", 0),
            pictures_unreadable=counters.get("pictures_unreadable", 0),
            inference_failures=counters.get("inference_failures", 0),
            records_unfit=counters.get("records_unfit", 0),
            reads=counters.get("reads", 0),
            hits=counters.get("hits", 0),
            spooled=counts.spooled,
            receipted=counts.receipted,
            refused=counts.refused,
            waiting=counts.waiting,
            pictures_waiting=counts.pictures_waiting,
        )

    def _watch(self, camera: Camera) -> None:
        watch = CameraWatch(camera, self._recorder, self._health, self._capture_ended)
        try:
            watch.run(once=self._until_delivered)
        except CameraFault as fault:
            self._fail(str(fault))

    def _require_alive(self, vital: Sequence[Alive]) -> None:
        if not all(one.is_alive() for one in vital):
            self._fail("housekeeping or the uplink ended by itself; the log says where")

    def _fail(self, sentence: str) -> None:
        self._fault = DaemonError(sentence)
        self._stop.set()
        self._capture_ended.set()

    def _keep_house(self) -> None:
        while not self._stop.wait(HOUSEKEEPING_EVERY_S):
            for part, step in (("hot lists", self._load_hotlists), ("status", self._write_status)):
                try:
                    step()
                except EdgeError as error:
                    self._health.trouble(part, str(error))
                else:
                    self._health.recovered(part)

    def _load_hotlists(self) -> None:
        """Load each list whose file is new; where that fails the old one stays in use."""
        hotlists = self._recorder.hotlists
        for name in hotlists.changed():
            part = f"hot list {name}"
            try:
                built = hotlists.reload(name)
            except HotfileError as error:
                self._health.trouble(part, str(error))
                continue
            self._health.recovered(part)
            _log.info(
                "hot list loaded",
                list=name,
                version=built.hotlist.version,
                entries=built.hotlist.entries,
                rejected_lines=[one.line for one in built.rejected[:20]],
            )
        now = self._recorder.clock.now()
        for hotlist in hotlists.current.lists:
            part = f"age of hot list {hotlist.name}"
            if hotlist.stale(now):
                self._health.trouble(part, f"{hotlist.name} is older than its limit: update it")
            else:
                self._health.recovered(part)

    def _wait_for_receipts(self, patience_s: float, vital: Sequence[Alive]) -> None:
        """Wait until the repository has everything, or no receipt came for that long."""
        last, since = None, time.monotonic()
        while not self._stop.wait(0.1):
            self._require_alive(vital)
            counts = self._recorder.spool.counts()
            if counts.waiting == 0 and counts.pictures_waiting == 0:
                return
            if counts != last:
                last, since = counts, time.monotonic()
            elif time.monotonic() - since > patience_s:
                _log.error("no receipt", waited_s=patience_s, waiting=counts.waiting)
                return

    def _write_status(self) -> None:
        """Write what 'alpr-edge status' shows, whole or not at all."""
        report = self._health.report()
        status = {
            "at": datetime.isoformat(self._recorder.clock.now()),
            "counters": asdict(self.summary()),
            "troubles": dict(report.troubles),
            "hotlists": [
                {
                    "name": one.name,
                    "version": one.version,
                    "issued_at": one.issued_at.isoformat(),
                    "entries": one.entries,
                    "stale": one.stale(self._recorder.clock.now()),
                }
                for one in self._recorder.hotlists.current.lists
            ],
        }
        path = self._status_file
        fresh = path.with_suffix(".new")
        try:
            fresh.write_text(json.dumps(status, indent=2) + "\n", encoding="utf-8")
            fresh.replace(path)
        except OSError as error:
            self._health.trouble("status file", f"{path}: {error.strerror}")
        else:
            self._health.recovered("status file")
