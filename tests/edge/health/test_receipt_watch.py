"""Messages that pose as receipts are said, for an hour after the last of them."""

from __future__ import annotations

from typing import cast

import pytest
import structlog

from edge.health.health import Health
from edge.health.malfunctions import component_of
from edge.health.receipt_watch import PART, TROUBLE_FOR_S, ReceiptWatch
from edge.uplink.kept_uplink import RunningUplink
from edge.uplink.messages import SessionCounts
from edge.uplink.uplink import UplinkCounts


class Counting:
    """An uplink that has counted what a test says."""

    def __init__(self) -> None:
        self.session = SessionCounts()

    def counts(self) -> UplinkCounts:
        return UplinkCounts(
            connected=True,
            receipts_dropped=0,
            session=self.session,
            uploading=True,
            metered=False,
            oldest_waiting_at=None,
        )


def test_strange_receipts_are_a_trouble_said_once_until_an_hour_without() -> None:
    uplink, health, now = Counting(), Health(), [0.0]
    watch = ReceiptWatch(cast(RunningUplink, uplink), health, lambda: now[0])
    with structlog.testing.capture_logs() as logged:
        uplink.session.receipts = uplink.session.receipts_late = 9
        watch.look()
        assert health.report().healthy
        uplink.session.receipts_malformed = 1
        watch.look()
        assert health.report().troubles[PART].startswith("1 message on this unit's receipt topic")
        uplink.session.receipts_malformed, uplink.session.receipts_forged = 308, 1
        now[0] += TROUBLE_FOR_S - 1
        watch.look()
        assert health.report().troubles[PART].startswith("309 messages on this unit's")
        assert "check the broker's access rules" in health.report().troubles[PART]
        now[0] += TROUBLE_FOR_S
        watch.look()
        assert not health.report().healthy
        now[0] += 1
        watch.look()
        watch.look()
        assert health.report().healthy
    assert [one["event"] for one in logged] == ["trouble", "recovered"]


def test_an_uplink_that_was_made_anew_counts_from_nothing() -> None:
    uplink, health = Counting(), Health()
    watch = ReceiptWatch(cast(RunningUplink, uplink), health)
    uplink.session.receipts_forged = 5
    watch.look()
    uplink.session = SessionCounts()
    watch.look()
    uplink.session.receipts_forged = 2
    watch.look()
    assert health.report().troubles[PART].startswith("7 messages")


def test_a_link_that_the_unit_left_for_what_came_is_said_as_well() -> None:
    uplink, health = Counting(), Health()
    watch = ReceiptWatch(cast(RunningUplink, uplink), health)
    uplink.session.links_left = 1
    watch.look()
    said = health.report().troubles[PART]
    assert said.startswith("1 message on this unit's receipt topic")
    assert "leave the link" in said
    assert "check the broker's access rules" in said


@pytest.mark.parametrize(("part", "component"), [(PART, "other"), ("uplink link", "link")])
def test_strange_receipts_go_on_record_at_once_a_link_that_is_down_does_not(
    part: str, component: str
) -> None:
    assert component_of(part) == component
