"""Whoever takes a unit's disk without its keys learns no plate and sees no picture."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge.contract.records import Read, decode_record
from edge.enrolment import enrol
from edge.spool.store import Spool
from tests.servers import free_port
from tests.street import write_pictures

AGENCY, UNIT = "boston-pd", "car-7"
WITHIN_S = 120.0
JPEG = b"\xff\xd8\xff\xe0"


@pytest.mark.policy("M-C7")
def test_a_unit_killed_in_the_street_leaves_no_plate_and_no_picture_on_its_disk(
    tmp_path: Path,
) -> None:
    plates = write_pictures(tmp_path / "pictures", 2)
    hotlist = tmp_path / "hotlist.csv"
    hotlist.write_text(f"plate,state,kind,id\n{plates[0]},MA,stolen_vehicle,1\n8JKL22,MA,other,2\n")
    keys = enrol(tmp_path / "keys")
    (tmp_path / "edge.toml").write_text(
        f"""
[unit]
agency = "{AGENCY}"
name = "{UNIT}"

[[cameras]]
name = "front"
source = "pictures"

[[hotlists]]
name = "state"
path = "hotlist.csv"

[position]
kind = "none"

[uplink]
host = "127.0.0.1"
port = {free_port()}
repository_public_key = "keys/unit.pub"
"""
    )
    data = tmp_path / "data"
    with (tmp_path / "log").open("wb") as log:
        unit = subprocess.Popen(
            [
                str(Path(sys.executable).with_name("alpr-edge")),
                *("run", "--settings", str(tmp_path / "edge.toml"), "--console", "none"),
            ],
            stdout=log,
            stderr=log,
        )
        try:
            _wait_for_reads(data / "status.json", len(plates), unit)
        finally:
            unit.send_signal(signal.SIGKILL)
            unit.wait()
    files = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}
    files[tmp_path / "log"] = (tmp_path / "log").read_bytes()
    assert any(path.name == "spool.sqlite-wal" for path in files)
    assert any(path.suffix == ".hotfile" for path in files)
    with Spool.open(data / "spool", keys.spool_key, agency=AGENCY, unit=UNIT) as spool:
        batch = spool.seal(keys.signing_key)
        assert batch is not None
        records = [decode_record(bytes(raw)) for raw in batch.records]
        reads = [record for record in records if isinstance(record, Read)]
        assert sorted(read.plate for read in reads) == sorted(plates)
        assert any(read.hits for read in reads)
        secrets = [plate.encode() for plate in (*plates, "8JKL22")]
        secrets += [str(record.id).encode() for record in records]
        secrets += [bytes.fromhex(picture.sha256) for read in reads for picture in read.pictures]
    for path, content in files.items():
        assert JPEG not in content, path.name
        for secret in secrets:
            assert secret not in content, path.name


def _wait_for_reads(status: Path, number: int, unit: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while time.monotonic() < deadline:
        assert unit.poll() is None, (status.parents[1] / "log").read_text()
        if status.exists() and json.loads(status.read_text())["counters"].get("reads", 0) >= number:
            return
        time.sleep(0.1)
    raise AssertionError("the unit reads nothing")
