"""The daemon: one thread a camera, one that keeps house, the uplink's own; started and stopped.

A camera's thread takes a frame, reads it, follows its plates, and stores each finished pass
before it takes the next frame, so nothing waits in memory but the passes in view. While the disk
refuses a record the thread holds it and tries again: a live camera then drops frames, which is
counted, and no record is lost. A camera that fails is opened again, each time after a longer
wait. A fault that nobody foresaw is given a few restarts; after those the daemon ends with an
error, for the service manager to start it anew, rather than run on half dead.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from edge.console.terminal import Console
from edge.contract.records import AnyRecord, Hit, Read
from edge.errors import EdgeError
from edge.health import Health
from edge.hotfile.errors import HotfileError
from edge.hotfile.open import HotlistFiles
from edge.pipeline import Draft, Identity, Moment, characters_of, draft, malfunction_draft
from edge.position.clock import UnitClock
from edge.position.source import PositionSource
from edge.spool.errors import SpoolError, UnfitRecordError
from edge.spool.store import Spool
from edge.uplink.uplink import Uplink
from edge.vision.encode import encode_patch, encode_scene
from edge.vision.engine import PlateEngine
from edge.vision.errors import CaptureError, VisionError
from edge.vision.frames import Frame, FrameSource
from edge.vision.tracker import Pass, Tracker

LIVE_WITHIN = timedelta(seconds=30)
"""A pass of a live camera that is older than this when it is recorded no longer rings."""

HOUSEKEEPING_EVERY_S = 2.0
RETRY_FIRST_S = 1.0
RETRY_MAX_S = 60.0
RESTARTS = 5
RESTART_WINDOW_S = 600.0

_log = structlog.get_logger()


class DaemonError(EdgeError):
    """The daemon had to end; the text says which part failed and how."""


@dataclass(frozen=True)
class Camera:
    """One camera: its name and how to open its source and a fresh tracker."""

    name: str
    open: Callable[[], FrameSource]
    tracker: Callable[[], Tracker]
    engine: PlateEngine


@dataclass(frozen=True)
class Parts:
    """Everything the daemon runs; `edge.bootstrap` builds it."""

    identity: Identity
    cameras: Sequence[Camera]
    hotlists: HotlistFiles
    position: PositionSource
    receiver: Callable[[threading.Event], threading.Thread] | None
    clock: UnitClock
    spool: Spool
    uplink: Uplink
    console: Console
    health: Health
    status_file: Path
    random_bytes: Callable[[int], bytes]


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
    """Runs the parts of one unit until told to stop, or until recorded sources end."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._stop = threading.Event()
        self._capture_ended = threading.Event()
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
            DaemonError: if a part failed too often in a way that nobody foresaw.
        """
        parts = self._parts
        self._until_delivered = until_delivered
        if parts.receiver is not None:
            parts.receiver(self._stop)
        self._load_hotlists()
        parts.uplink.start()
        cameras = [
            threading.Thread(
                target=self._watch,
                args=(camera,),
                kwargs={"once": until_delivered},
                name=f"camera-{camera.name}",
            )
            for camera in parts.cameras
        ]
        house = threading.Thread(target=self._keep_house, name="housekeeping")
        try:
            for thread in (*cameras, house):
                thread.start()
            _log.info("running", cameras=[camera.name for camera in parts.cameras])
            for thread in cameras:
                thread.join()
            if until_delivered:
                self._wait_for_receipts(patience_s)
            else:
                self._stop.wait()
        finally:
            self._stop.set()
            self._capture_ended.set()
            for thread in (*cameras, house):
                if thread.ident is not None:
                    thread.join()
            parts.uplink.stop()
            self._write_status()
        if self._fault is not None:
            raise self._fault
        return self.summary()

    def summary(self) -> Summary:
        """Counters now."""
        counters = self._parts.health.report().counters
        counts = self._parts.spool.counts()
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

    def _watch(self, camera: Camera, *, once: bool) -> None:
        """A camera's thread: open, read to the end, open again if it failed."""
        faults: list[float] = []
        retry_s = RETRY_FIRST_S
        while not self._capture_ended.is_set():
            try:
                self._read_source(camera)
            except EdgeError as error:
                self._report_trouble(camera, str(error))
                if once:
                    self._parts.health.count("cameras_failed")
                    return
            except Exception as error:  # noqa: BLE001 - whatever it was, the camera must not just stop
                _log.exception("unforeseen fault", camera=camera.name)
                now = time.monotonic()
                faults = [at for at in faults if now - at < RESTART_WINDOW_S] + [now]
                if len(faults) > RESTARTS:
                    self._fault = DaemonError(
                        f"camera {camera.name} failed {len(faults)} times, last with "
                        f"{type(error).__name__}; the log says where"
                    )
                    self._stop.set()
                    self._capture_ended.set()
                    return
            else:
                return
            self._capture_ended.wait(retry_s)
            retry_s = min(2 * retry_s, RETRY_MAX_S)
            self._parts.health.count("restarts")

    def _report_trouble(self, camera: Camera, sentence: str) -> None:
        """Say that a camera does not work, once, to the log and to the repository."""
        if self._parts.health.trouble(f"camera {camera.name}", sentence):
            try:
                self._report_malfunction("camera", camera.name, sentence)
            except SpoolError as error:
                _log.error("a malfunction could not be stored", why=str(error))

    def _read_source(self, camera: Camera) -> None:
        """Read a source to its end, and what is in view then.

        A recording that breaks is not raised but reported: to open it again would be to read its
        first part twice.
        """
        source = camera.open()
        tracker = camera.tracker()
        try:
            for frame in source.frames():
                self._parts.health.recovered(f"camera {camera.name}")
                for seen in self._look(camera, tracker, frame):
                    self._record(camera, seen, live=source.live)
                if self._capture_ended.is_set():
                    break
        except CaptureError as error:
            if source.live:
                raise
            self._report_trouble(camera, str(error))
        finally:
            for seen in tracker.flush():
                self._record(camera, seen, live=source.live)
            self._parts.health.count("frames_dropped", source.dropped)
            self._parts.health.count("pictures_unreadable", source.unreadable)
            source.close()

    def _look(self, camera: Camera, tracker: Tracker, frame: Frame) -> Sequence[Pass]:
        health = self._parts.health
        health.count("frames")
        try:
            observations = camera.engine.read_frame(frame.image)
        except VisionError as error:
            health.count("inference_failures")
            if health.trouble(f"engine {camera.name}", str(error)):
                self._report_malfunction("model", camera.name, str(error))
            return ()
        health.recovered(f"engine {camera.name}")
        return tracker.update(frame, observations)

    def _record(self, camera: Camera, seen: Pass, *, live: bool) -> None:
        """Store a pass, and only then show it."""
        parts = self._parts
        captured_at = seen.best_frame.captured_at
        matches = parts.hotlists.current.match(
            seen.reading.text,
            characters_of(seen.reading),
            seen.reading.state.code,
            captured_at,
        )
        made = draft(
            seen,
            camera=camera.name,
            identity=parts.identity,
            moment=Moment(parts.clock.state(), parts.position.at(captured_at)),
            matches=matches,
            plate_picture=encode_patch(seen.best_crop),
            scene_picture=encode_scene(seen.best_frame.image),
            rings=not live or parts.clock.now() - seen.last_seen <= LIVE_WITHIN,
            random_bytes=parts.random_bytes,
        )
        try:
            read, *hits = self._store(made)
        except UnfitRecordError as error:
            parts.health.count("records_unfit")
            if parts.health.trouble(f"records of {camera.name}", str(error)):
                self._report_malfunction("other", camera.name, str(error))
            return
        parts.health.count("reads")
        parts.health.count("hits", len(hits))
        parts.uplink.wake()
        if isinstance(read, Read):
            parts.console.show(
                read,
                tuple(hit for hit in hits if isinstance(hit, Hit)),
                seen.best_frame,
                seen.best_box,
            )

    def _store(self, made: Draft) -> Sequence[AnyRecord]:
        """Put a draft into the spool, however long the disk refuses it.

        Raises:
            UnfitRecordError: if the contract does not admit it.
            SpoolError: if the disk still refuses when the daemon is told to stop.
        """
        retry_s = RETRY_FIRST_S
        while True:
            try:
                stored = self._parts.spool.add(made.builders, made.pictures)
            except UnfitRecordError:
                raise
            except SpoolError as error:
                self._parts.health.trouble("spool", str(error))
                if self._capture_ended.wait(retry_s):
                    raise
                retry_s = min(2 * retry_s, RETRY_MAX_S)
            else:
                self._parts.health.recovered("spool")
                return stored

    def _report_malfunction(self, component: str, camera: str | None, sentence: str) -> None:
        parts = self._parts
        self._store(
            malfunction_draft(
                identity=parts.identity,
                clock=parts.clock.state(),
                at=parts.clock.now(),
                component=component,
                camera=camera,
                description=sentence,
                random_bytes=parts.random_bytes,
            )
        )
        parts.uplink.wake()

    def _keep_house(self) -> None:
        while not self._stop.wait(HOUSEKEEPING_EVERY_S):
            self._load_hotlists()
            self._write_status()

    def _load_hotlists(self) -> None:
        """Load each list whose file is new; where that fails the old one stays in use."""
        hotlists = self._parts.hotlists
        for name in hotlists.changed():
            part = f"hot list {name}"
            try:
                built = hotlists.reload(name)
            except HotfileError as error:
                self._parts.health.trouble(part, str(error))
                continue
            self._parts.health.recovered(part)
            _log.info(
                "hot list loaded",
                list=name,
                version=built.hotlist.version,
                entries=built.hotlist.entries,
                rejected_lines=[one.line for one in built.rejected[:20]],
            )
        now = self._parts.clock.now()
        for hotlist in hotlists.current.lists:
            part = f"age of hot list {hotlist.name}"
            if hotlist.stale(now):
                self._parts.health.trouble(
                    part, f"{hotlist.name} is older than its limit: update it"
                )
            else:
                self._parts.health.recovered(part)

    def _wait_for_receipts(self, patience_s: float) -> None:
        """Wait until the repository has everything, or no receipt came for that long."""
        last, since = None, time.monotonic()
        while not self._stop.wait(0.1):
            counts = self._parts.spool.counts()
            if counts.waiting == 0 and counts.pictures_waiting == 0:
                return
            if counts != last:
                last, since = counts, time.monotonic()
            elif time.monotonic() - since > patience_s:
                _log.error("no receipt", waited_s=patience_s, waiting=counts.waiting)
                return

    def _write_status(self) -> None:
        """Write what 'alpr-edge status' shows, whole or not at all."""
        report = self._parts.health.report()
        status = {
            "at": datetime.isoformat(self._parts.clock.now()),
            "counters": asdict(self.summary()),
            "troubles": dict(report.troubles),
            "hotlists": [
                {
                    "name": one.name,
                    "version": one.version,
                    "issued_at": one.issued_at.isoformat(),
                    "entries": one.entries,
                    "stale": one.stale(self._parts.clock.now()),
                }
                for one in self._parts.hotlists.current.lists
            ],
        }
        path = self._parts.status_file
        fresh = path.with_suffix(".new")
        try:
            fresh.write_text(json.dumps(status, indent=2) + "\n", encoding="utf-8")
            fresh.replace(path)
        except OSError as error:
            self._parts.health.trouble("status file", f"{path}: {error.strerror}")
