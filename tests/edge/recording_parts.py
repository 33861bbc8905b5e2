"""A recorder on a real spool and a real hot list, with a clock that a test sets."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.console.alerts import Told
from edge.contract.plates import load_confusables
from edge.contract.records import AnyRecord, Engine, Hit, Read, decode_record
from edge.health.health import Health
from edge.hotfile.build import build_here
from edge.hotfile.folder import HotlistFolder
from edge.hotfile.keys import hotfile_key
from edge.hotfile.local import LocalList
from edge.hotfile.open import HotlistFiles
from edge.hotfile.settings import HotlistSource, MatchRule
from edge.pipeline import Identity
from edge.position.clock import UnitClock
from edge.position.source import NoReceiver
from edge.recording.recorder import Recorder
from edge.spool.store import Spool
from edge.uplink.mqtt import LinkSettings
from edge.uplink.uplink import Uplink
from edge.uplink.withholding import Withholding
from edge.vision.detector import Detection
from edge.vision.engine import PlateObservation
from edge.vision.frames import Frame
from edge.vision.geometry import Box
from edge.vision.reader import CharacterReading, StateReading, plate_reading
from tests.edge.instants import instant
from tests.servers import free_port

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
SPOOL_KEY = b"s" * 32
IDENTITY = Identity("ma-northampton", "car-12", Engine(software="plateward test", models=()))
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LISTED = "7KLM915"
ALSO_LISTED = "5RTZ208"
LISTED_ROWS = tuple(f"{plate},MA,stolen_vehicle,1,," for plate in (LISTED, ALSO_LISTED))


@dataclass
class Shown:
    """A console that remembers what it was given, and what was durable by then."""

    spool: Spool
    alerts: list[tuple[Read, tuple[Hit, ...]]] = field(default_factory=list)
    reads: list[tuple[Read, tuple[Hit, ...], Told]] = field(default_factory=list)
    spooled_by_alert: list[int] = field(default_factory=list)

    def alert(self, read: Read, hits: tuple[Hit, ...], frame: Frame, box: Box) -> None:
        self.spooled_by_alert.append(self.spool.counts().spooled)
        self.alerts.append((read, hits))

    def show(self, read: Read, hits: tuple[Hit, ...], frame: Frame, box: Box, told: Told) -> None:
        self.reads.append((read, hits, told))


@contextmanager
def recording(
    folder: Path,
    now: Sequence[datetime],
    *,
    settle: int | None = 0,
    steady_s: Callable[[], float] | None = None,
    rows: Sequence[str] = LISTED_ROWS,
    own: LocalList | None = None,
) -> Iterator[Recorder]:
    """A recorder on the folder's spool, whose time of day is the last of ``now``.

    ``steady_s`` is the clock that never steps, by default in step with the time of day.

    ``settle`` is how many provisional reads a dead daemon left there; None for any number.
    ``rows`` are the list's lines behind its first, ``own`` is the unit's own list.
    """
    clock = UnitClock(
        system=lambda: now[-1],
        monotonic_s=steady_s or (lambda: now[-1].timestamp()),
        service_error_ms=lambda: None,
    )
    source = folder / "listed.csv"
    source.write_text("\n".join(["plate,state,kind,priority,note,entry", *rows]) + "\n")
    lists = HotlistFiles(
        [HotlistSource(name="state-hotfile", path=source)],
        HotlistFolder(folder / "hotlists", hotfile_key(SPOOL_KEY), load_confusables()),
        MatchRule(),
        builder=build_here,
        own=own,
    )
    lists.tend()
    lists.poll()
    assert lists.complete
    with Spool.open(
        folder / "spool", SPOOL_KEY, agency=IDENTITY.agency, unit=IDENTITY.unit
    ) as spool:
        settled = spool.settle()
        assert settle is None or settled == settle
        uplink = Uplink(
            spool,
            KEY,
            KEY.public_key(),
            LinkSettings(host="127.0.0.1", port=free_port()),
            software="plateward test",
            on_problem=lambda of, sentence: None,
            on_refusal=lambda refused: None,
        )
        yield Recorder(
            identity=IDENTITY,
            hotlists=lists,
            position=NoReceiver(),
            clock=clock,
            spool=spool,
            withholding=Withholding(
                (), load_confusables(), spool, monotonic_s=time.monotonic, now=clock.now,
                on_problem=lambda sentence: None,
            ),
            uplink=uplink,
            console=Shown(spool),
            health=Health(),
            random_bytes=os.urandom,
            give_up=threading.Event(),
        )  # fmt: skip


def stored(spool: Spool) -> list[AnyRecord]:
    """Every record of the spool, in order."""
    batches = [*spool.unreceipted_batches(1000)]
    while sealed := spool.seal(KEY):
        batches.append(sealed)
    return [decode_record(bytes(raw)) for batch in batches for raw in batch.records]


def frame(seconds: float, index: int = 0) -> Frame:
    """A frame so many seconds after START."""
    at = START + timedelta(seconds=seconds)
    image = np.full((360, 640, 3), 90, np.uint8)
    return Frame("front", index, instant(at), image, "street", standalone=False)


def plate(text: str, x: int = 100, confidence: float = 0.99, width: int = 80) -> PlateObservation:
    """A plate as an engine reports it."""
    box = Box(x, 100, width, width // 2)
    characters = tuple(CharacterReading(((glyph, confidence),)) for glyph in text)
    reading = plate_reading(characters, StateReading("MA", 0.9, (("MA", 0.9),)))
    crop = np.full((width // 2, width, 3), 200, np.uint8)
    crop[:, ::4] = 20
    return PlateObservation(Detection(box, 0.9, None), box, reading, crop)
