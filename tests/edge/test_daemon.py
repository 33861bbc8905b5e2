"""The daemon loses nothing it captured, and says every fault once, with what to do."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from numpy.typing import NDArray

from edge.console.alerts import Told
from edge.contract.batch import MAX_PICTURE_BYTES
from edge.contract.plates import load_confusables, load_formats
from edge.contract.records import Engine, Hit, Malfunction, NoPosition, Read, decode_record
from edge.daemon import Daemon, DaemonError
from edge.health.health import Health
from edge.health.status import read_status
from edge.hotfile.build import build_here
from edge.hotfile.folder import HotlistFolder
from edge.hotfile.keys import hotfile_key
from edge.hotfile.open import HotlistFiles, Outcome
from edge.hotfile.settings import HotlistSource, MatchRule
from edge.pipeline import Identity
from edge.position.clock import UnitClock
from edge.position.source import NoReceiver
from edge.recording.recorder import Recorder
from edge.spool.errors import FullDiskError
from edge.spool.store import Spool
from edge.supervision.supervisor import RESTARTS
from edge.uplink.filter_settings import FilterSettings
from edge.uplink.kept_uplink import KeptUplink
from edge.uplink.mqtt import LinkSettings
from edge.uplink.uplink import Uplink
from edge.uplink.withholding import Withholding
from edge.vision.build import build_parts
from edge.vision.capture import open_source
from edge.vision.encode import EncodedPicture, encode_scene
from edge.vision.engine import (
    KnownState,
    PlateEngine,
    PlateObservation,
    TimeLeft,
    no_hurry,
    nothing_known,
)
from edge.vision.errors import VisionError
from edge.vision.frames import Frame, FrameSource
from edge.vision.geometry import Box
from edge.vision.settings import EngineSettings
from edge.vision.tracker import Tracker
from edge.watch import Camera
from tests.servers import free_port
from tests.street import write_pictures

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
IDENTITY = Identity("ma-northampton", "car-12", Engine(software="plateward test", models=()))


class FailingEngine(PlateEngine):
    """The real engine, but for pictures whose first pixel is pure red: on those it fails."""

    def __init__(self, real: PlateEngine) -> None:
        self._real = real
        self.digests = real.digests

    def read_frame(
        self,
        image: NDArray[np.uint8],
        known: KnownState = nothing_known,
        time_left: TimeLeft = no_hurry,
    ) -> tuple[PlateObservation, ...]:
        if tuple(image[0, 0]) == (0, 0, 255):
            raise VisionError("model reader failed on a picture")
        return self._real.read_frame(image, known, time_left)


@dataclass
class RecordingConsole:
    """Remembers what was shown, and whether the spool had it by then."""

    spool: Spool
    shown: list[Read] = field(default_factory=list)
    spooled_by_then: list[int] = field(default_factory=list)

    def alert(self, read: Read, hits: tuple[Hit, ...], frame: Frame, box: Box) -> None:
        assert hits, "an alert without a hit"

    def show(self, read: Read, hits: tuple[Hit, ...], frame: Frame, box: Box, told: Told) -> None:
        self.shown.append(read)
        self.spooled_by_then.append(self.spool.counts().spooled)


@pytest.fixture(scope="session")
def engine() -> PlateEngine:
    return FailingEngine(PlateEngine(build_parts(EngineSettings(threads=1)), load_formats()))


def open_camera(source: str, name: str, clock: UnitClock, after: str | None) -> FrameSource:
    return open_source(source, name, clock.instant, lambda sentence: None, after)


@contextmanager
def unit(
    folder: Path,
    engine: PlateEngine,
    sources: Sequence[str],
    hotlist: Path | None = None,
    filters: Sequence[FilterSettings] = (),
) -> Iterator[tuple[Daemon, Recorder]]:
    clock = UnitClock(
        system=lambda: datetime.now(UTC), monotonic_s=time.monotonic, service_error_ms=lambda: None
    )
    lists = [HotlistSource(name="state-hotfile", path=hotlist)] if hotlist else []
    with Spool.open(
        folder / "spool", b"s" * 32, agency=IDENTITY.agency, unit=IDENTITY.unit
    ) as spool:

        def make_uplink() -> Uplink:
            return Uplink(
                spool,
                KEY,
                KEY.public_key(),
                LinkSettings(host="127.0.0.1", port=free_port()),
                software="plateward test",
                on_problem=lambda of, sentence: None,
                on_refusal=lambda refused: None,
            )

        recorder = Recorder(
            identity=IDENTITY,
            hotlists=HotlistFiles(
                lists,
                HotlistFolder(folder / "hotlists", hotfile_key(b"s" * 32), load_confusables()),
                MatchRule(),
                builder=build_here,
            ),
            position=NoReceiver(),
            clock=clock,
            spool=spool,
            withholding=Withholding(
                filters,
                load_confusables(),
                spool,
                monotonic_s=time.monotonic,
                now=clock.now,
                on_problem=lambda sentence: None,
            ),
            uplink=KeptUplink(make_uplink),
            console=RecordingConsole(spool),
            health=Health(),
            random_bytes=os.urandom,
            give_up=threading.Event(),
        )
        cameras = [
            Camera(
                name=f"camera-{number}",
                source=source,
                open=partial(open_camera, source, f"camera-{number}", clock),
                tracker=Tracker,
                engine=engine,
            )
            for number, source in enumerate(sources)
        ]
        yield Daemon(cameras, recorder, None, folder / "status.json"), recorder


def stored(spool: Spool) -> list[object]:
    batches = [*spool.unreceipted_batches(100)]
    while sealed := spool.seal(KEY):
        batches.append(sealed)
    return [decode_record(bytes(raw)) for batch in batches for raw in batch.records]


def run_to_the_end(daemon: Daemon) -> None:
    """Nobody receipts here, so this ends when the sources do and patience runs out."""
    daemon.run(until_delivered=True, patience_s=0.2)


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


@pytest.mark.policy("M-D4")
def test_a_camera_that_is_not_there_is_reported_once_and_found_when_it_comes(
    tmp_path: Path, engine: PlateEngine
) -> None:
    later = tmp_path / "later"
    here = tmp_path / "here"
    plates = write_pictures(here, 1)
    with unit(tmp_path, engine, [str(later), str(here)]) as (daemon, recorder):
        with running(daemon):
            wait_for(lambda: "camera camera-0" in recorder.health.report().troubles)
            assert "does not exist" in recorder.health.report().troubles["camera camera-0"]
            wait_for(lambda: daemon.summary().reads == 1)
            (tmp_path / "here").rename(later)
            wait_for(lambda: daemon.summary().reads == 2)
        assert "camera camera-0" not in recorder.health.report().troubles
        kept = stored(recorder.spool)
        assert sum(isinstance(one, Malfunction) for one in kept) == 1
        assert [one.plate for one in kept if isinstance(one, Read)] == plates * 2


def test_a_run_until_delivered_that_is_stopped_still_waits_for_receipts(
    tmp_path: Path, engine: PlateEngine
) -> None:
    write_pictures(tmp_path / "pictures", 8)
    with unit(tmp_path, engine, [str(tmp_path / "pictures")]) as (daemon, _):
        with running(daemon, until_delivered=True, patience_s=300) as thread:
            wait_for(lambda: daemon.summary().reads == 1)
            daemon.stop()
            wait_for(lambda: not any(t.name.startswith("camera-") for t in threading.enumerate()))
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
            wait_for(lambda: "camera c" in recorder.health.report().troubles)
            assert recorder.health.report().troubles["camera c"] == "camera c: the cable is out"
            wait_for(lambda: daemon.summary().reads == 1)
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
            wait_for(recorder.uplink.is_alive)
            recorder.uplink.stop()
            wait_for(lambda: "part uplink-keeper" in recorder.health.report().troubles)
            wait_for(recorder.uplink.is_alive)
            (tmp_path / "pictures").rename(later)
            wait_for(lambda: daemon.summary().reads == 1)
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
            wait_for(lambda: "spool" in recorder.health.report().troubles)
            assert recorder.spool.counts().spooled == 0
            monkeypatch.undo()
            wait_for(lambda: daemon.summary().reads == 2)
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


def test_a_status_that_cannot_be_written_is_a_trouble_and_holds_nothing_up(
    tmp_path: Path, engine: PlateEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.housekeeping.EVERY_S", 0.05)
    plates = write_pictures(tmp_path / "pictures", 1)
    in_the_way = tmp_path / "status.new"
    in_the_way.mkdir()
    with unit(tmp_path, engine, [str(tmp_path / "pictures")]) as (daemon, recorder):
        with running(daemon):
            wait_for(lambda: "status file" in recorder.health.report().troubles)
            wait_for(lambda: daemon.summary().reads == 1)
            in_the_way.rmdir()
            wait_for(lambda: "status file" not in recorder.health.report().troubles)
        assert [one.plate for one in stored(recorder.spool) if isinstance(one, Read)] == plates
    status, _ = read_status(tmp_path / "status.json")
    assert status.stopped
    assert status.counters["recoveries"] >= 1
    assert status.reached["first_read_s"] >= status.reached["first_frame_s"]


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


def first_one_too_large() -> Callable[[NDArray[np.uint8]], EncodedPicture]:
    encoded: list[EncodedPicture] = []

    def encode(image: NDArray[np.uint8]) -> EncodedPicture:
        fit = encode_scene(image)
        too_large = EncodedPicture(fit.jpeg + b"\0" * MAX_PICTURE_BYTES, fit.width, fit.height)
        encoded.append(too_large if not encoded else fit)
        return encoded[-1]

    return encode


@contextmanager
def running(daemon: Daemon, **options: Any) -> Iterator[threading.Thread]:
    """The daemon in a thread of its own, ended with the context whatever the test finds."""
    thread = threading.Thread(target=daemon.run, kwargs=options, daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        daemon.stop()
        daemon.stop()
        thread.join(60)


def wait_for(happened: object) -> None:
    deadline = time.monotonic() + 60
    while not happened():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


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
