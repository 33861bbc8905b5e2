"""The daemon says every fault once, with what to do, and goes on where it can."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.contract.batch import MAX_PICTURE_BYTES
from edge.contract.records import Malfunction, Read
from edge.daemon import Daemon, DaemonError
from edge.health.status import read_status
from edge.position.clock import UnitClock
from edge.spool.errors import FullDiskError
from edge.supervision.supervisor import RESTARTS
from edge.vision.encode import EncodedPicture, encode_scene
from edge.vision.engine import PlateEngine
from edge.vision.frames import Frame
from edge.vision.tracker import Tracker
from edge.watch import Camera
from tests.edge.daemon_parts import run_to_the_end, running, stored, unit
from tests.street import write_pictures
from tests.waiting import until


@pytest.mark.policy("M-D4")
def test_a_camera_that_is_not_there_is_reported_once_and_found_when_it_comes(
    tmp_path: Path, engine: PlateEngine
) -> None:
    later = tmp_path / "later"
    here = tmp_path / "here"
    plates = write_pictures(here, 1)
    with unit(tmp_path, engine, [str(later), str(here)]) as (daemon, recorder):
        with running(daemon):
            until(lambda: "camera camera-0" in recorder.health.report().troubles)
            assert "does not exist" in recorder.health.report().troubles["camera camera-0"]
            until(lambda: daemon.summary().reads == 1)
            (tmp_path / "here").rename(later)
            until(lambda: daemon.summary().reads == 2)
        assert "camera camera-0" not in recorder.health.report().troubles
        kept = stored(recorder.spool)
        assert sum(isinstance(one, Malfunction) for one in kept) == 1
        assert [one.plate for one in kept if isinstance(one, Read)] == plates * 2


def test_a_recording_that_breaks_is_reported_and_never_read_twice(
    tmp_path: Path, engine: PlateEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    plates = write_pictures(tmp_path / "pictures", 3)
    encoded: list[int] = []

    def encode(image: NDArray[np.uint8]) -> EncodedPicture:
        encoded.append(1)
        return 1 / 0 if len(encoded) == 2 else encode_scene(image)  # type: ignore[return-value]

    monkeypatch.setattr("edge.recording.pass_drafts.encode_scene", encode)
    with unit(tmp_path, engine, [str(tmp_path / "pictures")]) as (daemon, recorder):
        run_to_the_end(daemon)
        assert daemon.summary().cameras_failed == 1
        assert "ZeroDivisionError" in recorder.health.report().troubles["camera camera-0"]
        kept = stored(recorder.spool)
        assert [one.plate for one in kept if isinstance(one, Read)] == plates[:1]
    # The next run goes on where this one broke off.
    with unit(tmp_path, engine, [str(tmp_path / "pictures")]) as (daemon, recorder):
        run_to_the_end(daemon)
        kept = stored(recorder.spool)
        assert [one.plate for one in kept if isinstance(one, Read)] == plates
        assert daemon.summary().cameras_failed == 0


class SilentCamera:
    """A camera that shows one picture and then nothing, for ever."""

    live = True
    dropped = 0
    unreadable = 0
    gone: str | None = None

    def __init__(self, picture: Path, clock: UnitClock) -> None:
        self._picture = picture
        self._clock = clock

    def frames(self) -> Iterator[Frame | None]:
        image = np.asarray(cv2.imread(str(self._picture)), dtype=np.uint8)
        for index in range(3):
            yield Frame("c", index, self._clock.instant(), image, "camera", standalone=False)
        self.gone = "camera c: the cable is out"
        while True:
            time.sleep(0.01)
            yield None

    def close(self) -> None:
        pass


def test_a_camera_that_goes_silent_holds_nothing_back_and_lets_the_daemon_stop(
    tmp_path: Path, engine: PlateEngine
) -> None:
    (plate,) = write_pictures(tmp_path / "pictures", 1)
    with unit(tmp_path, engine, []) as (_, recorder):
        camera = Camera(
            name="c",
            source="device:9",
            open=lambda _after: SilentCamera(tmp_path / "pictures" / "000.png", recorder.clock),
            tracker=partial(Tracker, lost_after_s=3.0),
            engine=engine,
        )
        daemon = Daemon([camera], recorder, None, tmp_path / "status.json")
        with running(daemon) as thread:
            until(lambda: "camera c" in recorder.health.report().troubles)
            assert recorder.health.report().troubles["camera c"] == "camera c: the cable is out"
            until(lambda: daemon.summary().reads == 1)
        assert not thread.is_alive()
        malfunction, read = stored(recorder.spool)
        assert isinstance(malfunction, Malfunction)
        assert isinstance(read, Read)
        assert read.plate == plate


def test_an_uplink_that_broke_is_made_anew_while_plates_are_read(
    tmp_path: Path, engine: PlateEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.daemon.UPLINK_LOOK_EVERY_S", 0.05)
    monkeypatch.setattr("edge.supervision.supervisor.FIRST_WAIT_S", 0.05)
    later = tmp_path / "later"
    write_pictures(tmp_path / "pictures", 1)
    with unit(tmp_path, engine, [str(later)]) as (daemon, recorder):
        with running(daemon):
            until(recorder.uplink.is_alive)
            recorder.uplink.stop()
            until(lambda: "part uplink-keeper" in recorder.health.report().troubles)
            until(recorder.uplink.is_alive)
            (tmp_path / "pictures").rename(later)
            until(lambda: daemon.summary().reads == 1)
        assert recorder.health.report().counters["restarts"] == 1
        assert not recorder.uplink.is_alive()


def test_a_fault_that_nobody_foresaw_ends_the_daemon_after_its_restarts(
    tmp_path: Path, engine: PlateEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pictures(tmp_path / "pictures", 1)
    monkeypatch.setattr("edge.supervision.supervisor.FIRST_WAIT_S", 0.01)
    monkeypatch.setattr("edge.vision.capture.PictureSource.live", True)
    monkeypatch.setattr("edge.recording.pass_drafts.draft", lambda *_, **__: 1 / 0)
    with unit(tmp_path, engine, [str(tmp_path / "pictures")]) as (daemon, recorder):
        with pytest.raises(DaemonError, match="camera-0 failed 6 times, last with ZeroDivision"):
            daemon.run()
        assert recorder.health.report().counters["restarts"] == RESTARTS


def test_a_disk_that_is_full_for_a_while_costs_no_read(
    tmp_path: Path, engine: PlateEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    plates = write_pictures(tmp_path / "pictures", 2)
    with unit(tmp_path, engine, [str(tmp_path / "pictures")]) as (daemon, recorder):
        monkeypatch.setattr(recorder.spool, "_free_bytes", lambda: 0)
        with running(daemon, until_delivered=True, patience_s=300):
            until(lambda: "spool" in recorder.health.report().troubles)
            assert recorder.spool.counts().spooled == 0
            monkeypatch.undo()
            until(lambda: daemon.summary().reads == 2)
        assert "spool" not in recorder.health.report().troubles
        assert [one.plate for one in stored(recorder.spool) if isinstance(one, Read)] == plates


def test_a_disk_that_refuses_for_longer_than_patience_ends_a_run_until_delivered(
    tmp_path: Path, engine: PlateEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pictures(tmp_path / "pictures", 2)
    with unit(tmp_path, engine, [str(tmp_path / "pictures")]) as (daemon, recorder):
        monkeypatch.setattr(recorder.spool, "_free_bytes", lambda: 0)
        with running(daemon, until_delivered=True, patience_s=1.0) as thread:
            thread.join(30)
            assert not thread.is_alive()
        assert not daemon.summary().complete
        assert "records not stored" in recorder.health.report().troubles


def test_a_record_that_the_contract_does_not_admit_is_reported_and_the_next_one_kept(
    tmp_path: Path, engine: PlateEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    plates = write_pictures(tmp_path / "pictures", 2)
    monkeypatch.setattr("edge.recording.pass_drafts.encode_scene", first_one_too_large())
    with unit(tmp_path, engine, [str(tmp_path / "pictures")]) as (daemon, recorder):
        run_to_the_end(daemon)
        malfunction, read = stored(recorder.spool)
        assert isinstance(malfunction, Malfunction)
        assert isinstance(read, Read)
        assert read.plate == plates[1]
        assert recorder.health.report().counters["records_unfit"] == 1


def test_a_status_that_cannot_be_written_is_a_trouble_and_holds_nothing_up(
    tmp_path: Path, engine: PlateEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.housekeeping.EVERY_S", 0.05)
    plates = write_pictures(tmp_path / "pictures", 1)
    in_the_way = tmp_path / "status.new"
    in_the_way.mkdir()
    with unit(tmp_path, engine, [str(tmp_path / "pictures")]) as (daemon, recorder):
        with running(daemon):
            until(lambda: "status file" in recorder.health.report().troubles)
            until(lambda: daemon.summary().reads == 1)
            in_the_way.rmdir()
            until(lambda: "status file" not in recorder.health.report().troubles)
        assert [one.plate for one in stored(recorder.spool) if isinstance(one, Read)] == plates
    status, _ = read_status(tmp_path / "status.json")
    assert status.stopped
    assert status.counters["recoveries"] >= 1
    assert status.reached["first_read_s"] >= status.reached["first_frame_s"]


def first_one_too_large() -> Callable[[NDArray[np.uint8]], EncodedPicture]:
    encoded: list[EncodedPicture] = []

    def encode(image: NDArray[np.uint8]) -> EncodedPicture:
        fit = encode_scene(image)
        too_large = EncodedPicture(fit.jpeg + b"\0" * MAX_PICTURE_BYTES, fit.width, fit.height)
        encoded.append(too_large if not encoded else fit)
        return encoded[-1]

    return encode


def test_nothing_is_captured_before_what_rang_for_a_dead_daemon_is_stored(
    tmp_path: Path, engine: PlateEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pictures(tmp_path / "pictures", 1)
    refused: list[int] = []
    monkeypatch.setattr("edge.daemon.SETTLE_EVERY_S", 0.05)
    with unit(tmp_path, engine, [str(tmp_path / "pictures")]) as (daemon, recorder):
        settle = recorder.spool.settle

        def refuse_twice() -> int:
            refused.append(recorder.spool.counts().spooled)
            if len(refused) < 3:
                assert len(refused) < 2 or "spool" in recorder.health.report().troubles
                raise FullDiskError("the spool is full")
            return settle()

        monkeypatch.setattr(recorder.spool, "settle", refuse_twice)
        run_to_the_end(daemon)
        assert recorder.spool.counts().spooled > 0
    assert refused == [0, 0, 0]
    assert "spool" not in recorder.health.report().troubles
