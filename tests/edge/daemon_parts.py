"""A daemon over recorded pictures, a real spool and a broker that nobody runs."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from numpy.typing import NDArray

from edge.console.alerts import Told
from edge.contract.plates import load_confusables
from edge.contract.records import Engine, Hit, Read, decode_record
from edge.daemon import Daemon
from edge.health.health import Health
from edge.hotfile.build import build_here
from edge.hotfile.folder import HotlistFolder
from edge.hotfile.keys import hotfile_key
from edge.hotfile.open import HotlistFiles
from edge.hotfile.settings import HotlistSource, MatchRule
from edge.pipeline import Identity
from edge.position.clock import UnitClock
from edge.position.source import NoReceiver
from edge.recording.recorder import Recorder
from edge.spool.store import Spool
from edge.uplink.filter_settings import FilterSettings
from edge.uplink.kept_uplink import KeptUplink
from edge.uplink.mqtt import LinkSettings
from edge.uplink.uplink import Uplink
from edge.uplink.withholding import Withholding
from edge.vision.capture import open_source
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
from edge.vision.tracker import Tracker
from edge.watch import Camera
from tests.servers import free_port

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
