"""One camera's thread: frames in, passes out to the recorder, from opening to the end.

A camera that fails is opened again, each time after a longer wait. A recording is never opened
again after its first frame: that would read it twice. How far it was read is remembered with its
records, so that a killed daemon goes on where it was, and every pass is recorded once.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog

from edge.errors import EdgeError
from edge.health.health import Health
from edge.recording.pass_recorder import PassRecorder, PlaceOf
from edge.recording.recorder import Recorder
from edge.spool.errors import SpoolError
from edge.spool.store import Place
from edge.vision.engine import PlateEngine, no_hurry
from edge.vision.errors import VisionError
from edge.vision.frames import Frame, FrameSource
from edge.vision.pace import Pace
from edge.vision.passes import Pass, Seen
from edge.vision.picture_health_watch import PictureWatch
from edge.vision.tracker import Tracker
from edge.vision.video import VideoPlace

RETRY_FIRST_S = 1.0
RETRY_MAX_S = 60.0
MAX_FPS = 10.0
LOOKS_TWICE_WITHIN_S = 0.06
"""A live frame older than this is looked at once: an alert that waits for it is due, and the next
frame of the same plates tells more than a second look at this one."""

_log = structlog.get_logger()


@dataclass(frozen=True)
class Camera:
    """A camera: its name, its source, how to open that, a tracker and an engine.

    ``open`` takes the place from which to go on, or None. Of a live camera's frames ``max_fps`` a
    second are looked at, and its picture is judged by ``pictures``.
    """

    name: str
    source: str
    open: Callable[[str | None], FrameSource]
    tracker: Callable[[], Tracker]
    engine: PlateEngine
    max_fps: float = MAX_FPS
    pictures: PictureWatch | None = None


@dataclass
class _Reading:
    """One opening of a source, and how far it was read."""

    source: FrameSource
    tracker: Tracker
    passes: PassRecorder
    pace: Pace
    next_frame: int = 0
    started: datetime | None = None
    """When a recording begins; None for one of which nothing was read."""


@dataclass
class _Haste:
    """Says whether there is time for a second look at a live frame, and remembers that not."""

    now_s: Callable[[], float]
    captured_s: float
    hurried: bool = False

    def __call__(self) -> bool:
        """See TimeLeft."""
        time_left = self.now_s() - self.captured_s <= LOOKS_TWICE_WITHIN_S
        self.hurried = self.hurried or not time_left
        return time_left


class CameraWatch:
    """Watches one camera until its source ends or ``ended`` is set."""

    def __init__(
        self, camera: Camera, recorder: Recorder, health: Health, ended: threading.Event
    ) -> None:
        self._camera = camera
        self._recorder = recorder
        self._health = health
        self._ended = ended
        self._worked = False
        """Whether this opening of the source gave a frame."""

    def run(self, *, once: bool) -> None:
        """Open, read to the end, open again if it failed, but not if it is to be done ``once``.

        A fault that nobody foresaw is let through, for whoever supervises the thread.
        """
        retry_s = RETRY_FIRST_S
        while not self._ended.is_set():
            self._recorder.beat()
            self._worked = False
            try:
                self._read_source()
            except EdgeError as error:
                self._report_trouble(str(error))
                if once:
                    self._health.count("cameras_failed")
                    return
            else:
                return
            if self._worked:
                retry_s = RETRY_FIRST_S
            self._ended.wait(retry_s)
            retry_s = min(2 * retry_s, RETRY_MAX_S)
            self._health.count("cameras_reopened", camera=self._camera.name)

    def _read_source(self) -> None:
        """Read a source to its end, and record what is in view then."""
        camera, spool = self._camera, self._recorder.spool
        at = spool.place_in(camera.source)
        resumed = VideoPlace.of(at) if at is not None else None
        if resumed is not None and resumed.size_bytes != _size_of(camera.source):
            _log.warning("another recording than the one that broke off", camera=camera.name)
            at = resumed = None
        source = camera.open(at)
        reading = _Reading(
            source,
            camera.tracker(),
            PassRecorder(self._recorder, camera.name, live=source.live),
            Pace(camera.max_fps),
        )
        if resumed is not None:
            reading.tracker.resume(resumed.marks)
            reading.started = resumed.started
        try:
            try:
                self._read_frames(reading)
            finally:
                reading.passes.end(reading.tracker.flush(), self._place_in(reading))
            if not self._ended.is_set():
                spool.forget_place(camera.source)
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

    def _read_frames(self, reading: _Reading) -> None:
        source, name = reading.source, self._camera.name
        dropped = 0
        for frame in source.frames():
            self._health.count("frames_dropped", source.dropped - dropped, camera=name)
            dropped = source.dropped
            if frame is not None or source.gone is not None:
                # A source that gives nothing and does not say that it is gone hangs in its driver.
                self._recorder.beat()
            if frame is None:
                self._wait(reading)
            elif source.live and not reading.pace.takes(frame.at_s):
                self._health.count("frames_skipped", camera=name)
            else:
                self._take(reading, frame)
            if self._ended.is_set():
                return

    def _wait(self, reading: _Reading) -> None:
        """There is no frame: say why, and end the passes that were in view."""
        if reading.source.gone is not None:
            self._report_trouble(reading.source.gone)
        now_s, place_of = self._recorder.clock.now_s(), self._place_in(reading)
        ended = reading.tracker.expire(now_s)
        before = _place_before(ended, place_of)
        reading.passes.out_of_sight(reading.tracker.under_way, now_s, before)
        reading.passes.end(ended, place_of)

    def _take(self, reading: _Reading, frame: Frame) -> None:
        self._worked = True
        self._health.recovered(f"camera {self._camera.name}")
        seen = self._look(reading, frame)
        if frame.standalone:
            place = Place(self._camera.source, frame.source)
            reading.passes.end_together(seen.ended, place)
            return
        reading.next_frame = frame.index + 1
        reading.started = reading.started or frame.captured_at
        place_of = self._place_in(reading)
        before = _place_before(seen.ended, place_of)
        reading.passes.sight(seen.open, before, seen.misread)
        reading.passes.out_of_sight(reading.tracker.under_way, frame.at_s, before)
        reading.passes.end(seen.ended, place_of)
        if reading.source.live and self._camera.pictures is not None:
            self._camera.pictures.take(frame.image, plate_seen=bool(seen.open))

    def _place_in(self, reading: _Reading) -> PlaceOf:
        """How far a recording is read by now; a camera has no such place."""

        def place(settled: Collection[int], pending: Collection[int]) -> Place | None:
            if reading.source.live:
                return None
            if reading.started is None:
                return None  # nothing of it was read
            resume = reading.tracker.resume_from(reading.next_frame, settled, pending)
            size_bytes = _size_of(self._camera.source)
            at = VideoPlace.at(resume, reading.started, size_bytes).text()
            return Place(self._camera.source, at)

        return place

    def _look(self, reading: _Reading, frame: Frame) -> Seen:
        """What this frame changed; a failed inference is counted, never 'no plate'."""
        part, name = f"engine {self._camera.name}", self._camera.name
        haste = _Haste(self._recorder.clock.now_s, frame.at_s) if reading.source.live else None
        self._health.count("frames", camera=name)
        started_s = time.perf_counter()
        try:
            observations = self._camera.engine.read_frame(
                frame.image, reading.tracker.known_states(frame), haste or no_hurry
            )
        except VisionError as error:
            self._health.count("inference_failures", camera=name)
            self._health.trouble(part, str(error))
            self._recorder.report_malfunction("model", name, str(error))
            return Seen()
        self._health.recovered(part)
        self._health.count("frames_hurried", int(haste is not None and haste.hurried), camera=name)
        seen = reading.tracker.update(frame, observations, reading.passes.rang)
        self._health.timed("frame_ms", (time.perf_counter() - started_s) * 1000)
        return seen

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


def _place_before(ended: Sequence[Pass], place_of: PlaceOf) -> PlaceOf:
    """How far a recording is read while these passes, which ended, are not on record yet."""
    waiting = {one.track for one in ended}

    def place(settled: Collection[int], pending: Collection[int]) -> Place | None:
        return place_of(settled, {*pending, *waiting}.difference(settled))

    return place


def _size_of(source: str) -> int:
    """A recording's size in bytes; 0 where it is gone."""
    try:
        return Path(source).stat().st_size
    except OSError:
        return 0
