"""Frames from a camera or a network stream: the newest only, for as long as it takes.

A named thread reads as fast as the camera gives and keeps one frame. Whatever the reader was too
slow to take is dropped and counted. When the camera goes away the thread tries again, waiting
twice as long each time, and says so once until it is back.

A frame is dated as it is read. Where reading was held up, by a busy machine or on the way, what
comes next may have waited for as long, and nothing tells which frame is the first that did not: the
connection is made anew, so that no car of a while ago is read as one of now.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.instant import Instant
from edge.vision.device_fault import device_fault
from edge.vision.errors import CaptureError
from edge.vision.frames import Frame, Now, OnEvent

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 30.0
CLOSE_TIMEOUT_S = 5.0
SILENCE_S = 1.0
NETWORK_TIMEOUT_MS = 5000
HELD_UP_S = 2.0
"""No camera that plates are read with takes as long from one frame to the next."""
SETTLES_S = 0.3
"""FFmpeg looks at seconds of an RTSP stream before it gives any, and then gives these at once."""


class Camera(Protocol):
    """The part of cv2.VideoCapture that is used."""

    def read(self) -> tuple[bool, Any]:
        """(True, picture) or (False, anything) where the camera gives no more."""
        ...

    def release(self) -> None:
        """Let the camera go."""
        ...


class LiveSource:
    """The newest frame of a camera that may come and go."""

    live = True
    unreadable = 0

    def __init__(
        self,
        open_camera: Callable[[], Camera],
        label: str,
        camera: str,
        now: Now,
        on_event: OnEvent,
        *,
        first_wait_s: float = FIRST_WAIT_S,
        longest_wait_s: float = LONGEST_WAIT_S,
    ) -> None:
        """`open_camera` raises CaptureError where there is no camera; `label` names the stream."""
        self._open_camera = open_camera
        self._label = label
        self._camera = camera
        self._now = now
        self._on_event = on_event
        self._waits_s = (first_wait_s, longest_wait_s)
        self._changed = threading.Condition()
        self._newest: tuple[Instant, NDArray[np.uint8]] | None = None
        self._failure: Exception | None = None
        self._dropped = 0
        self._gone: str | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def dropped(self) -> int:
        """See FrameSource.dropped."""
        with self._changed:
            return self._dropped

    @property
    def gone(self) -> str | None:
        """See FrameSource.gone."""
        with self._changed:
            return self._gone

    def begin(self) -> None:
        """Open the camera and read it from now on, before anyone takes its frames."""
        if self._thread is None:
            name = f"capture-{self._camera}"
            self._thread = threading.Thread(target=self._read, name=name, daemon=True)
            self._thread.start()

    def frames(self) -> Iterator[Frame | None]:
        """See FrameSource.frames; starts the reading thread, and ends only when closed."""
        self.begin()
        index = 0
        while not self._stop.is_set():
            taken = self._take()
            if taken is None:
                yield None
                continue
            captured, image = taken
            yield Frame(self._camera, index, captured, image, self._label, standalone=False)
            index += 1

    def close(self) -> None:
        """See FrameSource.close."""
        self._stop.set()
        with self._changed:
            self._changed.notify_all()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(CLOSE_TIMEOUT_S)

    def _take(self) -> tuple[Instant, NDArray[np.uint8]] | None:
        with self._changed:
            self._changed.wait_for(
                lambda: self._newest is not None or self._failure or self._stop.is_set(),
                timeout=SILENCE_S,
            )
            if self._failure is not None:
                raise CaptureError(
                    f"capture of {self._label} broke: {self._failure}"
                ) from self._failure
            taken, self._newest = self._newest, None
            return None if self._stop.is_set() else taken

    def _read(self) -> None:
        try:
            self._read_until_stopped()
        except Exception as error:  # noqa: BLE001 - handed to the thread that takes frames
            with self._changed:
                self._failure = error
                self._changed.notify_all()

    def _read_until_stopped(self) -> None:
        wait_s, said, held_up = self._waits_s[0], False, False
        while not self._stop.is_set():
            try:
                given, held_up = self._read_one_connection(said, anew=held_up)
                reason = "it gives no more frames"
            except CaptureError as error:
                given, held_up, reason = 0, False, str(error)
            if given:
                wait_s, said = self._waits_s[0], False
            if self._stop.is_set():
                return
            if held_up:
                continue
            if not said:
                self._say_gone(f"camera {self._camera}: {reason}; trying again until it is back")
                said = True
            self._stop.wait(wait_s)
            wait_s = min(wait_s * 2, self._waits_s[1])

    def _say_gone(self, sentence: str) -> None:
        with self._changed:
            self._gone = sentence
        self._on_event(sentence)

    def _read_one_connection(self, was_gone: bool, *, anew: bool) -> tuple[int, bool]:
        """Read until the camera stops giving, or reading was held up.

        One that was made anew for that may take long for its first frame: else a slow camera would
        give none at all.

        Returns:
            How many frames it gave, and whether reading was held up.
        """
        device = self._open_camera()
        given, last_s = 0, self._now().at_s
        try:
            while not self._stop.is_set():
                alive, image = device.read()
                if not alive:
                    break
                captured = self._now()
                if captured.at_s - last_s > HELD_UP_S and (given or not anew):
                    return given, True
                if given == 0 and was_gone:
                    self._on_event(f"camera {self._camera}: back")
                self._offer(captured, np.asarray(image, dtype=np.uint8))
                given, last_s = given + 1, captured.at_s
        finally:
            device.release()
        return given, False

    def _offer(self, captured: Instant, image: NDArray[np.uint8]) -> None:
        with self._changed:
            if self._newest is not None:
                self._dropped += 1
            self._newest = (captured, image)
            self._gone = None
            self._changed.notify_all()


def open_device(number_or_path: int | str) -> Camera:
    """Open a camera of this machine; raises CaptureError where there is none."""
    # Named, so that a path is not tried as a video file first.
    capture = cv2.VideoCapture(number_or_path, cv2.CAP_V4L2)
    if not capture.isOpened():
        raise CaptureError(device_fault(number_or_path))
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    return capture


def open_stream(url: str) -> Camera:
    """Open an RTSP or HTTP stream; raises CaptureError where it does not answer.

    What an RTSP stream gives in the first moments is passed over, since it waited.
    """
    limits = [
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
        NETWORK_TIMEOUT_MS,
        cv2.CAP_PROP_READ_TIMEOUT_MSEC,
        NETWORK_TIMEOUT_MS,
    ]
    capture = cv2.VideoCapture(url, cv2.CAP_FFMPEG, limits)
    if not capture.isOpened():
        raise CaptureError("the stream does not answer with pictures: ask 'alpr-edge doctor' why")
    if url.lower().startswith("rtsp"):
        settled_s = time.monotonic() + SETTLES_S
        while time.monotonic() < settled_s and capture.grab():
            pass
    return capture
