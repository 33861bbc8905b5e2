"""One camera's thread: frames in, passes out to the recorder, from opening to the end.

A camera that fails is opened again, each time after a longer wait. A recording is never opened
again after its first frame: that would read it twice. How far a folder of pictures was read is
remembered with its records, so that a killed daemon goes on where it was.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from edge.errors import EdgeError
from edge.health import Health
from edge.recorder import Recorder
from edge.spool.errors import SpoolError
from edge.spool.store import Place
from edge.vision.engine import PlateEngine
from edge.vision.errors import VisionError
from edge.vision.frames import Frame, FrameSource
from edge.vision.tracker import Pass, Tracker

RETRY_FIRST_S = 1.0
RETRY_MAX_S = 60.0

_log = structlog.get_logger()


@dataclass(frozen=True)
class Camera:
    """A camera: its name, its source, how to open that, a tracker and an engine.

    ``open`` takes the picture after which to begin, or None.
    """

    name: str
    source: str
    open: Callable[[str | None], FrameSource]
    tracker: Callable[[], Tracker]
    engine: PlateEngine


class CameraWatch:
    """Watches one camera until its source ends or ``ended`` is set."""

    def __init__(
        self, camera: Camera, recorder: Recorder, health: Health, ended: threading.Event
    ) -> None:
        self._camera = camera
        self._recorder = recorder
        self._health = health
        self._ended = ended

    def run(self, *, once: bool) -> None:
        """Open, read to the end, open again if it failed, but not if it is to be done ``once``.

        A fault that nobody foresaw is let through, for whoever supervises the thread.
        """
        retry_s = RETRY_FIRST_S
        while not self._ended.is_set():
            self._recorder.beat()
            try:
                self._read_source()
            except EdgeError as error:
                self._report_trouble(str(error))
                if once:
                    self._health.count("cameras_failed")
                    return
            else:
                return
            self._ended.wait(retry_s)
            retry_s = min(2 * retry_s, RETRY_MAX_S)
            self._health.count("cameras_reopened", camera=self._camera.name)

    def _read_source(self) -> None:
        """Read a source to its end, and record what is in view then."""
        camera, spool = self._camera, self._recorder.spool
        source = camera.open(spool.place_in(camera.source))
        tracker = camera.tracker()
        try:
            try:
                self._read_frames(source, tracker)
            finally:
                for seen in tracker.flush():
                    self._record([seen], source)
        except Exception as error:
            if source.live:
                raise
            if not isinstance(error, EdgeError):
                self._log_fault(error)
            what = str(error) if isinstance(error, EdgeError) else type(error).__name__
            self._health.count("cameras_failed")
            self._report_trouble(f"the recording was not read to its end: {what}")
        finally:
            self._health.count("pictures_unreadable", source.unreadable)
            source.close()

    def _read_frames(self, source: FrameSource, tracker: Tracker) -> None:
        dropped = 0
        for frame in source.frames():
            self._health.count("frames_dropped", source.dropped - dropped, camera=self._camera.name)
            dropped = source.dropped
            if frame is not None or source.gone is not None:
                # A source that gives nothing and does not say that it is gone hangs in its driver.
                self._recorder.beat()
            if frame is None:
                self._wait(source, tracker)
            else:
                self._take(source, tracker, frame)
            if self._ended.is_set():
                return
        self._recorder.spool.forget_place(self._camera.source)

    def _wait(self, source: FrameSource, tracker: Tracker) -> None:
        """There is no frame: say why, and end the passes that were in view."""
        if source.gone is not None:
            self._report_trouble(source.gone)
        for seen in tracker.expire(self._recorder.clock.now()):
            self._record([seen], source)

    def _take(self, source: FrameSource, tracker: Tracker, frame: Frame) -> None:
        self._health.recovered(f"camera {self._camera.name}")
        passes = self._look(tracker, frame)
        if frame.standalone:
            self._record(passes, source, Place(self._camera.source, frame.source))
            return
        for seen in passes:
            self._record([seen], source)

    def _look(self, tracker: Tracker, frame: Frame) -> Sequence[Pass]:
        """The passes that end with this frame; a failed inference is counted, never 'no plate'."""
        part = f"engine {self._camera.name}"
        self._health.count("frames", camera=self._camera.name)
        try:
            observations = self._camera.engine.read_frame(frame.image)
        except VisionError as error:
            self._health.count("inference_failures", camera=self._camera.name)
            self._health.trouble(part, str(error))
            self._recorder.report_malfunction("model", self._camera.name, str(error))
            return ()
        self._health.recovered(part)
        return tracker.update(frame, observations)

    def _record(
        self, passes: Sequence[Pass], source: FrameSource, place: Place | None = None
    ) -> None:
        self._recorder.record(self._camera.name, passes, live=source.live, place=place)

    def _report_trouble(self, sentence: str) -> None:
        """Say that the camera does not work, once, to the log and to the repository."""
        if self._health.trouble(f"camera {self._camera.name}", sentence):
            try:
                self._recorder.report_malfunction("camera", self._camera.name, sentence)
            except SpoolError as error:
                _log.error("a malfunction could not be stored", why=str(error))

    def _log_fault(self, error: Exception) -> None:
        """Say where a fault happened, not what it says: that may hold a plate or a password."""
        _log.error(
            "unforeseen fault",
            camera=self._camera.name,
            fault=type(error).__name__,
            where=[line.strip() for line in traceback.format_tb(error.__traceback__)[-4:]],
        )
