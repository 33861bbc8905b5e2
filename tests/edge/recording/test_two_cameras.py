"""Two cameras of one unit see one plate: it rings once, and no longer than it is true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from edge.console.alerts import Standing
from edge.contract.plates import load_confusables
from edge.contract.records import AnyRecord, Hit
from edge.hotfile.alerts import Sighted
from edge.recording.pass_recorder import PassRecorder
from edge.recording.recorder import Recorder
from edge.recording.showing import LIVE_WITHIN_S
from edge.recording.silenced import MOST_KEPT, Quiet, Silenced
from edge.spool.store import Spool
from edge.uplink.filter_settings import FilterSettings
from edge.uplink.withholding import Withholding
from edge.vision.engine import PlateObservation
from edge.vision.geometry import Box
from edge.vision.tracker import Tracker
from tests.edge.instants import instant
from tests.edge.recording.passes import take
from tests.edge.recording_parts import LISTED, START, Shown, frame, plate, recording, stored

ALIKE = LISTED[:-1] + "3"


@pytest.mark.parametrize("late", [False, True], ids=["at once", "late"])
def test_a_sighting_that_a_false_alert_silenced_is_said_to_stand_as_that_is_taken_back(
    tmp_path: Path, late: bool
) -> None:
    console = see(tmp_path, rear=range(2, 6), held_up=60 if late else None)
    alerted, (rang,) = console.alerts[0]
    assert alerted.camera == "front"
    (rear, (quiet,), told), (front, hits, taken_back) = console.reads
    assert (rear.camera, rear.plate, told.quiet) == ("rear", LISTED, {quiet.id: "quiet_repeat"})
    assert (front.camera, front.plate, hits) == ("front", ALIKE, ())
    assert taken_back.withdrawn == (rang,)
    last = START + timedelta(seconds=0.5)
    assert taken_back.stands == {rang.id: Standing("rear", LISTED, last, live=not late)}
    assert len(console.alerts) == (1 if late else 2), "what was seen half a minute ago is not live"


def test_a_sighting_that_a_false_alert_silenced_rings_as_that_is_taken_back(
    tmp_path: Path,
) -> None:
    on_record: list[AnyRecord] = []
    console = see(tmp_path, rear=[*range(2, 6), *range(75, 78)], on_record=on_record)
    _, (interim, (true,)) = console.alerts
    (rear, (quiet,), _), (_, _, taken_back), (again, (repeat,), told) = console.reads
    assert (interim, taken_back.stands.keys()) == (rear, {hit.id for hit in taken_back.withdrawn})
    assert true == structs.replace(quiet, id=true.id, seq=true.seq, salt=true.salt, rang=True)
    assert (true.read, true.id != quiet.id, true.salt != quiet.salt) == (rear.id, True, True)
    assert [record for record in on_record if isinstance(record, Hit) and record.rang] == [
        *taken_back.withdrawn,
        true,
    ]
    assert (again.camera, told.quiet) == ("rear", {repeat.id: "quiet_repeat"}), "it has rung by now"


def test_a_disk_that_holds_it_up_for_too_long_does_not_ring_late_as_live(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add, now = Spool.add, [START]

    def add_late(spool: Spool, builders: Any, *rest: Any, **more: Any) -> Any:
        if now[-1] > START and len(builders) == 1 and not more:
            now.append(now[-1] + timedelta(seconds=LIVE_WITHIN_S + 1))
        return add(spool, builders, *rest, **more)

    with monkeypatch.context() as patched:
        patched.setattr(Spool, "add", add_late)
        console = see(tmp_path, rear=range(2, 6), now=now)
    _, (_, (late,)) = console.alerts
    assert not late.rang


@pytest.mark.policy("C-5b")
def test_a_sighting_that_stays_on_the_unit_rings_too_and_leaves_no_record(tmp_path: Path) -> None:
    on_record: list[AnyRecord] = []
    rules = (FilterSettings(name="rear", cameras=("rear",)),)
    console = see(tmp_path, rear=range(2, 6), rules=rules, on_record=on_record)
    (front, _), (interim, (true,)) = console.alerts
    (rear, (quiet,), _), _ = console.reads
    assert (front.camera, interim, true) == ("front", rear, structs.replace(quiet, rang=True))
    assert {record.camera for record in on_record} == {"front"}


def test_a_quiet_hit_that_is_asked_for_before_it_is_on_record_is_given_back(
    tmp_path: Path,
) -> None:
    console = see(tmp_path, rear=range(2, 6))
    read, (hit,), _ = console.reads[0]
    quiet = Quiet(read, hit, instant(START), frame(0), Box(1, 2, 3, 4), stays=False)
    sighted = Sighted("rear", LISTED, instant(START))
    silenced = Silenced()
    assert silenced.take(sighted, hit.match) is None
    assert silenced.keep(sighted, quiet) is quiet
    assert silenced.keep(sighted, quiet) is None
    assert silenced.take(sighted, hit.match) is quiet
    assert silenced.take(sighted, hit.match) is None


def test_of_quiet_hits_the_last_few_are_kept(tmp_path: Path) -> None:
    console = see(tmp_path, rear=range(2, 6))
    read, (hit,), _ = console.reads[0]
    quiet = Quiet(read, hit, instant(START), frame(0), Box(1, 2, 3, 4), stays=False)
    seen = [
        Sighted("rear", LISTED, instant(START + timedelta(seconds=second)))
        for second in range(MOST_KEPT + 1)
    ]
    silenced = Silenced()
    assert [silenced.keep(one, quiet) for one in seen] == [None] * len(seen)
    taken = [silenced.take(one, hit.match) for one in seen]
    assert taken == [None, *[quiet] * MOST_KEPT]


def test_a_sighting_under_way_as_the_false_alert_is_taken_back_rings_itself(
    tmp_path: Path,
) -> None:
    console = see(tmp_path, rear=range(2, 60))
    (_, (false,)), (rear, (true,)) = console.alerts
    assert (rear.camera, true.rang) == ("rear", True)
    front, rear_read = (told for _, _, told in console.reads)
    assert (front.withdrawn, front.stands) == ((false,), {})
    assert rear_read.rang == {true.id}


def withholding(recorder: Recorder, rules: Sequence[FilterSettings]) -> Withholding:
    return Withholding(
        rules, load_confusables(), recorder.spool, monotonic_s=lambda: 0.0, now=lambda: START,
        on_problem=lambda sentence: None,
    )  # fmt: skip


def see(
    folder: Path,
    *,
    rear: Sequence[int],
    held_up: int | None = None,
    rules: Sequence[FilterSettings] = (),
    on_record: list[AnyRecord] | None = None,
    now: list[datetime] | None = None,
) -> Shown:
    """The front camera misreads a plate once, the rear one reads the listed car in some frames.

    From the frame ``held_up`` on, every frame is looked at half a minute late. ``rules`` keep reads
    on the unit, and what was stored in the end goes to ``on_record``.
    """
    now = [START] if now is None else now
    with recording(folder, now) as recorder:
        recorder = replace(recorder, withholding=withholding(recorder, rules))
        console = recorder.console
        assert isinstance(console, Shown)
        cameras = {name: PassRecorder(recorder, name, live=True) for name in ("rear", "front")}
        trackers = {name: Tracker() for name in cameras}
        for index in range(125):
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
        if on_record is not None:
            on_record += stored(recorder.spool)
        return console
