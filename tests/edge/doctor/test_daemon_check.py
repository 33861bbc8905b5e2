"""What a running daemon says of itself, in the doctor's words."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from edge.doctor.daemon_check import check_daemon, judge_daemon, running_status
from edge.doctor.findings import Finding
from edge.health.receipt_watch import PART
from edge.health.status import STATUS_FILE, TroubleFact, UplinkFact, write_status
from tests.edge.health.test_status import AT, make


def look(counts: dict[str, int], troubles: dict[str, TroubleFact]) -> dict[str, Finding]:
    said = make(uplink=UplinkFact(connected=True, counts=counts), troubles=troubles)
    return {one.check: one for one in judge_daemon(said)}


@pytest.mark.parametrize(
    ("counts", "verdict"),
    [
        ({}, "ok"),
        ({"receipts": 9, "receipts_late": 3}, "ok"),
        ({"receipts_forged": 1}, "warning"),
        ({"receipts_malformed": 308}, "warning"),
    ],
)
def test_strange_messages_on_the_receipt_topic_deserve_attention(
    counts: dict[str, int], verdict: str
) -> None:
    assert look(counts, {})["receipts"].verdict == verdict


def test_strange_messages_that_are_a_trouble_now_are_said_once() -> None:
    sentence = "1 message was not the repository's: check the broker's access rules"
    found = look({"receipts_forged": 1}, {PART: TroubleFact(sentence=sentence, since=AT)})
    assert "receipts" not in found
    assert found[f"daemon: {PART}"].do == "check the broker's access rules"


def test_a_daemon_whose_disk_refuses_is_not_said_to_be_ended(tmp_path: Path) -> None:
    process = msgspec.structs.replace(make().process, pid=os.getpid())
    write_status(tmp_path / STATUS_FILE, make(process=process))
    os.utime(tmp_path / STATUS_FILE, (0, 0))
    status = running_status(tmp_path)
    assert status is not None, "its cameras and ports are not opened beside it"
    said = [one for one in check_daemon(status, tmp_path) if one.check == "daemon"]
    assert said[0].verdict == "fail"
    assert "disk refuses" in said[0].found
    assert "make room" in said[0].do
