"""Power cuts, full disks, torn logs and damaged files."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.contract.records import decode_record
from edge.spool.errors import SpoolError
from edge.spool.store import Spool
from tests.edge.spool.samples import (
    AGENCY,
    SPOOL_KEY,
    UNIT,
    UNIT_KEY,
    by_digest,
    malfunction,
    picture_bytes,
    read_with,
)

OpenSpool = Callable[..., Spool]
ADDER = Path(__file__).with_name("adder.py")
DATABASE = "spool.sqlite"


def run_adder(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(ADDER), str(folder), *arguments],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )


def stored(spool: Spool) -> list[int]:
    """The sequences of every record in the spool, as they come out again."""
    while spool.seal(UNIT_KEY) is not None:
        pass
    batches = spool.unreceipted_batches(10_000)
    return [decode_record(bytes(raw)).seq for batch in batches for raw in batch.records]


@pytest.mark.policy("M-V-C1")
def test_what_was_added_before_a_kill_is_there_exactly_once(
    tmp_path: Path, open_spool: OpenSpool
) -> None:
    folder = tmp_path / "spool"
    rng = random.Random(7)
    reported = 0
    for _ in range(6):
        adder = run_adder(folder)
        assert adder.stdout is not None
        for _ in range(rng.randrange(1, 60)):
            reported = int(adder.stdout.readline())
        adder.send_signal(signal.SIGKILL)
        for line in adder.stdout.read().splitlines(keepends=True):
            if line.endswith("\n"):  # what was said before the kill came
                reported = int(line)
        adder.stdout.close()
        assert adder.wait(30) == -signal.SIGKILL
    spool = open_spool()
    found = stored(spool)
    assert found == list(range(1, len(found) + 1))
    # One add of two records may have been committed and not yet reported.
    assert len(found) - reported in (0, 2)
    assert spool.counts().pictures_waiting == len(found) // 2


def test_a_disk_that_stops_taking_bytes_loses_nothing_and_invents_nothing(
    tmp_path: Path, open_spool: OpenSpool
) -> None:
    adder = run_adder(tmp_path / "spool", "--file-limit", "400000")
    output, _ = adder.communicate(timeout=60)
    *reported, refusal = output.splitlines()
    assert adder.returncode == 0
    assert refusal.startswith("SpoolError: "), refusal
    assert stored(open_spool()) == list(range(1, int(reported[-1]) + 1))


def test_a_torn_log_leaves_whole_additions_from_the_first_on(
    tmp_path: Path, open_spool: OpenSpool
) -> None:
    spool = open_spool()
    sizes = [0]
    log = tmp_path / "spool" / f"{DATABASE}-wal"
    for number in range(8):
        content = picture_bytes(number)
        spool.add([read_with(content), malfunction], by_digest(content))
        sizes.append(log.stat().st_size)
    shutil.copytree(tmp_path / "spool", tmp_path / "whole")
    spool.close()
    rng = random.Random(3)
    cuts = [*sizes, *(rng.randrange(sizes[-1]) for _ in range(20))]
    for number, cut in enumerate(cuts):
        folder = tmp_path / f"torn-{number}"
        shutil.copytree(tmp_path / "whole", folder, ignore=shutil.ignore_patterns("*-shm"))
        os.truncate(folder / log.name, cut)
        whole = sum(size <= cut for size in sizes[1:])
        with Spool.open(folder, SPOOL_KEY, agency=AGENCY, unit=UNIT, reserve_bytes=0) as torn:
            assert torn.counts().spooled == 2 * whole
            assert torn.counts().pictures_waiting == whole
            assert stored(torn) == list(range(1, 2 * whole + 1))


def test_another_layout_is_refused(tmp_path: Path, open_spool: OpenSpool) -> None:
    open_spool().close()
    connection = sqlite3.connect(tmp_path / "spool" / DATABASE)
    with connection:
        connection.execute("PRAGMA user_version = 4")
    connection.close()
    with pytest.raises(SpoolError, match="the spool has layout 4, this software knows 3"):
        open_spool()


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SpoolError, match="the spool cannot be used"):
        Spool.open(tmp_path / "file" / "spool", SPOOL_KEY, agency=AGENCY, unit=UNIT)
