"""Follow each plate from frame to frame, so that one car passing once is one reading.

A plate of this frame belongs to the pass whose last plate it overlaps where that one was heading
and resembles in text, or whose text it shares wherever it is: at few frames a second a plate moves
by more than its own width. A pass ends when its plate has not been seen for a while; one that
stays in view (a parked car, a car ahead) is given once after `longest_pass_s`, then followed in
silence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.engine import PlateObservation
from edge.vision.frames import Frame
from edge.vision.geometry import Box, iou
from edge.vision.reader import PlateReading
from edge.vision.text import edit_distance
from edge.vision.vote import Ballot, vote

LOST_AFTER_S = 3.0
LONGEST_PASS_S = 5.0
MIN_OVERLAP = 0.2
MAX_TEXT_CHANGE = 0.7  # share of characters that may differ where the boxes overlap
MIN_SHARED_LENGTH = 5  # texts this long that differ by one edit are one plate, wherever it is
HALF_SHARPNESS = 150.0  # variance of the Laplacian at which a crop counts half


@dataclass(frozen=True, slots=True, eq=False)
class Pass:
    """One plate passing once.

    `reading` is the vote over `frames` frames. `best_frame` is the frame that shows the plate
    best, `best_box` its outline there in pixels and `best_crop` (h, w, 3) uint8 BGR the
    straightened plate. Times are UTC.
    """

    reading: PlateReading
    frames: int
    first_seen: datetime
    last_seen: datetime
    best_frame: Frame
    best_box: Box
    best_crop: NDArray[np.uint8]


@dataclass(slots=True, eq=False)
class _Track:
    first_seen: datetime
    last_seen: datetime
    box: Box
    text: str
    best: tuple[float, Frame, PlateObservation]
    velocity_px_s: tuple[float, float] = (0.0, 0.0)
    ballots: list[Ballot] = field(default_factory=list)
    given: bool = False

    def predicted(self, now: datetime) -> Box:
        elapsed_s = (now - self.last_seen).total_seconds()
        return Box(
            self.box.x + round(self.velocity_px_s[0] * elapsed_s),
            self.box.y + round(self.velocity_px_s[1] * elapsed_s),
            self.box.w,
            self.box.h,
        )

    def add(self, frame: Frame, seen: PlateObservation) -> None:
        elapsed_s = (frame.captured_at - self.last_seen).total_seconds()
        if elapsed_s > 0:
            (x, y), (last_x, last_y) = seen.box.center, self.box.center
            self.velocity_px_s = ((x - last_x) / elapsed_s, (y - last_y) / elapsed_s)
        self.last_seen, self.box, self.text = frame.captured_at, seen.box, seen.reading.text
        if self.given:
            return
        weight = picture_weight(seen.crop)
        self.ballots.append(Ballot(seen.reading, weight))
        value = weight * seen.reading.confidence
        if value > self.best[0]:
            self.best = (value, frame, seen)

    def finish(self) -> Pass:
        _, frame, seen = self.best
        finished = Pass(
            reading=vote(self.ballots),
            frames=len(self.ballots),
            first_seen=self.first_seen,
            last_seen=self.last_seen,
            best_frame=frame,
            best_box=seen.box,
            best_crop=seen.crop,
        )
        self.given = True
        self.ballots.clear()
        return finished


class Tracker:
    """Turns the plates of one camera's frames into passes."""

    def __init__(
        self, *, lost_after_s: float = LOST_AFTER_S, longest_pass_s: float = LONGEST_PASS_S
    ) -> None:
        self._lost_after = timedelta(seconds=lost_after_s)
        self._longest_pass = timedelta(seconds=longest_pass_s)
        self._tracks: list[_Track] = []

    def update(self, frame: Frame, observations: Sequence[PlateObservation]) -> list[Pass]:
        """Add the plates seen in a frame, later than any before; gives the passes that ended."""
        if frame.standalone:
            return [_start(frame, seen).finish() for seen in observations]
        now = frame.captured_at
        finished = self.expire(now)
        followed = self._match(now, observations)
        for index, seen in enumerate(observations):
            track = followed.get(index)
            if track is None:
                self._tracks.append(_start(frame, seen))
            else:
                track.add(frame, seen)
        for track in self._tracks:
            if not track.given and now - track.first_seen >= self._longest_pass:
                finished.append(track.finish())
        return finished

    def expire(self, now: datetime) -> list[Pass]:
        """End the passes of plates not seen for a while, when no frame comes to tell."""
        return self._end(lambda track: now - track.last_seen > self._lost_after)

    def flush(self) -> list[Pass]:
        """End every pass still open, as at the end of the source."""
        return self._end(lambda _: True)

    def _end(self, ended: Callable[[_Track], bool]) -> list[Pass]:
        gone = [track for track in self._tracks if ended(track)]
        self._tracks = [track for track in self._tracks if not ended(track)]
        return [track.finish() for track in gone if not track.given]

    def _match(self, now: datetime, observations: Sequence[PlateObservation]) -> dict[int, _Track]:
        """Each plate's pass, the most alike first; a pass has one plate in a frame."""
        pairs = [
            (likeness, index, place)
            for index, seen in enumerate(observations)
            for place, track in enumerate(self._tracks)
            if (likeness := _likeness(track, now, seen)) > 0
        ]
        followed: dict[int, _Track] = {}
        taken: set[int] = set()
        for _, index, place in sorted(pairs, key=lambda pair: -pair[0]):
            if index not in followed and place not in taken:
                followed[index] = self._tracks[place]
                taken.add(place)
        return followed


def _start(frame: Frame, seen: PlateObservation) -> _Track:
    now = frame.captured_at
    track = _Track(now, now, seen.box, seen.reading.text, (-1.0, frame, seen))
    track.add(frame, seen)
    return track


def _likeness(track: _Track, now: datetime, seen: PlateObservation) -> float:
    """How much a plate belongs to a pass; 0 where it does not."""
    text = seen.reading.text
    longer = max(len(track.text), len(text))
    edits = edit_distance(track.text, text)
    overlap = max(iou(track.predicted(now), seen.box), iou(track.box, seen.box))
    same_text = edits == 0 or (edits == 1 and longer >= MIN_SHARED_LENGTH)
    near = overlap >= MIN_OVERLAP and edits <= MAX_TEXT_CHANGE * longer
    return 1 - edits / longer + overlap if same_text or near else 0.0


def picture_weight(crop: NDArray[np.uint8]) -> float:
    """How much a crop's reading counts: its height in pixels, less the blurrier it is.

    Sharpness is the variance of the Laplacian (J. Pech-Pacheco et al., 2000).
    """
    grey = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)
    sharpness = float(cv2.Laplacian(grey, cv2.CV_64F).var())
    return float(crop.shape[0]) * (0.1 + sharpness / (sharpness + HALF_SHARPNESS))
