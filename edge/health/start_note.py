"""The note that the daemon runs: written before its models load, cleared by an end that it meets.

It is a status that says nothing yet. Of a daemon that is killed, a status without its end stays,
for the next daemon to say so, however short the life was.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from edge.health.health import HealthReport
from edge.health.process import process_fact
from edge.health.status import (
    ClockFact,
    PositionFact,
    Status,
    StatusError,
    UplinkFact,
    read_status,
    write_status,
)


@contextmanager
def noting_start(path: Path, note: Status) -> Iterator[bool]:
    """Keep a note in the status file; gives whether the daemon before ended without being told to.

    It is for who holds the spool alone: another daemon's status is not to be written over. Once the
    daemon writes a status of its own, that says how it ends. A disk that refuses the note keeps no
    daemon from its start.
    """
    ended_unclean = _was_left(path)
    with contextlib.suppress(StatusError):
        write_status(path, note, lasting=True)
    try:
        yield ended_unclean
    finally:
        with contextlib.suppress(StatusError):
            if read_status(path)[0] == note:
                write_status(path, msgspec.structs.replace(note, stopped=True), lasting=True)


def start_note(agency: str, unit: str, software: str, report: HealthReport) -> Status:
    """What a daemon can say while its parts are being built."""
    return Status(
        at=report.at,
        started_at=report.started_at,
        agency=agency,
        unit=unit,
        software=software,
        starting=True,
        troubles={},
        cameras=[],
        hotlists=[],
        position=PositionFact(state="no_receiver"),
        clock=ClockFact(source="unset", error_ms=None),
        disk=None,
        spool=None,
        uplink=UplinkFact(connected=False, counts={}),
        parts={},
        reached={},
        durations={},
        counters=dict(report.counters),
        process=process_fact(),
    )


def _was_left(path: Path) -> bool:
    """Whether a daemon wrote the file and did not end as it should."""
    try:
        before, _ = read_status(path)
    except StatusError:
        return False
    return not before.stopped
