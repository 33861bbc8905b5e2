"""Who has which version: from what units fetch over HTTPS, and what they say in their status."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, insert

from repository.accounts.user import User
from repository.hotlists import holdings, versions
from repository.hotlists.desk import ListDesk
from repository.hotlists.holdings import Holding
from repository.store.engine import reading
from repository.store.tables.fleet import unit_status
from repository.units import enrolment, findings
from repository.units.requests import KnownUnit
from tests.edge.hotfile.update_site import car
from tests.repository.hotlists.test_desk import TYPED
from tests.repository.listing import LIST, Rooms, entries, issue, serving
from tests.repository.people import Clock
from tests.repository.sender import Sender
from tests.whole_lists import decode_list

AFTER = timedelta(hours=24)


@pytest.fixture
def sender(engine: Engine, accounts: object, clock: Clock) -> Sender:
    unit = Sender(agency="salem-pd")
    unit.enrol(engine, clock())
    return unit


def say(engine: Engine, clock: Clock, **lists: str) -> None:
    """The status of the first unit, as ingest would have stored it."""
    health = {"hotlists": [{"name": name, "version": version} for name, version in lists.items()]}
    at = clock()
    with engine.begin() as connection:
        connection.execute(delete(unit_status))
        connection.execute(
            insert(unit_status).values(
                unit_id=1, state="online", at=at, software="x", waiting_records=0, received_at=at,
                health=health, health_at=at,
            )
        )  # fmt: skip


def holding(engine: Engine, clock: Clock) -> Holding:
    with reading(engine) as connection:
        (found,) = holdings.of_units(connection, clock(), "salem-pd")
    return found


def found(engine: Engine, clock: Clock) -> list[str]:
    """What is raised once the units were looked at."""
    with engine.begin() as connection:
        holdings.watch(connection, AFTER, clock())
        return [each.detail for each in findings.list_findings(connection)]


@pytest.mark.policy("M-E3")
@pytest.mark.policy("M-C7")
def test_a_real_unit_takes_a_confirmed_entry_by_delta_and_drops_it_when_it_is_cancelled(
    engine: Engine, sender: Sender, desk: ListDesk, officer: User, second: User, clock: Clock,
    tmp_path: Path,
) -> None:  # fmt: skip
    others = []
    for number in range(3):
        typed = replace(TYPED, plate=f"2ABC{number}0", note="a long note " * 40)
        others.append(desk.propose(officer, LIST, typed, "test").entry)
        desk.confirm(second, others[-1].id, "test")
    with (
        serving(Rooms.over(engine, clock), tmp_path) as (port, ca_file),
        car(tmp_path / "unit", port, ca_file, sender.key, agency="salem-pd", now=clock) as unit,
    ):

        def rings_for() -> list[str]:
            unit.look()
            assert unit.trouble is None
            return sorted(each.plate for each in unit.folder.entries(LIST))

        entry = desk.propose(officer, LIST, TYPED, "test").entry
        assert rings_for() == ["2ABC00", "2ABC10", "2ABC20"]
        assert holding(engine, clock).fetched == 3
        desk.confirm(second, entry.id, "test")
        assert rings_for() == ["1ABC23", "2ABC00", "2ABC10", "2ABC20"]
        assert (unit.web.deltas, holding(engine, clock).fetched) == ([4], 4)
        desk.cancel(officer, LIST, entry.label, "child is safe at home", "test")
        assert rings_for() == ["2ABC00", "2ABC10", "2ABC20"]
        for other in others:
            desk.cancel(officer, LIST, other.label, "no longer looked for", "test")
        assert rings_for() == []


def test_a_unit_that_was_never_set_to_a_list_is_not_said_to_lack_it(
    engine: Engine, sender: Sender, clock: Clock
) -> None:
    issue(engine, entries(1), clock(), "salem-pd")
    say(engine, clock)
    clock.pass_(days=9)
    say(engine, clock)
    each = holding(engine, clock)
    assert (each.version, each.newest, each.known) == (None, 1, False)
    assert found(engine, clock) == []


@pytest.mark.policy("M-B1")
def test_a_unit_that_stays_behind_is_found_until_it_caught_up(
    engine: Engine, sender: Sender, clock: Clock
) -> None:
    issue(engine, entries(1), clock(), "salem-pd")
    say(engine, clock, stolen="1")
    assert (holding(engine, clock).behind_by, holding(engine, clock).behind_since) == (0, None)
    clock.pass_(hours=6)
    for number in (2, 3):
        issue(engine, entries(number), clock(), "salem-pd")
    since = clock()
    clock.pass_(days=2)
    each = holding(engine, clock)
    assert (each.version, each.behind_by, each.behind_since) == (1, 2, since)
    assert each.age == timedelta(days=2, hours=6)
    assert found(engine, clock) == []  # switched off since: it has said nothing
    say(engine, clock, stolen="1")
    (detail,) = found(engine, clock)
    assert detail.startswith("has version 1 of hot list stolen where version 3 is the newest")
    say(engine, clock, stolen="3")
    assert found(engine, clock) == []


def test_a_unit_that_lost_its_list_is_behind_by_all_and_a_revoked_one_is_left_out(
    engine: Engine, sender: Sender, clock: Clock
) -> None:
    issue(engine, entries(1), clock(), "salem-pd")
    lists = Rooms.over(engine, clock).hotlists
    known = KnownUnit("salem-pd", sender.unit)
    issued = lists.find(known, LIST, 1)
    half = issued.size_bytes // 2
    list(lists.pieces(known, LIST, issued, 0, half))
    assert holding(engine, clock).fetched is None
    list(lists.pieces(known, LIST, issued, half, issued.size_bytes))
    assert (holding(engine, clock).fetched, holding(engine, clock).fetched_at) == (1, clock())
    clock.pass_(days=2)
    say(engine, clock)
    assert found(engine, clock)[0].startswith("has none of hot list stolen")
    with engine.begin() as connection:
        enrolment.revoke_unit(connection, agency="salem-pd", name=sender.unit, now=clock())
    with reading(engine) as connection:
        assert holdings.of_units(connection, clock()) == []
        newest = versions.newest(connection, "salem-pd", LIST)
        assert len(decode_list(b"".join(newest.file(connection)))) == 1
