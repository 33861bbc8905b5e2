"""What the daemon says of itself: the file that ``alpr-edge status`` shows, and its writing.

The same facts serve the metrics, so that nothing is counted twice. Never a plate, a place or a
key: the file may be read by whoever looks after the unit.
"""

from __future__ import annotations

import errno
import os
from datetime import datetime
from pathlib import Path

import msgspec

from edge.errors import EdgeError

STATUS_FILE = "status.json"
STALE_AFTER_S = 15.0
"""The daemon writes every two seconds: a file older than this is of a daemon that runs no more."""

_ROOM_BYTES = 16 * 1024
"""A status fills so many bytes or a multiple, so that the next one fits in its place."""


class _Fact(msgspec.Struct, frozen=True, kw_only=True):
    """Facts that newer daemons may add to; an older command shows what it knows."""


class TroubleFact(_Fact, frozen=True, kw_only=True):
    """What does not work, and since when."""

    sentence: str
    since: datetime


class CameraFact(_Fact, frozen=True, kw_only=True):
    """A camera: frames a second, and how long ago the last frame and the last read were."""

    name: str
    frames_per_s: float
    last_frame_s: float | None
    last_read_s: float | None
    counters: dict[str, int]


class HotlistFact(_Fact, frozen=True, kw_only=True):
    """A hot list in use."""

    name: str
    version: str
    source: str
    issued_at: datetime
    age_s: float
    entries: int
    stale: bool


class PositionFact(_Fact, frozen=True, kw_only=True):
    """How well the unit knows where it is, not where.

    ``state`` is fix, site or the reason why there is neither.
    """

    state: str
    quality: str | None = None
    satellites: int | None = None
    age_s: float | None = None


class ClockFact(_Fact, frozen=True, kw_only=True):
    """What the unit's time rests on."""

    source: str
    error_ms: float | None


class DiskFact(_Fact, frozen=True, kw_only=True):
    """The disk of the unit's data."""

    free_bytes: int
    total_bytes: int


class SpoolFact(_Fact, frozen=True, kw_only=True):
    """What the repository has yet to receipt, and totals over all time.

    ``lost`` records were destroyed by damage, ``pictures_gave_way`` for want of room.
    ``withheld`` counts the reads that a rule kept on the unit, by rule, of which it has
    ``withheld_kept`` still.
    """

    spooled: int
    receipted: int
    refused: int
    lost: int = 0
    waiting: int
    hits_waiting: int
    pictures_waiting: int
    pictures_gave_way: int = 0
    withheld_kept: int = 0
    withheld: dict[str, int] = {}
    oldest_waiting_s: float | None = None


class UplinkFact(_Fact, frozen=True, kw_only=True):
    """The way to the repository: whether records may go now, and whether the link costs.

    ``counts`` is what was sent, received and lost on the way since the start.
    """

    connected: bool
    uploading: bool = True
    metered: bool = False
    counts: dict[str, int]


class PartFact(_Fact, frozen=True, kw_only=True):
    """A thread of the daemon."""

    runs: bool
    restarts: int


class DurationFact(_Fact, frozen=True, kw_only=True):
    """How often something was timed, with median and 95th percentile of the last in ms."""

    count: int
    p50_ms: float
    p95_ms: float


class ProcessFact(_Fact, frozen=True, kw_only=True):
    """The daemon's process.

    ``started_ticks`` is when the kernel started it, as /proc tells: another process that was given
    the same number later has another.
    """

    pid: int
    started_ticks: int | None = None
    memory_bytes: int
    threads: int
    open_files: int


class Status(_Fact, frozen=True, kw_only=True):
    """How a unit is, at a moment of its own clock.

    One that is ``starting`` knows nothing of its parts yet: every other fact is empty.
    """

    at: datetime
    started_at: datetime
    agency: str
    unit: str
    software: str
    starting: bool = False
    stopped: bool = False
    troubles: dict[str, TroubleFact]
    cameras: list[CameraFact]
    hotlists: list[HotlistFact]
    position: PositionFact
    clock: ClockFact
    disk: DiskFact | None
    spool: SpoolFact | None
    uplink: UplinkFact
    parts: dict[str, PartFact]
    reached: dict[str, float]
    durations: dict[str, DurationFact]
    counters: dict[str, int]
    process: ProcessFact


class StatusError(EdgeError):
    """The status cannot be read or written; the text says why."""


def write_status(path: Path, status: Status, *, lasting: bool = False) -> None:
    """Replace the file, whole or not at all; one that is ``lasting`` outlives a power cut.

    On a full disk it is written into the room of the one before: it is the full disk that it tells.

    Raises:
        StatusError: if the file cannot be written.
    """
    fresh = path.with_suffix(".new")
    text = msgspec.json.format(msgspec.json.encode(status), indent=2)
    encoded = text + b" " * (-(len(text) + 1) % _ROOM_BYTES) + b"\n"
    try:
        try:
            _write(fresh, "wb", encoded, lasting=lasting)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            fresh.unlink(missing_ok=True)
            if path.stat().st_size != len(encoded):
                raise
            _write(path, "r+b", encoded, lasting=lasting)
            return
        fresh.replace(path)
        if lasting:
            folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
    except OSError as error:
        raise StatusError(
            f"{path}: the status cannot be written ({os.strerror(error.errno or 0)}): 'alpr-edge "
            "status' shows old facts; check that the disk lets this user write"
        ) from error


def _write(path: Path, mode: str, content: bytes, *, lasting: bool) -> None:
    with path.open(mode, buffering=0) as file:
        if file.write(content) != len(content):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if lasting:
            os.fsync(file.fileno())


def read_status(path: Path) -> tuple[Status, float]:
    """What the daemon last said, and the moment it was written, in seconds since the epoch.

    Raises:
        StatusError: if there is no such file, or it cannot be read.
    """
    try:
        text = path.read_bytes()
        written_s = path.stat().st_mtime
        return msgspec.json.decode(text, type=Status), written_s
    except FileNotFoundError as error:
        raise StatusError(
            f"{path}: the daemon has never run here: start it with 'systemctl start alpr-edge'; if "
            "it ends at once, 'alpr-edge doctor' says what is missing"
        ) from error
    except OSError as error:
        raise StatusError(
            f"{path}: the status cannot be read ({error.strerror}): run as the daemon's user"
        ) from error
    except msgspec.MsgspecError as error:
        raise StatusError(
            f"{path}: the status was written by another version: start the daemon anew"
        ) from error
