"""Uploads by schedule, on command and by the link's cost, over a real broker; the command."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from edge.cli import main
from edge.contract.records import AnyRecord
from edge.schedule import Schedule
from edge.uplink.gate import UploadPlan
from edge.uplink.orders import Order, Orders, Outcome
from edge.uplink.timing import LinkCost, UploadRule
from tests.edge.spool.samples import (
    MOMENT,
    by_digest,
    hit,
    malfunction,
    picture_bytes,
    read,
    read_and_hit,
    read_with,
    sha256,
)
from tests.edge.uplink.conftest import Unit
from tests.edge.uplink.responder import Responder
from tests.servers import Broker
from tests.waiting import until

MakeUnit = Callable[..., Unit]
SETTINGS = """
[unit]
agency = "boston-pd"
name = "car-7"
data = "{data}"
[[cameras]]
name = "front"
source = "pictures"
[position]
kind = "none"
[uplink]
host = "127.0.0.1"
repository_public_key = "receipts.pub"
[uplink.upload]
when = "command"
"""


@pytest.fixture(autouse=True)
def look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.uplink.gate.LOOK_EVERY_S", 0.02)
    monkeypatch.setattr("edge.uplink.uplink.LOOK_EVERY_S", 0.02)


@pytest.mark.policy("C-7a")
def test_on_command_alone_hits_go_at_once_and_the_rest_when_somebody_asks(
    tmp_path: Path, make_unit: MakeUnit, broker: Broker, responder: Responder
) -> None:
    orders = Orders(tmp_path)
    unit = make_unit(broker.port, plan=UploadPlan(rule=UploadRule(on_command=True), orders=orders))
    unit.uplink.start()
    picture = picture_bytes(1)
    unit.add([read_with(picture)], by_digest(picture))
    unit.add(read_and_hit(), {})
    until(lambda: len(responder.notices) == 1)
    until(lambda: unit.spool.counts().hits_waiting == 0)
    assert responder.records == []
    assert not unit.uplink.counts().uploading
    assert unit.uplink.counts().oldest_waiting_at == MOMENT
    orders.ask(Order("a1", datetime.now(UTC)))
    until(lambda: orders.outcome() is not None)
    outcome = orders.outcome()
    assert outcome is not None
    assert (outcome.id, outcome.records, outcome.pictures_left) == ("a1", 3, 0)
    assert [record.seq for record in responder.records] == [1, 2, 3]
    assert responder.held == {sha256(picture)}
    until(lambda: not unit.uplink.counts().uploading)
    unit.add([malfunction], {})
    until(lambda: unit.uplink.counts().oldest_waiting_at == MOMENT)
    assert len(responder.records) == 3


@pytest.mark.policy("C-7a")
def test_a_schedule_opens_and_closes_by_itself_also_for_what_is_under_way(
    make_unit: MakeUnit, broker: Broker, responder: Responder
) -> None:
    night = Schedule.of("America/New_York", ["wed"], ["22:00-24:00"])
    now: list[datetime | None] = [None]  # the unit has not had the time yet
    plan = UploadPlan(
        rule=UploadRule(schedule=night, hits_at_once=False), time_of_day=lambda: now[0]
    )
    unit = make_unit(broker.port, plan=plan)
    unit.uplink.start()
    until(lambda: len(responder.statuses) == 1)
    unit.add(read_and_hit(), {})
    until(lambda: unit.uplink.counts().oldest_waiting_at is not None)
    opens = datetime(2026, 3, 5, 3, tzinfo=UTC)
    now[0] = opens - timedelta(seconds=1)
    assert responder.order == []
    responder.silent = True
    now[0] = opens
    until(lambda: unit.uplink.counts().session.batches_sent >= 1)
    now[0] = opens + timedelta(hours=2)
    until(lambda: not unit.uplink.counts().uploading)
    responder.silent = False
    sent = unit.uplink.counts().session
    unit.add([malfunction], {})
    until(lambda: len(responder.statuses) >= 1 and unit.spool.counts().waiting == 3)
    assert unit.uplink.counts().session == sent
    now[0] = opens + timedelta(minutes=1)
    until(unit.empty)
    assert [record.seq for record in responder.records] == [1, 2, 3]


@pytest.mark.parametrize(("pictures", "first"), [("unmetered", 0), ("hits", 1)])
def test_pictures_wait_for_a_link_that_costs_nothing_and_records_do_not(
    make_unit: MakeUnit, broker: Broker, responder: Responder, pictures: str, first: int
) -> None:
    asked: list[str | None] = []
    route = ["wwan0"]

    def interface_to(address: str | None) -> str:
        asked.append(address)
        return route[0]

    plan = UploadPlan(
        rule=UploadRule(pictures=pictures),  # type: ignore[arg-type]
        cost=LinkCost(metered=("wwan*",)),
        interface_to=interface_to,
    )
    unit = make_unit(broker.port, plan=plan)
    unit.uplink.start()
    ordinary, of_hit = picture_bytes(1), picture_bytes(2)
    unit.add([read_with(ordinary)], by_digest(ordinary))
    unit.add(hit_read(of_hit), by_digest(of_hit))
    until(lambda: unit.spool.counts().waiting == 0)
    until(lambda: len(responder.held) == first)
    assert unit.uplink.counts().metered
    assert responder.held <= {sha256(of_hit)}
    route[0] = "wlan0"
    until(unit.empty)
    assert responder.held == {sha256(ordinary), sha256(of_hit)}
    assert asked[-1] == "127.0.0.1"


def hit_read(picture: bytes) -> list[Callable[[int], AnyRecord]]:
    """A read that matched a list, which names a picture, and its hit."""
    made = read(1)
    match = hit(1, made.id).match
    return [
        lambda seq: read(seq, pictures=[picture], hits=(match,)),
        lambda seq: hit(seq, made.id),
    ]


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    path = tmp_path / "edge.toml"
    path.write_text(SETTINGS.format(data=tmp_path / "data"))
    return path


@pytest.mark.policy("C-7a")
def test_the_command_leaves_an_order_and_says_how_it_went(settings: Path) -> None:
    orders = Orders(settings.parent / "data")
    asked = CliRunner().invoke(main, ["upload", "--settings", str(settings)])
    assert asked.exit_code == 0, asked.output
    assert "the daemon does not run: it will upload when it is started" in asked.output
    order = orders.pending()
    assert order is not None

    def carry_out() -> None:
        orders.finish(
            Outcome(order.id, order.asked_at, order.asked_at + timedelta(seconds=7), 41, 2)
        )

    daemon = threading.Timer(0.2, carry_out)
    daemon.start()
    waited = CliRunner().invoke(main, ["upload", "--settings", str(settings), "--wait"])
    daemon.join()
    assert waited.exit_code == 0, waited.output
    assert "uploaded: 41 records in 7 s" in waited.output
    assert "2 pictures wait" in waited.output


def test_a_command_whose_patience_ends_says_that_the_order_stands(settings: Path) -> None:
    asked = CliRunner().invoke(
        main, ["upload", "--settings", str(settings), "--wait", "--patience", "1"]
    )
    assert asked.exit_code == 3
    assert "the order stands" in asked.output
    assert Orders(settings.parent / "data").pending() is not None
