"""Uploads on command: an order stands until it is carried out, and its outcome is said."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from edge.spool.pictures import Standing
from edge.spool.store import Counts
from edge.uplink.errors import UplinkError
from edge.uplink.gate import LOOK_EVERY_S, Gate, UploadPlan
from edge.uplink.messages import Allowed
from edge.uplink.orders import ORDER_FILE, OUTCOME_FILE, Order, Orders, Outcome
from edge.uplink.timing import LinkCost, UploadRule
from tests.edge.spool.samples import MOMENT

ORDER = Order(id="a1", asked_at=MOMENT)
CLOSED = Allowed(hits=True, records=False, pictures=None)
OPEN = Allowed(hits=True, records=True, pictures=Standing.ORDINARY)


def counts(spooled: int, receipted: int, pictures_waiting: int = 0) -> Counts:
    return Counts(
        **{
            **dict.fromkeys(Counts.__dataclass_fields__, 0),
            "spooled": spooled,
            "receipted": receipted,
            "waiting": spooled - receipted,
            "pictures_waiting": pictures_waiting,
        }
    )


class Looking:
    """A gate that is looked at again and again."""

    def __init__(self, folder: Path) -> None:
        self.orders = Orders(folder)
        self.gate = Gate(UploadPlan(rule=UploadRule(on_command=True), orders=self.orders))
        self.now_s = 0.0

    def look(self, now: Counts, held: int = 0) -> Allowed:
        self.now_s += LOOK_EVERY_S
        return self.gate.look(self.now_s, lambda: None, now, held)

    def finish(self, now: Counts, held: int = 0, *, idle: bool = True) -> Outcome | None:
        at = MOMENT + timedelta(seconds=9)
        self.gate.finish(now, held, pictures_idle=idle, at=at)
        return self.orders.outcome()


@pytest.mark.policy("C-7a")
def test_an_order_opens_the_gate_until_what_waited_then_is_receipted(tmp_path: Path) -> None:
    looking = Looking(tmp_path)
    assert looking.look(counts(10, 4)) == CLOSED
    looking.orders.ask(ORDER)
    assert looking.look(counts(10, 4)) == OPEN
    assert looking.finish(counts(12, 9)) is None
    assert looking.look(counts(12, 10)) == OPEN
    outcome = looking.finish(counts(12, 10, 3))
    assert outcome == Outcome("a1", MOMENT, MOMENT + timedelta(seconds=9), 6, 3)
    assert looking.look(counts(12, 10)) == CLOSED
    assert not (tmp_path / ORDER_FILE).exists()


def test_an_order_waits_for_the_pictures_that_waited_and_no_others(tmp_path: Path) -> None:
    looking = Looking(tmp_path)
    looking.orders.ask(ORDER)
    looking.look(counts(2, 0, 4), held=100)
    assert looking.finish(counts(2, 2, 4), held=103, idle=False) is None
    assert looking.finish(counts(9, 9, 7), held=104, idle=False) is not None


def test_an_order_survives_a_restart(tmp_path: Path) -> None:
    Orders(tmp_path).ask(ORDER)
    looking = Looking(tmp_path)
    assert looking.look(counts(1, 0)) == OPEN
    assert Looking(tmp_path).look(counts(1, 0)) == OPEN


def test_asking_again_before_it_is_done_changes_nothing(tmp_path: Path) -> None:
    orders = Orders(tmp_path)
    orders.ask(ORDER)
    assert orders.ask(Order(id="b2", asked_at=MOMENT)) == ORDER
    orders.finish(Outcome("a1", MOMENT, MOMENT, 0, 0))
    assert orders.ask(Order(id="b2", asked_at=MOMENT)).id == "b2"


def test_an_order_that_cannot_be_removed_is_not_carried_out_twice(tmp_path: Path) -> None:
    looking = Looking(tmp_path)
    looking.orders.ask(ORDER)
    left_over = (tmp_path / ORDER_FILE).read_bytes()
    looking.look(counts(1, 1))
    looking.finish(counts(1, 1))
    (tmp_path / ORDER_FILE).write_bytes(left_over)
    assert looking.look(counts(2, 1)) == CLOSED


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"id": 7}', b"\xff" * 10_000])
def test_a_broken_file_is_no_order(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ORDER_FILE).write_bytes(content)
    (tmp_path / OUTCOME_FILE).write_bytes(content)
    orders = Orders(tmp_path)
    assert orders.pending() is None
    assert orders.outcome() is None
    assert orders.ask(ORDER) == ORDER


def test_an_order_that_cannot_be_written_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UplinkError, match="run as the daemon's user"):
        Orders(tmp_path / "missing").ask(ORDER)


def test_a_run_of_recordings_sends_everything_over_whatever_link(tmp_path: Path) -> None:
    rule = UploadRule(on_command=True, hits_at_once=False, pictures="command")
    plan = UploadPlan(
        rule=rule, cost=LinkCost(metered=("*",)), interface_to=lambda address: "wwan0"
    )
    gate = Gate(plan)
    assert gate.look(0, lambda: "192.0.2.1", counts(1, 0), 0) == Allowed(False, False, None)
    assert gate.metered
    gate.send_everything()
    assert gate.look(0, lambda: "192.0.2.1", counts(1, 0), 0) == OPEN


def test_the_links_cost_is_looked_at_again(tmp_path: Path) -> None:
    route = ["wwan0"]
    plan = UploadPlan(
        rule=UploadRule(pictures="unmetered"),
        cost=LinkCost(metered=("wwan*",)),
        interface_to=lambda address: route[0],
    )
    gate = Gate(plan)
    assert gate.look(0, lambda: "192.0.2.1", counts(1, 0), 0).pictures is None
    route[0] = "wlan0"
    assert gate.look(LOOK_EVERY_S / 2, lambda: "192.0.2.1", counts(1, 0), 0).pictures is None
    seen = gate.look(LOOK_EVERY_S, lambda: "192.0.2.1", counts(1, 0), 0)
    assert seen.pictures is Standing.ORDINARY
