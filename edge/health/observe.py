"""Asks every part of the running daemon how it is, and puts the answers into one status."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime

from edge.contract.records import FixedSite, GpsFix, Position
from edge.errors import EdgeError
from edge.health.health import CameraHealth, HealthReport
from edge.health.process import process_fact
from edge.health.status import (
    CameraFact,
    ClockFact,
    DiskFact,
    DurationFact,
    HotlistFact,
    PartFact,
    PositionFact,
    SpoolFact,
    Status,
    TroubleFact,
    UplinkFact,
)
from edge.hotfile.match import Hotlist
from edge.recording.recorder import Recorder
from edge.supervision.supervisor import PartState


class Observer:
    """Makes the status of a daemon; safe to use from any thread.

    A part that cannot answer, as a spool on a disk that is gone, leaves its facts out: what is
    wrong with it stands among the troubles.
    """

    def __init__(self, recorder: Recorder, parts: Callable[[], Sequence[PartState]]) -> None:
        self._recorder = recorder
        self._parts = parts

    def status(self, *, stopped: bool = False) -> Status:
        """How the unit is now."""
        recorder = self._recorder
        report = recorder.health.report()
        uplink = recorder.uplink.counts()
        clock = recorder.clock.state()
        return Status(
            at=report.at,
            started_at=report.started_at,
            agency=recorder.identity.agency,
            unit=recorder.identity.unit,
            software=recorder.identity.engine.software,
            stopped=stopped,
            troubles=_troubles(report),
            cameras=[_camera(name, one) for name, one in report.cameras.items()],
            hotlists=[_hotlist(one, report.at) for one in recorder.hotlists.current.lists],
            position=_position(recorder.position.at(recorder.clock.now_s())),
            clock=ClockFact(source=clock.source, error_ms=clock.error_ms),
            disk=self._disk(),
            spool=self._spool(uplink.oldest_waiting_at, report.at),
            uplink=UplinkFact(
                connected=uplink.connected,
                uploading=uplink.uploading,
                metered=uplink.metered,
                counts={**asdict(uplink.session), "receipts_dropped": uplink.receipts_dropped},
            ),
            parts={
                one.name: PartFact(runs=one.runs, restarts=one.restarts) for one in self._parts()
            },
            reached=dict(report.reached),
            durations={
                what: DurationFact(count=one.count, p50_ms=one.p50_ms, p95_ms=one.p95_ms)
                for what, one in report.durations.items()
            },
            counters=dict(report.counters),
            process=process_fact(),
        )

    def _disk(self) -> DiskFact | None:
        try:
            usage = shutil.disk_usage(self._recorder.spool.folder)
        except OSError:
            return None
        return DiskFact(free_bytes=usage.free, total_bytes=usage.total)

    def _spool(self, oldest_waiting_at: datetime | None, now: datetime) -> SpoolFact | None:
        try:
            counts = self._recorder.spool.counts()
            withheld = self._recorder.spool.withheld()
        except EdgeError:
            return None
        oldest_s = None if oldest_waiting_at is None else (now - oldest_waiting_at).total_seconds()
        return SpoolFact(
            spooled=counts.spooled,
            receipted=counts.receipted,
            refused=counts.refused,
            lost=counts.lost,
            waiting=counts.waiting,
            hits_waiting=counts.hits_waiting,
            pictures_waiting=counts.pictures_waiting,
            pictures_gave_way=counts.gave_way,
            withheld_kept=withheld.kept,
            withheld=dict(withheld.reads),
            oldest_waiting_s=_tenths(oldest_s),
        )


def _troubles(report: HealthReport) -> dict[str, TroubleFact]:
    return {
        part: TroubleFact(sentence=sentence, since=report.since[part])
        for part, sentence in report.troubles.items()
    }


def _camera(name: str, one: CameraHealth) -> CameraFact:
    return CameraFact(
        name=name,
        frames_per_s=one.frames_per_s,
        last_frame_s=_tenths(one.last_frame_s),
        last_read_s=_tenths(one.last_read_s),
        counters=dict(one.counters),
    )


def _hotlist(one: Hotlist, now: datetime) -> HotlistFact:
    return HotlistFact(
        name=one.name,
        version=one.version,
        source=one.source,
        issued_at=one.issued_at,
        age_s=round((now - one.issued_at).total_seconds(), 1),
        entries=one.entries,
        stale=one.stale(now),
    )


def _position(position: Position) -> PositionFact:
    match position:
        case GpsFix(quality=quality, satellites=satellites, age_ms=age_ms):
            return PositionFact(
                state="fix", quality=quality, satellites=satellites, age_s=age_ms / 1000
            )
        case FixedSite():
            return PositionFact(state="site")
        case _:
            return PositionFact(state=position.reason)


def _tenths(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)
