"""A pass that must not leave the unit rings there, and nothing of it is ever in the chain."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from edge.contract.plates import load_confusables
from edge.recording.recorder import Recorder
from edge.uplink.filter_settings import FilterSettings
from edge.uplink.withholding import Withholding
from tests.edge.recording.test_pass_recorder import drive
from tests.edge.recording_parts import LISTED, START, plate, recording, stored

OTHER = LISTED[:-1] + "3"


def withholding(recorder: Recorder, folder: Path, listed: str) -> Recorder:
    own = folder / "own.txt"
    own.write_text(listed)
    own.chmod(0o600)
    rules = Withholding(
        [FilterSettings(name="own", plates=own)],
        load_confusables(),
        recorder.spool,
        monotonic_s=lambda: 0.0,
        now=lambda: START,
        on_problem=lambda sentence: None,
    )
    return replace(recorder, withholding=rules)


@pytest.mark.policy("C-5b")
@pytest.mark.parametrize("later", [LISTED, OTHER])
def test_it_rings_at_once_and_stays_to_its_end_whatever_later_frames_read(
    tmp_path: Path, later: str
) -> None:
    now: list[datetime] = [START]
    with recording(tmp_path, now) as recorder:
        recorder = withholding(recorder, tmp_path, LISTED)
        sharper = [[plate(later, width=80 + 10 * step)] for step in range(10)]
        console = drive(recorder, now, [[plate(LISTED)], *sharper])
        ((_, (hit,)),) = console.alerts
        assert (hit.plate, hit.rang) == (LISTED, True)
        ((read, _, _),) = console.reads
        assert (read.id, read.plate) == (hit.read, later)
        assert stored(recorder.spool) == []
        assert recorder.spool.counts().spooled == 0
        assert recorder.spool.withheld().reads == {"own": 1}
        assert recorder.spool.withheld().kept == 1
        assert recorder.health.report().counters["reads_withheld"] == 1
    with recording(tmp_path, now) as recorder:
        assert stored(recorder.spool) == []


@pytest.mark.policy("C-5b")
def test_one_that_a_killed_unit_never_ended_stays_too(tmp_path: Path) -> None:
    now: list[datetime] = [START]
    with recording(tmp_path, now) as recorder:
        recorder = withholding(recorder, tmp_path, LISTED)
        console = drive(recorder, now, [[plate(LISTED)]] * 3, flush=False)
        assert len(console.alerts) == 1
    with recording(tmp_path, now, settle=0) as recorder:
        assert stored(recorder.spool) == []
        assert recorder.spool.withheld().reads == {"own": 1}
