"""What a unit's records and health say of its time: never set, and set back between two records."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edge.contract.records import Clock, Malfunction, Read
from edge.health.observe import Observer
from edge.housekeeping import Housekeeping
from edge.recording.pass_recorder import PassRecorder
from edge.recording.recorder import MALFUNCTION_EVERY_S, Recorder
from edge.vision.tracker import Tracker
from tests.edge.recording_parts import START, frame, plate, recording, stored


class OneRound(threading.Event):
    """Is set at every second wait: each loop that it stops goes round once."""

    _waits = 0

    def wait(self, timeout: float | None = None) -> bool:
        self._waits += 1
        return self._waits % 2 == 0


def keeps_house(recorder: Recorder, folder: Path) -> Housekeeping:
    """Housekeeping that looks once each time."""
    observer = Observer(recorder, lambda: [])
    return Housekeeping(recorder, observer, folder / "status", OneRound(), link_down_for_s=3600)


def sees_a_plate(recorder: Recorder, text: str) -> None:
    """One car passes; frames bear the time of the unit's clock."""
    tracker = Tracker()
    passes = PassRecorder(recorder, "front", live=True)
    for number in range(2):
        shot = replace(frame(0, number), captured=recorder.clock.instant())
        tracker.update(shot, [plate(text)])
    passes.end(tracker.flush(), lambda *_: None)


@pytest.mark.parametrize("battery_less", [1970, 2000])
def test_a_unit_that_never_had_the_time_marks_its_reads_and_says_so(
    tmp_path: Path, battery_less: int
) -> None:
    now = [datetime(battery_less, 1, 1, tzinfo=UTC)]
    with recording(tmp_path, now) as recorder:
        sees_a_plate(recorder, "ABC123")
        keeps_house(recorder, tmp_path).keep()
        assert "has not had the time" in recorder.health.report().troubles["clock"]
        (read,) = stored(recorder.spool)
        assert isinstance(read, Read)
        assert read.clock == Clock(source="unset", error_ms=None)
        now.append(START)
        keeps_house(recorder, tmp_path).keep()
        assert "clock" not in recorder.health.report().troubles


def test_an_hour_back_is_put_on_record_and_the_sequence_keeps_the_order(tmp_path: Path) -> None:
    now = [START]
    with recording(tmp_path, now, steady_s=lambda: 0.0) as recorder:
        sees_a_plate(recorder, "ABC123")
        now.append(START - timedelta(hours=1))
        sees_a_plate(recorder, "XYZ789")
        keeps_house(recorder, tmp_path).report_malfunctions()
        before, after, malfunction = stored(recorder.spool)
        assert isinstance(before, Read)
        assert isinstance(after, Read)
        assert isinstance(malfunction, Malfunction)
        assert [before.plate, after.plate] == ["ABC123", "XYZ789"]
        assert [record.seq for record in (before, after, malfunction)] == [1, 2, 3]
        assert before.captured_at - after.captured_at == timedelta(hours=1)
        assert after.captured_at != malfunction.captured_at
        assert malfunction.component == "clock"
        assert malfunction.description == (
            "the clock stepped from 2026-01-02 03:04:05 to 2026-01-02 02:04:05 UTC"
        )


def test_steps_that_follow_soon_are_on_record_too_once_there_may_be_another(
    tmp_path: Path,
) -> None:
    now, steady_s = [START], [0.0]
    with recording(tmp_path, now, steady_s=lambda: steady_s[-1]) as recorder:
        house = keeps_house(recorder, tmp_path)
        recorder.clock.now()
        for step_h in (-1, 1, -2):
            now.append(now[-1] + timedelta(hours=step_h))
            recorder.clock.now()
            house.report_malfunctions()
        assert len(stored(recorder.spool)) == 1
        steady_s.append(MALFUNCTION_EVERY_S)
        now.append(now[-1] + timedelta(seconds=MALFUNCTION_EVERY_S))
        house.report_malfunctions()
        _, later = stored(recorder.spool)
        assert isinstance(later, Malfunction)
        assert later.description == (
            "the clock stepped from 2026-01-02 02:04:05 to 2026-01-02 01:04:05 UTC, in 2 steps"
        )
