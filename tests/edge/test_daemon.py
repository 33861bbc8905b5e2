"""The daemon loses nothing it captured, and shows nothing that was not durable before."""

from __future__ import annotations

import json
import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import cv2
import pytest

from edge.contract.records import Malfunction, NoPosition, Read
from edge.hotfile.open import Outcome
from edge.uplink.filter_settings import FilterSettings
from edge.vision.engine import PlateEngine
from tests.edge.daemon_parts import RecordingConsole, run_to_the_end, running, stored, unit
from tests.street import write_pictures
from tests.waiting import until


def test_what_is_shown_was_durable_before(tmp_path: Path, engine: PlateEngine) -> None:
    plates = write_pictures(tmp_path / "pictures", 3)
    with unit(tmp_path, engine, [str(tmp_path / "pictures")]) as (daemon, recorder):
        run_to_the_end(daemon)
        console = recorder.console
        assert isinstance(console, RecordingConsole)
        assert [read.plate for read in console.shown] == plates
        assert console.spooled_by_then == [1, 2, 3]
        kept = stored(recorder.spool)
        assert kept == console.shown
        assert all(isinstance(one, Read) and one.position == NoPosition(reason="no_receiver")
                   for one in kept)  # fmt: skip


@pytest.mark.policy("C-5b")
def test_a_read_that_must_not_leave_the_unit_is_shown_and_takes_no_sequence(
    tmp_path: Path, engine: PlateEngine
) -> None:
    plates = write_pictures(tmp_path / "pictures", 3)
    listed = tmp_path / "hotlist.csv"
    listed.write_text(f"plate\n{plates[1]}\n", encoding="utf-8")
    own = tmp_path / "own.txt"
    own.write_text(plates[1], encoding="utf-8")
    own.chmod(0o600)
    rules = [FilterSettings(name="own", plates=own)]
    with unit(tmp_path, engine, [str(tmp_path / "pictures")], listed, rules) as (daemon, recorder):
        run_to_the_end(daemon)
        console = recorder.console
        assert isinstance(console, RecordingConsole)
        assert [read.plate for read in console.shown] == plates
        assert [len(read.hits) for read in console.shown] == [0, 1, 0]
        records = stored(recorder.spool)
        assert [record.seq for record in records] == [1, 2]  # type: ignore[attr-defined]
        assert [record.plate for record in records] == [plates[0], plates[2]]  # type: ignore[attr-defined]
        assert recorder.spool.counts().pictures_waiting == 4
        assert recorder.spool.withheld().reads == {"own": 1}
        assert recorder.health.report().counters["reads_withheld"] == 1


def test_a_failed_inference_is_no_empty_street(tmp_path: Path, engine: PlateEngine) -> None:
    pictures = tmp_path / "pictures"
    plates = write_pictures(pictures, 3)
    for number in (0, 1):
        image = cv2.imread(str(pictures / f"00{number}.png"))
        assert image is not None
        image[0, 0] = (0, 0, 255)
        cv2.imwrite(str(pictures / f"00{number}.png"), image)
    with unit(tmp_path, engine, [str(pictures)]) as (daemon, recorder):
        run_to_the_end(daemon)
        summary = daemon.summary()
        assert (summary.frames, summary.inference_failures, summary.reads) == (3, 2, 1)
        malfunction, read = stored(recorder.spool)
        assert isinstance(malfunction, Malfunction)
        assert malfunction.component == "model"
        assert isinstance(read, Read)
        assert read.plate == plates[2]


def test_a_run_until_delivered_that_is_stopped_still_waits_for_receipts(
    tmp_path: Path, engine: PlateEngine
) -> None:
    write_pictures(tmp_path / "pictures", 8)
    with unit(tmp_path, engine, [str(tmp_path / "pictures")]) as (daemon, _):
        with running(daemon, until_delivered=True, patience_s=300) as thread:
            until(lambda: daemon.summary().reads == 1)
            daemon.stop()
            until(lambda: not any(t.name.startswith("camera-") for t in threading.enumerate()))
            assert daemon.summary().reads < 8
            assert thread.is_alive()
        assert not thread.is_alive()


def test_one_run_does_not_wait_for_a_camera_that_is_not_there(
    tmp_path: Path, engine: PlateEngine
) -> None:
    with unit(tmp_path, engine, [str(tmp_path / "nowhere")]) as (daemon, _):
        run_to_the_end(daemon)
        assert daemon.summary().cameras_failed == 1
        assert not daemon.summary().complete


def test_a_run_whose_hot_list_was_refused_or_is_missing_is_not_complete(
    tmp_path: Path, engine: PlateEngine
) -> None:
    empty, listed = tmp_path / "pictures", tmp_path / "hotlist.csv"
    empty.mkdir()
    for content, missing in ((None, 1), ("plate\n=1\n=2\n", 1), ("plate\n1ABC23\n", 0)):
        if content is not None:
            listed.write_text(content, encoding="utf-8")
        with unit(tmp_path, engine, [str(empty)], listed) as (daemon, _):
            run_to_the_end(daemon)
            summary = daemon.summary()
            assert summary.hotlists_missing == missing
            whole = replace(summary, cameras_failed=0, waiting=0, pictures_waiting=0)
            assert whole.complete is (missing == 0)


@pytest.mark.policy("M-D1")
def test_the_status_shows_lists_and_says_which_are_stale(
    tmp_path: Path, engine: PlateEngine
) -> None:
    plates = write_pictures(tmp_path / "pictures", 1)
    listed = tmp_path / "list.csv"
    listed.write_text(f"plate,kind\n{plates[0]},stolen_vehicle\n")
    two_days_ago = time.time() - 2 * 86_400
    os.utime(listed, (two_days_ago, two_days_ago))
    with unit(tmp_path, engine, [str(tmp_path / "pictures")], listed) as (daemon, recorder):
        run_to_the_end(daemon)
        status = json.loads((tmp_path / "status.json").read_text())
        assert status["counters"]["hits"] == 1
        assert status["hotlists"][0]["stale"] is True
        assert "update it" in status["troubles"]["age of hot list state-hotfile"]["sentence"]
        read, _hit = stored(recorder.spool)
        assert isinstance(read, Read)
        assert read.hits[0].list_stale
        assert plates[0] not in (tmp_path / "status.json").read_text()


def test_a_recording_waits_for_a_hot_list_however_long_it_takes_to_build(
    tmp_path: Path, engine: PlateEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.daemon.LISTS_FIRST_S", 0.05)
    plates = write_pictures(tmp_path / "pictures", 1)
    listed = tmp_path / "list.csv"
    listed.write_text(f"plate,kind\n{plates[0]},stolen_vehicle\n")
    with unit(tmp_path, engine, [str(tmp_path / "pictures")], listed) as (daemon, recorder):
        tend = recorder.hotlists.tend

        def tend_slowly() -> list[Outcome]:
            time.sleep(1.5)
            return tend()

        monkeypatch.setattr(recorder.hotlists, "tend", tend_slowly)
        run_to_the_end(daemon)
        assert daemon.summary().hits == 1
