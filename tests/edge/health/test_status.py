"""The status says first what does not work, and never passes old facts off as new."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from edge.cli import main
from edge.health.process import process_fact, process_lives
from edge.health.status import (
    STALE_AFTER_S,
    CameraFact,
    ClockFact,
    DiskFact,
    DurationFact,
    HotlistFact,
    PartFact,
    PositionFact,
    ProcessFact,
    SpoolFact,
    Status,
    StatusError,
    TroubleFact,
    UplinkFact,
    read_status,
    write_status,
)
from edge.health.status_text import Standing, status_text
from tests.faults.faulty_world import SmallDisk

AT = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
SETTINGS = """
[unit]
agency = "northampton-pd"
name = "car-12"
data = "data"
[[cameras]]
name = "front"
source = "device:0"
[position]
kind = "none"
[uplink]
host = "127.0.0.1"
repository_public_key = "receipts.pub"
"""


def make(**changes: object) -> Status:
    """The status of a unit that is well."""
    said = Status(
        at=AT,
        started_at=AT - timedelta(days=3),
        agency="northampton-pd",
        unit="car-12",
        software="plateward 1",
        troubles={},
        cameras=[
            CameraFact(
                name="front",
                frames_per_s=9.8,
                last_frame_s=0.1,
                last_read_s=75.0,
                counters={"frames": 12_000, "reads": 300},
            )
        ],
        hotlists=[
            HotlistFact(
                name="state",
                version="ab12",
                source="repository",
                issued_at=AT - timedelta(hours=3),
                age_s=3 * 3600.0,
                entries=1_234_567,
                stale=False,
            )
        ],
        position=PositionFact(state="fix", quality="gps", satellites=9, age_s=0.4),
        clock=ClockFact(source="ntp", error_ms=12.0),
        disk=DiskFact(free_bytes=30 * 2**30, total_bytes=60 * 2**30),
        spool=SpoolFact(
            spooled=310,
            receipted=300,
            refused=0,
            waiting=10,
            hits_waiting=1,
            pictures_waiting=4,
            oldest_waiting_s=200.0,
        ),
        uplink=UplinkFact(connected=True, counts={"receipts": 3}),
        parts={"camera-front": PartFact(runs=True, restarts=0)},
        reached={"ready_s": 2.1, "first_frame_s": 2.4},
        durations={"frame_to_alert_ms": DurationFact(count=3, p50_ms=90.0, p95_ms=140.0)},
        counters={"frames": 12_000, "reads": 300},
        process=ProcessFact(pid=os.getpid(), memory_bytes=300 * 2**20, threads=12, open_files=40),
    )
    return msgspec.structs.replace(said, **changes)


def text_of(status: Status, *, ago_s: float = 1.0) -> list[str]:
    return status_text(status, Standing.of(status, 1000.0, 1000.0 + ago_s)).splitlines()


def test_a_unit_that_is_well_shows_every_part_in_a_line() -> None:
    lines = text_of(make())
    assert lines[:3] == [
        "northampton-pd car-12, plateward 1",
        "runs since 2026-10-29 12:00:00 UTC (3 d)",
        "no part is in trouble",
    ]
    for line in (
        "camera front: 9.8 frames/s, last 0.1 s ago; 300 reads, last 75 s ago",
        "hot list state: version ab12, 1,234,567 entries, 3 h old, from repository",
        "place: fix (gps, 9 satellites), 0.4 s old",
        "clock: kept by NTP, off by 12 ms at most",
        "disk: 30.0 GiB free of 60.0 GiB (50%)",
        "uplink: connected; 10 records wait, oldest from 3 min ago (1 of them hits), 4 pictures; "
        "300 of 310 receipted, 0 refused",
        "frame to alert: median 90 ms, 95% within 140 ms, 3 times",
        "start: ready after 2.1 s, first frame after 2.4 s",
        "counted: frames 12,000, reads 300",
        f"process {os.getpid()}: 300 MiB of memory, 12 threads, 40 open files",
    ):
        assert line in lines


def test_troubles_come_first_the_oldest_on_top() -> None:
    lines = text_of(
        make(
            troubles={
                "gps": TroubleFact(sentence="the cable is out", since=AT - timedelta(minutes=5)),
                "disk": TroubleFact(sentence="it is full", since=AT - timedelta(hours=5)),
            }
        )
    )
    assert lines[2:6] == [
        "TROUBLE disk, since 2026-11-01 07:00:00 UTC (5 h)",
        "        it is full",
        "TROUBLE gps, since 2026-11-01 11:55:00 UTC (5 min)",
        "        the cable is out",
    ]


@pytest.mark.policy("M-D1")
def test_a_stale_list_is_said_loudly() -> None:
    (fresh,) = make().hotlists
    old = msgspec.structs.replace(fresh, stale=True, age_s=200_000.0)
    (line,) = (line for line in text_of(make(hotlists=[old])) if line.startswith("hot list"))
    assert line.endswith("*** STALE: update it ***")
    assert "2 d old" in line
    assert "hot lists: NONE IN USE, no plate rings" in text_of(make(hotlists=[]))


def test_a_list_dated_ahead_of_the_clock_is_not_said_to_be_old() -> None:
    (fresh,) = make().hotlists
    ahead = msgspec.structs.replace(fresh, stale=True, age_s=-90_000.0)
    (line,) = (line for line in text_of(make(hotlists=[ahead])) if line.startswith("hot list"))
    assert "dated 25 h AHEAD of the unit's clock, from repository" in line
    assert line.endswith("*** its age is NOT KNOWN: check the clock, then the list's date ***")
    assert "STALE" not in line
    just = msgspec.structs.replace(fresh, age_s=-20.0)
    assert any("entries, 0.0 s old, from" in line for line in text_of(make(hotlists=[just])))


def test_what_is_not_known_is_not_made_up() -> None:
    (front,) = make().cameras
    lines = text_of(
        make(
            cameras=[msgspec.structs.replace(front, last_frame_s=None, last_read_s=None)],
            position=PositionFact(state="no_fix"),
            clock=ClockFact(source="unset", error_ms=None),
            disk=None,
            spool=None,
            uplink=UplinkFact(connected=False, counts={"receipts": 3}),
        )
    )
    for line in (
        "camera front: NO PICTURE since the start",
        "place: NOT KNOWN, the receiver has no fix",
        "clock: NEVER SET since the start, reads are marked for it, nobody knows how far it is off",
        "disk: CANNOT BE ASKED",
        "uplink: NOT CONNECTED; spool: CANNOT BE READ",
    ):
        assert line in lines


@pytest.mark.parametrize(
    ("stopped", "ago_s", "runs", "says"),
    [
        (False, 0.0, True, "runs since"),
        (False, STALE_AFTER_S, True, "runs since"),
        (False, STALE_AFTER_S + 1, False, "runs but CANNOT SAY how it is: its disk refuses"),
        (True, 1.0, False, "was stopped. It last spoke 1.0 s ago"),
        (False, -3600.0, False, "ahead of the clock"),
    ],
)
def test_an_old_status_is_of_a_daemon_that_does_not_run_or_cannot_say_how_it_is(
    stopped: bool, ago_s: float, runs: bool, says: str
) -> None:
    status = make(stopped=stopped)
    assert Standing.of(status, 1000.0, 1000.0 + ago_s).runs is runs
    assert says in text_of(status, ago_s=ago_s)[1]


def test_a_daemon_that_was_killed_does_not_run_however_fresh_its_status(tmp_path: Path) -> None:
    child = subprocess.Popen(["sleep", "60"])
    path = tmp_path / "data" / "status.json"
    path.parent.mkdir()
    process = msgspec.structs.replace(make().process, pid=child.pid)
    try:
        write_status(path, make(process=process))
        assert call(tmp_path).exit_code == 0
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert not process_lives(process), "it has ended, and its parent has not looked"
    finally:
        child.kill()
        child.wait()
    done = call(tmp_path)
    assert done.exit_code == 4
    assert "DOES NOT RUN and was not told to stop. It last spoke" in done.output


def test_a_process_that_was_given_the_number_later_is_another() -> None:
    own = process_fact()
    assert own.started_ticks is not None
    assert process_lives(own)
    assert not process_lives(msgspec.structs.replace(own, started_ticks=own.started_ticks - 1))
    assert process_lives(msgspec.structs.replace(own, started_ticks=None))
    assert process_lives(msgspec.structs.replace(own, pid=1, started_ticks=None))


def test_a_recording_that_was_read_to_its_end_has_ended() -> None:
    ended = {"camera-front": PartFact(runs=False, restarts=0)}
    assert "camera front: ended; 12,000 frames, 300 reads" in text_of(make(parts=ended))
    again = {"part camera-front": TroubleFact(sentence="it is started again", since=AT)}
    lines = text_of(make(parts=ended, troubles=again))
    assert any(line.startswith("camera front: 9.8 frames/s") for line in lines)


def test_what_the_spool_never_lost_is_not_shown() -> None:
    spool = make().spool
    assert spool is not None
    assert not any(line.startswith("spool:") for line in text_of(make()))
    short = msgspec.structs.replace(spool, pictures_gave_way=3)
    (line,) = (one for one in text_of(make(spool=short)) if one.startswith("spool:"))
    assert line == "spool: 3 pictures gave way for want of room"
    damaged = msgspec.structs.replace(spool, lost=2)
    (line,) = (one for one in text_of(make(spool=damaged)) if one.startswith("spool:"))
    assert line == "spool: 2 records LOST to damage"


def test_the_file_is_replaced_whole_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    write_status(path, make())
    assert read_status(path)[0] == make()
    with pytest.raises(StatusError, match="cannot be written"):
        write_status(tmp_path / "gone" / "status.json", make())


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a disk of its own: needs root")
def test_on_a_full_disk_it_still_says_how_the_unit_is(tmp_path: Path) -> None:
    disk = SmallDisk(tmp_path / "disk", 1)
    try:
        path = disk.folder / "status.json"
        write_status(path, make())
        disk.fill()
        full = {f"part {one}": TroubleFact(sentence="the disk is full", since=AT) for one in "abc"}
        for lasting in (False, True):
            write_status(path, make(troubles=full), lasting=lasting)
            assert read_status(path)[0] == make(troubles=full)
        many = {f"part {one}": TroubleFact(sentence="it fails", since=AT) for one in range(500)}
        with pytest.raises(StatusError, match="No space left"):
            write_status(path, make(troubles=many))
        assert read_status(path)[0] == make(troubles=full)
    finally:
        disk.unmount()


def test_a_newer_daemon_may_say_more(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    path.write_bytes(msgspec.json.encode(msgspec.to_builtins(make()) | {"moon": "full"}))
    assert read_status(path)[0] == make()


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"at": 3}'])
def test_a_file_that_is_no_status_is_refused(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "status.json"
    path.write_bytes(text)
    with pytest.raises(StatusError, match="another version"):
        read_status(path)


def call(folder: Path, *arguments: str) -> Result:
    (folder / "edge.toml").write_text(SETTINGS)
    return CliRunner().invoke(main, ["status", "--settings", str(folder / "edge.toml"), *arguments])


def test_the_exit_status_says_whether_it_runs_and_is_well(tmp_path: Path) -> None:
    done = call(tmp_path)
    assert (done.exit_code, "never run here" in done.output) == (1, True)
    assert "'alpr-edge doctor' says what is missing" in done.output
    path = tmp_path / "data" / "status.json"
    path.parent.mkdir()
    write_status(path, make())
    assert call(tmp_path).exit_code == 0
    write_status(path, make(troubles={"gps": TroubleFact(sentence="out", since=AT)}))
    assert call(tmp_path).exit_code == 3
    long_ago = time.time() - 3600
    os.utime(path, (long_ago, long_ago))
    done = call(tmp_path, "--json")
    assert done.exit_code == 4
    said = json.loads(done.output)
    assert (said["running"], said["unit"]) == (False, "car-12")
    assert said["said_ago_s"] == pytest.approx(3600, abs=60)


def test_the_command_loads_nothing_that_looks_at_pictures() -> None:
    heavy = {"cv2", "numpy", "onnxruntime", "paho", "prometheus_client", "serial", "sqlite3"}
    child = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, edge.cli, edge.commands.status; print(' '.join(sys.modules))",
        ],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=True,
    )
    assert heavy.isdisjoint(child.stdout.split())
