"""Frames from a video file: none is dropped, and one that broke off is gone on with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np

from edge.vision.errors import CaptureError
from edge.vision.frames import Frame, Now
from edge.vision.geometry import Box
from edge.vision.passes import Mark, Resume

FALLBACK_FPS = 25.0


@dataclass(frozen=True, slots=True)
class VideoPlace:
    """How far a video was read: where to go on, what is on record, and which file it was.

    `started` is the time given to its first frame. A file of another size is another recording.
    """

    started: datetime
    frame: int
    marks: tuple[Mark, ...]
    size_bytes: int

    @classmethod
    def at(cls, resume: Resume, started: datetime, size_bytes: int) -> VideoPlace:
        """The place where a tracker wants to go on."""
        return cls(started, resume.frame, resume.marks, size_bytes)

    def text(self) -> str:
        """The place as one line."""
        marks = [[mark.frame, *_sides(mark.box)] for mark in self.marks]
        return msgspec.json.encode([self.started, self.frame, marks, self.size_bytes]).decode()

    @classmethod
    def of(cls, text: str) -> VideoPlace | None:
        """The place that a line names; None where it names another kind, such as a picture."""
        try:
            started, frame, marks, size_bytes = msgspec.json.decode(text, type=_Line)
        except msgspec.DecodeError:
            return None
        return cls(started, frame, tuple(Mark(at, Box(*box)) for at, *box in marks), size_bytes)


_Line = tuple[datetime, int, list[tuple[int, int, int, int, int]], int]


class VideoFileSource:
    """A video file, frame by frame, its first frame taken as captured now."""

    live = False
    dropped = 0
    unreadable = 0
    gone = None

    def __init__(
        self, path: Path, camera: str, now: Now, resumed: VideoPlace | None = None
    ) -> None:
        """Go on where the file was read to, if it was; frames keep their numbers and times.

        Raises CaptureError where the file is not a video that can be decoded.
        """
        self._capture: Any = cv2.VideoCapture(str(path))
        if not self._capture.isOpened():
            raise CaptureError(f"{path} is not a video that can be decoded: check the file")
        self._path = path
        self._camera = camera
        start = now()
        self._start = replace(start, at=resumed.started) if resumed else start
        self._first = resumed.frame if resumed else 0
        self._closed = False

    def frames(self) -> Iterator[Frame]:
        """See FrameSource.frames."""
        fps = self._capture.get(cv2.CAP_PROP_FPS) or FALLBACK_FPS
        announced = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        index, last_s = 0, 0.0
        try:
            # Frames before are decoded too: not every container finds one by its number.
            while not self._closed and self._capture.grab():
                position_s = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
                # Some containers carry no time stamps: then the frame rate tells the position.
                elapsed_s = position_s if position_s > 0 else index / fps
                # Joined recordings start their stamps anew; time before the camera never runs back.
                last_s = elapsed_s = max(elapsed_s, last_s)
                if index >= self._first:
                    given, image = self._capture.retrieve()
                    if not given:
                        break
                    yield Frame(
                        self._camera,
                        index,
                        self._start.later(elapsed_s),
                        np.asarray(image, dtype=np.uint8),
                        self._path.name,
                        standalone=False,
                    )
                index += 1
            if index == 0 and not self._closed:
                raise CaptureError(f"{self._path} holds no frame ({announced} announced)")
        finally:
            self._capture.release()

    def close(self) -> None:
        """See FrameSource.close."""
        self._closed = True


def _sides(box: Box) -> tuple[int, int, int, int]:
    return box.x, box.y, box.w, box.h
