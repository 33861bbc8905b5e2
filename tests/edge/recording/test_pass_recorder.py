"""A hit rings while its car is in view, once, and is on the disk before; the read follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET

from edge.contract.records import Hit, Read
from edge.recording.pass_recorder import PassRecorder
from edge.recording.showing import LIVE_WITHIN_S
from edge.spool.errors import UnfitRecordError
from edge.spool.store import Spool
from edge.vision.engine import PlateObservation
from edge.vision.tracker import LONGEST_PASS_S, Tracker
from tests.edge.recording.passes import drive
from tests.edge.recording_parts import (
    ALSO_LISTED,
    LISTED,
    START,
    Shown,
    frame,
    plate,
    recording,
    stored,
)


def test_a_hit_rings_at_the_first_frame_that_is_sure_and_never_again(tmp_path: Path) -> None:
    now = [START]
    with recording(tmp_path, now) as recorder:
        steps = [[plate(LISTED, x=100 + 8 * step, width=80 + 4 * step)] for step in range(10)]
        console = drive(recorder, now, steps, flush=False)
        ((interim, (hit,)),) = console.alerts
        assert console.spooled_by_alert == [1], "it was shown before it was on the disk"
        assert (hit.plate, hit.rang, hit.captured_at) == (LISTED, True, START)
        assert stored(recorder.spool) == [hit]
        console = drive(recorder, now, steps)
        alerted, read = console.alerts[-1], console.reads[-1]
        assert len(console.alerts) == 1, "the same plate a second later is a repeat"
    assert interim.frames == 1
    assert alerted[1] == (hit,)
    assert read[0].hits


def test_the_final_read_has_the_id_that_rang_and_takes_the_provisional_ones_place(
    tmp_path: Path,
) -> None:
    now = [START]
    with recording(tmp_path, now) as recorder:
        steps = [[plate(LISTED, x=100 + 8 * step, width=80 + 4 * step)] for step in range(10)]
        console = drive(recorder, now, steps)
        hit, read = stored(recorder.spool)
        assert isinstance(hit, Hit)
        assert isinstance(read, Read)
        assert hit.read == read.id == console.alerts[0][0].id
        assert read.captured_at == hit.captured_at == START
        assert (read.frames, read.last_seen - read.first_seen) == (10, timedelta(seconds=0.9))
        assert [match.plate for match in read.hits] == [LISTED]
        # The best picture is of the last frame, the largest; the record says so.
        assert {picture.taken_at for picture in read.pictures} == {read.last_seen}
        ((shown, hits, told),) = console.reads
        assert (shown, hits, told.rang, told.withdrawn) == (read, (hit,), {hit.id}, ())
        assert recorder.health.report().counters["hits"] == 1
    with recording(tmp_path, now):
        pass  # nothing was left to settle


def test_a_read_that_rang_outlives_a_killed_unit(tmp_path: Path) -> None:
    now = [START]
    with recording(tmp_path, now) as recorder:
        console = drive(recorder, now, [[plate(LISTED)]] * 3, flush=False)
        ((_, (hit,)),) = console.alerts
    with recording(tmp_path, now, settle=1) as recorder:
        kept_hit, read = stored(recorder.spool)
        assert kept_hit == hit
        assert isinstance(read, Read)
        assert (read.id, read.plate, read.frames) == (hit.read, LISTED, 1)
        assert all(picture.taken_at is UNSET for picture in read.pictures)


def test_a_doubtful_match_waits_until_it_has_been_read_for_a_while(tmp_path: Path) -> None:
    now = [START]
    with recording(tmp_path, now) as recorder:
        console = drive(recorder, now, [[plate(LISTED, confidence=0.9)]] * 5, flush=False)
        assert console.alerts == []
    (tmp_path / "other").mkdir()
    with recording(tmp_path / "other", now) as recorder:
        console = drive(recorder, now, [[plate(LISTED, confidence=0.9)]] * 8, flush=False)
        ((read, _),) = console.alerts
        assert read.captured_at == START + timedelta(seconds=0.5)


def test_a_doubtful_match_that_goes_out_of_sight_does_not_wait_for_its_pass_to_end(
    tmp_path: Path,
) -> None:
    now = [START]
    with recording(tmp_path, now) as recorder:
        glimpsed = [[plate(LISTED, confidence=0.9)]] * 2
        console = drive(recorder, now, [*glimpsed, *[[]] * 3], flush=False)
        assert console.alerts == []
    (tmp_path / "longer").mkdir()
    with recording(tmp_path / "longer", now) as recorder:
        console = drive(recorder, now, [*glimpsed, *[[]] * 40], flush=False)
        ((interim, (hit,)),) = console.alerts
        assert (interim.frames, hit.rang, hit.captured_at) == (2, True, interim.last_seen)
        assert recorder.health.report().durations["frame_to_alert_ms"].p50_ms == pytest.approx(400)
        ((read, hits, told),) = console.reads
        assert (read.id, hits, told.rang) == (hit.read, (hit,), {hit.id})


def test_a_misreading_that_was_dropped_does_not_ring_later(tmp_path: Path) -> None:
    now = [START]
    right, wrong = [plate("KWM1849")], [plate(LISTED, confidence=0.7)]
    unseen: list[list[PlateObservation]] = [[]] * 10
    with recording(tmp_path, now) as recorder:
        console = drive(recorder, now, [*[right] * 3, wrong, *[right] * 3, *unseen])
        assert console.alerts == []
        assert [read.plate for read, _, _ in console.reads] == ["KWM1849"]
        console = drive(recorder, now, [*[right] * 3, wrong, *unseen])
        assert len(console.alerts) == 1, "a passing car that hid the other is not dropped"


def test_a_misreading_that_rang_is_taken_back_with_the_read_of_its_car(tmp_path: Path) -> None:
    now = [START]
    right, wrong = [plate("KWM1849")], [plate(LISTED, confidence=0.7)]
    hidden: list[list[PlateObservation]] = [[]] * 6
    with recording(tmp_path, now) as recorder:
        console = drive(recorder, now, [*[right] * 3, wrong, *hidden, *[right] * 3])
        ((interim, (rang,)),) = console.alerts
        ((read, hits, told),) = console.reads
        assert (read.plate, read.hits, hits) == ("KWM1849", (), ())
        assert told.withdrawn == (rang,)
        assert read.id == interim.id == rang.read
        assert [type(record) for record in stored(recorder.spool)] == [Hit, Read]
    with recording(tmp_path, now):
        pass  # nothing was left to settle


def test_a_misreading_that_rang_is_taken_back_also_where_its_car_has_been_in_view_for_long(
    tmp_path: Path,
) -> None:
    now = [START]
    right, wrong = [plate("KWM1849")], [plate(LISTED, confidence=0.7)]
    hidden: list[list[PlateObservation]] = [[]] * 5
    steps = [*[right] * 94, wrong, *hidden, right, right]
    assert len(steps) / 10 > LONGEST_PASS_S > (len(steps) - 2) / 10 - 0.01
    with recording(tmp_path, now) as recorder:
        console = drive(recorder, now, steps)
        ((_, (rang,)),) = console.alerts
        ((read, _, told),) = console.reads
        assert (read.plate, read.id, told.withdrawn) == ("KWM1849", rang.read, (rang,))
    with recording(tmp_path, now):
        pass  # nothing was left to settle


def test_a_misreading_of_a_car_whose_read_is_on_record_is_taken_back_with_a_read_of_its_own(
    tmp_path: Path,
) -> None:
    """A car ahead has its read after ten seconds, and is followed for minutes."""
    now = [START]
    right, wrong = [plate("KWM1849")], [plate(LISTED, confidence=0.7)]
    hidden: list[list[PlateObservation]] = [[]] * 6
    with recording(tmp_path, now) as recorder:
        console = drive(recorder, now, [*[right] * 120, wrong, *hidden, *[right] * 30])
        ((alerted, (rang,)),) = console.alerts
        (first, _, _), (second, hits, told) = console.reads
        assert (first.plate, second.plate, second.hits) == ("KWM1849", "KWM1849", ())
        assert (second.id, hits, told.withdrawn) == (rang.read, (), (rang,))
        assert (second.frames, second.first_seen) == (first.frames, alerted.first_seen)
        assert [picture.sha256 for picture in second.pictures] == [
            picture.sha256 for picture in alerted.pictures
        ]
    with recording(tmp_path, now):
        pass  # nothing was left to settle


@pytest.mark.parametrize("long", [False, True], ids=["soon", "after long"])
@pytest.mark.parametrize(
    "glimpses",
    [
        [[plate(LISTED, confidence=0.7)], [plate(ALSO_LISTED, confidence=0.7)]],
        [[plate(LISTED, confidence=0.7, x=30), plate(ALSO_LISTED, confidence=0.7, x=172)]],
    ],
    ids=["in turn", "at once"],
)
def test_of_two_misreadings_that_rang_both_are_taken_back(
    tmp_path: Path, glimpses: Sequence[Sequence[PlateObservation]], long: bool
) -> None:
    """The other has a read of its own, of the same plate: both hits that rang need their read."""
    now = [START]
    right = [plate("KWM1849")]
    hidden: list[list[PlateObservation]] = [[]] * 6
    wrong = [step for glimpse in glimpses for step in (glimpse, *hidden)]
    # After so long the pass is given with the very frame that shows its car again.
    before = round(LONGEST_PASS_S * 10) - len(wrong) if long else 3
    with recording(tmp_path, now) as recorder:
        console = drive(recorder, now, [*[right] * before, *wrong, *[right] * 3])
        (first, (false,)), (second, (other,)) = console.alerts
        said = {read.id: (read.plate, told.withdrawn) for read, _, told in console.reads}
        assert said == {first.id: ("KWM1849", (false,)), second.id: ("KWM1849", (other,))}
        assert (first.plate, other.plate) == (LISTED, ALSO_LISTED)
    with recording(tmp_path, now):
        pass  # nothing was left to settle


def test_a_misreading_that_hides_another_of_the_same_car_is_dropped_with_it(
    tmp_path: Path,
) -> None:
    now = [START]
    right = [plate("KWM1849")]
    wrong = [[plate(text, confidence=0.7)] for text in (LISTED, "4ZTB206")]
    hidden: list[list[PlateObservation]] = [[]] * 6
    with recording(tmp_path, now) as recorder:
        steps = [*[right] * 3, wrong[0], *hidden, wrong[1], *hidden, *[right] * 3]
        console = drive(recorder, now, steps)
        ((_, (rang,)),) = console.alerts
        ((read, _, told),) = console.reads
        assert (read.plate, told.withdrawn) == ("KWM1849", (rang,))


def test_two_cars_of_which_each_rang_are_two_reads(tmp_path: Path) -> None:
    """The second is doubtful and stands where the first did: it may be a misreading of it."""
    now = [START]
    first, second = [plate(LISTED)], [plate(ALSO_LISTED, confidence=0.7)]
    hidden: list[list[PlateObservation]] = [[]] * 6
    with recording(tmp_path, now) as recorder:
        console = drive(recorder, now, [*[first] * 3, second, *hidden, *[first] * 3])
        assert [read.plate for read, _ in console.alerts] == [LISTED, ALSO_LISTED]
        assert sorted(read.plate for read, _, _ in console.reads) == sorted([LISTED, ALSO_LISTED])


def test_what_rang_is_taken_back_if_later_frames_read_another_plate(tmp_path: Path) -> None:
    now = [START]
    other = LISTED[:-1] + "3"
    with recording(tmp_path, now) as recorder:
        sharper = [[plate(other, width=80 + 10 * step)] for step in range(10)]
        console = drive(recorder, now, [[plate(LISTED)], *sharper])
        ((_, (rang,)),) = console.alerts
        ((read, hits, told),) = console.reads
        assert (read.plate, read.hits, hits) == (other, (), ())
        assert told.withdrawn == (rang,)
        assert [type(record) for record in stored(recorder.spool)] == [Hit, Read]


def test_what_rang_as_exact_is_said_to_be_so_no_longer_if_the_final_reading_is_only_alike(
    tmp_path: Path,
) -> None:
    now = [START]
    alike = LISTED.replace("5", "S")
    with recording(tmp_path, now) as recorder:
        sharper = [[plate(alike, width=80 + 10 * step)] for step in range(10)]
        console = drive(recorder, now, [[plate(LISTED)], *sharper])
        ((_, (rang,)),) = console.alerts
        ((read, hits, told),) = console.reads
        (match,) = read.hits
        (swap,) = match.substitutions
        assert (rang.match.how, read.plate, match.how) == ("exact", alike, "confusable")
        assert (swap.index, swap.read, swap.listed) == (6, "S", "5")
        assert (hits, told.withdrawn, told.rang) == ((rang,), (), {rang.id})
        assert told.now == {rang.id: match}
        kept_hit, kept_read = stored(recorder.spool)
        assert (kept_hit, kept_read) == (rang, read), "the early hit is true of its moment"


def test_what_was_taken_back_does_not_silence_the_listed_car(tmp_path: Path) -> None:
    now = [START]
    with recording(tmp_path, now) as recorder:
        sharper = [[plate(LISTED[:-1] + "3", width=80 + 10 * step)] for step in range(10)]
        console = drive(recorder, now, [[plate(LISTED)], *sharper])
        assert len(console.reads[0][2].withdrawn) == 1
        drive(recorder, now, [[plate(LISTED, x=300)]] * 3)
        assert len(console.alerts) == 2


@pytest.mark.parametrize("unfit", [False, True], ids=["late", "unfit"])
def test_what_never_rang_does_not_silence_the_next_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unfit: bool
) -> None:
    now = [START]
    with recording(tmp_path, now) as recorder:
        if unfit:
            add = Spool.add

            def refuse_reads(spool: Spool, builders: Any, pictures: Any, *rest: Any, **more: Any):
                if pictures or more.get("provisional"):
                    raise UnfitRecordError("a picture that is none")
                return add(spool, builders, pictures, *rest, **more)

            with monkeypatch.context() as patched:
                patched.setattr(Spool, "add", refuse_reads)
                console = drive(recorder, now, [[plate(LISTED)]] * 3)
        else:
            late = timedelta(seconds=LIVE_WITHIN_S + 1)
            console = drive(recorder, now, [[plate(LISTED)]] * 3, late=late)
        assert console.alerts == []
        drive(recorder, now, [[plate(LISTED)]] * 3)
        assert len(console.alerts) == 1


def test_a_plate_that_rang_a_while_ago_is_put_on_record_without_a_sound(tmp_path: Path) -> None:
    now = [START]
    with recording(tmp_path, now) as recorder:
        drive(recorder, now, [[plate(LISTED)]] * 3)
        console = drive(recorder, now, [[plate(LISTED)]] * 3)
        assert len(console.alerts) == 1
        read, (hit,), told = console.reads[-1]
        assert not hit.rang
        assert told.quiet == {hit.id: "quiet_repeat"}
        assert [match.plate for match in read.hits] == [LISTED]


def test_a_hit_older_than_half_a_minute_never_rings_as_live(tmp_path: Path) -> None:
    now = [START]
    with recording(tmp_path, now) as recorder:
        late = timedelta(seconds=LIVE_WITHIN_S + 1)
        console = drive(recorder, now, [[plate(LISTED)]] * 3, late=late)
        assert console.alerts == []
        ((_, (hit,), _),) = console.reads
        assert not hit.rang
        assert "frame_to_read_ms" in recorder.health.report().durations
        assert "frame_to_alert_ms" not in recorder.health.report().durations


def test_the_time_from_frame_to_alert_is_measured(tmp_path: Path) -> None:
    now = [START]
    with recording(tmp_path, now) as recorder:
        drive(recorder, now, [[plate(LISTED)]], late=timedelta(milliseconds=120))
        assert recorder.health.report().durations["frame_to_alert_ms"].p50_ms == pytest.approx(120)


def test_a_plate_beside_one_that_rings_does_not_ring(tmp_path: Path) -> None:
    now = [START]
    with recording(tmp_path, now) as recorder:
        console = drive(recorder, now, [[plate(LISTED), plate("5NA349", x=400)]] * 3)
        assert [read.plate for read, _ in console.alerts] == [LISTED]
        assert sorted(read.plate for read, _, _ in console.reads) == ["5NA349", LISTED]


def test_a_read_is_told_by_the_clock_that_its_frames_had_whatever_is_known_later(
    tmp_path: Path,
) -> None:
    """The unit learns the time while a car is in view: an hour off, it was said to be GPS time."""
    now, steady_s = [START], [0.0]
    with recording(tmp_path, now, steady_s=lambda: steady_s[-1]) as recorder:
        tracker, passes = Tracker(), PassRecorder(recorder, "front", live=True)
        real = START + timedelta(hours=1)
        for index in range(10):
            steady_s.append(index / 10)
            now.append(START + timedelta(seconds=index / 10))
            if index >= 5:
                recorder.clock.heard(real + timedelta(seconds=index / 10))
            shot = replace(frame(0, index), captured=recorder.clock.instant())
            seen = tracker.update(shot, [plate("7XYZ123", width=200 - 4 * index)])
            assert seen.ended == ()
        assert shot.captured.clock.source == "gps"
        assert shot.captured_at >= real
        passes.end(tracker.flush(), lambda *_: None)
        (read,) = stored(recorder.spool)
        assert isinstance(read, Read)
        assert (read.captured_at, read.clock.source) == (START, "system"), "its best frame's"
        assert read.first_seen == START
        assert read.last_seen == START + timedelta(seconds=0.9), "an hour was not passed in view"


def test_a_clock_that_steps_back_makes_nothing_late_ring_as_live(tmp_path: Path) -> None:
    now, steady_s = [START], [0.0]
    with recording(tmp_path, now, steady_s=lambda: steady_s[-1]) as recorder:
        tracker, passes = Tracker(), PassRecorder(recorder, "front", live=True)
        shot = replace(frame(0), captured=recorder.clock.instant())
        seen = tracker.update(shot, [plate(LISTED)])
        steady_s.append(LIVE_WITHIN_S + 1)
        now.append(START - timedelta(hours=1))
        passes.sight(seen.open, lambda *_: None)
        passes.end(tracker.flush(), lambda *_: None)
        console = recorder.console
        assert isinstance(console, Shown)
        assert console.alerts == []
        ((_, (hit,), _),) = console.reads
        assert not hit.rang
