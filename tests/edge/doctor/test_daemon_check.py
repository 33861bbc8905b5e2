"""What a running daemon says of itself, in the doctor's words."""

from __future__ import annotations

import pytest

from edge.doctor.daemon_check import judge_daemon
from edge.doctor.findings import Finding
from edge.health.receipt_watch import PART
from edge.health.status import TroubleFact, UplinkFact
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
