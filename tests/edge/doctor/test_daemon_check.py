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
    return {one.check: one for one in judge_daemon(said, ("state",))}


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


@pytest.mark.parametrize(
    ("part", "sentence", "do"),
    [
        (
            "hot list update state",
            "hot list state: the repository at https://r cannot be reached: it broke off",
            "check the way to the repository",
        ),
        (
            "hot list local",
            "/data/hotlists/local/entries: cannot be read: Permission denied",
            "see what is said of the disk",
        ),
        (
            "hot list forced state",
            "hot list state: version 9 was put in use by hand although it changes more than is "
            "allowed: two towns joined",
            "ask who did that",
        ),
        (
            "clock of the system",
            "the system's clock is 90 s behind the time that the unit knows: set it; until then "
            "the log carries a wrong time",
            "set it; until then the log carries a wrong time",
        ),
        (
            "uplink link",
            "127.0.0.1:8883: it does not answer; the unit keeps everything and tries again",
            "see what is said of the broker",
        ),
        (
            "uplink link",
            "it refuses this unit its receipts: check the broker's access rules",
            "see what is said of the broker; if all is well there, check the broker's access",
        ),
        (
            "uplink link",
            "it does not answer as a broker: ask 'alpr-edge doctor' whether it refuses this unit",
            "see what is said of the broker",
        ),
        ("engine front", "model plate-reader failed on a picture: [a fault]", "run 'alpr-edge"),
        (
            "lines of hot list state",
            "4 of 9 lines of state were rejected: the first is line 3: priority: 9 is not 1 to 5",
            "correct those lines",
        ),
        ("part uplink", "uplink failed with OSError and is started again", "restart the daemon"),
        ("status file", "it cannot be written: No space left on device", "see what is said of"),
    ],
)
def test_every_trouble_is_shown_with_what_to_do(part: str, sentence: str, do: str) -> None:
    finding = look({}, {part: TroubleFact(sentence=sentence, since=AT)})[f"daemon: {part}"]
    assert finding.verdict == "fail"
    assert finding.do.startswith(do)
    said = f"since 2026-11-01 12:00 UTC: {sentence}"
    assert said.startswith(finding.found)
    assert finding.found == said or finding.do in sentence or part == "uplink link"
    assert "alpr-edge doctor" not in finding.do


def test_troubles_that_another_check_looks_into_are_left_to_it() -> None:
    parts = ("gps", "clock", "camera front", "hot list state", "hot list file state")
    said = TroubleFact(sentence="it is gone", since=AT)
    found = look({}, dict.fromkeys((*parts, "age of hot list state"), said))
    assert not any(check.startswith("daemon: ") for check in found)


def test_a_daemon_whose_disk_refuses_is_not_said_to_be_ended(tmp_path: Path) -> None:
    process = msgspec.structs.replace(make().process, pid=os.getpid())
    write_status(tmp_path / STATUS_FILE, make(process=process))
    os.utime(tmp_path / STATUS_FILE, (0, 0))
    status = running_status(tmp_path)
    assert status is not None, "its cameras and ports are not opened beside it"
    said = [one for one in check_daemon(status, tmp_path, ()) if one.check == "daemon"]
    assert said[0].verdict == "fail"
    assert "disk refuses" in said[0].found
    assert "make room" in said[0].do
