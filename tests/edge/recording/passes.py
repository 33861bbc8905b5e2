"""Frames for one camera's recorder, ten a second."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from edge.recording.pass_recorder import PassRecorder
from edge.recording.recorder import Recorder
from edge.vision.engine import PlateObservation
from edge.vision.frames import Frame
from edge.vision.tracker import Tracker
from tests.edge.recording_parts import Shown, frame


def drive(
    recorder: Recorder,
    now: list[datetime],
    steps: Sequence[Sequence[PlateObservation]],
    *,
    flush: bool = True,
    late: timedelta = timedelta(),
) -> Shown:
    """Feed frames at ten a second, each looked at as late as that."""
    console = recorder.console
    assert isinstance(console, Shown)
    passes = PassRecorder(recorder, "front", live=True)
    tracker = Tracker()
    for index, observations in enumerate(steps):
        shot = frame(index / 10, index)
        now.append(shot.captured_at + late)
        take(passes, tracker, shot, observations)
    if flush:
        passes.end(tracker.flush(), lambda *_: None)
    return console


def take(
    passes: PassRecorder, tracker: Tracker, shot: Frame, observations: Sequence[PlateObservation]
) -> None:
    """One frame of a camera, with what is seen in it."""
    seen = tracker.update(shot, observations, passes.rang)
    passes.sight(seen.open, lambda *_: None, seen.misread)
    passes.out_of_sight(tracker.under_way, shot.at_s, lambda *_: None)
    passes.end(seen.ended, lambda *_: None)
