"""Two cameras of one unit see one plate: it rings once, and no longer than it is true."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from edge.console.alerts import Standing
from edge.recording.pass_recorder import LIVE_WITHIN_S, PassRecorder
from edge.vision.engine import PlateObservation
from edge.vision.tracker import Tracker
from tests.edge.recording.passes import take
from tests.edge.recording_parts import LISTED, START, Shown, frame, plate, recording

ALIKE = LISTED[:-1] + "3"


@pytest.mark.parametrize("late", [False, True], ids=["at once", "late"])
def test_a_sighting_that_a_false_alert_silenced_is_said_to_stand_as_that_is_taken_back(
    tmp_path: Path, late: bool
) -> None:
    console = see(tmp_path, rear=range(2, 6), held_up=60 if late else None)
    ((alerted, (rang,)),) = console.alerts
    assert alerted.camera == "front"
    (rear, (quiet,), told), (front, hits, taken_back) = console.reads
    assert (rear.camera, rear.plate, told.quiet) == ("rear", LISTED, {quiet.id: "quiet_repeat"})
    assert (front.camera, front.plate, hits) == ("front", ALIKE, ())
    assert taken_back.withdrawn == (rang,)
    last = START + timedelta(seconds=0.5)
    assert taken_back.stands == {rang.id: Standing("rear", LISTED, last, live=not late)}


def test_a_sighting_under_way_as_the_false_alert_is_taken_back_rings_itself(
    tmp_path: Path,
) -> None:
    console = see(tmp_path, rear=range(2, 60))
    (_, (false,)), (rear, (true,)) = console.alerts
    assert (rear.camera, true.rang) == ("rear", True)
    front, rear_read = (told for _, _, told in console.reads)
    assert (front.withdrawn, front.stands) == ((false,), {})
    assert rear_read.rang == {true.id}


def see(folder: Path, *, rear: Sequence[int], held_up: int | None = None) -> Shown:
    """The front camera misreads a plate once, the rear one reads the listed car in some frames.

    From the frame ``held_up`` on, every frame is looked at half a minute late.
    """
    now = [START]
    with recording(folder, now) as recorder:
        console = recorder.console
        assert isinstance(console, Shown)
        cameras = {name: PassRecorder(recorder, name, live=True) for name in ("rear", "front")}
        trackers = {name: Tracker() for name in cameras}
        for index in range(95):
            shot = frame(index / 10, index)
            late_s = LIVE_WITHIN_S if held_up is not None and index >= held_up else 0.0
            now.append(shot.captured_at + timedelta(seconds=late_s))
            seen: dict[str, list[PlateObservation]] = {"rear": [], "front": []}
            if index in rear:
                seen["rear"] = [plate(LISTED, x=300)]
            if index == 0:
                seen["front"] = [plate(LISTED)]
            elif index < 35:
                seen["front"] = [plate(ALIKE, width=80 + 5 * index)]
            for name, passes in cameras.items():
                take(passes, trackers[name], shot, seen[name])
        return console
