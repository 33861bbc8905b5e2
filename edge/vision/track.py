"""One plate followed from frame to frame: where it is, what was read of it, its best picture."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TypeVar

from edge.instant import Instant
from edge.vision.association import LEFT, least_text, place_likeness, size_likeness, text_likeness
from edge.vision.engine import PlateObservation
from edge.vision.frames import Frame
from edge.vision.geometry import Box, iou
from edge.vision.motion import Motion
from edge.vision.passes import Mark, Pass, Sighting, picture_weight
from edge.vision.reader import UNKNOWN_STATE, PlateReading, StateReading
from edge.vision.vote import Ballot, Table, Tally, table

VIEW_WIDTHS = 0.5  # moved by this share of its width, a plate is seen anew
VIEW_GROWTH = 1.08  # so it is where it has grown or shrunk by this much
_Kind = TypeVar("_Kind", bound=Sighting)

MOST_TRAIL = 2000
STATES_ENOUGH = 3  # readings of the state after which more of the same size add little
STATE_GROWTH = 1.25  # and how much larger a plate is read for its state again
SAME_PLACE = 0.3  # overlap with where a plate stood, after it was hidden for long


@dataclass(slots=True, eq=False)
class Track:
    """A pass under way; `given` when it needs no more reading and is followed in silence."""

    number: int
    first_s: float
    first_frame: int
    last: Instant
    last_frame: int
    box: Box
    motion: Motion
    best: tuple[float, Frame, PlateObservation] | None
    last_table: Table
    text_table: Table
    text_confidence: float
    """That of the reading that the best frame gave."""
    tally: Tally = field(default_factory=Tally)
    frames: int = 0
    state: StateReading = UNKNOWN_STATE
    state_ballots: int = 0
    state_width_px: float = 0.0
    """Width of the largest plate from which the state was read."""
    given: bool = False
    outcome: tuple[PlateReading, int] | None = None
    """The vote of the pass that was given, and its frames."""
    trail: deque[Mark] = field(default_factory=lambda: deque(maxlen=MOST_TRAIL))
    """Where it was seen of late."""
    contests: int | None = None
    """The number of the pass in whose place this one was read, as another plate."""
    _view: int = 0
    _view_box: Box | None = None

    @classmethod
    def begin(cls, number: int, frame: Frame, seen: PlateObservation) -> Track:
        """A pass that begins with this frame."""
        read = table(seen.reading)
        track = cls(
            number, frame.at_s, frame.index, frame.captured, frame.index, seen.box,
            Motion.begun(seen.box, frame.at_s), None, read, read,
            seen.reading.confidence,
        )  # fmt: skip
        track.trail.append(Mark(frame.index, seen.box))
        track._count(frame, seen)
        return track

    def add(self, frame: Frame, seen: PlateObservation) -> None:
        """The plate is in this frame."""
        self.motion = self.motion.seen(seen.box, frame.at_s)
        self.last, self.last_frame, self.box = frame.captured, frame.index, seen.box
        self.trail.append(Mark(frame.index, seen.box))
        self.last_table = table(seen.reading)
        if not self.given:
            self._count(frame, seen)

    def text_likeness(self, seen: PlateObservation, read: Table) -> float:
        """That of the text alone: with the best reading or the last, whichever is more alike."""
        least = least_text(min(seen.reading.confidence, self.text_confidence))
        likeness = text_likeness(self.last_table, read)
        if self.text_table is not self.last_table:
            likeness = max(likeness, text_likeness(self.text_table, read))
        return max(least, likeness)

    def place_likeness(self, box: Box, at_s: float, size_px: tuple[int, int]) -> float:
        """That of place and size alone, in a picture of that width and height."""
        expected = self.motion.expected(at_s)
        x, y = box.center
        away = (x - expected.center_px[0], y - expected.center_px[1])
        ratio = max(1.0, box.w) / expected.width_px
        found = place_likeness(away, expected.spread_px, size_px[0] * size_px[1])
        found += size_likeness(ratio, expected.size_spread)
        return found + (LEFT if self.motion.left(at_s, size_px) else 0.0)

    def holds(self, box: Box, at_s: float) -> bool:
        """Whether a plate is where this one should be by now."""
        expected = self.motion.expected(at_s)
        reach = zip(box.center, expected.center_px, strict=True)
        return max(abs(a - b) for a, b in reach) < expected.width_px

    def known_state(self, box: Box) -> StateReading | None:
        """The state of issuance, if it need not be read again from a plate of this size."""
        if self.state_ballots < STATES_ENOUGH or box.w > STATE_GROWTH * self.state_width_px:
            return None
        return self.state

    def stands_at(self, box: Box) -> bool:
        """Whether a plate is where this one was seen last."""
        return iou(self.box, box) >= SAME_PLACE

    def mark(self, from_frame: int) -> Mark | None:
        """Where it was seen first in or after a frame; None where it was not."""
        return next((mark for mark in self.trail if mark.frame >= from_frame), None)

    def sighting(self) -> Sighting:
        """The pass as far as it is seen by now; not to be asked once it was given."""
        return self._as(Sighting)

    def voted(self) -> tuple[PlateReading, int] | None:
        """The vote so far, or that of the pass that was given, and over how many frames.

        None for one that was only followed: it was read before a recording broke off.
        """
        return self.outcome if self.given else (self.tally.reading(), self.frames)

    def finish(self) -> Pass:
        """The whole pass; its pictures and ballots are let go."""
        finished = self._as(Pass)
        self.outcome = finished.reading, finished.frames
        self.silence()
        return finished

    def silence(self) -> None:
        """Follow it without reading it on."""
        self.given, self.best, self.tally = True, None, Tally()

    def _count(self, frame: Frame, seen: PlateObservation) -> None:
        weight = picture_weight(seen.crop)
        self.tally.add(Ballot(seen.reading, weight, self._view_of(seen.box)))
        self.frames += 1
        if seen.reading.state.alternatives:
            self.state, self.state_ballots = self.tally.state, self.state_ballots + 1
            self.state_width_px = max(self.state_width_px, seen.box.w)
        value = weight * seen.reading.confidence
        if self.best is None or value > self.best[0]:
            self.best = (value, frame, seen)
            self.text_table = table(seen.reading)
            self.text_confidence = seen.reading.confidence

    def _view_of(self, box: Box) -> int:
        """The view that a box belongs to: a new one where the plate moved, grew or shrank."""
        last = self._view_box
        if last is not None:
            (x, y), (last_x, last_y) = box.center, last.center
            moved = max(abs(x - last_x), abs(y - last_y)) / max(1, last.w)
            growth = max(1, box.w) / max(1, last.w)
            if moved < VIEW_WIDTHS and 1 / VIEW_GROWTH < growth < VIEW_GROWTH:
                return self._view
            self._view += 1
        self._view_box = box
        return self._view

    def _as(self, kind: type[_Kind]) -> _Kind:
        assert self.best is not None  # noqa: S101 - asked of a pass that was given already
        _, frame, seen = self.best
        return kind(
            track=self.number,
            reading=self.tally.reading(),
            frames=self.frames,
            first_s=self.first_s,
            last=self.last,
            best_frame=frame,
            best_box=seen.box,
            best_crop=seen.crop,
        )
