"""On a unit that has not had the time since its start, no hours of a list keep a hit quiet."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest

from edge.contract.records import Clock
from edge.hotfile.alert_settings import AlertSettings
from edge.hotfile.alerts import Alerts
from edge.recording.pass_recorder import PassRecorder
from edge.vision.tracker import Tracker
from tests.edge.recording.passes import take
from tests.edge.recording_parts import LISTED, START, Shown, frame, plate, recording

ANOTHER_HOUR = f"{START + timedelta(hours=2):%H:%M}-{START + timedelta(hours=3):%H:%M}"


def driven(folder: Path, source: Literal["unset", "system"], confidence: float) -> Shown:
    """What is shown of one pass whose frames rest on that clock."""
    hours = AlertSettings.model_validate(
        {"schedule": {"time_zone": "UTC", "hours": [ANOTHER_HOUR]}}
    )
    now: list[datetime] = [START]
    with recording(folder, now) as recorder:
        alerting = replace(recorder, alerts=Alerts({"state-hotfile": hours.rule()}))
        console, passes = alerting.console, PassRecorder(alerting, "front", live=True)
        tracker = Tracker()
        for index in range(4):
            shot = frame(index / 10, index)
            now.append(shot.captured_at)
            clock = Clock(source=source, error_ms=None)
            shot = replace(shot, captured=replace(shot.captured, clock=clock))
            take(passes, tracker, shot, [plate(LISTED, confidence=confidence)])
        passes.end(tracker.flush(), lambda *_: None)
    assert isinstance(console, Shown)
    return console


@pytest.mark.parametrize(("confidence", "at_once"), [(0.99, True), (0.9, False)])
def test_hours_that_nobody_can_judge_silence_nothing(
    tmp_path: Path, confidence: float, at_once: bool
) -> None:
    known, unset = tmp_path / "known", tmp_path / "unset"
    known.mkdir()
    unset.mkdir()
    console = driven(known, "system", confidence)
    (_, (hit,), told) = console.reads[0]
    assert (console.alerts, hit.rang, told.quiet) == ([], False, {hit.id: "quiet_schedule"})
    console = driven(unset, "unset", confidence)
    (_, (hit,), told) = console.reads[0]
    assert (bool(console.alerts), hit.rang, told.quiet) == (at_once, True, {})
