"""The daemon: a thread for each camera and chore, kept running by a supervisor; start and end.

A part that fails is started again; one that fails for good ends the daemon with an error, and one
that hangs ends the process, for the service manager to start it anew. Nothing that was durable is
lost by either.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog

from edge.errors import EdgeError
from edge.health.health import Health
from edge.health.observe import Observer
from edge.housekeeping import Housekeeping
from edge.recording.recorder import Recorder
from edge.spool.errors import SpoolError
from edge.supervision.hearts import Hearts
from edge.supervision.service_manager import ServiceManager
from edge.supervision.supervisor import (
    Part,
    PartError,
    PartFailedError,
    PartState,
    PartStuckError,
    Supervisor,
)
from edge.uplink.uplink import THREADS as UPLINK_THREADS
from edge.watch import Camera, CameraWatch

SUPERVISE_EVERY_S = 0.2
UPLINK_LOOK_EVERY_S = 0.5
SETTLE_EVERY_S = 2.0
LISTS_FIRST_S = 10.0
"""Cameras wait this long for the hot lists at the start; a list that takes longer comes late.
Recordings of a run until all is delivered wait for as long as it takes: they do not drive by."""

STOP_WITHIN_S = 40.0
STUCK_STOP_WITHIN_S = 10.0
CAMERA_LIMIT_S = 90.0
CHORE_LIMIT_S = 120.0
LISTS_LIMIT_S = 1800.0
"""Ten million lines are built in minutes; that is a long silence and no fault."""

EXIT_STUCK = 5
"""Exit status of a daemon that hung, or could not end."""

_log = structlog.get_logger()


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
    hotlists_missing: int

    @property
    def complete(self) -> bool:
        """Whether every camera was read, all was delivered, and every list is in use at the end."""
        return not (
            self.cameras_failed
            or self.records_unfit
            or self.refused
            or self.waiting
            or self.pictures_waiting
            or self.hotlists_missing
        )


class Daemon:
    """Runs one unit until told to stop, or until its recordings end.

    Args:
        cameras: what is watched.
        recorder: what makes records; the parts it holds are run here.
        receiver: hears a GPS receiver until the event is set, or None without one.
        status_file: where the status is written.
        parts: further parts, each a factory of what it runs given the event that ends it.
        hearts: where every part's heart is heard.
        service: whom to tell how the daemon is.
        link_down_for_s: how long the link may be down before that is a malfunction.
        ended_unclean: whether the daemon before ended without being told to.
        end_process: ends the process at once, whatever its threads do; by default says in the log
            where each of them is.
    """

    def __init__(
        self,
        cameras: Sequence[Camera],
        recorder: Recorder,
        receiver: Callable[[threading.Event], None] | None,
        status_file: Path,
        *,
        parts: Callable[[threading.Event, Observer], Sequence[Part]] | None = None,
        hearts: Hearts | None = None,
        service: ServiceManager | None = None,
        link_down_for_s: float = 4 * 3600.0,
        ended_unclean: bool = False,
        end_process: Callable[[int], object] | None = None,
    ) -> None:
        self._cameras = cameras
        self._recorder = recorder
        self._health: Health = recorder.health
        self._receiver = receiver
        self._hearts = hearts or Hearts()
        self._service = service or ServiceManager({})
        self._end_process = end_process or _end_process
        self._stop = threading.Event()
        self._capture_ended = recorder.give_up
        self._until_delivered = False
        self._supervisor: Supervisor | None = None
        observer = Observer(recorder, self._states)
        self._house = Housekeeping(
            recorder,
            observer,
            status_file,
            self._stop,
            link_down_for_s=link_down_for_s,
            ended_unclean=ended_unclean,
        )
        self._further = parts(self._stop, observer) if parts is not None else ()
        self._alive_said_s = 0.0
        self._settling = threading.Lock()
        self._settled = False

    def stop(self) -> None:
        """Ask the daemon to end: passes in view are stored first.

        A run until all is delivered still waits for receipts; asked again, it does not.
        """
        if self._capture_ended.is_set() or not self._until_delivered:
            self._stop.set()
        self._capture_ended.set()

    def run(self, *, until_delivered: bool = False, patience_s: float = 120.0) -> Summary:
        """Run until stopped; with ``until_delivered``, until sources ended and all is receipted.

        ``patience_s`` bounds the wait for receipts while none comes. What waits for an hour, an
        order or a cheaper link is sent all the same then. With ``until_delivered`` a
        camera that cannot be opened is not tried again.

        Raises:
            DaemonError: if a part ended or failed too often in a way that nobody foresaw. Where
                one hangs, the process ends instead with EXIT_STUCK.
        """
        self._until_delivered = until_delivered
        for camera in self._cameras:
            self._health.watch(camera.name)
        self._settle()
        supervisor = Supervisor(
            self._parts(),
            self._hearts,
            self._health,
            self._stop,
        )
        self._supervisor = supervisor
        if until_delivered:
            self._recorder.uplink.send_everything()
        stuck: PartStuckError | None = None
        try:
            supervisor.start()
            _log.info("running", cameras=[camera.name for camera in self._cameras])
            self._supervise(supervisor, patience_s)
        except PartStuckError as error:
            stuck = error
            _log.error("the process ends for a part that hangs", why=str(error))
        except PartError as error:
            raise DaemonError(str(error)) from error
        finally:
            self._end(supervisor, stuck)
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
            hotlists_missing=len(self._recorder.hotlists.missing),
        )

    def _parts(self) -> Sequence[Part]:
        cameras = [
            Part(_thread_of(camera), partial(self._watch, camera), CAMERA_LIMIT_S, may_end=True)
            for camera in self._cameras
        ]
        chores = [
            Part("hot-lists", self._house.keep_hotlists, LISTS_LIMIT_S, vital=False),
            Part("housekeeping", self._house.keep, CHORE_LIMIT_S),
            Part("uplink-keeper", self._keep_uplink, CHORE_LIMIT_S, vital=False),
            Part("malfunctions", self._house.report_malfunctions, CHORE_LIMIT_S, vital=False),
        ]
        if self._receiver is not None:
            receive = partial(self._receiver, self._stop)
            chores.append(Part("position", receive, CHORE_LIMIT_S, vital=False))
        return (*cameras, *chores, *self._further)

    def _settle(self) -> bool:
        """Store what a daemon that died left behind, once; whether that is done."""
        with self._settling:
            if self._settled:
                return True
            try:
                settled = self._recorder.spool.settle()
            except SpoolError as error:
                self._health.trouble("spool", str(error))
                return False
            self._settled = True
            if settled:
                _log.info("stored reads that a daemon before had no time to", reads=settled)
            self._health.recovered("spool")
            return True

    def _watch(self, camera: Camera) -> None:
        self._await_settled()
        self._await_lists()
        watch = CameraWatch(camera, self._recorder, self._health, self._capture_ended)
        watch.run(once=self._until_delivered)

    def _keep_uplink(self) -> None:
        """Run the uplink, that runs in threads of its own; where it ends, this fails."""
        uplink = self._recorder.uplink
        uplink.start()
        while not self._stop.wait(UPLINK_LOOK_EVERY_S):
            self._hearts.beat()
            if not uplink.is_alive():
                for thread in UPLINK_THREADS:
                    self._hearts.excuse(thread)
                raise PartFailedError("the uplink's end, which nobody asked for")

    def _await_settled(self) -> None:
        """Nothing rings before what rang for a daemon that died is stored, or capture ends."""
        while not self._settle() and not self._capture_ended.wait(SETTLE_EVERY_S):
            self._hearts.beat()

    def _await_lists(self) -> None:
        """Wait for the hot lists: a while, and before recordings as long as it takes."""
        began_s = time.monotonic()
        while not (self._house.lists_tried.wait(0.5) or self._capture_ended.is_set()):
            self._hearts.beat()
            if not self._until_delivered and time.monotonic() - began_s > LISTS_FIRST_S:
                return

    def _supervise(self, supervisor: Supervisor, patience_s: float) -> None:
        cameras = [_thread_of(camera) for camera in self._cameras]
        self._house.lists_tried.wait(LISTS_FIRST_S)
        self._health.reached("ready_s")
        self._service.ready(self._sentence(supervisor))
        while not self._until_delivered or supervisor.running(cameras):
            if self._stop.wait(SUPERVISE_EVERY_S):
                return
            self._look(supervisor)
            if self._until_delivered:
                self._give_up_disk(patience_s)
        self._wait_for_receipts(patience_s, supervisor)

    def _give_up_disk(self, patience_s: float) -> None:
        """End the capture where the disk has refused for that long: somebody waits for the end."""
        if self._capture_ended.is_set():
            return
        if self._health.report().lasting_s.get("spool", 0.0) > patience_s:
            _log.error("the disk refuses, and the capture ends", waited_s=patience_s)
            self._capture_ended.set()

    def _look(self, supervisor: Supervisor) -> None:
        supervisor.look()
        every_s, now_s = self._service.beat_every_s, time.monotonic()
        if supervisor.silent():
            self._service.status(self._sentence(supervisor))
        elif every_s is not None and now_s - self._alive_said_s >= min(every_s, 10.0):
            self._alive_said_s = now_s
            self._service.alive(self._sentence(supervisor))

    def _sentence(self, supervisor: Supervisor) -> str:
        """One line for the service manager."""
        if silent := supervisor.silent():
            return f"hangs: {', '.join(silent)}"
        report = self._health.report()
        reads = report.counters.get("reads", 0)
        if report.healthy:
            return f"all parts work; {reads} reads since the start"
        return f"in trouble: {', '.join(report.troubles)}; {reads} reads since the start"

    def _wait_for_receipts(self, patience_s: float, supervisor: Supervisor) -> None:
        """Wait until the repository has everything, or no receipt came for that long."""
        last, since = None, time.monotonic()
        while not self._stop.wait(0.1):
            self._look(supervisor)
            counts = self._recorder.spool.counts()
            if counts.waiting == 0 and counts.pictures_waiting == 0:
                return
            if counts != last:
                last, since = counts, time.monotonic()
            elif time.monotonic() - since > patience_s:
                _log.error("no receipt", waited_s=patience_s, waiting=counts.waiting)
                return

    def _end(self, supervisor: Supervisor, stuck: PartStuckError | None) -> None:
        """Have every part end, and the process too if one does not."""
        self._service.stopping("stops: passes in view are stored" if stuck is None else str(stuck))
        self._stop.set()
        self._capture_ended.set()
        within_s = STOP_WITHIN_S if stuck is None else STUCK_STOP_WITHIN_S
        with self._ended_within(within_s):
            left = supervisor.join(within_s)
            if left or stuck is not None:
                _log.error("these parts could not be ended", parts=left)
                self._house.write_status()
                self._end_process(EXIT_STUCK)
            self._recorder.uplink.stop()
            self._house.write_status(stopped=True)

    @contextlib.contextmanager
    def _ended_within(self, within_s: float) -> Iterator[None]:
        """End the process if what is done here takes longer, with a little added to write."""
        guard = threading.Timer(within_s + 5.0, self._end_process, (EXIT_STUCK,))
        guard.daemon = True
        guard.start()
        try:
            yield
        finally:
            guard.cancel()

    def _states(self) -> Sequence[PartState]:
        return () if self._supervisor is None else self._supervisor.states()


def _end_process(status: int) -> None:
    """End the process; before that, the functions in which each thread is, and no values."""
    with contextlib.suppress(Exception):
        faulthandler.dump_traceback(sys.__stderr__ or 2)
    os._exit(status)


def _thread_of(camera: Camera) -> str:
    return f"camera-{camera.name}"
